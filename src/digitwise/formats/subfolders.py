"""A folder that holds a set further down, as torchvision's root and a data set of Hugging Face's hub do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from digitwise.errors import DataError
from digitwise.formats import idx
from digitwise.formats.listing import is_shard

ARROW = (
    "expected Parquet, got Arrow files of datasets' save_to_disk: in Python, "
    "datasets.load_from_disk({path!r}){split}.to_parquet('train-0.parquet')"
)


def inner_folder(path: Path) -> Path:
    """Where the set lies: the folder itself, or the only one below it that has IDX files or shards.

    Raises
    ------
    DataError
        If several have, or there are Arrow files.
    """
    if has_idx(path) or has_shards(path):
        return path
    below = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    if any(_holds(folder, lambda file: file.suffix == ".arrow") for folder in (path, *below)):
        split = "" if (path / "state.json").is_file() else "['train']"  # a Dataset, or a DatasetDict of such
        raise DataError(f"{path}: {ARROW.format(path=str(path), split=split)}")
    raw = [path / "raw", *(folder / "raw" for folder in below)]
    found = [folder for folder in raw if folder.is_dir() and has_idx(folder)]
    found += [folder for folder in below if has_shards(folder)]
    if len(found) > 1:
        names = ", ".join(str(folder.relative_to(path)) for folder in found)
        raise DataError.wanted(path, "one set in the folder", names, "give the folder of one of them")
    return found[0] if found else path


def has_idx(folder: Path) -> bool:
    """Whether a folder holds IDX files, by their names."""
    return _holds(folder, idx.is_idx)


def has_shards(folder: Path) -> bool:
    """Whether a folder, or its ``train``, holds Parquet or tar files."""
    return any(_holds(place, is_shard) for place in (folder, folder / "train"))


def _holds(folder: Path, wanted: Callable[[Path], bool]) -> bool:
    return folder.is_dir() and any(wanted(file) and file.is_file() for file in folder.iterdir())
