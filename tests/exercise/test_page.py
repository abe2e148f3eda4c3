"""The page of feedback in a browser."""

from __future__ import annotations

import pytest

from digitwise.exercise.marks import Mark, PartMark, TaskMark, write_page


@pytest.mark.parametrize("width", [375, 1440])
def test_page_fits_the_screen_and_shows_no_markup_of_the_students(tmp_path, browser, width):
    nasty = "<img src=x onerror=document.title='run'>" + "long" * 100
    parts = (PartMark("drawn", "a bar for each class", 0, 0.5, nasty, nasty),)
    mark = Mark(f"{nasty[:40]}.ipynb", (TaskMark("histogram", "Histogram", parts),), "", {3: nasty}, (nasty,))
    write_page(mark, tmp_path / "page.html")
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(f"file://{tmp_path}/page.html")
    assert "0 of 0.5 points" in page.title()
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
