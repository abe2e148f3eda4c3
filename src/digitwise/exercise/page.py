"""A student's feedback as one page that needs nothing else, and a class' points as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from digitwise.exercise.marks import Mark
from digitwise.exercise.tasks import TASKS
from digitwise.outputs import Kind, check_file, write
from digitwise.report.templating import render
from digitwise.runs import now
from digitwise.system import versions

MARKS = Kind("marks", "an earlier one of digitwise exercise check")


def check_places(folder: Path, names: Sequence[str]) -> None:
    """Make sure that pages and points may be written into a folder.

    Raises
    ------
    DataError
        If a file of these names is something else than earlier marks, or was changed.
    """
    for name in names:
        check_file(folder / name, MARKS)


def write_page(mark: Mark, path: Path) -> None:
    """Write a notebook's feedback, whole or not at all."""
    found = mark.as_dict() | {"name": Path(mark.notebook).name, "share": mark.points / mark.of}
    write(path, MARKS, render("marks.html.j2", **found, digitwise=versions()["digitwise"], created=now()))


def write_points(marks: Sequence[Mark], path: Path) -> None:
    """Write a CSV with a row a notebook and a column a task, whole or not at all."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["notebook", *(task.id for task in TASKS), "total", "of", "ended", "warnings"])
    for mark in marks:
        points = [f"{task.points:g}" for task in mark.tasks]
        rows.writerow(
            [mark.notebook, *points, f"{mark.points:g}", f"{mark.of:g}", mark.ended, "; ".join(mark.warnings)]
        )
    write(path, MARKS, text.getvalue())


def page_names(paths: Sequence[Path]) -> list[str]:
    """A name for each notebook's page: its own, with its folder's before it where others are called the same."""
    names: list[str] = []
    stems = [path.stem for path in paths]
    for path in paths:
        name = path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}-{path.stem}"
        taken, number = name, 2
        while f"{taken}.html" in names:
            taken, number = f"{name}-{number}", number + 1
        names.append(f"{taken}.html")
    return names
