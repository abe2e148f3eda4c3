"""Shards of both kinds, read in one way."""

from __future__ import annotations

from collections.abc import Iterator

from digitwise.data.shards import parquet, tar
from digitwise.data.shards.block import Block
from digitwise.data.shards.places import Shard


def blocks(shard: Shard, size: int, *, labels: bool = False, pictures: bool = True) -> Iterator[Block]:
    """Read a shard from front to back, at most ``size`` rows at a time; pictures or labels only where asked for.

    Raises
    ------
    DataError
        If it is damaged, or lacks what is asked for.
    MissingPartError
        If it is Parquet and pyarrow is not installed.
    """
    read = parquet.blocks if shard.kind == "parquet" else tar.blocks
    return read(shard, size, labels, pictures=pictures)


def rows_of(shard: Shard) -> int:
    """How many pictures there are: from the footer of Parquet, by a pass through a tar archive."""
    return sum(parquet.footer(shard).rows) if shard.kind == "parquet" else tar.count(shard)
