import itertools

import numpy as np
import pytest

from digitwise.data.embedded import load_digits
from digitwise.maps import SIGNS
from digitwise.synthetic.glyphs import (
    DRAWN,
    EMPTY,
    MIDDLE,
    OTHER,
    OUTLINE,
    SIDE,
    TALL,
    field_of_digit,
    field_of_drawing,
    glyphs_of,
    inked,
    is_lookalike,
    letters_of,
)
from digitwise.synthetic.pens import STROKE, Writer, enlarged
from digitwise.synthetic.strokes import cursive, curve, doodle, form_of, scribble
from tests.scenery import few_glyphs

IN_PLACE = 1, 0, SIDE / 2, 0, 1, SIDE / 2  # at the field's own size


def redrawn(field, pen, *, middle):
    """What a pen writes, in the field's own frame, bool (48, 48)."""
    ink, (left, top) = inked(field, (1, 1), IN_PLACE, pen, middle=middle)
    whole = np.zeros((SIDE + 40, SIDE + 40), np.float32)
    whole[top + 20 : top + 20 + ink.shape[0], left + 20 : left + 20 + ink.shape[1]] = ink
    return whole[20:-20, 20:-20] > 0.5


def strokes_of(digit):
    """The strokes of a digit where its field has them."""
    grey = enlarged(digit, TALL, Writer(None))
    frame = np.zeros((SIDE, SIDE), bool)
    top, left = (SIDE - grey.shape[0]) // 2, (SIDE - grey.shape[1]) // 2
    frame[top : top + grey.shape[0], left : left + grey.shape[1]] = grey > STROKE
    return frame


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("place", range(10))
def test_an_outline_is_redrawn_as_the_digit(place):
    digit = load_digits().train.images[place]
    redraw = redrawn(field_of_digit(digit, middle=False), 0.0, middle=False)
    assert overlap(redraw, strokes_of(digit)) > 0.8


@pytest.mark.parametrize("place", range(10))
def test_a_centre_line_is_redrawn_within_the_digit(place):
    digit = load_digits().train.images[place]
    strokes, field = strokes_of(digit), field_of_digit(digit, middle=True)
    thin, thick = (redrawn(field, pen, middle=True) for pen in (1.0, 4.0))
    assert (thin & strokes).sum() > 0.9 * thin.sum()
    assert overlap(thick, strokes) > 0.5
    assert thick.sum() > 2 * thin.sum()


def test_a_glyph_is_written_at_the_given_size_and_place():
    bar = field_of_drawing([np.array([[0.0, 0.0], [0.0, 1.0]])])
    ink, (left, top) = inked(bar, (0.1, 1), (2, 0, 100, 0, 2, 50), 3.0, middle=True)
    rows, columns = np.flatnonzero((ink > 0.5).any(axis=1)) + top, np.flatnonzero((ink > 0.5).any(axis=0)) + left
    assert columns.mean() == pytest.approx(99.5, abs=1)
    assert len(columns) == pytest.approx(6, abs=1)
    assert rows.mean() == pytest.approx(49.5, abs=1)
    assert len(rows) == pytest.approx(2 * TALL + 6, abs=2)


def test_glyphs_are_of_every_label_and_kind():
    glyphs = few_glyphs()
    assert {(digit, kind) for digit in range(10) for kind in (OUTLINE, MIDDLE)} <= set(glyphs.places)
    assert {(label, DRAWN) for label in (OTHER, *range(len(SIGNS)))} <= set(glyphs.places)
    assert sum(len(places) for places in glyphs.places.values()) == len(glyphs.labels)
    assert (glyphs.fields.min(axis=(1, 2)) < EMPTY).all()


def test_spans_are_shares_of_the_glyphs_square():
    glyphs = few_glyphs()
    written = glyphs.spans[glyphs.labels < 10]
    assert written.max() < 1.2
    assert np.abs(written.max(axis=1) - 1).mean() < 0.15
    dashes = glyphs.spans[glyphs.labels == SIGNS.index("-")]
    assert (dashes[:, 0] > 3 * dashes[:, 1]).all()


def test_a_digit_without_ink_is_left_out():
    digits, labels = np.zeros((4, 28, 28), np.uint8), np.arange(4)
    digits[2, 5:20, 12:15] = 255
    glyphs = glyphs_of(digits, labels, seed=0, jobs=1, forms=6)
    assert glyphs.labels[glyphs.kinds != DRAWN].tolist() == [2]


def test_letters_are_the_last_glyphs_so_that_lookalikes_are_known():
    glyphs = few_glyphs()
    letters = np.flatnonzero(glyphs.labels == OTHER)
    assert np.array_equal(letters, np.arange(letters[0], len(glyphs.labels)))
    alike = [place for place in letters if is_lookalike(glyphs, int(place))]
    assert 0 < len(alike) < len(letters) / 2
    assert not is_lookalike(glyphs, int(letters[0]))  # an a


@pytest.mark.parametrize("sign", SIGNS)
def test_every_form_stays_about_its_box(sign):
    for seed in range(12):
        points = np.concatenate(form_of(sign, rng=np.random.default_rng(seed)))
        assert points.min() > -0.6
        assert points.max() < 1.6
        assert (field_of_drawing(form_of(sign, rng=np.random.default_rng(seed))) < 16).any()


def test_a_curve_passes_through_its_points():
    points = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [4.0, 4.0]])
    assert np.allclose(curve(points, 5)[::5], points)
    assert len(curve(points, 5)) == 16


def test_words_and_scribbles_are_strokes():
    word, line = cursive(5, rng=np.random.default_rng(1)), scribble(rng=np.random.default_rng(1))
    things = [doodle(rng=np.random.default_rng(seed)) for seed in range(40)]
    assert np.ptp(word[0][:, 0]) > 1.5
    assert all(stroke.shape[1] == 2 and len(stroke) > 1 for stroke in [*word, *line, *itertools.chain(*things)])
    assert {1, 2} <= {len(thing) for thing in things} <= {1, 2, 3, 4}
    assert all(-1 < np.concatenate(thing).min() < np.concatenate(thing).max() < 2 for thing in things)


def test_letters_are_found_by_name():
    glyphs = few_glyphs()
    assert len(letters_of(glyphs, "$")) == 3
    assert set(glyphs.labels[letters_of(glyphs, "$€o")]) == {OTHER}
    assert all(is_lookalike(glyphs, int(place)) for place in letters_of(glyphs, "oS"))
