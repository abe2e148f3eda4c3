"""IDX, the file format MNIST came in: magic number, big-endian sizes, then the values.

References
----------
Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
GZIP_MAGIC = b"\x1f\x8b"


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
    content = _mapped(path) if mapped else unpacked(path)
    if len(content) < 4 or content[0] or content[1] or content[2] not in DTYPES or not 1 <= content[3] <= 4:
        raise DataError(
            f"{path}: wrong magic number: expected an IDX header such as 00 00 08 03, "
            f"got {bytes(content[:4]).hex(' ') or 'an empty file'}"
        )
    dtype, n_axes = DTYPES[int(content[2])], int(content[3])  # mapped bytes are uint8, which would overflow
    header = 4 + 4 * n_axes
    if len(content) < header:
        raise DataError(f"{path}: truncated: expected a header of {header} bytes, the file has {len(content)}")
    shape = tuple(int.from_bytes(bytes(content[4 + 4 * i : 8 + 4 * i]), "big") for i in range(n_axes))
    expected = header + prod(shape) * dtype.itemsize
    if len(content) != expected:
        fault = "truncated" if len(content) < expected else "oversized"
        raise DataError(
            f"{path}: {fault}: expected {expected} bytes for shape {shape}, got {len(content)}; fetch the file again"
        )
    return np.frombuffer(content, dtype, offset=header).reshape(shape)


def is_idx(path: Path) -> bool:
    """Whether a file name says IDX: ``….idx3-ubyte``, ``…-idx1-ubyte``, ``….idx``, each perhaps with ``.gz``."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith((".idx", "-ubyte", ".ubyte", "-int"))


def idx_roles(folder: Path) -> dict[str, Path]:
    """The IDX files of a folder by what their names say: ``train images``, ``train labels``, ``test images``, …."""
    roles: dict[str, Path] = {}
    for file in sorted(file for file in folder.iterdir() if file.is_file() and is_idx(file)):
        name = file.name.lower()
        split = "test" if any(mark in name for mark in ("t10k", "test")) else "train"
        what = "images" if "image" in name else "labels" if "label" in name else None
        if what is not None:
            roles.setdefault(f"{split} {what}", file)
    return roles


def _mapped(path: Path) -> bytes | NDArray[np.uint8]:
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    return unpacked(path) if packed or not path.stat().st_size else np.memmap(path, np.uint8, "r")


def unpacked(path: Path) -> bytes:
    """The content of a file, gzipped or not.

    Raises
    ------
    DataError
        If it cannot be read, or the gzip is damaged.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == GZIP_MAGIC else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: truncated or damaged gzip: {error}; fetch the file again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
