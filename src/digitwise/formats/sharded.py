"""Images in one or many files of Parquet or tar, here or behind an address, read in one way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from digitwise.errors import DataError
from digitwise.formats import parquet, tar
from digitwise.formats.blocks import BLOCK, Block, Labels, Stored
from digitwise.formats.listing import Shard, find_shards

AT_ONCE = 65_536  # labels


class Shards(Stored):
    """The images of one split in the files of a folder, in their order.

    Parameters
    ----------
    shards : sequence of Shard
        At least one.
    where : str
        The folder or file.
    left_out : tuple of str
        What of the folder is not used, in words.
    """

    labelled = True  # as far as is known before reading

    def __init__(self, shards: Sequence[Shard], where: str, left_out: tuple[str, ...] = ()) -> None:
        self.shards, self.where, self.left_out = tuple(shards), where, left_out

    @cached_property
    def rows(self) -> int | None:
        """Images: from the footers of Parquet, by a pass through tar archives."""
        return sum(rows_of(shard) for shard in self.shards)

    @cached_property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`~digitwise.formats.blocks.Stored`."""
        first = self.shards[0]
        return (*self.left_out, *(parquet.footer(first).notes if first.kind == "parquet" else ()))

    @cached_property
    def note(self) -> str:  # type: ignore[override]
        """The column of images of a table."""
        first = self.shards[0]
        return f"column {parquet.footer(first).note}" if first.kind == "parquet" else ""

    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        for shard in self.shards:
            yield from blocks(shard, size, labels=labels)


def splits(source: Path | str, label_column: str | None = None) -> Mapping[str, Shards]:
    """The splits of a folder of shards, here or behind an address; without ``train`` and ``test`` all is for training.

    Parameters
    ----------
    source : Path or str
    label_column : str, optional
        See :func:`digitwise.formats.columns.layout`.

    Raises
    ------
    DataError
        If there are none, or only one of the two folders has some.
    """
    where = str(source).rstrip("/")
    found = {name: _found(f"{where}/{name}", label_column) for name in ("train", "test")}
    if not any(found.values()):
        return _by_name(find_shards(str(source), label_column), where)
    if missing := next((name for name, shards in found.items() if not shards), None):
        raise DataError.wanted(source, "shards in its folders train and test", f"none in {missing}")
    return {name: Shards(shards, f"{where}/{name}") for name, shards in found.items()}


def _by_name(shards: Sequence[Shard], where: str) -> Mapping[str, Shards]:
    """The splits of a folder whose files say so, as those of Hugging Face's hub: ``train-00000-of-00001.parquet``."""
    told: dict[str, list[Shard]] = {}
    for shard in shards:
        name = re.match(r"(train|test|validation)\b", shard.path.rsplit("/", 1)[-1])
        told.setdefault(name[1] if name else "", []).append(shard)
    if "" in told or not {"train", "test"} <= told.keys():
        return {"train": Shards(shards, where)}
    kept = (f"left out, to validate with: {len(told['validation'])} shards",) if "validation" in told else ()
    return {name: Shards(told[name], where, kept) for name in ("train", "test")}


def blocks(shard: Shard, size: int, *, labels: bool = False) -> Iterator[Block]:
    """Read a shard from front to back, at most ``size`` rows at a time; labels only where asked for.

    Raises
    ------
    DataError
        If it is damaged, or lacks what is asked for.
    MissingPartError
        If it is Parquet and pyarrow is not installed.
    """
    return (parquet.blocks if shard.kind == "parquet" else tar.blocks)(shard, size, labels)


def labels_of(shard: Shard) -> Iterator[Labels | None]:
    """The labels of a shard in order, many at a time; its images are passed over."""
    read = parquet.blocks if shard.kind == "parquet" else tar.blocks
    return (block.labels for block in read(shard, AT_ONCE, True, images=False))


def rows_of(shard: Shard) -> int:
    """How many images there are: from the footer of Parquet, by a pass through a tar archive."""
    return sum(parquet.footer(shard).rows) if shard.kind == "parquet" else tar.count(shard)


def _found(place: str, label_column: str | None) -> list[Shard]:
    try:
        return find_shards(place, label_column)
    except DataError:
        return []
