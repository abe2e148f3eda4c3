import dataclasses

import numpy as np
import pytest

from digitwise.maps import padded_with
from digitwise.synthetic.scenes import IGNORED, KINDS, MOST, SCENE, scene_of
from digitwise.synthetic.scenes.canvas import drawn
from digitwise.synthetic.scenes.clutter import rule
from digitwise.synthetic.scenes.photo import cropped, seen, turned
from digitwise.synthetic.scenes.writing import INKED, digit, number, some_writing, write
from tests.scenery import PAPER, blank, few_glyphs


def rng(*seed):
    return np.random.default_rng(seed or 0)


def edges_of(dark):
    """Left, top, right and bottom of what is true."""
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def corners(mark):
    x, y, width, height = mark[:4]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def test_a_scene_is_the_same_by_its_seed():
    one, same, other = (scene_of(few_glyphs(), rng=rng(5, k)) for k in (0, 0, 1))
    assert np.array_equal(one.image, same.image)
    assert np.array_equal(one.objects, same.objects)
    assert (one.turn, one.frame) == (same.turn, same.frame)
    assert not np.array_equal(one.image, other.image)


def test_scenes_keep_to_their_form():
    for k in range(30):
        scene = scene_of(few_glyphs(), rng=rng(1, k))
        left, top, right, bottom = scene.frame
        assert scene.image.shape == (SCENE, SCENE)
        assert scene.image.dtype == np.uint8
        assert scene.objects.dtype == np.float32
        assert len(scene.objects) <= MOST
        assert set(scene.objects[:, 4].astype(int)) <= {IGNORED, *range(15)}
        assert (scene.objects[:, 2:4] > 0).all()
        x0, y0, x1, y1 = corners(scene.objects.T)
        assert (x0 > left - 0.01).all()
        assert (y0 > top - 0.01).all()
        assert (x1 < right + 0.01).all()
        assert (y1 < bottom + 0.01).all()


