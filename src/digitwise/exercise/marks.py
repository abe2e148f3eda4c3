"""Marks of a notebook: points, reasons and hints, as objects and as plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitwise.exercise.language import say


@dataclass(frozen=True)
class PartMark:
    """The points of one part."""

    id: str
    what: str  # the condition
    points: float  # earned, or proposed
    of: float  # possible
    reason: str  # what was found
    hint: str  # what to do next; empty where all points are earned
    text: str = ""  # the student's answer in words
    provisional: bool = False  # the points are a proposal: the teacher decides
    given: bool = False  # the points are the teacher's
    remark: str = ""  # the teacher's


@dataclass(frozen=True)
class TaskMark:
    """The points of one task."""

    id: str
    title: str
    parts: tuple[PartMark, ...]

    @property
    def points(self) -> float:
        """Earned, or proposed."""
        return sum(part.points for part in self.parts)

    @property
    def of(self) -> float:
        """Possible."""
        return sum(part.of for part in self.parts)

    @property
    def provisional(self) -> float:
        """Points on which the teacher decides."""
        return sum(part.of for part in self.parts if part.provisional)

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
    opened: bool = True  # whether the file could be read as a notebook
    language: str = "en"
    sha256: str = ""  # of the file
    isolated: bool = False  # whether it ran with every protection of :mod:`digitwise.exercise.isolation`

    @property
    def points(self) -> float:
        """Earned, or proposed."""
        return sum(task.points for task in self.tasks)

    @property
    def of(self) -> float:
        """Possible."""
        return sum(task.of for task in self.tasks)

    @property
    def provisional(self) -> float:
        """Points on which the teacher decides."""
        return sum(task.provisional for task in self.tasks)

    @property
    def state(self) -> str:
        """How far the notebook ran, in words."""
        if not self.opened:
            return say("not opened")
        if self.ended:
            return say("did not run to its end")
        if self.errors:
            return say("1 cell failed") if len(self.errors) == 1 else say("{n} cells failed", n=len(self.errors))
        return say("ran to its end")

    def part(self, task: str, part: str) -> PartMark | None:
        """A part by the ids of its task and its own; None without one."""
        parts = (each for found in self.tasks if found.id == task for each in found.parts)
        return next((each for each in parts if each.id == part), None)

    def replaced(self, task: str, part: PartMark) -> Mark:
        """The mark with another part in the place of that of the same id."""
        tasks = tuple(
            dataclasses.replace(found, parts=tuple(part if each.id == part.id else each for each in found.parts))
            if found.id == task
            else found
            for found in self.tasks
        )
        return dataclasses.replace(self, tasks=tasks)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "notebook": self.notebook,
            "points": self.points,
            "of": self.of,
            "provisional": self.provisional,
            "state": self.state,
            "tasks": [
                {
                    "id": task.id,
                    "title": task.title,
                    "points": task.points,
                    "of": task.of,
                    "provisional": task.provisional,
                    "reason": task.reason,
                    "hint": task.hint,
                    "parts": [vars(part) for part in task.parts],
                }
                for task in self.tasks
            ],
            "ended": self.ended,
            "opened": self.opened,
            "isolated": self.isolated,
            "errors": [{"cell": place, "error": error} for place, error in self.errors.items()],
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 1),
            "language": self.language,
            "sha256": self.sha256,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Mark:
        """The mark that :meth:`as_dict` wrote."""
        tasks = (
            TaskMark(task["id"], task["title"], tuple(PartMark(**part) for part in task["parts"]))
            for task in plain["tasks"]
        )
        errors = {each["cell"]: each["error"] for each in plain["errors"]}
        same = {name: plain[name] for name in ("ended", "seconds", "opened", "isolated", "language", "sha256")}
        return cls(plain["notebook"], tuple(tasks), errors=errors, warnings=tuple(plain["warnings"]), **same)


def page_names(paths: Sequence[Path]) -> list[str]:
    """A file name for each notebook's page: its stem, preceded by its folder where stems repeat."""
    names: list[str] = []
    stems = [path.stem for path in paths]
    for path in paths:
        name = path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}-{path.stem}"
        taken, number = name, 2
        while f"{taken}.html" in (*names, "class.html"):
            taken, number = f"{name}-{number}", number + 1
        names.append(f"{taken}.html")
    return names
