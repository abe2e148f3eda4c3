"""Tables of images in Parquet: what the footer tells, and blocks of some row groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from digitwise import parts
from digitwise.addresses import opened
from digitwise.errors import DataError
from digitwise.formats.blocks import BLOCK_BYTES, Block
from digitwise.formats.columns import LABELS, Layout, is_square, label_named, layout
from digitwise.formats.damage import damage_of
from digitwise.formats.listing import Shard
from digitwise.images import Float64

PREFERRED = ("image", "images", "pixels")  # names of the column; else the first that may hold images
SMALLEST = 64  # bytes of raw pixels in a column of another name: 16 are an identity, 64 a digest
SAMPLED = 256  # rows of each of a few row groups that tell a label among columns without its name
DAMAGED = "damaged Parquet"
FEW = 4  # encoded images that are read at once
FIRST = 8  # rows that tell how large the others are, unless all are empty
BUFFER = 2**20  # bytes that are fetched at once: by default a row group's whole column would be held


def library() -> Any:
    """Pyarrow's part for Parquet.

    Raises
    ------
    MissingPartError
        If it is not installed.
    """
    return parts.imported("pyarrow.parquet", "Parquet")


@dataclass(frozen=True, eq=False)
class ImageTable:
    """A table with a column of images, or a column a pixel.

    Parameters
    ----------
    where : str
        The file, for messages.
    file : pyarrow.parquet.ParquetFile
    columns : tuple of str
        The column of images, or those of pixels.
    label : str or None
        The column of labels.
    layout : Layout, optional
        Of a table with a column a pixel.
    """

    where: str
    file: Any
    columns: tuple[str, ...]
    label: str | None
    layout: Layout | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was understood, in words."""
        if self.layout is not None:
            return self.layout.notes
        return () if self.label is None else (f"label: column {self.label!r}",)

    @property
    def rows(self) -> tuple[int, ...]:
        """Rows of each row group."""
        with damage_of(self.where, DAMAGED):
            return tuple(self.file.metadata.row_group(i).num_rows for i in range(self.file.metadata.num_row_groups))

    def blocks(
        self, size: int, *, labels: bool = False, images: bool = True, groups: range | None = None
    ) -> Iterator[Block]:
        """Images, and labels where they are asked for.

        Parameters
        ----------
        size : int
            Rows in a block; fewer where that would be more than about 32 MiB.
        labels, images : bool
            What is read.
        groups : range or None
            Row groups; None for all.

        Yields
        ------
        Block
            Images a list of bytes or an array (n, pixels) or (n, h, w), or a list of None where they are not asked
            for, or missing; labels int64 (n,) or a list of str, None where they are not asked for.

        Raises
        ------
        DataError
            If the file is damaged, the images are of several sizes, or a label is missing or no number or word.
        """
        if labels and self.label is None:
            raise DataError.wanted(self.where, f"a column of labels ({', '.join(LABELS)})", "none")
        chosen = range(self.file.metadata.num_row_groups) if groups is None else groups
        columns = [*(self.columns if images else ()), *([self.label] if labels else ())]
        with damage_of(self.where, DAMAGED):
            for batch in self._batches(chosen, columns, self._fitting(chosen, size) if images else size):
                for part in self._runs(batch) if images else (batch,):
                    marks = _labels(part.column(self.label), f"{self.where}, column {self.label}") if labels else None
                    yield Block(self._images(part) if images else [None] * len(part), marks)

    def _batches(self, groups: range, columns: Sequence[str], size: int) -> Iterator[Any]:
        """Rows of row groups; of encoded images a few at once, since one that is repeated takes no room in the file."""
        encoded = columns[0] in self.columns and _kind(self.file.schema_arrow.field(columns[0]).type) == "bytes"
        batches = self.file.iter_batches(min(size, FEW) if encoded else size, row_groups=list(groups), columns=columns)
        if not encoded:
            yield from batches
            return
        waiting: list[Any] = []
        rows = held = 0
        for batch in batches:
            waiting.append(batch)
            rows, held = rows + len(batch), held + batch.nbytes
            if rows >= size or held >= BLOCK_BYTES:
                yield from _joined(waiting)
                waiting, rows, held = [], 0, 0
        if waiting:
            yield from _joined(waiting)

    def _fitting(self, groups: Sequence[int], size: int) -> int:
        """Rows in a block, by the largest that a row group has on average.

        Repeated numbers take next to nothing in the file, so of lists, all of one length, some rows tell. What the
        footer says of single columns would tell more, but pyarrow ends the process where that is damaged.
        """
        held = [self.file.metadata.row_group(index) for index in groups]
        most = max((group.total_byte_size / max(group.num_rows, 1) for group in held), default=0)
        if _kind(self.file.schema_arrow.field(self.columns[0]).type) == "list":
            ones = self.file.iter_batches(1, row_groups=list(groups), columns=list(self.columns))
            most = max([most, *(one.nbytes for one in islice(ones, FIRST))])
        return max(1, min(size, int(BLOCK_BYTES / max(most, 1))))

    def _runs(self, batch: Any) -> Iterator[Any]:
        """A batch in parts of which each has pixels in all rows or in none, as an array has no place for none."""
        column = batch.column(self.columns[0])
        if len(self.columns) > 1 or not column.null_count or _kind(column.type) == "bytes":
            yield batch
            return
        missing = column.is_null().to_numpy(zero_copy_only=False)
        edges = [0, *(np.flatnonzero(np.diff(missing)) + 1).tolist(), len(batch)]
        yield from (batch.slice(start, end - start) for start, end in pairwise(edges))

    def _images(self, batch: Any) -> Any:
        if self.layout is not None:
            columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in self.columns]
            return self.layout.shaped(np.stack(columns, axis=1))
        return _images(batch.column(self.columns[0]), f"{self.where}, column {self.columns[0]}")


