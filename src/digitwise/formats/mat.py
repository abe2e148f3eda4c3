"""MATLAB's files: arrays of numbers by name, also within structs; objects and cells are not taken."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError
from digitwise.formats import hdf5
from digitwise.formats.arrays import Arrays
from digitwise.formats.blocks import BLOCK, Block
from digitwise.formats.columns import is_square
from digitwise.formats.damage import damage_of
from digitwise.formats.lazy import LazyArray, lazy_splits
from digitwise.formats.room import Room
from digitwise.formats.values import shaped

MAGICS = (b"MATLAB 5.0 MAT-file", MAGIC_HDF5 := b"MATLAB 7.3 MAT-file")
CLASSES = {"double": "f8", "single": "f4", "logical": "?"} | {
    f"{sign}int{8 * size}": f"{kind}{size}" for sign, kind in (("", "i"), ("u", "u")) for size in (1, 2, 4, 8)
}
HEADER = 128  # bytes
UINT32, MATRIX, PACKED = 6, 14, 15  # types of elements; one that is packed by zlib holds a matrix
NUMBERS = frozenset({*range(1, 8), 9, 12, 13, 16, 17, 18})
SPARSE, OPAQUE, OF_NUMBERS = 5, 17, frozenset({4, *range(6, 16)})  # classes of a matrix
MOST_AXES = 32
CHUNK = 2**20  # bytes
ONES = 200  # images of the digit 1 that tell rows from columns
TALL = 1.5  # times as high as wide, at least, is a 1 that stands; those of MNIST are 5 times
BY_COLUMNS = "images stored column by column, as MATLAB does, turned upright"
TEN = "labels 1 to 10: 10 stands for 0"


class Matlab(Arrays):
    """Images and labels of a split; flat images are made upright, and a label 10 is the digit 0."""

    @cached_property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`~digitwise.formats.blocks.Stored`."""
        told = (BY_COLUMNS, self.by_columns), (TEN, _has_ten(super().marks()))
        return (*super().notes, *(note for note, is_so in told if is_so))

    @cached_property
    def by_columns(self) -> bool:
        """Whether flat images are stored by columns, as MATLAB does, unless the digit 1 stands when read by rows."""
        if len(self.shape) != 2 or not is_square(self.shape[1]):
            return False
        labels = self.marks()
        if labels is None or labels.ndim != 1 or not np.isin(labels, np.arange(10)).all():
            return True
        ones: list[NDArray[Any]] = []
        for block in super().blocks(labels=True):
            assert not isinstance(block.images, list)
            ones.extend(block.images[np.asarray(block.labels) == 1])
            if len(ones) >= ONES:
                break
        if not ones:
            return True
        height, width = _spread(shaped(np.stack(ones), self.where).astype(np.float64))
        return height < TALL * width

    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        for block in super().blocks(size, labels=labels):
            yield self._upright(block)

    def whole(self, *, labels: bool = True, mapped: bool = False) -> Block:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        return self._upright(super().whole(labels=labels))

    def marks(self) -> NDArray[Any] | None:
        """The labels as they are meant."""
        labels = super().marks()
        return labels % 10 if _has_ten(labels) and labels is not None else labels

    def _upright(self, block: Block) -> Block:
        if not self.by_columns:
            return block
        assert not isinstance(block.images, list)
        return Block(shaped(block.images, self.where).transpose(0, 2, 1), block.labels)


def splits(path: Path) -> Mapping[str, Arrays]:
    """The splits in a file of any version, see :func:`digitwise.formats.array_names.pairs`.

    Raises
    ------
    DataError
        If it is damaged, holds no arrays of numbers of such names, or more of them than memory holds.
    """
    with path.open("rb") as file:
        start = file.read(len(MAGIC_HDF5))
    if start == MAGIC_HDF5 or start.startswith(hdf5.MAGIC):
        shapes = {name: shape[::-1] for name, shape in hdf5.datasets(path).items()}  # stored in reverse
        return lazy_splits(path, shapes, lambda name, order: hdf5.opener(path, name, _reversed(order)), Matlab)
    variables, fields = _variables(path)
    if fields:
        shapes = {name: array.shape for name, array in fields.items()}
        return lazy_splits(path, shapes, lambda name, order: lambda: _field(path, fields[name], order), Matlab)
    shapes = {name: shape for name, (shape, _) in variables.items()}
    return lazy_splits(path, shapes, lambda name, order: lambda: _array(path, name, *variables[name], order), Matlab)


