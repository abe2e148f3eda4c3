"""Answers as rows of a table, made from arrays and not picture by picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digitwise.files import printable
from digitwise.reading.answers import Answers
from digitwise.reading.rows import arrow_schema
from digitwise.reading.shards.parts import Counts
from digitwise.reading.tally import Expected

STATUSES = ("read", "unsure", "blank", "error")


@dataclass(frozen=True, eq=False)
class Rows:
    """What was read from some pictures.

    Parameters
    ----------
    paths : str or sequence of str
        Of each picture, or of all.
    answers : Answers
        About those that could be read.
    first : int, optional
        The row of the first picture in its source; None where pictures are files of their own.
    places : sequence of int, optional
        Of the answers among the pictures; None where all could be read.
    errors : dict of int to str
        Why the others could not, by place.
    """

    paths: str | Sequence[str]
    answers: Answers
    first: int | None = None
    places: Sequence[int] | None = None
    errors: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.answers) + len(self.errors)

    @property
    def status(self) -> Any:
        """Of each picture, int (n,): its place in ``STATUSES``."""
        answers = self.answers
        status = np.full(len(self), STATUSES.index("error"))
        status[self._places] = np.select([answers.blank, answers.sure], [2, 0], 1)
        return status

    @property
    def _places(self) -> Any:
        return slice(None) if self.places is None else np.asarray(self.places, int)

    @property
    def counts(self) -> Counts:
        """How many came out in which way."""
        expected = Expected()
        expected.add_answers(self.answers)
        read, unsure, blank, error = np.bincount(self.status, minlength=len(STATUSES)).tolist()
        return Counts(read, unsure, blank, error, expected.errors, expected.variance)

    def batch(self) -> Any:
        """A pyarrow.RecordBatch of ``digitwise.reading.rows.COLUMNS``."""
        import pyarrow

        n, status, answers = len(self), self.status, self.answers
        labels, confidence = np.zeros(n, int), np.zeros(n)
        if len(answers):
            labels[self._places] = answers.probabilities.argmax(axis=1)
            confidence[self._places] = answers.probabilities.max(axis=1)
        unknown = status >= STATUSES.index("blank")
        string = pyarrow.string()
        columns = {
            "path": pyarrow.repeat(self.paths, n) if isinstance(self.paths, str) else pyarrow.array(self.paths, string),
            "row": None if self.first is None else pyarrow.array(np.arange(self.first, self.first + n)),
            "label": pyarrow.array(answers.class_names, string).take(pyarrow.array(labels, mask=unknown)),
            # A float32 times a million is exact in double, so that this rounds as Python's round does.
            "confidence": pyarrow.array(confidence.round(6), mask=unknown),
            "status": pyarrow.array(STATUSES, string).take(pyarrow.array(status)),
            "error": pyarrow.array([self.errors.get(i) for i in range(n)], string) if self.errors else None,
        }
        schema = arrow_schema()
        found = {name: column for name, column in columns.items() if column is not None}
        arrays = [found.get(kind.name, pyarrow.nulls(n, kind.type)) for kind in schema]
        return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def reason_of(error: str, name: str) -> str:
    """Why a picture could not be read, without its name, which stands beside."""
    return printable(error.removeprefix(f"{name}: "))
