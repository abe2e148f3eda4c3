"""Small sets and answers, drawn for tests."""

from __future__ import annotations

import numpy as np

from digitwise.images import ImageSet
from digitwise.predictions import Predictions


def blobs(n: int, *, seed: int = 0, size: int = 28, classes: int = 3, channels: int = 1) -> ImageSet:
    """Images that a small network can tell apart: a bright bar whose place is the class."""
    rng = np.random.default_rng(seed)
    shape = (n, size, size) if channels == 1 else (n, size, size, 3)
    images = rng.integers(0, 60, shape, dtype=np.uint8)
    labels = np.arange(n, dtype=np.int64) % classes
    width = size // classes
    for image, label in zip(images, labels, strict=True):
        image[:, label * width : label * width + width] = 220
    return ImageSet(images, labels, tuple(str(i) for i in range(classes)))


def predictions(labels: list[int], predicted: list[int], classes: int = 3, confidence: float = 0.8) -> Predictions:
    """Answers with the given classes, each at the same confidence."""
    probabilities = np.full((len(labels), classes), (1 - confidence) / (classes - 1), np.float32)
    probabilities[np.arange(len(labels)), predicted] = confidence
    return Predictions(np.array(labels, np.int64), probabilities, tuple(str(i) for i in range(classes)))


def drawn(n: int, *, seed: int = 0, classes: int = 10, sharpness: float = 4.0) -> Predictions:
    """Answers whose probabilities are true: each label is drawn from its own row."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * sharpness
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return Predictions(
        np.minimum(labels, classes - 1).astype(np.int64),
        probabilities.astype(np.float32),
        tuple(str(i) for i in range(classes)),
    )


def glyphs(n: int, *, seed: int = 0) -> np.ndarray:
    """Strokes as a pen would draw them, no two alike: light on dark, uint8 (n, 28, 28), in a box of 20, centred."""
    from scipy.ndimage import gaussian_filter, shift, zoom

    rng = np.random.default_rng(seed)
    out = np.zeros((n, 28, 28), np.uint8)
    for place in range(n):
        points = np.cumsum(rng.normal(size=(5, 2)), axis=0)
        along = np.linspace(0, 4, 200)
        path = np.stack([np.interp(along, np.arange(5), points[:, axis]) for axis in (0, 1)])
        path = (path - path.min(axis=1, keepdims=True)) / max(np.ptp(path, axis=1).max(), 1e-6) * 59
        canvas = np.zeros((60, 60), np.float32)
        canvas[tuple(path.round().astype(int))] = 1
        canvas = gaussian_filter(canvas, 2.0)
        rows, columns = np.flatnonzero(canvas.max(axis=1) > 0.03), np.flatnonzero(canvas.max(axis=0) > 0.03)
        box = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        small = np.clip(zoom(box, 20 / max(box.shape), order=1), 0, None)[:20, :20]
        image = np.zeros((28, 28), np.float32)
        image[4 : 4 + small.shape[0], 4 : 4 + small.shape[1]] = np.clip(small / small.max() * 1.6, 0, 1) * 255
        centre = (image * np.mgrid[:28, :28]).sum(axis=(1, 2)) / image.sum()
        out[place] = np.clip(shift(image, np.rint(13.5 - centre), order=0), 0, 255)
    return out
