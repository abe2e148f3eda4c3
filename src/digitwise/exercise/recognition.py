"""Recognises training and test images after any scaling of their values and change of their shape."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.images import Dataset, Float32, Int64, Mask, UInt8

# Levels between the darkest and the brightest pixel. Half a prime above 255: whatever the distance of the two, no grey
# value falls on the border of a level, so rounding moves no pixel to another level.
LEVELS = 257 / 2
BLOCK = 10_000  # images at a time
PAIRS = 2_000  # from which a scaling is fitted
EXACT = 1e-3  # largest deviation from a scaling, as a share of the range of values: float16 rounds that far
BLANK = -1


@dataclass(frozen=True)
class Scaling:
    """Pixel values as ``factor * grey + offset``."""

    factor: list[float]  # one value for all pixels, or one for each, as in offset
    offset: list[float]


@dataclass(frozen=True)
class Recognised:
    """How many of ``n`` images are known."""

    n: int
    train: int  # training images
    test: int  # test images that are not among the training images
    scaling: Scaling | None  # of the known images; None where no single scaling fits


class Recogniser:
    """Finds the images of a data set among other arrays."""

    def __init__(self, dataset: Dataset) -> None:
        self.shape = dataset.train.images.shape[1:]
        self.sets: dict[str, UInt8] = {"train": dataset.train.images, "test": dataset.test.images}
        self.places = {name: _places(_rows(images)) for name, images in self.sets.items()}

    def recognise(self, values: Any) -> Recognised:
        """Count the known images in an array.

        Parameters
        ----------
        values : array_like, shape (n, ...)
            Flat or not, with one channel or three equal ones, with or without a border.
        """
        rows = self.rows(np.asarray(values))
        if rows is None:
            return Recognised(len(np.atleast_1d(np.asarray(values))), 0, 0, None)
        found = {name: self._find(rows, name) for name in self.sets}
        for name, images in self.sets.items():
            if len(images) == len(rows) and (found[name] == BLANK).mean() > 0.5:
                # Scaling each pixel by itself changes the digest; images in the data set's order are still recognised.
                scaling = _scaling(rows, _rows(images))
                if scaling is not None:
                    return Recognised(len(rows), *((len(rows), 0) if name == "train" else (0, len(rows))), scaling)
        only_test = (found["test"] != BLANK) & (found["train"] == BLANK)
        return Recognised(
            len(rows), int((found["train"] != BLANK).sum()), int(only_test.sum()), self._scaling_of(rows, found)
        )

    def known(self, rows: Float32) -> Mask:
        """Which of some images, as :meth:`rows` gives them, are images of the data set."""
        return np.asarray(np.any([self._find(rows, name) != BLANK for name in self.sets], axis=0))

    def rows(self, values: NDArray[Any]) -> Float32 | None:
        """The images as float32 (n, pixels), without border; None where the shape does not fit."""
        height, width = self.shape[:2]
        size = int(np.prod(self.shape))
        if values.ndim < 2 or not len(values) or values.dtype.kind not in "biuf":
            return None
        if values[0].size == size:
            return np.asarray(values, np.float32).reshape(len(values), size)
        if values.ndim == 4 and values.shape[3] == 3 and len(self.shape) == 2:
            values = values[..., 0]
        if values.ndim == 4 and values.shape[3] == 1:
            values = values[..., 0]
        if values.ndim != 3 or len(self.shape) != 2 or values.shape[1] < height or values.shape[2] < width:
            return None
        top, left = (values.shape[1] - height) // 2, (values.shape[2] - width) // 2
        inner = values[:, top : top + height, left : left + width]
        return np.asarray(inner, np.float32).reshape(len(values), size)

    def _find(self, rows: Float32, name: str) -> Int64:
        known = self.places[name]
        found = np.array([known.get(key, BLANK) for key in _keys(rows)], np.int64)
        if (found == BLANK).all():  # dark on light
            found = np.array([known.get(key, BLANK) for key in _keys(-rows)], np.int64)
        return found

    def _scaling_of(self, rows: Float32, found: dict[str, Int64]) -> Scaling | None:
        for name in ("test", "train"):
            pairs = np.flatnonzero(found[name] != BLANK)
            pairs = pairs[:: max(1, len(pairs) // PAIRS)]
            if len(pairs):
                scaling = _scaling(rows[pairs], _rows(self.sets[name][found[name][pairs]]))
                if scaling is not None:
                    return scaling
        return None


def _rows(images: UInt8) -> UInt8:
    return images.reshape(len(images), -1)


def _keys(rows: NDArray[Any]) -> list[bytes]:
    """For each image a digest of its levels between darkest and brightest, which scaling does not change."""
    keys: list[bytes] = []
    for start in range(0, len(rows), BLOCK):
        block = np.asarray(rows[start : start + BLOCK], np.float32)
        low, high = block.min(axis=1, keepdims=True), block.max(axis=1, keepdims=True)
        levels = (LEVELS * ((block - low) / np.where(high > low, high - low, 1))).astype(np.uint8)
        keys += [hashlib.blake2b(row.data, digest_size=16).digest() for row in levels]
    return keys


def _places(rows: UInt8) -> dict[bytes, int]:
    return {key: place for place, key in enumerate(_keys(rows))}


def _scaling(rows: Float32, grey: UInt8) -> Scaling | None:
    """Fit the scaling from ``grey`` to ``rows``, both (n, pixels); None where none fits."""
    values, true = rows.astype(np.float64), grey.astype(np.float64)
    spread = np.ptp(values) or 1.0
    factor, offset = np.polyfit(true.ravel(), values.ravel(), 1) if np.ptp(true) else (0.0, values.mean())
    if np.abs(factor * true + offset - values).max() <= EXACT * spread:
        return Scaling([float(factor)], [float(offset)])
    mean_true, mean = true.mean(axis=0), values.mean(axis=0)
    variance = ((true - mean_true) ** 2).mean(axis=0)
    slope = ((true - mean_true) * (values - mean)).mean(axis=0) / np.where(variance > 0, variance, 1)
    if len(rows) < 20 or np.abs(slope * (true - mean_true) + mean - values).max() > EXACT * spread:
        return None
    return Scaling(slope.tolist(), (mean - slope * mean_true).tolist())


def class_counts(labels: Any, classes: int, weights: Any = None) -> list[float] | None:
    """Sum the samples, or their weights, of each class; None where ``labels`` are no labels.

    Parameters
    ----------
    labels : array_like, shape (n,), (n, 1) or (n, classes)
        Class indices, or one-hot rows.
    classes : int
    weights : array_like, shape (n,), optional
    """
    values = np.asarray(labels)
    if values.ndim == 2 and values.shape[1] == classes and classes > 1:
        values = values.argmax(axis=1)
    values = values.reshape(-1)
    if values.dtype.kind not in "biuf" or not len(values) or values.min() < 0 or values.max() >= classes:
        return None
    weighted = None if weights is None else np.asarray(weights, np.float64).reshape(-1)
    return [float(count) for count in np.bincount(values.astype(np.int64), weighted, classes)]
