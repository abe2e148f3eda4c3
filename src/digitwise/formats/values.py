"""From whatever stands for labels and pixels in a user's file to the two dtypes of this house, uint8 and int64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.decoding.modes import white_of
from digitwise.errors import DataError
from digitwise.images import Int64, UInt8

ROUNDED = 1e-3  # what a number may be off by where it is written with few decimals
OVERSHOOT = 0.25  # of 0 to 1, as bicubic resampling leaves it
UCI = 16.0  # white of scikit-learn's load_digits: the count of ink among 4x4 pixels
DIM = 32.0  # a highest value below this is no white of bytes


def as_labels(values: NDArray[np.generic], where: str) -> Int64:
    """Class numbers from integers, whole floats, or one-hot rows.

    Parameters
    ----------
    values : ndarray, shape (n,), (n, 1) or one-hot (n, k)
    where : str
        File and field, for the error message.

    Returns
    -------
    ndarray of int64, shape (n,)
        Not negative.

    Raises
    ------
    DataError
        If a value is NaN, negative or no whole number.
    """
    if values.dtype.kind not in "buif":
        raise DataError.wanted(where, "whole-number labels", values.dtype)
    array = np.asarray(values, np.float64)
    if array.ndim == 2 and array.shape[1] > 1:
        if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
            raise DataError.wanted(where, "labels (n,) or one-hot rows", f"shape {array.shape}")
        array = array.argmax(axis=1).astype(np.float64)
    array = array.reshape(-1)
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0) & (array == np.floor(array))))
    if len(wrong):
        raise DataError.wanted(where, "labels 0, 1, 2, …", f"{array[wrong[0]]:g} at row {wrong[0]}")
    return array.astype(np.int64)


@dataclass(frozen=True)
class Scale:
    """What numbers of black and white pixels are.

    Parameters
    ----------
    black, white : float
    beyond : float
        How far numbers may lie outside: resampling overshoots. They are cut.
    """

    black: float = 0.0
    white: float = 255.0
    beyond: float = 0.0

    @classmethod
    def of(cls, values: NDArray[Any]) -> Scale | None:
        """The scale of finite numbers that are not those of bytes; None of numbers that may be."""
        if not values.size or values.dtype.kind not in "fb":
            return None
        low, high = float(values.min()), float(values.max())
        if abs(low + 1) <= ROUNDED and high <= 1 + ROUNDED:
            return cls(-1.0, 1.0, ROUNDED)
        if low >= 0 and high <= 1:
            return cls(0.0, 1.0)
        return cls(0.0, 1.0, OVERSHOOT) if -OVERSHOOT <= low < 0 and 1 < high <= 1 + OVERSHOOT else None

    @classmethod
    def of_counts(cls, values: NDArray[Any]) -> Scale | None:
        """The scale of whole numbers of which the highest is 16, as in UCI's digits; None of others."""
        if not values.size or values.dtype.kind == "b" or values.max() != UCI or values.min() < 0:
            return None
        return cls(white=UCI) if values.dtype.kind in "ui" or (values == np.floor(values)).all() else None

    @classmethod
    def told(cls, values: NDArray[Any], where: str, white: float | None = None) -> Scale:
        """The scale of numbers in memory, that of bytes where nothing tells.

        Parameters
        ----------
        values : ndarray
        where : str
            What they are called in messages.
        white : float, optional
            The number of a white pixel.

        Raises
        ------
        DataError
            If numbers are above ``white``, or may be on several scales and it is not given.
        """
        if values.dtype.kind not in "buif" or not values.size or not np.isfinite(values).all():
            return cls()  # refused with its own reason
        low, high = float(values.min()), float(values.max())
        came = f"{values.dtype} of {low:g} to {high:g}"
        if white is not None:
            if low < 0 or high > white or white <= 0:
                raise DataError.wanted(where, f"pixels 0 to {white:g}, as white says", came, argument="white")
            return cls(white=white)
        if found := cls.of(values) or cls.of_counts(values):
            return found
        if low >= 0 and (0 < high < DIM or high > 255):
            most = int(high) if high == int(high) else 255
            do = f"tell the number of a white pixel: digitwise.Dataset.from_arrays(..., white={most})"
            raise DataError.wanted(where, "pixels 0.0 to 1.0 or 0 to 255", came, do, argument="white")
        return cls()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done to the numbers, in words."""
        if self.white == 255:
            return ()
        cut = ", and cut where they lie outside" if self.beyond == OVERSHOOT else ""
        return (f"pixels {self.black:g} to {self.white:g}, brought to 0 to 255{cut}",)

    def pixels(self, values: NDArray[Any]) -> UInt8:
        """Finite numbers as uint8."""
        factor = 255 / (self.white - self.black)
        return np.asarray(np.clip((values - self.black) * factor, 0, 255).round(), np.uint8)


def as_pixels(values: NDArray[np.generic], where: str) -> UInt8:
    """Images as uint8 from uint8, whole numbers 0 to 255, or floats in [0, 1] or [-1, 1].

    Parameters
    ----------
    values : ndarray, shape (n, h, w), (n, h, w, 1), (n, h, w, 3) or flat and square (n, h * h)
    where : str
        File and field, for the error message.

    Returns
    -------
    ndarray of uint8, shape (n, h, w) or (n, h, w, 3)

    Raises
    ------
    DataError
        If a value is NaN or outside these ranges, or the shape is none of these.
    """
    if values.dtype.kind not in "buif":
        raise DataError.wanted(where, "numbers as pixels", values.dtype)
    images = np.asarray(values, np.uint8) if values.dtype == np.uint8 else _scaled(values, where)
    return np.ascontiguousarray(shaped(images, where))


def _scaled(values: NDArray[np.generic], where: str) -> UInt8:
    array = np.asarray(values, np.float32)
    if not np.isfinite(array).all():
        place = np.unravel_index(int(np.flatnonzero(~np.isfinite(array))[0]), array.shape)
        raise DataError.wanted(where, "finite pixels", f"NaN or infinity in image {place[0]}", "fix or drop it")
    if scale := Scale.of(values):
        return scale.pixels(array)
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if low < 0 or high > 255:
        raise DataError.wanted(
            where, "pixels 0 to 255 or 0.0 to 1.0", f"{low:g} to {high:g}", "undo any standardisation"
        )
    return np.round(array).astype(np.uint8)


def whole(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers 0 to 255 that a table holds as floats, as uint8; others as they are."""
    whole = np.isfinite(values).all() and values.min() >= 0 and values.max() <= 255 and (values == values.round()).all()
    return values.astype(np.uint8) if whole else values


