"""The made pages of the benchmarks keep to their form, and their truth to their images."""

import numpy as np
import pytest

from benchmarks.made_pages import page_of
from digitwise.errors import DataError
from tests.synthetic.strokes import digit, rng


@pytest.fixture(scope="module")
def pages():
    """Pages of rings and lines, and their digits."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.made_pages.HEIGHTS", (20, 50))  # small pages are made sooner
        for seed in range(14):
            labels = rng(seed).integers(0, 2, 11)
            digits = np.stack([digit("line" if label else "ring") for label in labels])
            made.append((page_of(digits, labels, rng=rng(7, seed)), labels))
    return made


def test_a_page_is_the_same_for_the_same_seed():
    digits, labels = np.stack([digit(), digit("line")]), np.array([0, 1])
    first, again = (page_of(digits, labels, rng=rng(3)) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.boxes, again.boxes)
    assert first.lines == again.lines


def test_a_pages_lines_are_its_labels_in_reading_order(pages):
    for page, labels in pages:
        assert "".join(page.lines) == "".join(str(label) for label in labels)
        assert page.boxes.shape == (len(labels), 4)
        assert page.boxes.dtype == np.int64


def test_a_page_has_a_readable_size(pages):
    for page, _ in pages:
        assert page.image.dtype == np.uint8
        assert page.image.ndim == 3
        shorter, longer = sorted(page.image.shape[:2])
        assert 400 <= shorter <= 2000
        assert 600 <= longer <= 3000


def test_a_pages_boxes_lie_in_the_image(pages):
    for page, _ in pages:
        left, top, right, bottom = page.boxes.T
        assert (left >= 0).all()
        assert (top >= 0).all()
        assert (left < right).all()
        assert (top < bottom).all()
        assert right.max() <= page.image.shape[1]
        assert bottom.max() <= page.image.shape[0]


def test_a_box_encloses_the_ink_of_its_digit(pages):
    for page, _ in pages:
        grey = page.image.astype(np.float32).mean(axis=2)
        for left, top, right, bottom in page.boxes:
            inside = grey[top:bottom, left:right]
            beside = np.concatenate([grey[top:bottom, left - 3], grey[top:bottom, right + 2]])
            assert np.ptp(inside) > 1.5 * np.median(np.abs(beside - np.median(beside)))


def test_boxes_of_an_upright_page_go_from_left_to_right(pages):
    for page, _ in pages:
        across, sign = {0: (0, 1), 90: (1, 1), 180: (0, -1), 270: (1, -1)}[page.turn]
        middle = (page.boxes[:, across] + page.boxes[:, across + 2]) / 2 * sign
        ends = np.cumsum([len(line) for line in page.lines])[:-1]
        assert all((np.diff(part) > 0).all() for part in np.split(middle, ends))


def test_some_neighbours_touch_and_are_named(pages, monkeypatch):
    monkeypatch.setattr("benchmarks.made_pages.HEIGHTS", (20, 50))
    pairs = [(page, pair) for page, _ in pages for pair in page.touching]
    assert all(second == first + 1 for _, (first, second) in pairs)
    many = [page_of(np.stack([digit()] * 40), np.zeros(40, int), rng=rng(seed)) for seed in (1, 2)]
    assert 0 < sum(len(page.touching) for page in many) < 15


def test_pages_differ_in_turn_tilt_ruling_and_edge(pages):
    for name in ("turn", "tilt", "ruling", "edge"):
        assert len({getattr(page, name) for page, _ in pages}) > 1
    assert all(abs(page.tilt) <= 6 for page, _ in pages)


def test_a_page_without_digits_is_refused():
    with pytest.raises(DataError, match="one or more"):
        page_of(np.zeros((0, 28, 28), np.uint8), np.zeros(0, int), rng=rng())


def test_more_digits_than_a_page_holds_are_refused(monkeypatch):
    monkeypatch.setattr("benchmarks.made_pages.LARGEST", (420, 620))
    with pytest.raises(DataError, match="fit on a page"):
        page_of(np.stack([digit()] * 300), np.zeros(300, int), rng=rng())
