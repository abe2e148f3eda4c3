"""A form is brought upright however it was photographed, cut into its fields, and read."""

import numpy as np
import pytest

from digitwise.decoding import Decoded
from digitwise.errors import DataError
from digitwise.planes import mapped
from digitwise.reading.forms.fields import aligned, cells, read_form
from digitwise.reading.forms.template import Template
from digitwise.reading.reader import Reader
from digitwise.reading.results import Digit, Line, Number, Other, Page
from tests.reading.sheets import FIELDS, MARKS, TEXTS, corners_of, error_of, form, photo_of, scaled, template_of

SEEDS = 10
CLOSE = 0.015  # of the form's size
# The marks, how the form is drawn, how the photo is taken, and whether its turn is told.
PHOTOS = {
    "four-marks": ("four", {}, {}, True),
    "four-round-marks": ("four", {"round_marks": True}, {}, True),
    "five-marks-at-any-angle": ("five", {}, {"tilt": 180}, False),
    "uneven-marks": ("uneven", {}, {}, False),
    "three-marks": ("three", {}, {}, False),
    "landscape": ("four", {"size": (460, 640)}, {"tilt": 15}, True),
    "light-ink": ("four", {"inverted": True}, {"desk": (150, 240)}, True),
    "light-sheet": ("none", {}, {}, True),
    "light-sheet-on-a-light-desk": ("none", {}, {"desk": (150, 180)}, True),
    "dark-sheet-on-a-light-desk": ("none", {"inverted": True}, {"desk": (170, 240)}, True),
    "tilted-sheet": ("none", {}, {"tilt": 25}, True),
}


def drawn(marks, inverted=False, size=(640, 460), **choices):
    sheet = form(marks, size=size, **choices)
    return 255 - sheet if inverted else sheet


@pytest.mark.parametrize(("marks", "sheet", "camera", "told"), PHOTOS.values(), ids=PHOTOS)
def test_fields_of_a_photographed_form_are_found(marks, sheet, camera, told):
    template, found = template_of(marks), 0
    for seed in range(SEEDS):
        turn = seed % 4
        image, place = photo_of(drawn(marks, **sheet), seed, turn=turn, **camera)
        try:
            cut = cells(*aligned(image, template, turn=turn if told else 0), template)
        except DataError:
            continue
        found += 1
        assert max(error_of(cell.corners_of(cell.inner), cell.field.name, place) for cell in cut) < CLOSE, seed
    assert found >= 0.9 * SEEDS  # the others are refused, not guessed


@pytest.mark.parametrize("scan", [form("none"), form("four"), 255 - form("none"), np.full((90, 70), 255, np.uint8)])
def test_a_plain_scan_is_the_form_itself(scan):
    upright, homography = aligned(scan, template_of("none"))
    assert np.array_equal(upright, scan)
    assert np.allclose(homography, np.eye(3))


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_scan_is_turned_as_told(turn):
    scan = form("none")
    upright, homography = aligned(np.rot90(scan, -turn), template_of("none"), turn=turn)
    assert np.array_equal(upright, scan)
    assert np.abs(homography.round(6) - homography).max() < 1e-9


@pytest.mark.parametrize("marks", ["three", "four", "five", "uneven"])
def test_marks_of_a_plain_scan_leave_it_nearly_as_it_is(marks):
    upright, homography = aligned(form(marks), template_of(marks))
    assert np.abs(np.array(upright.shape) - form(marks).shape).max() <= 2
    assert np.abs(homography - np.eye(3)).max() < 1.5


def test_a_frame_on_a_scan_is_no_sheet():
    scan = form("none")
    scan[150:850, [*range(60, 66), *range(654, 660)]] = 20
    scan[[*range(150, 156), *range(844, 850)], 60:660] = 20
    assert np.allclose(aligned(scan, template_of("none"))[1], np.eye(3))


@pytest.mark.parametrize(
    "image",
    [form("none"), np.full((300, 200), 200, np.uint8), np.random.default_rng(0).integers(0, 255, (200, 300), np.uint8)],
    ids=["no-marks", "nothing", "noise"],
)
@pytest.mark.parametrize("marks", ["three", "four", "five"])
def test_a_form_without_its_marks_is_refused(image, marks):
    with pytest.raises(DataError, match=r"expected the \d marks of form.toml, got \d+ spots"):
        aligned(image, template_of(marks))


@pytest.mark.parametrize("marks", ["none", "four"])
def test_a_tiny_image_is_no_form(marks):
    with pytest.raises(DataError, match="expected the image of a form, got 900×3 pixels"):
        aligned(np.zeros((3, 900), np.uint8), template_of(marks))


def test_marks_that_do_not_show_perspective_are_taken():
    scan = form("five")
    marks = [*MARKS["five"][:3], MARKS["five"][4]]  # three of them on the upper edge
    template = Template.from_toml(f"marks = {[list(mark) for mark in marks]}\n[fields.a]\nbox = [1, 1, 9, 9]", "form")
    assert np.abs(aligned(scan, template)[1] - np.eye(3)).max() < 1.5


