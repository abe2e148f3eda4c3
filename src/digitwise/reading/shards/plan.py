"""The deterministic division of sources into cuts; each becomes one file of rows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from digitwise.addresses import Entry, entry_of, files_below, is_address
from digitwise.decoding import READ_SUFFIXES
from digitwise.errors import DataError
from digitwise.escaping import printable
from digitwise.files import expanded, natural
from digitwise.formats.listing import SUFFIXES, Shard, find_shards
from digitwise.reading.inputs import STDIN, sources_of

ROWS = 100_000  # of a table in one cut, approximately: row groups are not divided
FILES = 2_000  # images of a folder in one cut
FOOTERS = 16  # read in parallel: on a network disk each one takes time


@dataclass(frozen=True)
class Cut:
    """A part of a source, read by one worker from front to back.

    Parameters
    ----------
    kind : {"parquet", "tar", "images"}
    source : str
        A file, or the folder or the first of several images, as it was given.
    size : int
        Bytes: of the whole file, or of the images together.
    version : str
        Changes when the content changes, even if the size does not.
    rows : int or None
        Images; None if unknown before reading.
    first : int
        The row of the source that comes first.
    groups : (int, int), optional
        Row groups of a table: the first, and the one after the last.
    files : tuple of str
        Images of a folder.
    here : str
        The folder that relative names start from.
    label_column : str, optional
        Of a table, see :func:`digitwise.formats.columns.layout`.
    """

    kind: Literal["parquet", "tar", "images"]
    source: str
    size: int
    version: str
    rows: int | None = None
    first: int = 0
    groups: tuple[int, int] | None = None
    files: tuple[str, ...] = ()
    here: str = ""
    label_column: str | None = None

    @property
    def name(self) -> str:
        """For messages."""
        if self.kind == "images":
            return f"{printable(self.files[0])} to {printable(self.files[-1])}"
        rows = "" if self.groups is None or self.rows is None else f", rows {self.first:,} to {self.last:,}"
        return printable(self.source) + rows

    @property
    def last(self) -> int:
        """The last row of the source, if their number is known."""
        return self.first + (self.rows or 1) - 1

    @property
    def document(self) -> dict[str, Any]:
        """The cut as it stands in a manifest."""
        told: dict[str, Any] = {"source": printable(self.source), "kind": self.kind, "size": self.size}
        told |= {"version": self.version, "rows": self.rows}
        if self.groups is not None:
            told |= {"first": self.first, "row_groups": list(self.groups)}
        if self.label_column is not None:
            told |= {"label_column": self.label_column}
        if self.files:
            names = "\0".join(map(printable, self.files)).encode()
            told |= {"files": [printable(self.files[0]), printable(self.files[-1])]}
            told |= {"names_sha256": hashlib.sha256(names).hexdigest()}
        return told

    def place(self, name: str) -> str:
        """The absolute path or the address of a file of this cut, for workers in other folders."""
        return name if is_address(name) else os.path.join(self.here, expanded(name))


def plan(arguments: Sequence[str], label_column: str | None = None) -> list[Cut]:
    """Divide sources into cuts.

    Parameters
    ----------
    arguments : sequence of str
        Parquet files, tar archives and images, folders of either, and addresses of these for fsspec.
    label_column : str, optional
        Of tables with a column a pixel: the column that is none, as for :func:`digitwise.formats.open_splits`.

    Returns
    -------
    list of Cut
        In the order of the arguments; of a folder by name, numbers sorted as numbers.

    Raises
    ------
    DataError
        If a source is none of these or cannot be opened, or is no table where a column of labels is named, or a table
        has no images, or has them in other columns than the first one of its folder.
    MissingPartError
        If pyarrow or fsspec is needed and not installed.
    """
    cuts: list[Cut] = []
    for loose, group in groupby(arguments, _is_image):
        if loose:
            cuts += _of_images([_entry(name) for name in group])
        else:
            for argument in group:
                cuts += _of_source(argument, label_column)
    if label_column is not None and (other := next((cut for cut in cuts if cut.kind == "images"), None)):
        raise DataError(f"{other.source}: expected --label-column with a table (Parquet), got images")
    return cuts


def _is_image(argument: str) -> bool:
    path = expanded(argument)
    return not is_address(argument) and path.suffix.lower() in READ_SUFFIXES and not path.is_dir()


def _of_source(argument: str, label_column: str | None) -> list[Cut]:
    if argument in ("", STDIN):
        raise DataError(
            f"{argument or 'SOURCE'}: expected files or folders to be read into --out DIR, got "
            + ("the standard input" if argument else "an empty name")
        )
    shards, images = _inside(argument, label_column)
    if shards and images:
        raise DataError(
            f"{argument}: expected a folder of images or of shards, got {len(images):,} images and "
            f"{len(shards):,} shards; name what is to be read"
        )
    return _of_images(images) if images else _of_shards(shards)


def _inside(argument: str, label_column: str | None) -> tuple[list[Shard], list[Entry]]:
    """The shards that a source is or holds, and its images."""
    if is_address(argument):
        below = [
            entry for entry in files_below(argument) if "." + entry.name.rpartition(".")[2].lower() in READ_SUFFIXES
        ]
        images = sorted(below, key=lambda entry: natural(entry.path))
        return [] if images else find_shards(argument, label_column), images
    path = expanded(argument)
    if not path.is_dir():
        return find_shards(argument, label_column), []
    has_shards = any(entry.name.lower().endswith(tuple(SUFFIXES)) for entry in path.iterdir())
    shards = find_shards(argument, label_column) if has_shards else []
    try:
        images = [_entry(name) for name in sources_of([argument])]
    except DataError:
        if not shards:
            raise DataError(
                f"{argument}: expected Parquet, tar archives or images in the folder, got none of them"
            ) from None
        images = []
    return shards, images


def _of_images(found: Sequence[Entry]) -> list[Cut]:
    here, cuts = os.getcwd(), []
    for start in range(0, len(found), FILES):
        some = found[start : start + FILES]
        files, size = tuple(entry.path for entry in some), sum(entry.size for entry in some)
        version = hashlib.sha256("\0".join(entry.version for entry in some).encode()).hexdigest()[:16]
        cuts.append(Cut("images", files[0], size, version, len(some), files=files, here=here))
    return cuts


def _entry(name: str) -> Entry:
    """A file by the name that was given."""
    try:
        return replace(entry_of(expanded(name)), path=name)
    except (OSError, ValueError):
        return Entry(name, name)  # reading it becomes a row with the error


def _of_shards(shards: Sequence[Shard]) -> list[Cut]:
    tables = [shard for shard in shards if shard.kind == "parquet"]
    cuts = dict(zip([shard.path for shard in tables], _of_tables(tables), strict=True))
    here = os.getcwd()
    found: list[Cut] = []
    for shard in shards:
        found += cuts.get(shard.path) or [Cut("tar", shard.path, shard.size, shard.version, here=here)]
    return found


def _of_tables(shards: Sequence[Shard]) -> Iterator[list[Cut]]:
    if not shards:
        return
    from digitwise.formats.parquet import footer

    with ThreadPoolExecutor(FOOTERS) as pool:
        footers = list(pool.map(footer, shards))
    expected = footers[0].columns
    for shard, found in zip(shards, footers, strict=True):
        if found.columns != expected:
            raise DataError(
                f"{shard.path}: expected images in {_words(expected)} as in {shards[0].path}, got "
                f"{_words(found.columns)}; read it by itself"
            )
        yield list(_of_groups(shard, found.rows))


def _words(columns: tuple[str, ...]) -> str:
    return f"column {columns[0]}" if len(columns) == 1 else f"{len(columns)} columns from {columns[0]} to {columns[-1]}"


def _of_groups(shard: Shard, rows: tuple[int, ...]) -> Iterator[Cut]:
    here, first, start, held = os.getcwd(), 0, 0, 0
    for group, count in enumerate((*rows, 0)):
        if group == len(rows) or (held and held + count > ROWS):
            part = held, first, (start, group)
            yield Cut(
                "parquet", shard.path, shard.size, shard.version, *part, here=here, label_column=shard.label_column
            )
            first, start, held = first + held, group, 0
        held += count
