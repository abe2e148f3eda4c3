"""Eight test digits in a row, as people and forms put them on paper: plain, underlined, cut tight, framed, boxed."""

from __future__ import annotations

import numpy as np
from PIL import Image

from benchmarks.reader import test_images
from digitwise.images import UInt8

KINDS = ("plain", "underlined", "tight", "framed", "boxed")
SIZES = (1, 2, 4, 8)  # times the 28 pixels of a digit's square
ROWS = 80
LENGTH = 8
PITCH = 40  # pixels from digit to digit where each has a place of its own
MARGIN = 30
RULE = 2  # pixels, the width of a frame
PAPER, INK = 250.0, 10.0
GRAIN = 2.0  # spread of the paper's noise


def made_row(kind: str, size: int, seed: int) -> tuple[UInt8, str]:
    """A row and its truth; a seed has the same digits and places at every size.

    Returns
    -------
    ndarray of uint8, shape (h, w), and str
        Dark on light.
    """
    rng = np.random.default_rng([2, KINDS.index(kind), seed])
    test = test_images()
    places = rng.choice(len(test), LENGTH, replace=False)
    digits = test.images[places]
    ink = _written(digits, rng) if kind in ("plain", "underlined") else _in_places(digits)
    rules = _rules(ink, kind)
    if kind == "tight":
        ink = ink[_between(ink.any(axis=1)), _between(ink.any(axis=0))]
        rules = np.zeros_like(ink)
    return _on_paper(ink, rules, size, rng), "".join(str(label) for label in test.labels[places])


def _written(digits: UInt8, rng: np.random.Generator) -> UInt8:
    """As one writes: each cut to its width, small gaps, not quite on one line."""
    cut = [digit[:, _between(digit.any(axis=0))] for digit in digits]
    gaps = rng.integers(2, 7, len(cut))
    height, width = 28 + 2 * MARGIN, sum(digit.shape[1] for digit in cut) + int(gaps.sum()) + 2 * MARGIN
    ink, left = np.zeros((height, width), np.uint8), MARGIN
    for digit, gap in zip(cut, gaps, strict=True):
        top = MARGIN + int(rng.integers(-1, 2))
        ink[top : top + 28, left : left + digit.shape[1]] = digit
        left += digit.shape[1] + int(gap)
    return ink


def _in_places(digits: UInt8) -> UInt8:
    """Each in the middle of a square."""
    side = (PITCH - 28) // 2
    squares = np.pad(digits, ((0, 0), (side, side), (side, side)))
    return np.pad(np.hstack(list(squares)), MARGIN)


def _rules(ink: UInt8, kind: str) -> UInt8:
    """What is printed on the paper, of the ink's shape."""
    rules = np.zeros_like(ink)
    if kind == "underlined":
        below = int(np.flatnonzero(ink.any(axis=1))[-1]) + 3
        rules[below : below + RULE, MARGIN - 4 : -MARGIN + 4] = 255
    if kind in ("framed", "boxed"):
        inside = rules[MARGIN:-MARGIN, MARGIN:-MARGIN]
        inside[:RULE] = inside[-RULE:] = 255
        inside[:, :RULE] = inside[:, -RULE:] = 255
        if kind == "boxed":
            for at in range(PITCH, inside.shape[1], PITCH):
                inside[:, at - RULE // 2 : at + RULE - RULE // 2] = 255
    return rules


def _on_paper(ink: UInt8, rules: UInt8, size: int, rng: np.random.Generator) -> UInt8:
    """Brought to its size, with sharp rules, on paper with a grain."""
    shape = ink.shape[0] * size, ink.shape[1] * size
    drawn = Image.fromarray(ink).resize(shape[::-1], Image.Resampling.BICUBIC)
    printed = np.repeat(np.repeat(rules, size, axis=0), size, axis=1)
    dark = np.maximum(np.asarray(drawn), printed).astype(np.float32) / 255
    paper = PAPER + GRAIN * rng.standard_normal(shape, np.float32)
    return np.asarray((paper + (INK - paper) * dark).clip(0, 255).round(), np.uint8)


def _between(there: np.ndarray) -> slice:
    """From the first to the last place where there is something."""
    found = np.flatnonzero(there)
    return slice(int(found[0]), int(found[-1]) + 1)
