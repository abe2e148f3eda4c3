"""Smooth random fields, for uneven paper, light, pressure and fog."""

from __future__ import annotations

import numpy as np
from PIL import Image

from digitwise.images import Float32


def smooth_noise(shape: tuple[int, int], cell: float, *, rng: np.random.Generator) -> Float32:
    """Noise without detail smaller than ``cell`` pixels, float32 of shape (h, w), mean 0 and spread about 0.8."""
    height, width = shape
    grid = rng.standard_normal((int(height / cell) + 2, int(width / cell) + 2), np.float32)
    return resized(grid, shape)


def resized(values: Float32, shape: tuple[int, int]) -> Float32:
    """Resize a field (h, w) by cubic interpolation, with averaging where it shrinks."""
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.array(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def plasma(n: int, side: int, decay: float, *, rng: np.random.Generator) -> Float32:
    """Clouds by midpoint displacement on a torus, float32 of shape (n, side, side) in [0, 1].

    ``side`` is a power of two; ``decay`` divides the displacement from one scale to the next finer one.
    """
    field = np.zeros((n, side, side), np.float64)
    step, height = side, 100.0
    while step > 1:
        half = step // 2

        def nudge(places: np.ndarray, height: float = height) -> np.ndarray:
            return places / 4 + height * rng.uniform(-1, 1, places.shape)

        corners = field[:, ::step, ::step]
        beside = corners + np.roll(corners, -1, axis=1)
        centres = nudge(beside + np.roll(beside, -1, axis=2))
        field[:, half::step, half::step] = centres
        across = centres + np.roll(centres, 1, axis=1)  # the centres above and below a point between two corners
        field[:, ::step, half::step] = nudge(corners + np.roll(corners, -1, axis=2) + across)
        along = centres + np.roll(centres, 1, axis=2)
        field[:, half::step, ::step] = nudge(corners + np.roll(corners, -1, axis=1) + along)
        step, height = half, height / decay
    field -= field.min(axis=(1, 2), keepdims=True)
    return np.asarray(field / np.maximum(field.max(axis=(1, 2), keepdims=True), 1e-9), np.float32)
