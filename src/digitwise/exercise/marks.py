"""What a notebook is given: points, reasons, hints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
