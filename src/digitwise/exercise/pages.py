"""What marking writes: a page for each student; for a class a page, points, marks to fill in, and all as JSON."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from digitwise.errors import DataError
from digitwise.escaping import cell
from digitwise.exercise import teacher
from digitwise.exercise.language import number, say, speaking
from digitwise.exercise.marks import Mark
from digitwise.exercise.tasks import POINTS, TASKS
from digitwise.files import real
from digitwise.outputs import Kind, check_file, updated_file, write, write_plain
from digitwise.reporting.render import render
from digitwise.runs import now
from digitwise.system import versions

MARKS = Kind("marks", "an earlier one of digitwise exercise check")
CLASS = ("class.html", "class.json", "points.csv", "marks.csv")


def check_places(folder: Path, names: Sequence[str], points: Path | None = None) -> None:
    """Check that these files may be written into a folder.

    Raises
    ------
    DataError
        If a file of these names holds no earlier marks, or was edited since and is not ``points``, which is read.
    """
    for name in names:
        if points is not None and real(folder / name) == real(points):
            continue
        try:
            check_file(folder / name, MARKS)
        except DataError as error:
            if name != "marks.csv":
                raise
            raise DataError(f"{error}; or bring in what you filled in, by points (--points {folder / name})") from error


def write_page(mark: Mark, path: Path) -> None:
    """Write the page of a notebook atomically, in its language."""
    with speaking(mark.language):
        found = mark.as_dict() | {"name": Path(mark.notebook).name, "share": mark.points / mark.of}
        page = render("marks.html.j2", **found, **_about())
    write(path, MARKS, page)


def write_class(folder: Path, found: dict[str, Any], marks: Sequence[Mark], points: Path | None = None) -> None:
    """Write the page of a class and its tables atomically.

    Parameters
    ----------
    folder : Path
    found : dict
        As :meth:`digitwise.exercise.checking.ClassMarks.as_dict` gives it.
    marks : sequence of Mark
    points : Path, optional
        The table that was read: where it lies in the folder it is written again, with what the teacher filled in.
    """
    write_plain(folder / "class.json", MARKS, found)
    write(folder / "points.csv", MARKS, _points(found))
    place = folder / "marks.csv"
    if points is not None and real(place) == real(points):
        with updated_file(place, MARKS) as temporary:
            temporary.write_text(teacher.table(marks), encoding="utf-8", newline="")
    else:
        write(place, MARKS, teacher.table(marks))
    names = _short([row["notebook"] for row in found["notebooks"]])
    rows = [
        row | {"name": name, "href": quote(os.fsencode(row["page"]))}
        for row, name in zip(found["notebooks"], names, strict=True)
    ]
    tasks = [{"id": task.id, "title": task.title, "of": task.points} for task in TASKS]
    page = {"notebooks": rows, "data": found["data"], "tasks": tasks, "bins": _bins(marks)}
    write(folder / "class.html", MARKS, render("class.html.j2", **page, **_about()))


def _short(paths: Sequence[str]) -> list[str]:
    """The paths without the folder that all have in common."""
    full = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in full]) if full else ""
    return [os.path.relpath(path, common) for path in full]


def _about() -> dict[str, Any]:
    return {"say": say, "number": number, "digitwise": versions()["digitwise"], "created": now()}


def _bins(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """How many notebooks have how many points, by whole points: 7 stands for 7 to less than 8."""
    counts = [0] * (int(POINTS) + 1)
    for mark in marks:
        counts[int(mark.points)] += 1
    return [{"points": place, "count": count, "share": count / max(*counts, 1)} for place, count in enumerate(counts)]


def _points(found: dict[str, Any]) -> str:
    """A CSV with one row for each notebook and one column for each task."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    columns = ("total", "of", "provisional", "state", "minutes", "ended", "warnings", "near copies", "remarks")
    rows.writerow(["notebook", *(task.id for task in TASKS), *columns])
    for row in found["notebooks"]:
        points = [f"{task['points']:g}" for task in row["tasks"]]
        told = (f"{row['points']:g}", f"{row['of']:g}", f"{row['provisional']:g}", row["state"], f"{row['minutes']:g}")
        lists = ("; ".join(row[name]) for name in ("warnings", "copies", "remarks"))
        rows.writerow(map(cell, (row["notebook"], *points, *told, row["ended"], *lists)))
    return text.getvalue()
