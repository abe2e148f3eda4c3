"""What readings and findings show in a notebook."""

import base64
import dataclasses
import io
import re
import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

import digitwise
from digitwise import displays
from digitwise.checks import Checked, Finding
from digitwise.errors import DataError, MissingPartError
from digitwise.reading.results import Digit, FieldReading, Number, Other, Page, Reading

EVIL = '<script>alert(1)</script>"\x1b[31m'


def images_in(html):
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]


def harmless(html):
    return "<script" not in html and "\x1b" not in html


@pytest.fixture
def page():
    seen = np.full((28, 28), 250, np.uint8)
    seen[4:24, 12:16] = 0
    digits = tuple(Digit("1", 0.99, "read", (20 + 40 * i, 30, 40 + 40 * i, 60), seen) for i in range(2))
    number = Number("11", "11", 0.98, "read", (20, 30, 80, 60), digits)
    return Page(None, (), numbers=(number,), others=(Other("mark", (100, 30, 120, 60)),))


def test_page_shows_its_numbers_and_what_the_model_saw(page):
    html = page._repr_html_()
    assert ">11</td>" in html
    assert "98.0%" in html
    [drawn] = images_in(html)
    assert np.asarray(drawn.convert("L")).min() < 50, "the digit's ink"


def test_page_of_a_file_is_drawn_on_that_file(page, tmp_path):
    Image.new("RGB", (300, 200), (0, 200, 0)).save(tmp_path / "page.png")
    of_file = dataclasses.replace(page, path=str(tmp_path / "page.png"))
    [drawn] = images_in(of_file._repr_html_())
    assert drawn.size == (300, 200)
    assert drawn.convert("RGB").getpixel((299, 199)) == (0, 200, 0)
    (tmp_path / "page.png").unlink()
    assert images_in(of_file._repr_html_()), "as without a file"


def test_page_is_drawn_on_an_image_that_is_given(page):
    drawn = page.overlay(np.full((80, 150), 200, np.uint8))
    assert drawn.size == (150, 80)
    assert drawn.getpixel((149, 79)) == (200, 200, 200)


def test_page_is_plotted_on_axes_in_the_units_of_its_boxes(page, tmp_path):
    Image.new("RGB", (300, 200), (0, 200, 0)).save(tmp_path / "page.png")
    of_file = dataclasses.replace(page, path=str(tmp_path / "page.png"))
    axes = of_file.plot()
    [drawn] = axes.images
    assert drawn.get_extent() == [0, 300, 200, 0]
    assert np.array_equal(drawn.get_array(), np.asarray(of_file.overlay()))
    mine = plt.figure().add_subplot()
    assert page.plot(mine, image=np.full((80, 150), 200, np.uint8)) is mine
    assert mine.images[0].get_extent() == [0, 150, 80, 0]
    turned = dataclasses.replace(page, turn=1).plot(image=np.full((80, 150), 200, np.uint8))
    assert turned.images[0].get_extent() == [0, 80, 150, 0]
    plt.close("all")


def test_page_without_its_image_is_not_plotted(page, tmp_path):
    with pytest.raises(DataError, match=r"page: expected the image that was read, .*got none; .*overlay\(") as told:
        page.plot()
    assert (told.value.argument, told.value.path) == ("image", None)
    gone = str(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"gone\.png: .*got no such file any more; .*plot\(image=…\)") as told:
        dataclasses.replace(page, path=gone).plot()
    assert told.value.path == gone


def test_photo_is_shown_in_few_bytes():
    noise = np.random.default_rng(0).integers(0, 255, (600, 800, 3)).astype(np.uint8)
    html = displays.image(noise, "noise")
    assert 'src="data:image/jpeg;base64,' in html
    assert len(html) < 800_000 < noise.size


def test_large_page_is_shown_small(page):
    far = dataclasses.replace(page, others=(Other("mark", (7_900, 30, 8_000, 60)),))
    [drawn] = images_in(far._repr_html_())
    assert max(drawn.size) <= displays.LONGEST


def test_page_without_anything_shows_itself():
    assert "0 numbers, blank" in Page(None, ())._repr_html_()


def test_form_shows_its_fields():
    fields = {EVIL: FieldReading("12", 0.9, "read", (0, 0, 9, 9))}
    html = Page(None, (), fields=fields)._repr_html_()
    assert "1 fields, read" in html
    assert harmless(html)


def test_page_as_frame_has_a_row_a_number(page):
    pytest.importorskip("pandas")
    [row] = page.frame().to_dict("records")
    assert (row["text"], row["status"], row["left"], row["bottom"]) == ("11", "read", 20, 60)


def test_frame_without_pandas_tells_what_to_install(page, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPartError, match=r'^a frame needs pandas: pip install "digitwise\[frames\]"$'):
        page.frame()


def test_reading_shows_its_file_and_the_most_probable_classes(tmp_path):
    Image.new("L", (40, 40), 255).save(tmp_path / "a.png")
    html = Reading("7", 0.9, "read", (("7", 0.9), ("1", 0.06)), str(tmp_path / "a.png"))._repr_html_()
    assert "7, read" in html
    assert "6.0%" in html
    assert len(images_in(html)) == 1


def test_names_of_strangers_are_escaped():
    reading = Reading(EVIL, 0.9, "unsure", ((EVIL, 0.9),), EVIL)
    failed = Reading(None, None, "error", path=EVIL, error=EVIL)
    finding = Finding("DW010", EVIL, "error", EVIL)
    assert all(harmless(each._repr_html_()) for each in (reading, failed, finding))


@pytest.fixture(scope="module")
def checked():
    return digitwise.check("digits", select=("DW00", "DW02", "DW03"))


def test_findings_show_their_images_and_what_was_passed(checked):
    assert isinstance(checked, Checked)
    html = checked._repr_html_()
    assert "1,437 training images" in html
    assert all(finding.code in html for finding in checked.findings)
    shown = sum(min(10, len(finding.tiles)) for finding in checked.findings)
    assert len(images_in(html)) == shown


def test_findings_as_frame_have_a_row_each(checked):
    pytest.importorskip("pandas")
    assert checked.findings
    assert list(checked.frame()["code"]) == [finding.code for finding in checked.findings]
