"""One reader for each stored form: what there is, and blocks of raw values and labels, in bounded memory.

A form has a file with a class of :class:`~digitwise.formats.blocks.Stored` and ``splits``, which finds them.
:func:`digitwise.data.load` collects what they give strictly, the first fault being an error;
:func:`digitwise.data.raw.read_raw` leniently, each fault being told; readers and ``--stream`` go block by block.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from digitwise.addresses import START, refuse_no_data
from digitwise.errors import DataError
from digitwise.files import is_pipe
from digitwise.formats import csv, folder, idx, npz, sharded
from digitwise.formats.blocks import BLOCK, BLOCK_BYTES, Block, Stored
from digitwise.formats.listing import SUFFIXES as SHARDS

__all__ = ["BLOCK", "BLOCK_BYTES", "Block", "Stored", "kind_of", "open_images", "open_splits"]

FILES = {"folder": folder.splits, "idx": idx.splits, "npy": npz.splits, "npz": npz.splits}
TABLES = {"csv": csv.splits, "parquet": sharded.splits, "shards": sharded.splits}
SUFFIXES = {"csv": "csv", "npy": "npy", "npz": "npz", "parquet": "parquet", "tsv": "csv"}


def open_splits(path: Path, *, label_column: str | None = None) -> Mapping[str, Stored]:
    """What a file or a folder holds: ``train``, and ``test`` where it tells them apart.

    Parameters
    ----------
    path : Path
        NumPy's ``.npz`` and ``.npy``, IDX (a file of images, raw or gzipped, or a folder of them), CSV of pixels with
        or without labels, Parquet or tar shards (a file, a folder of them, or one with ``train`` and ``test``), a
        folder of images by class or without.
    label_column : str, optional
        Of CSV and Parquet: the name of the column of labels, ``first`` or ``last``; by default found by name or values.

    Raises
    ------
    DataError
        If it is none of these, damaged, or holds no images; what only reading tells comes with a block.
    MissingPartError
        If it is Parquet and pyarrow is not installed.
    """
    kind = _kind_of_folder(path) if path.is_dir() else "shards" if _is_shard(path) else kind_of(path)
    if path.is_file() and not is_pipe(path):
        refuse_no_data(str(path))
    if kind is None:
        raise DataError(
            f"{path}: expected a folder of images by class, IDX files, .npz, .npy, .csv, .parquet or .tar; "
            f"got a {path.suffix} file"
        )
    if kind in TABLES:
        return TABLES[kind](path, label_column)
    if label_column is not None:
        raise DataError(f"{path}: expected --label-column with a table (CSV or Parquet), got {kind}")
    return FILES[kind](path)


def open_images(path: Path, *, max_pixels: int, label_column: str | None = None) -> Stored:
    """The images of a file to be read: of several splits those to test with.

    Parameters
    ----------
    path : Path
        As for :func:`open_splits`.
    max_pixels : int
        Of one image.
    label_column : str, optional
        As there.

    Raises
    ------
    DataError
        As there; and if it has no images, or too large ones, as far as that is known before reading.
    """
    if kind_of(path) is None:
        raise DataError(f"{path}: expected a set of images: .npz, .npy, IDX, .csv or .parquet")
    found = open_splits(path, label_column=label_column)
    stored = found.get("test", found["train"])
    stored.require_images(max_pixels)
    return stored


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
    is_header = start[:2] == b"\0\0" and start[2:3] in bytes(idx.DTYPES) and start[3:4] in b"\3\4"
    if idx.is_idx(path) or is_header:
        return "idx"
    return SUFFIXES.get(path.suffix.lower().removeprefix("."))


def _start_of(path: Path) -> bytes | None:
    """The first bytes of a file; None where it has none to be had, or would lose them, as a pipe does."""
    if is_pipe(path):
        return None
    try:
        with path.open("rb") as file:
            return file.read(START)
    except OSError:
        return None


def _kind_of_folder(path: Path) -> str:
    if any(idx.is_idx(file) for file in path.iterdir() if file.is_file()):
        return "idx"
    places = [place for place in (path, path / "train") if place.is_dir()]
    return "shards" if any(_is_shard(file) for place in places for file in place.iterdir()) else "folder"


def _is_shard(path: Path) -> bool:
    return path.name.lower().endswith(tuple(SHARDS))
