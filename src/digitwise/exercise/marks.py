"""Marks of a notebook: points, reasons and hints; as a page for each student, and as a table for a class."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitwise.escaping import cell
from digitwise.exercise.tasks import TASKS
from digitwise.outputs import Kind, check_file, write
from digitwise.reporting.render import render
from digitwise.runs import now
from digitwise.system import versions

MARKS = Kind("marks", "an earlier one of digitwise exercise check")


@dataclass(frozen=True)
class PartMark:
    """The points of one part."""

    id: str
    what: str  # the condition
    points: float  # earned
    of: float  # possible
    reason: str  # what was found
    hint: str  # what to do next; empty where all points are earned


@dataclass(frozen=True)
class TaskMark:
    """The points of one task."""

    id: str
    title: str
    parts: tuple[PartMark, ...]

    @property
    def points(self) -> float:
        """Earned."""
        return sum(part.points for part in self.parts)

    @property
    def of(self) -> float:
        """Possible."""
        return sum(part.of for part in self.parts)

    @property
    def reason(self) -> str:
        """The reasons of all parts."""
        return "; ".join(dict.fromkeys(part.reason for part in self.parts))

    @property
    def hint(self) -> str:
        """The hints of all parts."""
        return " ".join(dict.fromkeys(part.hint for part in self.parts if part.hint))


@dataclass(frozen=True)
class Mark:
    """The points of one notebook."""

    notebook: str  # its path
    tasks: tuple[TaskMark, ...]
    ended: str = ""  # why it did not run to its end; empty where it did
    errors: dict[int, str] = field(default_factory=dict)  # the errors of cells, by the cell's place
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0  # wall time of the run

    @property
    def points(self) -> float:
        """Earned."""
        return sum(task.points for task in self.tasks)

    @property
    def of(self) -> float:
        """Possible."""
        return sum(task.of for task in self.tasks)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "notebook": self.notebook,
            "points": self.points,
            "of": self.of,
            "tasks": [
                {
                    "id": task.id,
                    "title": task.title,
                    "points": task.points,
                    "of": task.of,
                    "reason": task.reason,
                    "hint": task.hint,
                    "parts": [vars(part) for part in task.parts],
                }
                for task in self.tasks
            ],
            "ended": self.ended,
            "errors": [{"cell": place, "error": error} for place, error in self.errors.items()],
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 1),
        }


def check_places(folder: Path, names: Sequence[str]) -> None:
    """Check that pages and points may be written into a folder.

    Raises
    ------
    DataError
        If a file of these names holds no earlier marks, or was edited since.
    """
    for name in names:
        check_file(folder / name, MARKS)


def write_page(mark: Mark, path: Path) -> None:
    """Write the page of a notebook atomically."""
    found = mark.as_dict() | {"name": Path(mark.notebook).name, "share": mark.points / mark.of}
    write(path, MARKS, render("marks.html.j2", **found, digitwise=versions()["digitwise"], created=now()))


def write_points(marks: Sequence[Mark], path: Path) -> None:
    """Write a CSV with one row for each notebook and one column for each task, atomically."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["notebook", *(task.id for task in TASKS), "total", "of", "ended", "warnings"])
    for mark in marks:
        points = [f"{task.points:g}" for task in mark.tasks]
        told = (f"{mark.points:g}", f"{mark.of:g}", mark.ended, "; ".join(mark.warnings))
        rows.writerow(map(cell, (mark.notebook, *points, *told)))
    write(path, MARKS, text.getvalue())


def page_names(paths: Sequence[Path]) -> list[str]:
    """A file name for each notebook's page: its stem, preceded by its folder where stems repeat."""
    names: list[str] = []
    stems = [path.stem for path in paths]
    for path in paths:
        name = path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}-{path.stem}"
        taken, number = name, 2
        while f"{taken}.html" in names:
            taken, number = f"{name}-{number}", number + 1
        names.append(f"{taken}.html")
    return names
