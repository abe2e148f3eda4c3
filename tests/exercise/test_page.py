"""The pages of feedback in a browser, and the tables beside them."""

from __future__ import annotations

import csv
import dataclasses

import pytest

from digitwise.exercise.checking import ClassMarks
from digitwise.exercise.marks import Mark, PartMark, TaskMark
from digitwise.exercise.pages import write_class, write_page
from digitwise.exercise.tasks import TASKS

NASTY = "<img src=x onerror=document.title='run'>" + "long" * 100


def marked(notebook, share=0.0, **rest):
    tasks = (
        TaskMark(
            task.id,
            task.title,
            tuple(
                PartMark(each.id, each.what, share * each.points, each.points, "a reason", "") for each in task.parts
            ),
        )
        for task in TASKS
    )
    return Mark(notebook, tuple(tasks), **rest)


def whole(*marks, **copies):
    data = {"name": NASTY, "fingerprint": {}, "quick": False}
    return ClassMarks(marks, tuple(f"{place}.html" for place in range(len(marks))), copies, data)


@pytest.mark.parametrize("width", [375, 1440])
def test_page_fits_the_screen_and_shows_no_markup_of_the_students(tmp_path, browser, width):
    part = PartMark("drawn", "a bar for each class", 0, 0.5, NASTY, NASTY, NASTY, provisional=True, remark=NASTY)
    mark = Mark(f"{NASTY[:40]}.ipynb", (TaskMark("histogram", "Histogram", (part,)),), "", {3: NASTY}, (NASTY,))
    write_page(mark, tmp_path / "page.html")
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(f"file://{tmp_path}/page.html")
    assert "0 of 0.5 points" in page.title()
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "0.5 points are provisional" in page.inner_text("main")
    assert "Not all cells ran: 1 cell failed" in page.inner_text("main")
    page.close()


def test_page_speaks_the_notebooks_language(tmp_path):
    write_page(marked("n.ipynb", 0.25, language="de"), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in text
    assert "2,5 von 10 Punkten" in text


@pytest.mark.parametrize("width", [375, 1440])
def test_class_page_sorts_and_filters_and_shows_no_markup(tmp_path, browser, width):
    marks = [
        marked("/class/b.ipynb", 0.5, warnings=(NASTY,)),
        marked("/class/a.ipynb", 1, errors={1: "x"}),
        marked(f"/class/{NASTY[:30]}.ipynb", ended=NASTY, opened=False),
    ]
    found = whole(*marks, **{"/class/a.ipynb": [NASTY]})
    write_class(tmp_path, found.as_dict(), found.marks)
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(f"file://{tmp_path}/class.html")

    def names():
        return [each.inner_text() for each in page.locator("#class tbody tr:visible td:first-child").all()]

    assert names()[:2] == ["b.ipynb", "a.ipynb"]
    page.click("#class th:nth-child(2) button")
    assert names()[:2] == ["a.ipynb", "b.ipynb"]
    page.click("#class th:nth-child(2) button")
    assert names()[1:] == ["b.ipynb", "a.ipynb"]
    page.select_option("#state", "1 cell failed")
    assert (names(), page.inner_text("#count")) == (["a.ipynb"], "1 of 3")
    page.select_option("#state", "")
    page.fill("#search", "B.IPY")
    assert names() == ["b.ipynb"]
    assert page.locator("img").count() == 0
    assert page.title() == "3 notebooks marked"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_tables_of_a_class_have_no_live_cells(tmp_path):
    mark = marked("=1+1.ipynb", warnings=("=HYPERLINK(1)",))
    part = dataclasses.replace(mark.tasks[0].parts[1], text="@SUM(1)\n-2", remark="+3 words")
    found = whole(mark.replaced("histogram", part))
    write_class(tmp_path, found.as_dict(), found.marks)
    for name in ("points.csv", "marks.csv"):
        with (tmp_path / name).open(newline="", encoding="utf-8") as file:
            cells = [cell for row in list(csv.reader(file))[1:] for cell in row]
        assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    assert "'@SUM(1) -2" in cells


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        ("ran to its end", marked("n.ipynb")),
        ("1 cell failed", marked("n.ipynb", errors={3: "x"})),
        ("2 cells failed", marked("n.ipynb", errors={3: "x", 4: "y"})),
        ("did not run to its end", marked("n.ipynb", ended="the limit", errors={3: "x"})),
        ("not opened", marked("n.ipynb", ended="no notebook", opened=False)),
    ],
)
def test_notebook_with_failed_cells_did_not_run_to_its_end(state, mark):
    assert mark.state == state
    assert Mark.from_dict(mark.as_dict()) == mark


def test_frames_have_a_row_for_each_notebook_and_each_part():
    found = whole(marked("a.ipynb", 1), marked("b.ipynb"), **{"a.ipynb": ["b.ipynb: 4 of 4 cells alike"]})
    frame, parts = found.frame(), found.parts()
    assert frame.points.tolist() == [10, 0]
    assert frame.copies.tolist() == ["b.ipynb: 4 of 4 cells alike", ""]
    assert parts.groupby("notebook").points.sum().to_dict() == {"a.ipynb": 10, "b.ipynb": 0}
