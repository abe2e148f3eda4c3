"""Sets of pictures in one file, block by block, so that their number costs no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from digitwise.data.blocks.pixels import Pixels
from digitwise.data.idx import is_idx
from digitwise.errors import DataError
from digitwise.files import is_pipe
from digitwise.images import UInt8

BLOCK = 4_096  # pictures
BLOCK_BYTES = 2**25  # of a block, where the pictures are large: whichever is less

Block = UInt8 | list[bytes | None]


@dataclass(frozen=True, eq=False)
class Stream:
    """Pictures that are read once, in order.

    Parameters
    ----------
    rows : int or None
        How many there are; None where only reading tells.
    blocks : iterator
        Each uint8 (n, h, w) or (n, h, w, 3), or a list of picture files' contents, None for a missing one.
    note : str
        Which of several arrays or columns it is.
    """

    rows: int | None
    blocks: Iterator[Block]
    note: str = ""


def kind_of(path: Path) -> str | None:
    """``npz``, ``npy``, ``idx``, ``parquet``, by content or name, or ``csv``, by name; None for no set."""
    start = _start_of(path)
    if start is None:
        return None
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"PK\x03\x04") and path.suffix.lower() == ".npz":
        return "npz"
    if is_idx(path) or (start[:2] == b"\0\0" and start[2:3] in b"\x08\x09\x0b\x0c\x0d\x0e" and start[3:4] in b"\3\4"):
        return "idx"
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in ("csv", "npz", "npy", "parquet") else None


def _start_of(path: Path) -> bytes | None:
    """The first bytes of a file; None where it has none to be had, or would lose them, as a pipe does."""
    if is_pipe(path):
        return None
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return None


def open_stream(path: Path, *, max_pixels: int, block: int = BLOCK) -> Stream:
    """Open a set of pictures.

    Parameters
    ----------
    path : Path
        NumPy's ``.npz`` and ``.npy``, IDX (raw or gzipped), CSV of pixels with or without labels, Parquet with a column
        of pictures.
    max_pixels : int
        Of one picture.
    block : int
        Pictures in a block, at most.

    Raises
    ------
    DataError
        If it is none of these, damaged, or has no pictures; what only reading tells comes with a block.
    MissingPartError
        If it is Parquet and pyarrow is not installed.
    """
    kind = kind_of(path)
    if kind == "csv":
        from digitwise.data.blocks.tables import csv_blocks

        return Stream(None, _images(csv_blocks(path, block), path))
    if kind == "parquet":
        from digitwise.data.blocks.parquet import open_parquet

        rows, blocks, column = open_parquet(path, block)
        return Stream(rows, _images(blocks, path), f"column {column}")
    if kind is None:
        raise DataError(f"{path}: expected a set of pictures: .npz, .npy, IDX, .csv or .parquet")
    from digitwise.data.blocks.arrays import open_array

    array = open_array(path, kind, max_pixels)
    fitting = max(1, min(block, BLOCK_BYTES // max(array.row_bytes, 1)))
    return Stream(array.rows, _images(array.blocks(fitting), path), array.note)


def _images(blocks: Iterator[Any], path: Path) -> Iterator[Block]:
    convert: Callable[[NDArray[Any]], UInt8] = Pixels(str(path))
    for block in blocks:
        yield block if isinstance(block, list) else convert(block)