def open_table(file: IO[bytes] | Path, where: str, label_column: str | None = None) -> ImageTable:
    """Open a table of images.

    Parameters
    ----------
    file : binary stream or Path
        Images are encoded files, as bytes or in a struct with ``bytes`` as Hugging Face's datasets have them; lists
        of pixels, flat and square or row by row; or grey pixels as bytes of one length, a square number, which are
        read many times as fast as lists. Labels are whole numbers or words.
    where : str
        The file's name, for messages.
    label_column : str, optional
        See :func:`digitwise.formats.columns.layout`; by default the one whose name says so.

    Raises
    ------
    DataError
        If it is no Parquet, or has no such column.
    MissingPartError
        If pyarrow is not installed.
    """
    parquet = library()
    with damage_of(where, DAMAGED):
        opened = parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
        schema = opened.schema_arrow
    kinds = {field.name: _kind(field.type) for field in schema}
    may_be = [name for name in schema.names if kinds[name] in ("whole", "words") or label_column is not None]
    place = label_named(may_be, label_column, len(may_be), where)
    label = None if place is None else may_be[place]
    kinds |= {field.name: "other" for field in schema if kinds[field.name] == "raw" and _is_identity(field)}
    others = [name for name in (*PREFERRED, *schema.names) if name != label]
    found = next((name for name in others if kinds.get(name) in ("bytes", "list", "raw")), None)
    if found is not None:
        return ImageTable(where, opened, (found,), label)
    names = [name for name in schema.names if kinds[name] in ("whole", "number") or name == label]
    if len(names) < 2:
        raise DataError.wanted(where, "a column of images (image) or a square number of pixels", schema.names[:5])
    columns = layout(names, _sample(opened, names, label, where), where, label)
    pixels = tuple(names[place] for place in columns.pixels)
    return ImageTable(where, opened, pixels, None if columns.label is None else names[columns.label], columns)