def test_shares_of_kinds_sum_to_one():
    assert sum(kind.share for kind in KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_leaves_ink_and_its_own_truth(kind):
    found = []
    for seed in range(4):
        canvas = blank(seed=seed)
        KINDS[kind].compose(canvas)
        assert np.ptp(canvas.paper) > 4
        assert len(canvas.found) <= MOST
        found += [label for *_, label in canvas.found if label >= 0]
    assert (len(found) == 0) == (kind == "nothing")


@pytest.mark.parametrize("level", [90.0, -50.0], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize("label", range(10))
def test_a_digits_box_is_that_of_its_ink(label, level):
    canvas = blank(seed=label)
    writing = dataclasses.replace(some_writing(40, rng=rng(3)), ink=level, grain=0.0)
    digit(canvas, label, 100, 150, writing)
    (mark,) = canvas.found
    change = (PAPER - canvas.paper) / level
    assert change.min() >= 0
    assert mark[4] == label
    assert corners(mark) == pytest.approx(edges_of(change > INKED))


def test_a_writers_zeros_may_be_small():
    writing = dataclasses.replace(some_writing(40, rng=rng(3)), uneven=0.0, forms=0.0, zeros=1.0)
    heights = []
    for zeros in (1.0, 0.5):
        canvas = blank(seed=4)
        digit(canvas, 0, 100, 150, dataclasses.replace(writing, zeros=zeros))
        heights.append(canvas.found[0][3])
    assert heights[1] == pytest.approx(heights[0] / 2, abs=5)


def test_digits_of_a_number_follow_each_other_along_their_line():
    writing = dataclasses.replace(some_writing(20, rng=rng(3)), gap=0.3, slope=0.0, bow=0.0)
    canvas = blank()
    end = number(canvas, 6, 10, 100, writing, separators=0.0)
    x = [mark[0] for mark in canvas.found]
    assert len(x) == 6
    assert x == sorted(x)
    assert x[-1] < end
    assert all(80 < mark[1] < 110 for mark in canvas.found)


def test_crossed_out_digits_are_ignored():
    canvas = blank()
    digit(canvas, 3, 100, 150, some_writing(40, rng=rng(3)), crossed=True)
    assert [mark[4] for mark in canvas.found] == [IGNORED]


def test_ink_on_ink_is_not_twice_as_dark():
    canvas = blank()
    ink = np.full((9, 9), 1, np.float32)
    canvas.lay(ink, 10, 10, 60)
    canvas.lay(ink, 14, 14, 60)
    assert canvas.paper.min() == PAPER - 60
    canvas.settle()
    canvas.lay(ink, 14, 14, 60)
    assert canvas.paper.min() == PAPER - 120


def test_ink_outside_the_paper_is_left_out():
    canvas = blank()
    ink = np.ones((20, 20), np.float32)
    canvas.lay(ink, -10, SCENE - 5, 60)
    canvas.lay(ink, SCENE, 0, 60)
    assert (canvas.paper < PAPER).sum() == 10 * 5


def test_a_glyph_off_the_paper_still_gives_its_box():
    canvas = blank()
    writing = some_writing(40, rng=rng(3))
    box = write(canvas, 0, -100, 50, (40, 40), writing)
    assert box is not None
    assert box[2] < 0
    assert (canvas.paper == PAPER).all()


def test_a_rule_runs_from_end_to_end():
    canvas = blank()
    rule(canvas, np.array([20.0, 50.0]), np.array([120.0, 50.0]), 3.0, 80.0)
    left, top, right, bottom = edges_of(canvas.paper < PAPER - 40)
    assert (abs(left - 20), abs(right - 120)) <= (2, 2)
    assert 2 <= bottom - top <= 4


def test_a_dotted_rule_has_gaps():
    whole, dotted = blank(), blank()
    for canvas in (whole, dotted):
        rule(canvas, np.array([20.0, 50.0]), np.array([220.0, 50.0]), 2.0, 80.0, dotted=canvas is dotted)
    share = (dotted.paper < PAPER).sum() / (whole.paper < PAPER).sum()
    assert 0.3 < share < 0.8


def test_lines_have_the_given_width():
    ink = drawn([np.array([[20.0, 0.0], [20.0, 80.0]])], (20, 40), 4)
    assert ink.shape == (40, 20)
    assert ink[20].sum() == pytest.approx(4, abs=0.8)


@pytest.mark.parametrize("turn", range(4))
def test_the_truth_of_a_turned_scene_is_turned(turn):
    image = np.full((SCENE, SCENE), 200, np.uint8)
    image[30:70, 100:120] = 10
    objects = np.array([[110, 50, 20, 40, 7]], np.float32)
    quarter, moved, frame = turned(image, objects, (90, 20, 130, 80), turn)
    assert corners(moved[0]) == pytest.approx(edges_of(quarter < 100))
    assert np.array_equal(np.rot90(quarter, turn), image)
    marked = np.zeros((SCENE, SCENE), bool)
    marked[20:80, 90:130] = True
    assert frame == edges_of(np.rot90(marked, -turn))
    assert objects[0, 0] == 110


def test_a_crop_moves_the_truth_with_the_ink():
    image = np.full((SCENE, SCENE), 200, np.uint8)
    image[90:130, 100:120] = 10
    image[60:80, 20:30] = 10
    marks = [(110.0, 110.0, 20.0, 40.0, 7), (25.0, 70.0, 10.0, 20.0, 1)]
    for seed in range(20):
        shown, objects, frame = cropped(image, marks, chance=1.0, rng=rng(seed))
        boxes = np.array([corners(mark) for mark in objects])
        around = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
        assert around == pytest.approx(edges_of(shown < 100))
        outside = np.ones_like(shown, bool)
        outside[frame[1] : frame[3], frame[0] : frame[2]] = False
        assert (shown[outside] == 200).all()


def test_cut_objects_are_ignored_and_remnants_are_no_objects():
    image = np.full((SCENE, SCENE), 200, np.uint8)
    marks = [(5.0, 50.0, 20.0, 20.0, 3), (-9.5, 50.0, 20.0, 20.0, 4), (50.0, 50.0, 20.0, 20.0, 5)]
    _, objects, _ = cropped(image, marks, chance=0.0, rng=rng())
    assert objects[:, 4].tolist() == [IGNORED, 5]
    assert objects[0, :4].tolist() == [7.5, 50, 15, 20]


def test_photographed_objects_keep_their_place_and_stay_readable():
    paper = np.full((SCENE, SCENE), PAPER, np.float32)
    paper[100:140, 60:64] = 60
    for seed in range(15):
        image = seen(paper, [(62.0, 120.0, 4.0, 40.0, 1)], rng=rng(seed)).astype(float)
        around = np.concatenate([image[105:135, 45:52], image[105:135, 72:79]], axis=1)
        assert image[105:135, 61:63].mean() < around.mean() - 10


def test_a_border_is_filled_with_the_median():
    assert padded_with(np.array([[10, 20, 250]], np.uint8)) == 20
    large = np.full((900, 700), 80, np.uint8)
    large[:300] = 0
    assert padded_with(large) == 80
