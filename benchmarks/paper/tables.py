"""The tables about numbers on paper, made from the rows kept, values as text."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks.cells import NOTHING, head, line
from benchmarks.measure import Row

STRINGS = {"cheques": "cheques", "registers": "register cells", "rows": "rows"}


def strings_table(rows: Sequence[Row]) -> str:
    """Images of one number: strings read exactly, and what those called read are worth."""
    lines = head("one number an image", "reader", "images", "exact", "called read", "wrong of those")
    for what, own in _kinds(rows):
        for reader, read in _by_reader(own):
            sure = [row for row in read if row["sure"] == "1"]
            exact, wrong = _exact(read), len(sure) - _exact(sure)
            cells = _percent(exact, len(read)), _percent(len(sure), len(read)), _percent(wrong, len(sure))
            lines.append(line(what, reader, f"{len(read):,}", *cells))
    return _table(lines)


def sizes_table(rows: Sequence[Row]) -> str:
    """Rows read exactly by what surrounds the digits and by size."""
    own = [row for row in rows if row["bench"] == "rows"]
    sizes = sorted({row["part"].rpartition(" x")[2] for row in own}, key=int)
    lines = head("rows read exactly, times 28 pixels", "reader", *sizes)
    for kind in dict.fromkeys(row["part"].rpartition(" x")[0] for row in own):
        for reader, read in _by_reader(own):
            parts = [[row for row in read if row["part"] == f"{kind} x{size}"] for size in sizes]
            lines.append(line(kind, reader, *(_percent(_exact(part), len(part)) for part in parts)))
    return _table(lines)


def pages_table(rows: Sequence[Row]) -> str:
    """Pages of many numbers: digits right, and the edit distance over the digits written."""
    lines = head("pages of numbers", "reader", "pages", "digits", "right", "wrong", "missing", "extra", "error rate")
    for bench, what in (("scans", "photos"), ("pages", "made pages")):
        for reader, read in _by_reader([row for row in rows if row["bench"] == bench]):
            digits, wrong, missing, extra = (_sum(read, name) for name in ("digits", "wrong", "missing", "extra"))
            counts = str(len(read)), f"{digits:,}", _percent(digits - wrong - missing, digits)
            rate = _percent(wrong + missing + extra, digits)
            lines.append(line(what, reader, *counts, str(wrong), str(missing), str(extra), rate))
    return _table(lines)


def cases_table(rows: Sequence[Row]) -> str:
    """Each hard case by each reader: right, ``?`` or what was read instead."""
    own = [row for row in rows if row["bench"] == "cases"]
    readers = _by_reader(own)
    lines = head("hard cases", *(reader for reader, _ in readers))
    for name in dict.fromkeys(row["name"] for row in own):
        found = [next((row for row in read if row["name"] == name), None) for _, read in readers]
        lines.append(line(f"`{name}`", *(_case(row) for row in found)))
    counts = [[sum(row["outcome"] == kind for row in read) for kind in ("right", "?", "failed")] for _, read in readers]
    lines += [line("**right · ? · failed**", *(" · ".join(map(str, each)) for each in counts))] if counts else []
    return _table(lines)


def noise_table(rows: Sequence[Row]) -> str:
    """Pages without a digit: how many digits are read all the same."""
    own = [row for row in rows if row["bench"] == "noise"]
    kinds = list(dict.fromkeys(row["part"] for row in own))
    lines = head("false digits called read, a page", "reader", *kinds, "all", "seconds a page, median")
    for reader, read in _by_reader(own):
        parts = [[row for row in read if row["part"] == kind] for kind in kinds]
        middle = statistics.median(float(row["seconds"]) for row in read)
        lines.append(line("pages without digits", reader, *map(_false, [*parts, read]), f"{middle:.2f}"))
    return _table(lines)


def _kinds(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The strings by what they stand on; rows of all sizes together."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["bench"] in STRINGS:
            kind = row["part"].rpartition(" x")[0]
            found.setdefault(", ".join(filter(None, (STRINGS[row["bench"]], kind))), []).append(row)
    order = [*STRINGS.values()]
    return sorted(found.items(), key=lambda item: order.index(item[0].partition(",")[0]))


def _by_reader(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of each state of each reader."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(f"{row['reader']} {row['version']}", []).append(row)
    return sorted(found.items(), key=lambda item: not item[0].startswith("digitwise"))


def _exact(rows: Sequence[Row]) -> int:
    return sum(row["read"] == row["truth"] for row in rows)


def _sum(rows: Sequence[Row], column: str) -> int:
    return sum(int(row[column]) for row in rows)


def _case(row: Row | None) -> str:
    if row is None:
        return NOTHING
    text = row["text"] if len(row["text"]) < 24 else f"{row['text'][:20]}… of {len(row['text'])}"
    return row["outcome"] if row["outcome"] == "right" else f"{row['outcome']}: {text or 'nothing'}"


def _false(rows: Sequence[Row]) -> str:
    digits = sum(len(row["text"].replace("?", "")) for row in rows)
    return f"{digits / len(rows):.1f}" if rows else NOTHING


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else NOTHING


def _table(lines: list[str]) -> str:
    """Nothing where nothing was measured."""
    return "\n".join(lines) if len(lines) > 2 else ""


TABLES: dict[str, Callable[[Sequence[Row]], str]] = {  # by their marks
    "numbers": strings_table,
    "numbers by size": sizes_table,
    "numbers on pages": pages_table,
    "numbers, hard cases": cases_table,
    "numbers, none there": noise_table,
}
