"""Shards of both kinds, read in one way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from digitwise.data.shards import parquet, tar
from digitwise.data.shards.block import Block
from digitwise.data.shards.listing import Shard

__all__ = ["Block", "blocks", "labels_of", "rows_of"]

LABELS = 65_536  # at a time
Labels = NDArray[Any] | list[int | str] | None


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


def labels_of(shard: Shard) -> Iterator[Labels]:
    """The labels of a shard in order, many at a time; its pictures are passed over."""
    read = parquet.blocks if shard.kind == "parquet" else tar.blocks
    return (block.labels for block in read(shard, LABELS, True, pictures=False))


def rows_of(shard: Shard) -> int:
    """How many pictures there are: from the footer of Parquet, by a pass through a tar archive."""
    return sum(parquet.footer(shard).rows) if shard.kind == "parquet" else tar.count(shard)
