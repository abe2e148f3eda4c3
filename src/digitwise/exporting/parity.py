"""Compares the outputs of an exported model with those of its original, on drawn images: no data set is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from digitwise.errors import ExportError
from digitwise.images import Float32, UInt8

IMAGES = 1000
FINER = 4  # the factor at which images are drawn, then reduced for soft edges
BATCHES = (1, 7)  # a single image as in a server, and an odd number for which no compiler optimises
LARGEST_DIFFERENCE = 1e-4
TIE = 1e-6  # difference of probabilities up to which rounding decides the class

Ask = Callable[[UInt8], Float32]  # images (n, h, w) or (n, h, w, 3) to probabilities (n, classes)


def largest_difference(exported: Ask, model: Ask, images: UInt8, batches: Sequence[int] = BATCHES) -> float:
    """The largest difference of a probability between two models, over batches of each size.

    Raises
    ------
    ExportError
        If it exceeds ``LARGEST_DIFFERENCE``, or an image gets another class.
    """
    largest = 0.0
    for batch in batches:
        mine, theirs = (_in_batches(ask, images, batch) for ask in (exported, model))
        difference = float(np.abs(mine - theirs).max()) if mine.shape == theirs.shape else np.inf
        if not difference <= LARGEST_DIFFERENCE:  # NaN fails this too
            raise ExportError(_refusal(f"probabilities differ by up to {difference:.2g} in batches of {batch}"))
        if others := _other_classes(mine, theirs):
            raise ExportError(_refusal(f"{others} of {len(images):,} images get another class"))
        largest = max(largest, difference)
    return largest


def _in_batches(ask: Ask, images: UInt8, batch: int) -> Float32:
    return np.concatenate([ask(images[start : start + batch]) for start in range(0, len(images), batch)])


def _other_classes(mine: Float32, theirs: Float32) -> int:
    chosen = np.take_along_axis(theirs, mine.argmax(axis=1)[:, None], axis=1)[:, 0]
    return int((chosen < theirs.max(axis=1) - TIE).sum())


def _refusal(what: str) -> str:
    return (
        f"the export differs from the model: expected differences of at most {LARGEST_DIFFERENCE}, but {what}; "
        f"nothing was written"
    )


def drawings(n: int, shape: tuple[int, int, int], *, seed: int = 0) -> UInt8:
    """Draw strokes on plain and noisy backgrounds; every eighth image is noise alone.

    Parameters
    ----------
    n : int
    shape : (int, int, int)
        Height, width, channels (1 or 3).
    seed : int

    Returns
    -------
    ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
        Mostly light on dark, in all shades.
    """
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    images = np.stack([_strokes(rng, (height, width)) for _ in range(n * channels)])
    values = images.reshape(n, channels, height, width).astype(np.float32)
    amount = rng.choice([0.0, 0.0, 10.0, 60.0], n).reshape(-1, 1, 1, 1)
    values += rng.normal(size=values.shape) * amount
    values[::8] = rng.uniform(0, 255, values[::8].shape)
    drawn = np.clip(values, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return drawn[..., 0] if channels == 1 else drawn


def _strokes(rng: np.random.Generator, size: tuple[int, int]) -> UInt8:
    """Draw one to three bent lines, (h, w)."""
    height, width = (FINER * side for side in size)
    image = Image.new("L", (width, height), int(rng.integers(256) * (rng.random() < 0.25)))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 4)):
        corners = rng.uniform(0.1, 0.9, (rng.integers(2, 6), 2)) * (width, height)
        thickness = max(1, round(min(size) * FINER * rng.uniform(0.03, 0.2)))
        pen.line([tuple(corner) for corner in corners], int(rng.integers(60, 256)), thickness, joint="curve")
    return np.asarray(image.reduce(FINER))
