"""The part of a scene that is shown, which way up, and what of the truth is in it."""

from __future__ import annotations

import math

import numpy as np

from digitwise.images import Float32, UInt8
from digitwise.maps import padded_with
from digitwise.synthetic.scenes.canvas import IGNORED, MOST, SCENE, Mark

VISIBLE = 0.8  # share of an object's box above which it is there to be found
REMNANT = 0.05  # share above which what is left of it is ignored, and below which it is taken for paper
SMALLEST = 12  # pixels of the sides of what is shown
Frame = tuple[int, int, int, int]  # left, top, right, bottom in pixels
WHOLE: Frame = (0, 0, SCENE, SCENE)


def cropped(
    image: UInt8, found: list[Mark], *, chance: float, rng: np.random.Generator
) -> tuple[UInt8, Float32, Frame]:
    """Show a part of a scene somewhere in an image as large, the rest filled as when reading.

    Parameters
    ----------
    image : ndarray of uint8, shape (256, 256)
    found : list of Mark
    chance : float
        That it is only a part.
    rng : numpy.random.Generator

    Returns
    -------
    (ndarray of uint8, shape (256, 256); ndarray of float32, shape (n, 5); Frame)
        The image, the objects in it, and where the part lies.
    """
    objects = np.array(found, np.float32).reshape(-1, 5)
    window = _window(objects, rng=rng) if rng.random() < chance else WHOLE
    left, top, right, bottom = window
    part = image[top:bottom, left:right]
    shown = np.full((SCENE, SCENE), padded_with(part), np.uint8)
    x, y = int(rng.integers(0, SCENE - (right - left) + 1)), int(rng.integers(0, SCENE - (bottom - top) + 1))
    frame = x, y, x + right - left, y + bottom - top
    shown[y : frame[3], x : frame[2]] = part
    return shown, _visible(objects, window, (x, y)), frame


def _window(objects: Float32, *, rng: np.random.Generator) -> Frame:
    """About the objects, with margins that may cut them."""
    left, top, right, bottom = WHOLE
    if len(objects):
        left, top = (objects[:, :2] - objects[:, 2:4] / 2).min(axis=0)
        right, bottom = (objects[:, :2] + objects[:, 2:4] / 2).max(axis=0)
    tall = float(np.median(objects[:, 3])) if len(objects) else 40.0
    margins = tall * np.abs(rng.normal(0, 0.5, 4)) if rng.random() < 0.7 else rng.uniform(-1, 2, 4)
    left, top = int(max(0, left - margins[0])), int(max(0, top - margins[1]))
    right, bottom = int(min(SCENE, math.ceil(right + margins[2]))), int(min(SCENE, math.ceil(bottom + margins[3])))
    return WHOLE if right - left < SMALLEST or bottom - top < SMALLEST else (left, top, right, bottom)


def _visible(objects: Float32, window: Frame, at: tuple[int, int]) -> Float32:
    """The objects (n, 5) in a window whose corner comes to ``at``, their boxes cut to it."""
    left, top, right, bottom = window
    kept = []
    for x, y, width, height, label in objects.tolist():
        x0, x1 = max(x - width / 2, left), min(x + width / 2, right)
        y0, y1 = max(y - height / 2, top), min(y + height / 2, bottom)
        share = max(0.0, x1 - x0) * max(0.0, y1 - y0) / max(width * height, 1e-6)
        if share > REMNANT:
            kept.append(
                (
                    *((x0 + x1) / 2 + at[0] - left, (y0 + y1) / 2 + at[1] - top),
                    *(x1 - x0, y1 - y0, label if share > VISIBLE else IGNORED),
                )
            )
    return np.array(kept, np.float32).reshape(-1, 5)[:MOST]


def turned(image: UInt8, objects: Float32, frame: Frame, turn: int) -> tuple[UInt8, Float32, Frame]:
    """All of it turned clockwise by ``turn`` quarters."""
    objects = objects.copy()
    for _ in range(turn):  # a quarter clockwise: (x, y) becomes (side - y, x)
        objects[:, :2] = np.stack([SCENE - objects[:, 1], objects[:, 0]], axis=1)
        objects[:, 2:4] = objects[:, 3:1:-1]
        left, top, right, bottom = frame
        frame = SCENE - bottom, left, SCENE - top, right
    return np.ascontiguousarray(np.rot90(image, -turn)), objects, frame
