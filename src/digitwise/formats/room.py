"""How much memory what is in a file may take: known from headers, or counted, before it is taken."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.errors import DataError
from digitwise.system import memory_available

VARIABLE = "DIGITWISE_MAX_BYTES"
SHARE = 0.5  # of the memory available
PLAIN = 2**30  # bytes that the smallest file may unpack to
RATIO = 100  # how often its own size a larger file may unpack to: MNIST's images unpack to five times theirs


class Room:
    """The memory that what is read from one file may take, or from a few.

    Parameters
    ----------
    path : str or Path
        The file, for its size and for messages. Of an address the size is not known.
    stored : int, optional
        Bytes of all files, where there are several.
    advice : str
        What to do about too much.

    Notes
    -----
    It is half of the memory available, and no more than ``PLAIN`` bytes or ``RATIO`` times the file, whichever of
    these two is more: what unpacks to more was made to. ``$DIGITWISE_MAX_BYTES`` replaces both.
    """

    def __init__(self, path: str | Path, stored: int | None = None, advice: str = "save a part of it") -> None:
        self.path, self.advice = str(path), advice
        self.most, self._why = _most(_size_of(self.path) if stored is None else stored)
        self.taken = 0

    def take(self, size: int) -> None:
        """Count ``size`` bytes more.

        Raises
        ------
        DataError
            If they are more than may be taken.
        """
        self.taken += size
        self.require(self.taken, "its content takes more than")

    def require_array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Refuse an array that takes more.

        Raises
        ------
        DataError
        """
        self.require(prod(shape) * dtype.itemsize, f"an array of shape {shape} takes")

    def require(self, size: int, what: str) -> None:
        """Refuse what takes more than may be taken; ``what`` stands before its size in the message.

        Raises
        ------
        DataError
        """
        if size > self.most:
            raise DataError(
                f"{self.path}: {what} {_gigabytes(size)} in memory: expected at most "
                f"{_gigabytes(self.most)}, {self._why}; {self.advice}, or set {VARIABLE} to allow more"
            )


def _size_of(path: str) -> int | None:
    return Path(path).stat().st_size if Path(path).is_file() else None


def _most(stored: int | None) -> tuple[float, str]:
    """Bytes, infinite where nothing bounds them, and why."""
    given = os.environ.get(VARIABLE)
    if given:
        try:
            return float(int(given)), f"as {VARIABLE} says"
        except ValueError as error:
            raise DataError(f"{VARIABLE}: expected a number of bytes, got {given!r}") from error
    available = memory_available()
    bounds = [] if available is None else [(SHARE * available, f"half of the {_gigabytes(available)} available")]
    if stored is not None:
        bounds.append((max(PLAIN, RATIO * stored), f"for {stored:,} bytes on disk"))
    return min(bounds, default=(float("inf"), ""))


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.2f} GB"
