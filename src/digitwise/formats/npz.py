"""NumPy's own formats: an array alone (.npy), or several by name in an archive (.npz). Never unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from digitwise.errors import DataError
from digitwise.formats.array_names import Pair, pairs
from digitwise.formats.arrays import ArrayFile, Arrays, Opener, opened

CLASSES = "class_names"


def splits(path: Path) -> Mapping[str, Arrays]:
    """The splits in a file, see :func:`digitwise.formats.array_names.pairs`.

    Raises
    ------
    DataError
        If it is no archive of plain arrays, or has no such names.
    """
    with path.open("rb") as file:
        if npy.MAGIC_PREFIX == file.read(len(npy.MAGIC_PREFIX)):
            return {"train": Arrays(str(path), lambda: opened(path, "npy", lambda source: _array(path, source)))}
    shapes = _shapes(path)
    names = tuple(str(each) for each in np.atleast_1d(_opener(path, CLASSES)().whole())) if CLASSES in shapes else None
    found, notes = pairs({name: shape for name, shape in shapes.items() if name != CLASSES}, str(path))
    return {split: _arrays(path, pair, names, notes) for split, pair in found.items()}


def _arrays(path: Path, pair: Pair, names: tuple[str, ...] | None, notes: tuple[str, ...]) -> Arrays:
    marks = None if pair.labels is None else (f"{path}, {pair.labels}", _opener(path, pair.labels))
    return Arrays(f"{path}, {pair.images}", _opener(path, pair.images), marks, pair.images, names, notes)


def _opener(path: Path, name: str) -> Opener:
    def member(source: IO[bytes]) -> ArrayFile:
        return _array(path, source, zipfile.ZipFile(source).open(f"{name}.npy"))

    return lambda: opened(path, "npz", member)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each array by its name."""
    found: dict[str, tuple[int, ...]] = {}

    def look(source: IO[bytes]) -> ArrayFile:
        archive = zipfile.ZipFile(source)
        for name in archive.namelist():
            if name.endswith(".npy"):
                array = _array(path, source, archive.open(name))
                found[name.removesuffix(".npy")] = array.shape
        return ArrayFile(path, source, source, (), np.dtype(np.uint8))

    opened(path, "npz", look).source.close()
    return found


def _array(path: Path, source: IO[bytes], file: Any = None) -> ArrayFile:
    file = source if file is None else file
    version = npy.read_magic(file)
    shape, by_columns, dtype = npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
    if dtype.hasobject:
        raise DataError.wanted(path, "plain arrays of numbers or text", "Python objects, which are not unpickled")
    return ArrayFile(path, source, file, shape, dtype, by_columns and len(shape) > 1)
