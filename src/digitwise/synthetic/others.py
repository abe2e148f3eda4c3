"""Ink that is no digit, and that a reader of digits should not be sure about."""

from __future__ import annotations

import numpy as np

from digitwise.images import UInt8
from digitwise.synthetic.fields import drawn
from digitwise.synthetic.glyphs import FONTS, LETTERS, LOOKALIKES, MARKS, WIDE_FONTS, printed
from digitwise.synthetic.strokes import cursive, curve, doodle, scribble

PLAIN = "".join(letter for letter in LETTERS if letter not in LOOKALIKES)
SHARES = {"letter": 0.33, "word": 0.12, "drawing": 0.12, "sign": 0.13, "pair": 0.18, "half": 0.12}
NOT_HALVED = 0.45  # share of the width below which a digit is a stroke, and its halves are strokes too


def other_ink(pool: UInt8, *, rng: np.random.Generator) -> UInt8:
    """Make ink that is no digit: a letter, a word, a doodle, some strokes, two digits as one, half a digit.

    Parameters
    ----------
    pool : ndarray of uint8, shape (n, h, w)
        Digits, light on dark, of which pairs and halves are made.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (k, l)
        Light on dark, as :func:`~digitwise.synthetic.scans.scan_of` takes a digit.
    """
    kind = rng.choice(list(SHARES), p=list(SHARES.values()))
    if kind == "letter":
        return _letter(rng)
    if kind == "word":
        return drawn(cursive(int(rng.integers(1, 4)), rng=rng))
    if kind == "drawing":
        return drawn(doodle(rng=rng) if rng.random() < 0.6 else scribble(rng=rng))
    if kind == "sign":  # one in many looks like a digit
        return drawn([curve(rng.uniform(0, 1, (int(rng.integers(3, 8)), 2))) for _ in range(rng.integers(1, 4))])
    return pair_of(pool, rng=rng) if kind == "pair" else half_of(pool, rng=rng)


def _letter(rng: np.random.Generator) -> UInt8:
    name = str(rng.choice(FONTS))
    return printed(str(rng.choice(list(PLAIN + (MARKS if name in FONTS[:WIDE_FONTS] else "")))), name)


def pair_of(pool: UInt8, *, rng: np.random.Generator) -> UInt8:
    """Two digits side by side that touch or nearly touch, uint8 (h, k)."""
    left, right = (inked_part(pool[place]) for place in rng.integers(len(pool), size=2))
    height = max(len(left), len(right))
    parts = [np.pad(part, ((height - len(part), 0), (0, 0))) for part in (left, right)]
    common = min(int(rng.integers(-2, 4)), parts[0].shape[1], parts[1].shape[1])  # columns; below 0 a gap
    wide = np.zeros((height, parts[0].shape[1] + parts[1].shape[1] - common), np.uint8)
    wide[:, : parts[0].shape[1]] = parts[0]
    other = wide[:, wide.shape[1] - parts[1].shape[1] :]
    np.maximum(other, parts[1], out=other)
    return np.pad(wide, 4)


def half_of(pool: UInt8, *, rng: np.random.Generator) -> UInt8:
    """The upper, lower, left or right half of a digit that is more than a stroke, uint8 (h, w)."""
    while True:
        digit = inked_part(pool[rng.integers(len(pool))])
        height, width = digit.shape
        if width > NOT_HALVED * height:
            break
    share = rng.uniform(0.4, 0.6)
    if rng.random() < 0.5:
        cut = round(height * share)
        half = digit[:cut] if rng.random() < 0.5 else digit[cut:]
    else:
        cut = round(width * share)
        half = digit[:, :cut] if rng.random() < 0.5 else digit[:, cut:]
    return np.pad(half, 4)


def inked_part(digit: UInt8) -> UInt8:
    """The frame of the ink; the image itself where there is none."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    if not len(rows):
        return digit
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
