"""NumPy's own formats: an array alone (.npy), or several by name in an archive (.npz). Never unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from digitwise.errors import DataError
from digitwise.formats.arrays import ArrayFile, Arrays, Opener, opened

NAMES = (("train", "x_train", "y_train"), ("train", "images", "labels"), ("test", "x_test", "y_test"))
CLASSES = "class_names"
Shapes = dict[str, tuple[int, ...]]


def splits(path: Path) -> Mapping[str, Arrays]:
    """The splits in a file: ``x_train``, ``y_train``, ``x_test``, ``y_test``, or ``images``, ``labels``.

    Of other arrays the only one that may be images is taken, without labels.

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
    found: dict[str, Arrays] = {}
    for split, images, labels in NAMES:
        if images in shapes and split not in found:
            found[split] = _arrays(path, images, labels if labels in shapes else None, names)
    several = [name for name, shape in shapes.items() if len(shape) > 1]
    if not found and len(several) == 1:
        found["train"] = _arrays(path, several[0], None, names)
    if not found:
        raise DataError(
            f"{path}: expected arrays x_train, y_train (x_test, y_test) or images, labels, or one of images; "
            f"got {', '.join(shapes) or 'none'}"
        )
    return found if "train" in found else {"train": found["test"]}


def _arrays(path: Path, images: str, labels: str | None, names: tuple[str, ...] | None) -> Arrays:
    marks = None if labels is None else (f"{path}, {labels}", _opener(path, labels))
    return Arrays(f"{path}, {images}", _opener(path, images), marks, images, names)


def _opener(path: Path, name: str) -> Opener:
    def member(source: IO[bytes]) -> ArrayFile:
        return _array(path, source, zipfile.ZipFile(source).open(f"{name}.npy"))

    return lambda: opened(path, "npz", member)


def _shapes(path: Path) -> Shapes:
    """The shape of each array by its name."""
    found: Shapes = {}

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
        raise DataError(
            f"{path}: expected plain arrays of numbers or text, got Python objects, which are not unpickled"
        )
    return ArrayFile(path, source, file, shape, dtype, by_columns and len(shape) > 1)
