"""Arrays in files, read from front to back: NumPy's own format, alone or in an archive, and IDX."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from digitwise.data.idx import DTYPES, GZIP_MAGIC
from digitwise.errors import DataError, one_line

PREFERRED = ("images", "x_test", "x_train")  # of an archive's arrays; else the only one that may be pictures
DAMAGE = (EOFError, zlib.error, zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, eq=False)
class ArrayFile:
    """An array on disk whose rows are pictures.

    Parameters
    ----------
    path : Path
    source : binary stream
        The file itself.
    file : binary stream
        What is in it, unpacked; stands at the first value.
    shape : tuple of int
    dtype : dtype
    note : str
        Its name in the archive.
    """

    path: Path
    source: IO[bytes]
    file: IO[bytes]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    note: str = ""

    @property
    def rows(self) -> int:
        """Pictures."""
        return self.shape[0]

    @property
    def row_bytes(self) -> int:
        """Bytes of one picture."""
        return prod(self.shape[1:]) * self.dtype.itemsize

    def blocks(self, size: int) -> Iterator[NDArray[Any]]:
        """The values, ``size`` rows at a time.

        Raises
        ------
        DataError
            If there are fewer or more than the header says, or the compression is damaged.
        """
        with self.source, self.file as file:
            for start in range(0, self.rows, size):
                rows = min(size, self.rows - start)
                content = _read(file, rows * self.row_bytes, self.path)
                if len(content) < rows * self.row_bytes:
                    raise DataError(
                        f"{self.path}: truncated: expected {self.rows:,} pictures, "
                        f"got {start + len(content) // self.row_bytes:,}; fetch the file again"
                    )
                yield np.frombuffer(content, self.dtype).reshape(rows, *self.shape[1:])
            if _read(file, 1, self.path):  # at the end an archive's checksum is looked at too
                raise DataError(f"{self.path}: oversized: expected {self.rows:,} pictures, got more; check the file")


def open_array(path: Path, kind: str, max_pixels: int) -> ArrayFile:
    """Open an array of pictures.

    Parameters
    ----------
    path : Path
    kind : {"npy", "npz", "idx"}
    max_pixels : int
        Of one picture.

    Raises
    ------
    DataError
        If the header is damaged, or tells of no pictures.
    """
    source = path.open("rb")
    try:
        array = {"npy": _npy, "npz": _npz, "idx": _idx}[kind](path, source)
        _check(array, max_pixels)
    except DAMAGE as error:
        source.close()
        raise DataError(f"{path}: damaged {kind} file: {one_line(error, 160)}; fetch it again") from error
    except Exception:
        source.close()
        raise
    return array


def _check(array: ArrayFile, max_pixels: int) -> None:
    path, shape = array.path, array.shape
    if array.dtype.kind not in "buif":
        raise DataError(f"{path}: expected numbers as pixels, got {array.dtype}")
    if len(shape) < 2 or min(shape) < 1:
        raise DataError(f"{path}: expected pictures (n, h, w), (n, h, w, 3) or (n, square), got shape {shape}")
    if prod(shape[1:]) > 3 * max_pixels:
        raise DataError(f"{path}: too large: expected pictures of at most {max_pixels:,} pixels, got {shape[1:]}")


def _read(file: IO[bytes], size: int, path: Path) -> bytes:
    try:
        return file.read(size)
    except DAMAGE as error:
        raise DataError(f"{path}: damaged: {one_line(error, 160)}; fetch the file again") from error


def _npy(path: Path, source: IO[bytes], file: IO[bytes] | None = None, note: str = "") -> ArrayFile:
    file = file or source
    shape, fortran, dtype = _header(file)
    if fortran and len(shape) > 1:
        raise DataError(f"{path}: expected rows one after another (C order); save it with numpy.ascontiguousarray")
    return ArrayFile(path, source, file, shape, dtype, note)


def _npz(path: Path, source: IO[bytes]) -> ArrayFile:
    archive = zipfile.ZipFile(source)
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    several = [name for name in names if len(_shape(archive, name)) > 1]
    found = next((name for name in PREFERRED if name in several), several[0] if len(several) == 1 else None)
    if found is None:
        raise DataError(f"{path}: expected an array named images, or one of pictures, got {', '.join(names) or 'none'}")
    return _npy(path, source, archive.open(f"{found}.npy"), found)


def _shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    with archive.open(f"{name}.npy") as member:
        return _header(member)[0]


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and dtype."""
    version = npy.read_magic(file)
    return npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)


def _idx(path: Path, source: IO[bytes]) -> ArrayFile:
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