def _sample(file: Any, names: Sequence[str], label: str | None, where: str) -> Float64:
    """Some rows of the first, the middle and the last row group, as numbers; words are NaN."""
    with damage_of(where, DAMAGED):
        last = file.metadata.num_row_groups - 1
        groups = sorted({0, last // 2, last}) if last >= 0 else []
        batches = [next(file.iter_batches(SAMPLED, row_groups=[group], columns=list(names)), None) for group in groups]
        rows = [
            np.stack([_numbers(batch.column(name), name == label) for name in names], axis=1)
            for batch in batches
            if batch is not None
        ]
    return np.concatenate([np.empty((0, len(names))), *rows])


def _numbers(column: Any, is_label: bool) -> Float64:
    if is_label:  # its name says so, whatever it holds
        return np.full(len(column), np.nan)
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


@dataclass(frozen=True)
class Footer:
    """What a shard holds, known without reading it.

    Parameters
    ----------
    rows : tuple of int
        Images of each row group.
    columns : tuple of str
        The column of images, or those of pixels.
    label : str or None
        The column of labels.
    words : str
        Names and types of these columns: the same for shards that belong together.
    notes : tuple of str
        What was understood.
    """

    rows: tuple[int, ...]
    columns: tuple[str, ...]
    label: str | None
    words: str
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def note(self) -> str:
        """The column of images, or the first and the last of pixels, in words."""
        return _span(self.columns)


def footer(shard: Shard) -> Footer:
    """Read the footer of a shard.

    Raises
    ------
    DataError
        If it cannot be opened, is no Parquet, or has no images.
    MissingPartError
        If pyarrow is not installed.
    """
    with opened(shard.path) as file:
        table = open_table(file, shard.path, shard.label_column)
        return Footer(table.rows, table.columns, table.label, _words(table), table.notes)


def blocks(
    shard: Shard, size: int, labels: bool = False, groups: range | None = None, *, images: bool = True
) -> Iterator[Block]:
    """Read a shard, or some of its row groups.

    Parameters
    ----------
    shard : Shard
    size : int
        Images in a block, at most; fewer where that would be more than about 32 MiB.
    labels, images : bool
        What is read. Images that are not are None.
    groups : range or None
        Row groups; None for all.

    Raises
    ------
    DataError
        If the shard is damaged, has no images or, where they are asked for, no labels.
    MissingPartError
        If pyarrow is not installed.
    """
    with opened(shard.path) as file:
        table = open_table(file, shard.path, shard.label_column)
        yield from table.blocks(size, labels=labels, images=images, groups=groups)


def _joined(batches: Sequence[Any]) -> list[Any]:
    """One batch, but for more than 2 GiB, which no column of bytes can address."""
    from pyarrow import Table as Rows

    joined: list[Any] = Rows.from_batches(batches).combine_chunks().to_batches()
    return joined


def _span(columns: tuple[str, ...]) -> str:
    return columns[0] if len(columns) == 1 else f"{columns[0]} to {columns[-1]}"


def _words(table: ImageTable) -> str:
    schema = table.file.schema_arrow
    kinds = dict.fromkeys(str(schema.field(name).type) for name in table.columns)
    images = f"{_span(table.columns)}: {' or '.join(kinds)}"
    return images if table.label is None else f"{images}; {table.label}: {schema.field(table.label).type}"


def _kind(kind: Any) -> str:
    from pyarrow import types

    if types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return "bytes" if place >= 0 and _kind(kind.field(place).type) == "bytes" else "other"
    if types.is_fixed_size_binary(kind) and is_square(kind.byte_width):
        return "raw"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "bytes"
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return "list" if _kind(kind.value_type) in ("list", "whole", "number") else "other"
    word = kind.value_type if types.is_dictionary(kind) else kind  # few different ones, as pandas' categories are
    if types.is_string(word) or types.is_large_string(word):
        return "words"
    return "whole" if types.is_integer(kind) else "number" if types.is_floating(kind) else "other"


def _is_identity(field: Any) -> bool:
    return field.name not in PREFERRED and field.type.byte_width <= SMALLEST


def _images(column: Any, where: str) -> Any:
    from pyarrow import types

    if types.is_struct(column.type):
        column = column.field("bytes")
    if _kind(column.type) == "bytes":
        return column.to_pylist()
    if column.null_count and column.null_count == len(column):
        return [None] * len(column)
    if _kind(column.type) == "raw":
        width = column.type.byte_width
        return np.frombuffer(column.buffers()[1], np.uint8, len(column) * width, column.offset * width).reshape(
            -1, width
        )
    shape = [len(column)]
    while _kind(column.type) == "list":
        if column.null_count or len(set(column.value_lengths().to_pylist())) > 1:
            raise DataError(f"{where}: expected lists of pixels all of one length")
        inner = column.flatten()
        shape.append(len(inner) // max(len(column), 1))
        column = inner
    return column.to_numpy(zero_copy_only=False).reshape(shape)


def _labels(column: Any, where: str) -> NDArray[np.int64] | list[int | str]:
    if column.null_count:
        raise DataError.wanted(where, "a label for every image", f"{column.null_count:,} empty ones in a block")
    if _kind(column.type) == "words":
        words: list[int | str] = column.to_pylist()
        return words
    whole: NDArray[np.int64] = column.to_numpy(zero_copy_only=False).astype(np.int64)
    return whole
