"""Drawn pictures to hold two forms of a model against each other by, without the data it was trained on."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from digitwise.images import UInt8

FINER = 4  # drawn so many times larger, for soft edges


def drawings(n: int, shape: tuple[int, int, int], *, seed: int = 0) -> UInt8:
    """Draw strokes on plain and on noisy grounds, and every eighth time noise alone.

    Parameters
    ----------
    n : int
    shape : (int, int, int)
        Height, width, channels (1 or 3).
    seed : int

    Returns
    -------
    ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
        Mostly light on dark, of all shades, no two alike.
    """
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    pictures = np.stack([_strokes(rng, (height, width)) for _ in range(n * channels)])
    values = pictures.reshape(n, channels, height, width).astype(np.float32)
    amount = rng.choice([0.0, 0.0, 10.0, 60.0], n).reshape(-1, 1, 1, 1)
    values += rng.normal(size=values.shape) * amount
    values[::8] = rng.uniform(0, 255, values[::8].shape)
    drawn = np.clip(values, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return drawn[..., 0] if channels == 1 else drawn


def _strokes(rng: np.random.Generator, size: tuple[int, int]) -> UInt8:
    """One to three bent lines, (h, w)."""
    height, width = (FINER * side for side in size)
    image = Image.new("L", (width, height), int(rng.integers(256) * (rng.random() < 0.25)))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 4)):
        corners = rng.uniform(0.1, 0.9, (rng.integers(2, 6), 2)) * (width, height)
        thickness = max(1, round(min(size) * FINER * rng.uniform(0.03, 0.2)))
        pen.line([tuple(corner) for corner in corners], int(rng.integers(60, 256)), thickness, joint="curve")
    return np.asarray(image.reduce(FINER))