def shaped(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Flat rows of numbers as squares, a lone channel dropped: (n, h, w) or (n, h, w, 3) of the same dtype.

    Raises
    ------
    DataError
        If the shape is none of images.
    """
    if array.ndim == 2:
        side = math.isqrt(array.shape[1])
        if side * side != array.shape[1] or side == 0:
            raise DataError.wanted(where, "a square number of pixels (784 for 28x28)", array.shape[1])
        array = array.reshape(-1, side, side)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3):
        return array
    shapes = "shape (n, h, w), (n, h, w, 1), (n, h, w, 3) or (n, pixels)"
    raise DataError.wanted(where, shapes, array.shape, argument=where)


class Pixels:
    """Turns blocks of numbers into images: what the first ones say of their range holds for all.

    Parameters
    ----------
    where : str
        The file, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.scale: Scale | None = None  # when an image has told

    def __call__(self, values: NDArray[Any]) -> UInt8:
        """Images uint8 (n, h, w) or (n, h, w, 3) from numbers of that shape, (n, h, w, 1) or (n, square).

        Raises
        ------
        DataError
            If they are no pixels, as negative ones are not, or exceed the range that earlier ones had.
        """
        if values.dtype == np.uint8 or values.dtype.kind not in "uif" or not values.size:
            return as_pixels(values, self.where)
        if not np.isfinite(values).all() or not values.any():
            return as_pixels(values, self.where)
        low, high = float(values.min()), float(values.max())
        self.scale = self.scale or _scale(values, high)
        black, white, beyond = self.scale.black, self.scale.white, self.scale.beyond
        if low < black - beyond:
            raise DataError.wanted(
                self.where, "pixels 0 to 1 or 0 to 255", f"{low:g} to {high:g}", "undo any standardisation"
            )
        if high > white + beyond:
            raise DataError.wanted(self.where, f"pixels up to {white:g}, as those before", f"{high:g}")
        return as_pixels(self.scale.pixels(values), self.where)


def _scale(values: NDArray[Any], high: float) -> Scale:
    return Scale.of(values) or (Scale(white=white_of(high)) if values.dtype.kind == "u" and high > 255 else Scale())
