"""Which shards a name stands for: a file, a folder of them, and the same behind an address."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from digitwise.addresses import Entry, listed, opened
from digitwise.errors import DataError
from digitwise.files import natural
from digitwise.formats.columns import NO_COLUMN

Kind = Literal["parquet", "tar"]
SUFFIXES: dict[str, Kind] = {".parquet": "parquet", ".tar": "tar", ".tar.gz": "tar", ".tgz": "tar"}
WANTED = "expected Parquet (.parquet) or tar archives (.tar, .tar.gz)"


@dataclass(frozen=True)
class Shard:
    """One file of images.

    Parameters
    ----------
    path : str
        A path, or an address for fsspec.
    kind : {"parquet", "tar"}
    size : int
        Bytes; 0 where the place does not tell.
    version : str
        Another one when the file has changed, where the place tells that.
    label_column : str, optional
        See :func:`digitwise.formats.columns.layout`; for Parquet.
    """

    path: str
    kind: Kind
    size: int
    version: str = field(default="", compare=False)
    label_column: str | None = None


def find_shards(source: str, label_column: str | None = None) -> list[Shard]:
    """The shards that a name stands for.

    Parameters
    ----------
    source : str
        As for :func:`digitwise.addresses.listed`. Hidden files, and those that are no shards by name, are passed over
        in a folder.
    label_column : str, optional
        See :class:`Shard`.

    Returns
    -------
    list of Shard
        At least one; a folder's by name, numbers sorted as numbers.

    Raises
    ------
    DataError
        If there is nothing there, or no shard.
    MissingPartError
        If an address is given and fsspec, or its part for this kind of address, is not installed.
    """
    entries, is_folder = listed(source, f"{WANTED} or a folder of them")
    if not is_folder:
        return [_shard(entry, _kind(entry.name) or _kind_inside(entry.path), label_column) for entry in entries]
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    found = [_shard(entry, kind, label_column) for entry in shown if (kind := _kind(entry.name))]
    if not found:
        raise DataError(f"{source}: {WANTED} in the folder, got none")
    return sorted(found, key=lambda shard: natural(shard.path))


def _shard(entry: Entry, kind: Kind, label_column: str | None) -> Shard:
    if label_column is not None and kind == "tar":
        raise DataError.wanted(entry.path, NO_COLUMN, "a tar archive", argument="label_column")
    return Shard(entry.path, kind, entry.size, entry.version, label_column)


def is_shard(path: Path) -> bool:
    """Whether a file is one by its name."""
    return _kind(path.name) is not None


def _kind(name: str) -> Kind | None:
    lower = name.partition("?")[0].lower()
    return next((kind for suffix, kind in SUFFIXES.items() if lower.endswith(suffix)), None)


def _kind_inside(path: str) -> Kind:
    """What a file is whose name does not tell."""
    with opened(path) as file:
        start = file.read(512)
    if start.startswith(b"PAR1"):
        return "parquet"
    if start[257:262] == b"ustar":
        return "tar"
    raise DataError(f"{path}: {WANTED}, got a file that is neither by name nor by content")
