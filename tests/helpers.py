"""Small sets and answers, drawn for tests."""

from __future__ import annotations

import numpy as np

from digitwise.images import ImageSet, Predictions


def blobs(n: int, *, seed: int = 0, size: int = 28, classes: int = 3, channels: int = 1) -> ImageSet:
    """Pictures that a small network can tell apart: a bright bar whose place is the class."""
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
