"""The base classes of checks, and their findings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from digitwise.checks.subject import SplitData, SplitName, Subject
from digitwise.images import Int64

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class NotApplicableError(Exception):
    """Raised by a check that does not apply to the data; the message has the reason."""


@dataclass(frozen=True)
class Tile:
    """One image of a finding, as the page shows it."""

    split: SplitName
    index: int
    caption: str


@dataclass(frozen=True, eq=False)
class Finding:
    """Something wrong with the data.

    Parameters
    ----------
    code, title : str
        The check's.
    severity : {"info", "warning", "error"}
        An error makes results wrong or training fail; a warning costs accuracy or trust.
    words : str
        What was found, as a sentence with its numbers.
    indices : ndarray of int64
        The images concerned, by their place in ``split``; worst first where there is an order.
    evidence : dict
        Plain numbers and words.
    split : {"train", "test"}
    tiles : sequence of Tile
        Images to show, in order.
    count : int, optional
        By default that of the indices.
    """

    code: str
    title: str
    severity: Severity
    words: str
    indices: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    evidence: dict[str, Any] = field(default_factory=dict)
    split: SplitName = "train"
    tiles: Sequence[Tile] = ()
    count: int | None = None

    @property
    def total(self) -> int:
        """How many images, files or classes are concerned."""
        return len(self.indices) if self.count is None else self.count

    @property
    def docs(self) -> str:
        """The place of its explanation in the docs; empty for a user's own check."""
        return f"docs/checks.md#{self.code.lower()}" if self.code.startswith("DW") else ""

    def _repr_html_(self) -> str:
        from digitwise import displays

        told = f"{self.code} {self.title} ({self.severity}, {self.split}, {self.total:,})"
        return displays.block(f"<b>{displays.text(told)}</b>", displays.paragraph(self.words))

    def as_dict(self, files: Sequence[str] = ()) -> dict[str, Any]:
        """The finding as ``findings.json`` holds it.

        Parameters
        ----------
        files : sequence of str
            The file of each image of the split; empty where the set is not one of files, and then left out.
        """
        return {
            "code": self.code,
            "severity": self.severity,
            "title": self.title,
            "count": self.total,
            "indices": self.indices.tolist(),
            **({"files": [files[index] for index in self.indices]} if files else {}),
            "evidence": {"split": self.split, "words": self.words, **self.evidence},
            "docs": self.docs,
        }


class Check(ABC):
    """Looks for one kind of fault.

    A subclass sets the four texts and :meth:`find`; :func:`digitwise.checks.register` adds it to the family.
    """

    code: ClassVar[str]  #: ``DW`` and three digits, or letters and digits of your own
    title: ClassVar[str]
    meaning: ClassVar[str]  #: why it matters
    remedy: ClassVar[str]  #: what to do about it
    needs: ClassVar[Literal["", "network", "answers"]] = ""  #: of :class:`~digitwise.checks.subject.Learned`

    @abstractmethod
    def find(self, subject: Subject) -> list[Finding]:
        """The findings; empty if nothing is wrong.

        Raises
        ------
        NotApplicableError
            If this kind of data cannot have the fault, or lacks what is needed to detect it.
        """

    def finding(self, severity: Severity, words: str, **parts: Any) -> Finding:
        """A finding of this check."""
        return Finding(self.code, self.title, severity, words, **parts)


class ImageCheck(Check):
    """Checks the images of each split separately."""

    def find(self, subject: Subject) -> list[Finding]:
        """A finding for each split that has one."""
        found = [self.find_in(part, subject) for part in subject.parts]
        return [finding for finding in found if finding is not None]

    @abstractmethod
    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """What is wrong in one split, or None."""

    def found(
        self,
        part: SplitData,
        indices: Int64,
        severity: Severity,
        words: str,
        evidence: dict[str, Any] | None = None,
        captions: Sequence[str] | None = None,
    ) -> Finding:
        """A finding about images of one split, all of which are shown."""
        shown = tiles(part, indices, captions)
        return self.finding(severity, words, indices=indices, evidence=evidence or {}, split=part.split, tiles=shown)


def tiles(part: SplitData, indices: Int64, captions: Sequence[str] | None = None) -> list[Tile]:
    """Images of a split to show, by default with their class as caption."""
    words = captions or [part.name_of(i) for i in indices]
    return [Tile(part.split, int(i), word) for i, word in zip(indices, words, strict=False)]
