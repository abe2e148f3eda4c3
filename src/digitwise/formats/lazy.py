"""Arrays that a library reads, their axes in any order, as images in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.formats.array_names import Shapes, axes, label_axes, label_count, pairs
from digitwise.formats.arrays import Arrays, Opener
from digitwise.formats.blocks import BLOCK_BYTES
from digitwise.formats.room import Room


@dataclass(frozen=True, eq=False)
class LazyArray:
    """An array in a file; the counterpart of :class:`digitwise.formats.arrays.ArrayFile`.

    Parameters
    ----------
    path : Path
    opened : callable
        A context manager of what can be indexed: an ndarray, or a dataset of HDF5.
    stored : tuple of int
        Its shape.
    dtype : dtype
    order : tuple of int
        Its axes in the order in which they are wanted, the images first.
    """

    path: Path
    opened: Callable[[], AbstractContextManager[Any]]
    stored: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array as it is wanted."""
        return tuple(self.stored[axis] for axis in self.order)

    def blocks(self, size: int) -> Iterator[NDArray[Any]]:
        """The values, ``size`` rows at a time, or fewer where these are large."""
        row_bytes = prod(self.shape[1:]) * self.dtype.itemsize
        step = max(1, min(size, BLOCK_BYTES // max(row_bytes, 1)))
        with self.opened() as values:
            for start in range(0, self.shape[0], step):
                part: list[slice] = [slice(None)] * len(self.stored)
                part[self.order[0]] = slice(start, min(start + step, self.shape[0]))
                yield np.asarray(values[tuple(part)]).transpose(self.order)

    def whole(self) -> NDArray[Any]:
        """All values.

        Raises
        ------
        DataError
            If they take more memory than they may.
        """
        Room(self.path).require_array(self.stored, self.dtype)
        found = list(self.blocks(self.shape[0]))
        return np.concatenate(found) if found else np.empty(self.shape, self.dtype)

    def close(self) -> None:
        """Nothing is open but while it is read."""


def lazy_splits(
    path: Path, shapes: Shapes, opener: Callable[[str, tuple[int, ...]], Opener], kind: type[Arrays] = Arrays
) -> Mapping[str, Arrays]:
    """The splits among named arrays.

    Parameters
    ----------
    path : Path
    shapes : mapping of str to tuple of int
        Of each array of numbers.
    opener : callable
        What opens an array, from its name and the order of its axes.
    kind : type
        Of the splits.

    Raises
    ------
    DataError
        If the names or shapes do not tell which are the images.
    """
    found, notes = pairs(shapes, str(path))
    splits = {}
    for split, pair in found.items():
        where, shape, labels = f"{path}, {pair.images}", shapes[pair.images], None
        count = None if pair.labels is None else label_count(shapes[pair.labels], shape)
        if pair.labels is not None:
            labels = f"{path}, {pair.labels}", opener(pair.labels, label_axes(shapes[pair.labels], count))
        images = opener(pair.images, axes(shape, count, where))
        splits[split] = kind(where, images, labels, pair.images, None, notes)
    return splits
