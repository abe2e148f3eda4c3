"""Tables of pictures in Parquet, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.blocks.tables import is_square
from digitwise.errors import DataError, MissingPartError

PREFERRED = ("image", "images", "pixels")  # names of the column; else the first that may hold pictures


def library() -> Any:
    """Pyarrow's part for Parquet.

    Raises
    ------
    MissingPartError
        If it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingPartError("Parquet needs pyarrow: pip install 'digitwise[parquet]'") from error
    return pyarrow.parquet


def open_parquet(path: Path, size: int) -> tuple[int, Iterator[Any], str]:
    """Open a table with a column of pictures, or a column a pixel.

    Parameters
    ----------
    path : Path
        Pictures are encoded files, as bytes or in a struct with ``bytes`` as Hugging Face's datasets have them, or
        lists of pixels, flat and square or row by row.
    size : int
        Rows in a block.

    Returns
    -------
    (int, iterator, str)
        Rows; blocks, each a list of bytes or an array (n, pixels) or (n, h, w); the column.

    Raises
    ------
    DataError
        If it is no Parquet, or has no such column.
    MissingPartError
        If pyarrow is not installed.
    """
    parquet = library()
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise DataError(f"{path}: damaged Parquet: {' '.join(str(error).split())[:160]}; fetch it again") from error
    schema = file.schema_arrow
    kinds = {field.name: _kind(field.type) for field in schema}
    found = next((name for name in (*PREFERRED, *schema.names) if kinds.get(name) in ("bytes", "list")), None)
    if found is not None:
        return file.metadata.num_rows, _blocks(path, file, [found], size), found
    pixels = [name for name in schema.names if kinds[name] == "number"]
    pixels = pixels if is_square(len(pixels)) else pixels[1:]
    if not is_square(len(pixels)):
        raise DataError(
            f"{path}: expected a column of pictures (image) or a square number of pixels, got {schema.names[:5]}"
        )
    return file.metadata.num_rows, _blocks(path, file, pixels, size), f"{pixels[0]} to {pixels[-1]}"


def _kind(kind: Any) -> str:
    from pyarrow import types

    if types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return "bytes" if place >= 0 and _kind(kind.field(place).type) == "bytes" else "other"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "bytes"
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return "list" if _kind(kind.value_type) in ("list", "number") else "other"
    return "number" if types.is_integer(kind) or types.is_floating(kind) else "other"


def _blocks(path: Path, file: Any, columns: list[str], size: int) -> Iterator[Any]:
    try:
        for batch in file.iter_batches(batch_size=size, columns=columns):
            if len(columns) > 1:
                yield np.stack([batch.column(name).to_numpy(zero_copy_only=False) for name in columns], axis=1)
            else:
                yield _pictures(batch.column(0), f"{path}, column {columns[0]}")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: damaged Parquet: {' '.join(str(error).split())[:160]}; fetch it again") from error


def _pictures(column: Any, where: str) -> Any:
    from pyarrow import types

    if types.is_struct(column.type):
        column = column.field("bytes")
    if _kind(column.type) == "bytes":
        return column.to_pylist()
    shape = [len(column)]
    while _kind(column.type) == "list":
        if column.null_count or len(set(column.value_lengths().to_pylist())) > 1:
            raise DataError(f"{where}: expected lists of pixels all of one length")
        inner = column.flatten()
        shape.append(len(inner) // max(len(column), 1))
        column = inner
    return column.to_numpy(zero_copy_only=False).reshape(shape)
