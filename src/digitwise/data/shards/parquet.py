"""Shards in Parquet: what the footer tells, and blocks of some row groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from digitwise.addresses import opened
from digitwise.data.blocks.parquet import Table, open_table
from digitwise.data.shards.block import Block
from digitwise.data.shards.listing import Shard


@dataclass(frozen=True)
class Footer:
    """What a shard holds, known without reading it.

    Parameters
    ----------
    rows : tuple of int
        Pictures of each row group.
    columns : tuple of str
        The column of pictures, or those of pixels.
    label : str or None
        The column of labels.
    words : str
        Names and types of these columns: the same for shards that belong together.
    """

    rows: tuple[int, ...]
    columns: tuple[str, ...]
    label: str | None
    words: str


def footer(shard: Shard) -> Footer:
    """Read the footer of a shard.

    Raises
    ------
    DataError
        If it cannot be opened, is no Parquet, or has no pictures.
    MissingPartError
        If pyarrow is not installed.
    """
    with opened(shard.path) as file:
        table = open_table(file, shard.path)
        return Footer(table.rows, table.columns, table.label, _words(table))


def blocks(
    shard: Shard, size: int, labels: bool = False, groups: range | None = None, *, pictures: bool = True
) -> Iterator[Block]:
    """Read a shard, or some of its row groups.

    Parameters
    ----------
    shard : Shard
    size : int
        Pictures in a block, at most; fewer where that would be more than about 32 MiB.
    labels, pictures : bool
        What is read. Pictures that are not are None.
    groups : range or None
        Row groups; None for all.

    Raises
    ------
    DataError
        If the shard is damaged, has no pictures or, where they are asked for, no labels.
    MissingPartError
        If pyarrow is not installed.
    """
    with opened(shard.path) as file:
        table = open_table(file, shard.path)
        for found, marks in table.blocks(size, labels=labels, pictures=pictures, groups=groups):
            yield Block(found, marks)


def _words(table: Table) -> str:
    schema = table.file.schema_arrow
    kinds = dict.fromkeys(str(schema.field(name).type) for name in table.columns)
    pictures = f"{table.note}: {' or '.join(kinds)}"
    return pictures if table.label is None else f"{pictures}; {table.label}: {schema.field(table.label).type}"
