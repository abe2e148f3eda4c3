"""Readings as plain values: JSON documents, rows of tables, lines of text; and files of rows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from digitwise.errors import DataError
from digitwise.escaping import cell, json_text
from digitwise.files import real
from digitwise.outputs import Kind, output_file
from digitwise.reading.forms.template import FORM_COLUMNS
from digitwise.reading.jobs import ImageResult
from digitwise.reading.results import Digit, FieldReading, Number, Other, Page, Reading
from digitwise.reading.tables import table_of

COLUMNS = ("path", "page", "row", "label", "confidence", "status", "text", "error")
Sink = Callable[[ImageResult], None]
ROWS = Kind("rows", "earlier rows of digitwise read")
GROUP = 10_000  # rows written together in Parquet


def document_of(found: ImageResult, *, top: bool = False) -> dict[str, Any]:
    """The document of one image for ``--json`` and JSON lines."""
    where = {key: value for key, value in (("page", found.page), ("row", found.row)) if value is not None}
    result = found.result
    if isinstance(result, Page):
        return {
            "path": found.path,
            **where,
            "label": result.label,
            **page_document(result),
            "status": result.status,
        }
    if found.of_lines:
        return {"path": found.path, **where, "lines": [], "status": result.status, "error": result.error}
    document: dict[str, Any] = {
        "path": found.path,
        **where,
        "label": result.label,
        "confidence": None if result.confidence is None else round(result.confidence, 6),
        "status": result.status,
    }
    if top:
        document["top"] = [{"label": label, "confidence": round(share, 6)} for label, share in result.top]
    return document | ({} if result.error is None else {"error": result.error})


def page_document(page: Page) -> dict[str, Any]:
    """A page's lines, numbers and what else is on it."""
    digit, number = ("label", "confidence", "status", "box"), ("text", "written", "confidence", "status", "box")
    others = [_plain(other, "kind", "box", *(["confidence"] * (other.confidence is not None))) for other in page.others]
    table = table_of(page) if page.fields is None else None
    document = {
        "lines": [{"text": line.text, "digits": [_plain(each, *digit) for each in line.digits]} for line in page.lines],
        "numbers": [_plain(each, *number) for each in page.numbers],
        "others": others,
        "turn": page.turn,
        "table": None if table is None else [list(row) for row in table.text],
    }
    if page.fields is not None:
        names = "text", "confidence", "status", "box"
        document["fields"] = {name: _plain(field, *names) for name, field in page.fields.items()}
    return document


def _plain(value: Digit | Number | Other | FieldReading, *names: str) -> dict[str, Any]:
    """Some attributes for JSON: probabilities rounded to a millionth, boxes as lists."""
    found = {name: getattr(value, name) for name in names}
    if found.get("confidence") is not None:
        found["confidence"] = round(found["confidence"], 6)
    return found | {"box": list(found["box"])}


def columns_of(found: ImageResult) -> tuple[Any, ...]:
    """One image as a row of ``COLUMNS``; the confidence of a page is that of its least sure number.

    A page of one digit has that as its label too.
    """
    result = found.result
    if isinstance(result, Page):
        confidence = min((round(number.confidence, 6) for number in result.numbers), default=None)
        return found.path, found.page, found.row, result.label, confidence, result.status, result.text, None
    confidence = None if result.confidence is None else round(result.confidence, 6)
    return found.path, found.page, found.row, result.label, confidence, result.status, None, result.error


def form_columns_of(found: ImageResult, fields: Sequence[str]) -> tuple[Any, ...]:
    """One form as a row of ``FORM_COLUMNS`` and its fields."""
    result = found.result
    if not isinstance(result, Page) or result.fields is None:
        error = result.error if isinstance(result, Reading) else None
        return found.path, found.page, result.status, error, *[None] * len(fields)
    return found.path, found.page, result.status, None, *(result.fields[name].text for name in fields)


def reading_line(reading: Reading, *, top: bool = False) -> str:
    """A reading in words: ``7  99.8 %``, ``7  61.2 %  unsure``, ``blank`` or ``error  why``."""
    if reading.status == "error":
        return f"error  {reading.error}"
    if reading.status == "blank":
        return "blank"
    said = ", ".join(f"{label}  {_percent(share)}" for label, share in reading.top[: None if top else 1])
    return said + ("  unsure" if reading.status == "unsure" else "")


def _percent(share: float) -> str:
    """With one decimal; never 100 %, since no reading is certain."""
    return f"{min(share, 0.999):.1%}".replace("%", " %")


@contextmanager
def sink_to(path: Path, *, top: bool = False, fields: Sequence[str] = ()) -> Iterator[Sink]:
    """Open a file for rows; yield a function that writes one row.

    Parameters
    ----------
    path : Path
        ``.csv`` and ``.parquet`` get a row of ``COLUMNS`` per image, ``.jsonl`` the document of ``--json``.
    top : bool
        Whether a document has the three most probable classes.
    fields : sequence of str
        Of forms: their rows have ``FORM_COLUMNS`` and these.

    Raises
    ------
    DataError
        If the suffix is another one, or the file is not one of earlier rows.
    MissingPartError
        If it is Parquet and pyarrow is not installed.
    """
    opener = SINKS.get(path.suffix.lower())
    if opener is None:
        raise DataError.wanted(path, f"a file to write to that ends in {', '.join(SINKS)}", repr(path.suffix))
    with output_file(real(path), ROWS) as temporary, opener(temporary, top, fields) as sink:
        yield sink


def arrow_schema(fields: Sequence[str] = ()) -> Any:
    """Names and types of columns in Parquet."""
    import pyarrow

    kinds = {"page": pyarrow.int32(), "row": pyarrow.int64(), "confidence": pyarrow.float64()}
    return pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in _names(fields)])


def _names(fields: Sequence[str]) -> tuple[str, ...]:
    return (*FORM_COLUMNS, *fields) if fields else COLUMNS


def _row(found: ImageResult, fields: Sequence[str]) -> tuple[Any, ...]:
    return form_columns_of(found, fields) if fields else columns_of(found)


@contextmanager
def _csv(path: Path, top: bool, fields: Sequence[str]) -> Iterator[Sink]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(map(cell, _names(fields)))
        yield lambda found: writer.writerow(map(cell, _row(found, fields)))


@contextmanager
def _jsonl(path: Path, top: bool, fields: Sequence[str]) -> Iterator[Sink]:
    with path.open("w", encoding="utf-8") as file:
        yield lambda found: print(json_text(document_of(found, top=top)), file=file)


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

    def take(found: ImageResult) -> None:
        rows.append(_row(found, fields))
        if len(rows) >= GROUP:
            flush()

    with parquet.ParquetWriter(path, schema) as writer:
        yield take
        flush()


SINKS = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
