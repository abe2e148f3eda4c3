"""What a notebook is given: points, reasons, hints; its feedback as a page, and a class' points as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitwise.exercise.tasks import TASKS
from digitwise.outputs import Kind, check_file, write
from digitwise.report.render import render
from digitwise.runs import now
from digitwise.system import versions

MARKS = Kind("marks", "an earlier one of digitwise exercise check")


def printable(text: object) -> str:
    """A stranger's words or file name so that it can be printed and stored: without control and half characters."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))


@dataclass(frozen=True)
class PartMark:
    """A part's points and why.

    Parameters
    ----------
    id : str
    what : str
        The condition.
    points, of : float
    reason : str
        What was found.
    hint : str
        What to do next; empty where all points are given.
    """

    id: str
    what: str
    points: float
    of: float
    reason: str
    hint: str


@dataclass(frozen=True)
class TaskMark:
    """A task's points, by part."""

    id: str
    title: str
    parts: tuple[PartMark, ...]

    @property
    def points(self) -> float:
        """Given."""
        return sum(part.points for part in self.parts)

    @property
    def of(self) -> float:
        """At most."""
        return sum(part.of for part in self.parts)

    @property
    def reason(self) -> str:
        """All parts' reasons."""
        return "; ".join(dict.fromkeys(part.reason for part in self.parts))

    @property
    def hint(self) -> str:
        """All parts' hints."""
        return " ".join(dict.fromkeys(part.hint for part in self.parts if part.hint))


@dataclass(frozen=True)
class Mark:
    """A notebook's points.

    Parameters
    ----------
    notebook : str
        Its path.
    tasks : tuple of TaskMark
    ended : str
        Why it did not run to its end; empty where it did.
    errors : dict of int to str
        What cells stopped with, by their place.
    warnings : tuple of str
    seconds : float
        That it ran.
    """

    notebook: str
    tasks: tuple[TaskMark, ...]
    ended: str = ""
    errors: dict[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def points(self) -> float:
        """Given."""
        return sum(task.points for task in self.tasks)

    @property
    def of(self) -> float:
        """At most."""
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
