"""Straight lines, printed or drawn: rules, frames, squares."""

from __future__ import annotations

import itertools
import math

import numpy as np

from digitwise.images import Float64
from digitwise.synthetic.scenes.canvas import FINE, SCENE, Box, Canvas, drawn
from digitwise.synthetic.scenes.hands import Writing

OUTSIDE = -5.0, SCENE + 5.0  # pixels: from where to where a rule runs across the whole scene


def rule(canvas: Canvas, begin: Float64, end: Float64, width: float, level: float, *, dotted: bool = False) -> None:
    """Draw a straight line.

    Parameters
    ----------
    canvas : Canvas
    begin, end : ndarray of float64, shape (2,)
        x and y in pixels.
    width : float
        In pixels; a line of less than one is fainter.
    level : float
        Grey levels.
    dotted : bool
    """
    low = np.clip(np.floor(np.minimum(begin, end) - width - 1), 0, SCENE).astype(int)
    high = np.clip(np.ceil(np.maximum(begin, end) + width + 1), 0, SCENE).astype(int)
    if (high <= low).any():
        return
    cuts = np.stack([begin, end])
    if dotted:
        dots = max(2, int(np.hypot(*(end - begin)) / max(3.0, width * 4)))
        cuts = begin + np.linspace(0, 1, 2 * dots)[:, None] * (end - begin)
    lines = list(((cuts - low) * FINE).reshape(-1, 2, 2))
    ink = drawn(lines, (int(high[0] - low[0]), int(high[1] - low[1])), width)
    if width < 1:
        ink = ink * np.float32(canvas.rng.uniform(0.4, 1.0))
    canvas.lay(ink, int(low[0]), int(low[1]), level)


def some_level(w: Writing, *, rng: np.random.Generator) -> float:
    """How dark a rule or frame is, in grey levels: mostly about as dark as the writing."""
    return w.ink * rng.uniform(0.25, 1.2) if rng.random() < 0.7 else math.copysign(rng.uniform(15, 200), w.ink)


def horizontal(canvas: Canvas, y: float, w: Writing, *, x: tuple[float, float] = OUTSIDE) -> None:
    """A rule from left to right, not quite level."""
    rng = canvas.rng
    tilt = rng.normal(0, 0.01) * (x[1] - x[0])
    width, level = rng.uniform(0.6, max(1.0, 0.09 * w.height)), some_level(w, rng=rng)
    rule(canvas, np.array([x[0], y]), np.array([x[1], y + tilt]), width, level, dotted=rng.random() < 0.12)


def vertical(canvas: Canvas, x: float, w: Writing, *, y: tuple[float, float] = OUTSIDE) -> None:
    """A rule from top to bottom, not quite upright."""
    rng = canvas.rng
    tilt = rng.normal(0, 0.01) * (y[1] - y[0])
    width, level = rng.uniform(0.6, max(1.0, 0.09 * w.height)), some_level(w, rng=rng)
    rule(canvas, np.array([x, y[0]]), np.array([x + tilt, y[1]]), width, level, dotted=rng.random() < 0.08)


def frame(canvas: Canvas, box: Box, w: Writing) -> None:
    """Four lines around a box, somewhat out of place."""
    left, top, right, bottom = box
    rng = canvas.rng
    level, width = some_level(w, rng=rng), rng.uniform(0.7, max(1.2, 0.1 * w.height))
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    for begin, end in itertools.pairwise(corners + rng.normal(0, 0.6, 2)):
        rule(canvas, begin, end, width, level)


def squares(canvas: Canvas, w: Writing) -> None:
    """Squared paper, or lined."""
    rng = canvas.rng
    pitch = w.height * rng.uniform(0.35, 1.6)
    level, width = some_level(w, rng=rng) * rng.uniform(0.2, 0.8), rng.uniform(0.5, 1.6)
    for axis in (0, 1) if rng.random() < 0.5 else (0,):
        for at in np.arange(rng.uniform(0, pitch), SCENE, max(pitch, 5.0)):
            line = np.array([[OUTSIDE[0], at], [OUTSIDE[1], at]])
            begin, end = line if axis == 0 else line[:, ::-1]
            rule(canvas, begin, end, width, level)