def _reversed(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(len(order) - 1 - axis for axis in order)


def _variables(path: Path) -> tuple[dict[str, tuple[tuple[int, ...], np.dtype[Any]]], dict[str, NDArray[Any]]]:
    """Shape and dtype of each array of numbers, from the headers; where there are none, those in structs."""
    from scipy.io import whosmat

    with _reading(path), path.open("rb") as file:
        _require_whole(file, path)
        found = whosmat(path)
    taken = {name: (tuple(shape), np.dtype(CLASSES[kind])) for name, shape, kind in found if kind in CLASSES}
    fields = {} if taken else _fields(path, [name for name, _, kind in found if kind == "struct"])
    if not taken and not fields:
        got = ", ".join(f"{name} ({kind})" for name, _, kind in found[:5]) or "nothing"
        raise DataError.wanted(path, "arrays of numbers, such as X and y", got, "save these by themselves")
    return taken, fields


def _fields(path: Path, structs: list[str]) -> dict[str, NDArray[Any]]:
    """The arrays of numbers in structs, such as ``dataset/train/images`` of EMNIST."""
    from scipy.io import loadmat

    with _reading(path):
        found = loadmat(path, variable_names=structs, mat_dtype=True) if structs else {}
        arrays, waiting = {}, [(name, found[name]) for name in structs]
        while waiting:
            name, value = waiting.pop()
            if not isinstance(value, np.ndarray):
                continue
            if value.dtype.names and value.size == 1:  # a struct, not an array of some
                waiting += [(f"{name}/{field}", value[field].item()) for field in value.dtype.names]
            elif value.dtype.kind in "buif":
                arrays[name] = value
    return dict(sorted(arrays.items()))


def _field(path: Path, array: NDArray[Any], order: tuple[int, ...]) -> LazyArray:
    return LazyArray(path, lambda: nullcontext(array), array.shape, array.dtype, order)


def _array(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], order: tuple[int, ...]) -> LazyArray:
    @contextmanager
    def opened() -> Iterator[NDArray[Any]]:
        from scipy.io import loadmat

        Room(path).require_array(shape, dtype)
        with _reading(path):
            found = loadmat(path, variable_names=[name], mat_dtype=True)[name]
            if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype.kind not in "buif":
                raise ValueError(f"{name} is not what its header says")
        yield found

    return LazyArray(path, opened, shape, dtype, order)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Damage in one line; SciPy raises whatever its parsing meets."""
    with damage_of(path, "damaged MATLAB file"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _require_whole(file: IO[bytes], path: Path) -> None:
    """Look through each variable, unpacked little at a time, before SciPy reads it, which trusts what it reads.

    Raises
    ------
    DataError
        If one takes more memory than there is, or is damaged in a way that ends a process.
    """
    start = file.read(HEADER)
    if 0 in start[:4]:  # version 4 has no types that are numbers
        return
    order, room = "<" if start.endswith(b"IM") else ">", Room(path)
    while len(tag := file.read(8)) == 8:
        kind, size = struct.unpack(f"{order}II", tag)
        if kind == PACKED:
            _require_known(_unpacked(file, size, room), order)
        elif kind == MATRIX:
            _require_known(_pieces(file, size), order, begun=size > 0)
        else:
            file.seek(size, 1)


def _pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    while size and (piece := file.read(min(size, CHUNK))):
        size -= len(piece)
        yield piece


def _unpacked(file: IO[bytes], size: int, room: Room) -> Iterator[bytes]:
    unpacking = zlib.decompressobj()
    for piece in _pieces(file, size):
        left = piece
        while left:
            unpacked = unpacking.decompress(left, CHUNK)
            left = unpacking.unconsumed_tail
            room.take(len(unpacked))
            yield unpacked


def _require_known(pieces: Iterable[bytes], order: str, *, begun: bool = False) -> None:
    """Refuse elements that SciPy would look up outside of its table of types, which ends the process.

    A variable is a series of elements, each of a type, a size and its content. A matrix is one whose content are
    elements: what it is (8 bytes), its sizes, its name, then numbers, or matrices where it is a cell or a struct.
    Mathworks, "MAT-File Format", chapter 1.

    Parameters
    ----------
    pieces : iterable of bytes
        A variable, from the tag of its matrix on.
    order : {"<", ">"}
    begun : bool
        Whether that tag was read before.
    """
    held, place = b"", 0  # the next element begins at the place
    number, needed = 0, 0  # of the next element in its matrix, and how many that needs
    for piece in pieces:
        held, place = held[place:] + piece, max(0, place - len(held))
        while place + (16 if begun else 8) <= len(held):
            kind, size = struct.unpack_from(f"{order}II", held, place)
            is_short = kind >> 16 > 0  # up to four bytes, in place of the size
            kind, room = (kind & 0xFFFF, 0) if is_short else (kind, -(-size // 8) * 8)
            if begun:
                if (kind, size) != (UINT32, 8):
                    raise ValueError(f"expected a matrix that begins with its class, got an element of type {kind}")
                number, needed = 0, _needed(*struct.unpack_from(f"{order}I", held, place + 8))
            elif number == 1 and needed and (is_short or size % 4 or not 8 <= size <= 4 * MOST_AXES):
                raise ValueError(f"expected a matrix of 2 to {MOST_AXES} axes")
            if kind not in NUMBERS and (kind != MATRIX or is_short or number < needed):
                raise ValueError(f"expected an element of numbers, got one of type {kind}")
            begun, number = kind == MATRIX and size > 0, number + 1
            place += 8 + (0 if kind == MATRIX else room)
    if begun or number < needed or place < len(held):
        raise ValueError("expected whole variables, got one that is cut off")


def _needed(flags: int) -> int:
    """The elements that a matrix has at least: its class, sizes and name; numbers, and again if they are complex."""
    kind, is_complex = flags & 0xFF, flags >> 11 & 1
    if kind == OPAQUE:
        return 0
    return 6 + is_complex if kind == SPARSE else 4 + is_complex if kind in OF_NUMBERS else 3


def _has_ten(labels: NDArray[Any] | None) -> bool:
    """Whether digits are 1 to 10, as where arrays begin at 1."""
    return labels is not None and labels.ndim == 1 and labels.min(initial=10) >= 1 and labels.max(initial=0) == 10


def _spread(images: NDArray[np.float64]) -> tuple[float, float]:
    """How far the ink of images (n, h, w) lies from its middle, up and down and to the sides, on average."""
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    ink = np.abs(images - np.median(border, axis=1)[:, None, None])
    spreads = []
    for along in (ink.sum(axis=2), ink.sum(axis=1)):
        share = along / np.maximum(along.sum(axis=1, keepdims=True), 1e-9)
        places = np.arange(along.shape[1])
        middle = share @ places
        spreads.append(float((share * (places - middle[:, None]) ** 2).sum(axis=1).mean()))
    return spreads[0], spreads[1]
