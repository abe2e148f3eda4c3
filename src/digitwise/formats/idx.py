"""The IDX format of MNIST's files: a big-endian header with dtype and shape, then the values."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError
from digitwise.formats.arrays import ArrayFile, Arrays, opened
from digitwise.formats.blocks import Block

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
GZIP_MAGIC = b"\x1f\x8b"


class Idx(Arrays):
    """A file of images and perhaps one of labels."""

    def __init__(self, images: Path, labels: Path | None = None) -> None:
        super().__init__(str(images), opener(images), None if labels is None else (str(labels), opener(labels)))
        self.path = images

    def marks(self) -> NDArray[Any] | None:
        """The labels; of QMNIST's rows of class, NIST class, writer and more, the first."""
        if self._labels is None:
            return None
        values = super().marks()
        return values[:, 0] if values is not None and values.ndim == 2 else values

    def whole(self, *, labels: bool = True, mapped: bool = False) -> Block:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        return Block(read_idx(self.path, mapped=mapped), self.marks() if labels else None)


def splits(source: Path) -> Mapping[str, Idx]:
    """The splits in a folder of IDX files, or a single file of images.

    Raises
    ------
    DataError
        If there are no training images, by the files' names.
    """
    if not source.is_dir():
        return {"train": Idx(source)}
    roles = idx_roles(source)
    if "train images" not in roles:
        names = ", ".join(file.name for file in sorted(roles.values())) or "none whose names say so"
        raise DataError.wanted(source, "IDX files of training images and labels", names)
    if "test labels" in roles and "test images" not in roles:
        raise DataError.wanted(source, f"test images beside {roles['test labels'].name}", "none")
    return {
        split: Idx(roles[f"{split} images"], roles.get(f"{split} labels"))
        for split in ("train", "test")
        if f"{split} images" in roles
    }


def read_idx(path: Path, *, mapped: bool = False) -> NDArray[Any]:
    """Read one IDX file, raw or gzipped.

    Parameters
    ----------
    path : Path
        Any file name; gzip is recognised by content.
    mapped : bool
        Leave the values of a raw file on disk, to be read where they are used.

    Returns
    -------
    ndarray
        With the file's own shape and dtype (uint8 for MNIST's images and labels).

    Raises
    ------
    DataError
        If the magic number is not IDX's, or the file holds fewer or more values than its header says.
    """
    found = opener(path)()
    bytes_left = prod(found.shape) * found.dtype.itemsize
    if not mapped or not bytes_left or isinstance(found.file, gzip.GzipFile):
        return found.whole()
    header = found.file.tell()
    if path.stat().st_size != header + bytes_left:
        return found.whole()  # which tells what is wrong
    found.source.close()
    return np.memmap(path, found.dtype, "r", header, found.shape)


def opener(path: Path) -> Callable[[], ArrayFile]:
    """What opens an IDX file."""
    return lambda: opened(path, "IDX", lambda source: _header(path, source))


def is_idx(path: Path) -> bool:
    """Whether a file name says IDX: ``….idx3-ubyte``, ``…-idx1-ubyte``, ``….idx``, each perhaps with ``.gz``."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith((".idx", "-ubyte", ".ubyte", "-int"))


def is_header(start: bytes) -> bool:
    """Whether a file of images begins so."""
    return start[:2] == b"\0\0" and start[2:3] in bytes(DTYPES) and start[3:4] in (b"\3", b"\4")


def idx_roles(folder: Path) -> dict[str, Path]:
    """The IDX files of a folder by what their names say: ``train images``, ``train labels``, ``test images``, …."""
    roles: dict[str, Path] = {}
    for file in sorted(file for file in folder.iterdir() if file.is_file() and is_idx(file)):
        name = file.name.lower()
        split = "test" if any(mark in name for mark in ("t10k", "test")) else "train"
        what = "images" if "image" in name else "labels" if "label" in name else None
        if what is not None:
            first = roles.setdefault(f"{split} {what}", file)
            if _plain(first) != _plain(file):
                raise DataError.wanted(
                    folder,
                    f"one file of {split} {what}",
                    f"{first.name} and {file.name}",
                    "put the set to use in a folder of its own",
                )
    return roles


def _plain(file: Path) -> str:
    """A name without what says that it is packed: torchvision keeps both."""
    return file.name.lower().removesuffix(".gz")


def content_digest(path: Path) -> str:
    """The sha256 of the content of a file, gzipped or not, which is not held in memory.

    Raises
    ------
    DataError
        If it cannot be read, or the gzip is damaged.
    """
    try:
        with path.open("rb") as source:
            packed = source.read(2) == GZIP_MAGIC
            source.seek(0)
            with gzip.GzipFile(fileobj=source) if packed else source as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: truncated or damaged gzip: {error}; fetch the file again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _header(path: Path, source: IO[bytes]) -> ArrayFile:
    packed = source.read(2) == GZIP_MAGIC
    source.seek(0)
    file: Any = gzip.GzipFile(fileobj=source) if packed else source
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES or not 1 <= start[3] <= 4:
        got = start.hex(" ") or "an empty file"
        raise DataError(f"{path}: wrong magic number: expected an IDX header such as 00 00 08 03, got {got}")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(f"{path}: truncated: expected a header of {4 + 4 * start[3]} bytes; fetch the file again")
    shape = tuple(int.from_bytes(sizes[4 * i : 4 * i + 4], "big") for i in range(start[3]))
    return ArrayFile(path, source, file, shape, DTYPES[start[2]])
