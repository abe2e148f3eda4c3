"""One reader for each stored form: what there is, and blocks of raw values and labels, in bounded memory.

A form has a file with a class of :class:`~digitwise.formats.blocks.Stored` and ``splits``, which finds them.
:func:`digitwise.data.load` collects what they give strictly, the first fault being an error;
:func:`digitwise.data.raw.read_raw` leniently, each fault being told; readers and ``--stream`` go block by block.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from digitwise.errors import DataError
from digitwise.files import is_pipe
from digitwise.formats import csv, folder, idx, npz, sharded
from digitwise.formats.blocks import BLOCK, BLOCK_BYTES, Block, Stored
from digitwise.formats.listing import SUFFIXES

__all__ = ["BLOCK", "BLOCK_BYTES", "Block", "Stored", "kind_of", "open_images", "open_splits"]

FILES = {"csv": csv.splits, "idx": idx.splits, "npy": npz.splits, "npz": npz.splits, "parquet": sharded.splits}


def open_splits(path: Path) -> Mapping[str, Stored]:
    """What a file or a folder holds: ``train``, and ``test`` where it tells them apart.

    Parameters
    ----------
    path : Path
        NumPy's ``.npz`` and ``.npy``, IDX (a file of images, raw or gzipped, or a folder of them), CSV of pixels with
        or without labels, Parquet or tar shards (a file, a folder of them, or one with ``train`` and ``test``), a
        folder of images by class or without.

    Raises
    ------
    DataError
        If it is none of these, damaged, or holds no images; what only reading tells comes with a block.
    MissingPartError
        If it is Parquet and pyarrow is not installed.
    """
    if path.is_dir():
        if any(idx.is_idx(file) for file in path.iterdir() if file.is_file()):
            return idx.splits(path)
        return sharded.splits(path) if _has_shards(path) else folder.splits(path)
    if _is_shard(path):
        return sharded.splits(path)
    kind = kind_of(path)
    if kind is None:
        raise DataError(
            f"{path}: expected a folder of images by class, IDX files, .npz, .npy, .csv, .parquet or .tar; "
            f"got a {path.suffix} file"
        )
    return FILES[kind](path)


def open_images(path: Path, *, max_pixels: int) -> Stored:
    """The images of a file to be read: of several splits those to test with.

    Parameters
    ----------
    path : Path
        As for :func:`open_splits`.
    max_pixels : int
        Of one image.

    Raises
    ------
    DataError
        As there; and if it has no images, or too large ones, as far as that is known before reading.
    """
    if kind_of(path) is None:
        raise DataError(f"{path}: expected a set of images: .npz, .npy, IDX, .csv or .parquet")
    found = open_splits(path)
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
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in FILES else None


def _start_of(path: Path) -> bytes | None:
    """The first bytes of a file; None where it has none to be had, or would lose them, as a pipe does."""
    if is_pipe(path):
        return None
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return None


def _has_shards(folder: Path) -> bool:
    """Whether a folder, or its ``train``, holds Parquet or tar files."""
    places = [place for place in (folder, folder / "train") if place.is_dir()]
    return any(_is_shard(file) for place in places for file in place.iterdir())


def _is_shard(path: Path) -> bool:
    return path.name.lower().endswith(tuple(SUFFIXES))
