"""The teacher's own points and remarks: a table to fill in, and brought into the marks."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from digitwise.errors import DataError
from digitwise.escaping import cell, from_cell, printable
from digitwise.exercise.evidence import read_plain
from digitwise.exercise.marks import Mark
from digitwise.formats.csv import separator

KEYS = ("notebook", "task", "part")
FILLED = ("points", "remark")  # the columns that the teacher fills in
COLUMNS = (*KEYS, "condition", "answer", "found", "proposed", "of", "to read", *FILLED)
LARGEST = 50_000_000  # bytes


def table(marks: Sequence[Mark]) -> str:
    """A CSV with one row for each part of each notebook; answers to one question stand below each other."""
    rows = [
        {
            "notebook": mark.notebook,
            "task": task.id,
            "part": part.id,
            "condition": part.what,
            "answer": part.text,
            "found": part.reason,
            "proposed": "" if part.given else f"{part.points:g}",
            "of": f"{part.of:g}",
            "to read": "yes" if part.provisional else "",
            "points": f"{part.points:g}" if part.given else "",
            "remark": part.remark,
        }
        for mark in marks
        if mark.opened
        for task in mark.tasks
        for part in task.parts
    ]
    order = list(dict.fromkeys((row["task"], row["part"]) for row in rows))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in sorted(rows, key=lambda row: order.index((row["task"], row["part"]))):
        writer.writerow({name: cell(value.replace("\n", " ")) for name, value in row.items()})
    return text.getvalue()


def bring_in(marks: Sequence[Mark], path: Path) -> list[Mark]:
    """Put the teacher's points and remarks into marks.

    Parameters
    ----------
    marks : sequence of Mark
    path : Path
        A CSV with the columns ``notebook``, ``task``, ``part``, and ``points``, ``remark`` or both; others are left
        out, as are rows in which both are empty. Commas, semicolons and tabs separate; points may have a decimal comma.

    Raises
    ------
    DataError
        If the file is no such table, or a row names what the marks do not have, or more points than there are.
    """
    found = {mark.notebook: mark for mark in marks}
    for number, row in _rows(path):
        points, remark = row.get("points", "").strip(), row.get("remark", "").strip()
        if not points and not remark:
            continue
        where = f"{path}: row {number}"
        name = _named(row["notebook"], found)
        if name is None:
            have = f"{len(found)} of which the first is {next(iter(found), 'none')}"
            raise DataError(f"{where}: expected a notebook of this class ({have}), got {printable(row['notebook'])}")
        part = found[name].part(row["task"], row["part"])
        if part is None:
            raise DataError(f"{where}: expected a task and part as in marks.csv, got {row['task']}, {row['part']}")
        given: dict[str, Any] = {"remark": printable(remark)}
        if points:
            given |= {"points": _points(points, part.of, where), "given": True, "provisional": False}
        found[name] = found[name].replaced(row["task"], dataclasses.replace(part, **given))
    return list(found.values())


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    content = read_plain(path.resolve(), LARGEST)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # as spreadsheets on Windows save it
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator(text), restval="")
    try:
        names, found = rows.fieldnames or [], list(rows)
    except csv.Error as error:
        raise DataError(f"{path}: expected a table of short cells, got: {error}; fill in marks.csv") from error
    if not {*KEYS} <= {*names} or not {*FILLED} & {*names}:
        expected = f"the columns {', '.join(KEYS)} and {' or '.join(FILLED)}"
        raise DataError(f"{path}: expected {expected}, got {printable(', '.join(names))[:200]}; fill in marks.csv")
    return [
        (number, {name: from_cell(str(value)) for name, value in row.items() if name})
        for number, row in enumerate(found, start=2)
    ]


def _named(given: str, found: dict[str, Mark]) -> str | None:
    """The notebook of a row: by its path, or by its file's name where only one has it."""
    if given in found:
        return given
    same = [name for name in found if PurePath(name).name in (given, f"{given}.ipynb", PurePath(given).name)]
    return same[0] if len(same) == 1 else None


def _points(text: str, most: float, where: str) -> float:
    try:
        points = float(text.replace(",", "."))
    except ValueError:
        points = -1.0
    if not 0 <= points <= most:
        raise DataError(f"{where}: expected points from 0 to {most:g}, got {printable(text)[:50]}")
    return points
