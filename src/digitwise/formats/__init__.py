"""One reader for each stored form: what there is, and blocks of raw values and labels, in bounded memory.

A form has a file with a class of :class:`~digitwise.formats.blocks.Stored` and ``splits``, which finds them.
:func:`digitwise.data.load` collects what they give strictly, the first fault being an error;
:func:`digitwise.data.raw.read_raw` leniently, each fault being told; readers and ``--stream`` go block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from digitwise.addresses import START, refuse_no_data
from digitwise.errors import DataError
from digitwise.files import UNPACKING, is_packed, is_pipe, open_unpacked
from digitwise.formats import csv, folder, hdf5, idx, libsvm, mat, npz, pickled, sharded
from digitwise.formats.blocks import BLOCK, Block, Stored
from digitwise.formats.columns import NO_COLUMN
from digitwise.formats.folder import has_idx, has_shards, inner_folder
from digitwise.formats.listing import is_shard
from digitwise.formats.models import refuse_as_data

__all__ = ["BLOCK", "Block", "Stored", "kind_of", "open_images", "open_splits"]

FILES: dict[str, Callable[[Path], Mapping[str, Stored]]] = {
    "folder": folder.splits,
    "hdf5": hdf5.splits,
    "idx": idx.splits,
    "libsvm": libsvm.splits,
    "mat": mat.splits,
    "npy": npz.splits,
    "npz": npz.splits,
    "pickle": pickled.splits,
}
TABLES = {"csv": csv.splits, "parquet": sharded.splits, "shards": sharded.splits}
SUFFIXES = {"h5": "hdf5", "hdf5": "hdf5", "tsv": "csv"} | {kind: kind for kind in (*TABLES, *FILES) if kind != "folder"}


def open_splits(path: Path, *, label_column: str | None = None) -> Mapping[str, Stored]:
    """What a file or a folder holds: ``train``, and ``test`` where it tells them apart.

    Parameters
    ----------
    path : Path
        NumPy's ``.npz`` and ``.npy``, IDX (a file of images, raw or gzipped, or a folder of them), CSV of pixels with
        or without labels, plain or packed by gzip, bzip2 or xz, Parquet or tar shards (a file, a folder of them, or
        one with ``train`` and ``test``), MATLAB's ``.mat``, HDF5, LIBSVM's text, a folder of images by class or
        without, or a folder that holds one of these as torchvision and Hugging Face's hub have them.
    label_column : str, optional
        Of CSV and Parquet: the name of the column of labels, ``first`` or ``last``; by default found by name or values.

    Raises
    ------
    DataError
        If it is none of these, damaged, or holds no images; what only reading tells comes with a block.
    MissingPartError
        If it is Parquet and pyarrow is not installed.
    """
    path = inner_folder(path) if path.is_dir() else path
    kind = _kind_of_folder(path) if path.is_dir() else "shards" if is_shard(path) else kind_of(path)
    if path.is_file() and not is_pipe(path):
        refuse_no_data(str(path))
    if kind in (None, "folder"):
        refuse_as_data(path)
    if kind is None:
        raise DataError(
            f"{path}: expected a folder of images by class, IDX files, .npz, .npy, .csv, .parquet, .tar, .mat, .h5 or "
            f"LIBSVM text; got a {path.suffix} file"
        )
    if kind in TABLES:
        return TABLES[kind](path, label_column)
    if label_column is not None:
        raise DataError.wanted(path, NO_COLUMN, kind, argument="label_column")
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
        raise DataError(f"{path}: expected a set of images: .npz, .npy, IDX, .csv, .parquet, .mat, .h5 or LIBSVM text")
    found = open_splits(path, label_column=label_column)
    stored = found.get("test", found["train"])
    stored.require_images(max_pixels)
    return stored


def kind_of(path: Path) -> str | None:
    """The form of a file, by its content or else by its name: a key of ``FILES`` or ``TABLES``; None for no set."""
    start = _start_of(path)
    if start is None:
        return None
    suffix = path.suffix.lower().removeprefix(".")
    is_so = {
        "npy": start.startswith(b"\x93NUMPY"),
        "parquet": start.startswith(b"PAR1"),
        "mat": start.startswith(mat.MAGICS),
        "hdf5": start.startswith(hdf5.MAGIC) and suffix != "mat",
        "pickle": pickled.is_pickle(path, start),
        "npz": start.startswith(b"PK\x03\x04") and suffix == "npz",
        "idx": idx.is_idx(path) or idx.is_header(start),
    }
    if kind := next((kind for kind, so in is_so.items() if so), None):
        return kind
    packed = is_packed(start)
    if packed:
        start, suffix = _start_unpacked(path), path.with_suffix("").suffix.lower().removeprefix(".")
    if libsvm.is_libsvm(start):
        return "libsvm"
    kind = SUFFIXES.get(suffix, "csv" if csv.is_table(start) else None)
    return kind if kind == "csv" or not packed else None  # of the others those that are packed are told above


def _start_of(path: Path) -> bytes | None:
    """The first bytes of a file; None where it has none to be had, or would lose them, as a pipe does."""
    if is_pipe(path):
        return None
    try:
        with path.open("rb") as file:
            return file.read(START)
    except OSError:
        return None


def _start_unpacked(path: Path) -> bytes:
    try:
        with open_unpacked(path) as file:
            return file.read(START)
    except UNPACKING:
        return b""


def _kind_of_folder(path: Path) -> str:
    if has_idx(path):
        return "idx"
    return "shards" if has_shards(path) else "folder"