def test_what_surrounds_a_field_ends_before_the_next():
    text = "[fields.a]\nbox = [10, 10, 30, 10]\n[fields.b]\nbox = [42, 10, 30, 10]\n[fields.c]\nbox = [10, 90, 30, 10]"
    template = Template.from_toml(text, "form")
    scan = np.zeros((1000, 1000), np.uint8)
    scan[100:200, 420:720] = 255
    first, second, third = cells(*aligned(scan, template), template)
    assert first.image.shape == (160, 340)
    assert first.inner == (30, 30, 330, 130)
    assert first.image.max() == 0
    assert (second.image[:, :10] == 0).all()
    assert third.image.shape == (130, 360)
    corners = [[100, 900], [400, 900], [400, 1000], [100, 1000]]
    assert np.allclose(third.corners_of(third.inner), corners)


def numbered(*numbers, others=(), turn=0):
    """A reading function that gives numbers of (text, x, y, status) in the field, in shares of its inner box."""

    def read(image, field):
        made = []
        for text, x, y, status in numbers:
            left, top = round(image.shape[1] * x), round(image.shape[0] * y)
            box = (left, top, left + 20, top + 30)
            digits = tuple(Digit(sign, 0.9, status, box) for sign in text if sign.isdigit())
            made.append(Number(text.replace(".", ""), text, 0.9, status, box, digits))
        return Page(None, tuple(Line.of([number.digits]) for number in made), turn, tuple(made), others)

    return read


FIELD = "[fields.a]\nbox = [10, 10, 60, 20]\n"
INK, AWAY = Other("mark", (200, 80, 240, 120)), Other("mark", (0, 0, 20, 20))
RULE = Other("rule", (60, 60, 500, 66))
READ = {
    "one": (FIELD, numbered(("12.50", 0.3, 0.5, "read")), ("12.50", "read")),
    "doubtful": (FIELD, numbered(("1?", 0.3, 0.5, "unsure")), ("1?", "unsure")),
    "two": (FIELD, numbered(("45", 0.6, 0.5, "read"), ("123", 0.3, 0.5, "read")), ("12345", "read")),
    "two-one-doubtful": (FIELD, numbered(("45", 0.6, 0.5, "read"), ("?", 0.3, 0.5, "unsure")), ("?45", "unsure")),
    "two-lines": (FIELD, numbered(("45", 0.6, 0.7, "read"), ("123", 0.3, 0.3, "read")), ("12345", "unsure")),
    "beside-the-field": (FIELD, numbered(("45", 0.6, 0.5, "read"), ("1", 0.0, 0.0, "read")), ("45", "read")),
    "turned": (FIELD, numbered(("66", 0.4, 0.5, "read"), turn=2), ("66", "unsure")),
    "as-expected": (FIELD + "expect = 3", numbered(("12.5", 0.3, 0.5, "read")), ("125", "read")),
    "too-few": (FIELD + "expect = 4", numbered(("12.5", 0.3, 0.5, "read")), ("125", "unsure")),
    "as-the-pattern": (FIELD + r"pattern = '\d+\.\d'", numbered(("12.5", 0.3, 0.5, "read")), ("12.5", "read")),
    "without-its-signs": (FIELD + r"pattern = '\d+'", numbered(("12.5", 0.3, 0.5, "read")), ("125", "read")),
    "against-the-pattern": (FIELD + r"pattern = '\d\.\d+'", numbered(("12.5", 0.3, 0.5, "read")), ("12.5", "unsure")),
    "nothing": (FIELD, numbered(), ("", "blank")),
    "frame": (FIELD, numbered(others=(RULE,)), ("", "blank")),
    "ink": (FIELD, numbered(others=(INK,)), ("", "unsure")),
    "ink-beside": (FIELD, numbered(others=(AWAY,)), ("", "blank")),
}


@pytest.mark.parametrize(("text", "read", "expected"), READ.values(), ids=READ)
def test_a_field_is_read_as_a_whole(text, read, expected):
    blank = Decoded(np.full((1000, 1000), 255, np.uint8), scale=2.0, origin=(7, 9))
    page = read_form(read, blank, Template.from_toml(text, "form"))
    found = page.fields["a"]
    assert (found.text, found.status) == expected
    assert found.box == (207, 209, 1407, 609)
    assert "".join(number.text for number in page.numbers) == found.text.replace(".", "")
    assert all(207 <= number.box[0] < number.box[2] <= 1407 for number in page.numbers)
    assert (found.confidence is None) == (not found.text)


def test_a_photographed_form_is_read():
    reader, sheet = Reader(max_error=0.1), form("five", size=(1300, 936))
    for seed, scale in enumerate((1.0, 1.5)):
        image, place = photo_of(sheet, seed, turn=seed)
        page = reader.read_form(scaled(image, scale), template_of("five"))
        assert (list(page.fields), page.turn) == (list(FIELDS), seed)
        labels = ["".join(digit.label for digit in line.digits) for line in page.lines]
        right = sum(label == text for label, text in zip(labels, TEXTS.values(), strict=True))
        assert right >= len(TEXTS) - 1, labels
        for (name, field), number in zip(page.fields.items(), page.numbers, strict=True):
            corners = mapped(place, corners_of(name)) * scale
            away = np.abs(np.concatenate([corners.min(axis=0), corners.max(axis=0)]) - field.box)
            assert away.max() < CLOSE * max(image.shape) * scale
            assert field.box[0] < (number.box[0] + number.box[2]) / 2 < field.box[2]
