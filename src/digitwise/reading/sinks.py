"""Where rows go while they are made: CSV, JSON lines or Parquet, a file that appears whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from digitwise.errors import DataError
from digitwise.files import real
from digitwise.outputs import Kind, output_file
from digitwise.reading.jobs import Found
from digitwise.reading.rows import COLUMNS, FORM_COLUMNS, columns_of, document_of, form_columns_of

Sink = Callable[[Found], None]
ROWS = Kind("rows", "earlier rows of digitwise read")
GROUP = 10_000  # rows written together in Parquet


@contextmanager
def sink_to(path: Path, *, top: bool = False, fields: Sequence[str] = ()) -> Iterator[Sink]:
    """Open a file for rows; give the function that takes them one by one.

    Parameters
    ----------
    path : Path
        ``.csv`` and ``.parquet`` get a row of ``COLUMNS`` a picture, ``.jsonl`` the document that ``--json`` prints.
    top : bool
        Whether a document has the three most probable classes.
    fields : sequence of str
        Of forms: their rows have ``FORM_COLUMNS`` and these.

    Raises
    ------
    DataError
        If the suffix is another, or something else than earlier rows lies there.
    MissingPartError
        If it is Parquet and pyarrow is not installed.
    """
    opener = SINKS.get(path.suffix.lower())
    if opener is None:
        raise DataError(f"{path}: expected a file to write to that ends in {', '.join(SINKS)}, got {path.suffix!r}")
    with output_file(real(path), ROWS) as temporary, opener(temporary, top, fields) as sink:
        yield sink


def arrow_schema(fields: Sequence[str] = ()) -> Any:
    """Names and types of columns in Parquet."""
    import pyarrow

    kinds = {"page": pyarrow.int32(), "row": pyarrow.int64(), "confidence": pyarrow.float64()}
    return pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in _names(fields)])


def _names(fields: Sequence[str]) -> tuple[str, ...]:
    return (*FORM_COLUMNS, *fields) if fields else COLUMNS


def _row(found: Found, fields: Sequence[str]) -> tuple[Any, ...]:
    return form_columns_of(found, fields) if fields else columns_of(found)


@contextmanager
def _csv(path: Path, top: bool, fields: Sequence[str]) -> Iterator[Sink]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_names(fields))
        yield lambda found: writer.writerow(_row(found, fields))


@contextmanager
def _jsonl(path: Path, top: bool, fields: Sequence[str]) -> Iterator[Sink]:
    with path.open("w", encoding="utf-8") as file:
        yield lambda found: print(json.dumps(document_of(found, top=top), ensure_ascii=False), file=file)


@contextmanager
def _parquet(path: Path, top: bool, fields: Sequence[str]) -> Iterator[Sink]:
    from digitwise.formats.parquet import library

    parquet = library()
    import pyarrow

    schema = arrow_schema(fields)
    rows: list[tuple[Any, ...]] = []

    def flush() -> None:
        columns = list(zip(*rows, strict=True)) or [()] * len(schema)
        arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
        rows.clear()

    def take(found: Found) -> None:
        rows.append(_row(found, fields))
        if len(rows) >= GROUP:
            flush()

    with parquet.ParquetWriter(path, schema) as writer:
        yield take
        flush()


SINKS = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
