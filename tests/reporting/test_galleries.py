import base64
import io

import numpy as np
import pytest
from PIL import Image

from digitwise import drawing
from digitwise.reporting import figures
from digitwise.reporting.figures import Group, compared_groups, make_sprite, on_a_sheet, slice_groups
from tests.helpers import blobs, predictions


def sheet_of(made):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(made.url.partition(",")[2]))))


def tile(made, place):
    top, left = place // made.columns * made.height, place % made.columns * made.width
    return sheet_of(made)[top : top + made.height, left : left + made.width]


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_has_its_tile(channels):
    images = blobs(10, channels=channels)
    made = make_sprite(images, predictions(images.labels.tolist(), [0] * 10))
    assert made.indices.tolist() == list(range(10))
    assert all(np.array_equal(tile(made, i), images.images[i]) for i in range(10))


def test_where_room_is_short_the_wrong_ones_come_first(monkeypatch):
    monkeypatch.setattr(figures, "MOST_PIXELS", 12 * 28 * 28)
    images = blobs(60)
    answers = predictions(images.labels.tolist(), [*[0] * 15, *images.labels[15:].tolist()])
    made = make_sprite(images, answers)
    assert len(made.indices) == 12
    assert set(answers.wrong.tolist()) <= set(made.indices.tolist())


def test_large_images_are_scaled_down():
    images = blobs(4, size=100)
    made = make_sprite(images, predictions(images.labels.tolist(), [0] * 4))
    assert (made.height, made.width, made.rows) == (48, 48, 2)


def test_kinds_of_a_comparison_have_their_images_and_both_answers():
    a, b = predictions([0, 0, 0, 0], [1, 1, 0, 0]), predictions([0, 0, 0, 0], [2, 0, 1, 0])
    both, first, second = compared_groups((a, b), ("old", "new"))
    assert (both.title, both.tiles) == ("both wrong: 1", ((0, "0 → 1, 2"),))
    assert (first.title, first.tiles) == ("only old wrong: 1", ((1, "0 → 1, 0"),))
    assert (second.title, second.tiles) == ("only new wrong: 1", ((2, "0 → 0, 1"),))
    assert [group.title for group in compared_groups((a, a), ("old", "same"))] == ["both wrong: 2"]


def test_slice_shows_its_first_wrong_images():
    found = [
        {"words": "digits of class 1", "wrong": {"index": [5, *range(60)], "given": [1] * 61, "predicted": [2] * 61}}
    ]
    (group,) = slice_groups(found, "abc")
    assert (len(group.tiles), group.tiles[0]) == (24, (5, "b → c"))


def test_tiles_of_all_groups_lie_on_one_sheet_one_after_another():
    shown = on_a_sheet(blobs(9), [Group("one", ((3, "a"), (4, "b"))), Group("two", ((3, "c"),))])
    assert shown["groups"] == [("one", [(0, "a"), (1, "b")]), ("two", [(2, "c")])]
    assert shown["sheet"].indices.tolist() == [3, 4, 3]
    assert on_a_sheet(blobs(9), []) is None


def test_groups_are_drawn_one_below_the_other(tmp_path):
    groups = [
        Group("digits " + "very " * 40 + "long", ((0, "0 → 1"),)),
        Group("two", tuple((i, "1") for i in range(9))),
    ]
    figures.grouped_gallery(blobs(9), groups, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert round(image.info["dpi"][0]) == drawing.DPI
        assert np.asarray(image.convert("L")).std() > 10
