"""Errors under a label patch: as the labels were given, as they were corrected, and without the dropped pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.evaluation.intervals import wilson
from digitwise.images import Int64, Mask, Predictions


@dataclass(frozen=True)
class Count:
    """Errors under one reading of the labels.

    Parameters
    ----------
    labels : str
        In words.
    n, errors : int
    """

    labels: str
    n: int
    errors: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, with the error rate and its 95 % Wilson interval."""
        rate = self.errors / self.n if self.n else None
        return {**vars(self), "error_rate": rate, "interval_95": list(wilson(self.errors, self.n)) if self.n else None}


def under_patch(answers: Predictions, labels: Int64, dropped: Mask) -> tuple[Count, Count, Count]:
    """Count errors three ways, so that nobody has to guess which labels a figure is about.

    Parameters
    ----------
    answers : Predictions
        With the labels as given.
    labels : ndarray of int64, shape (n,)
        As corrected.
    dropped : ndarray of bool, shape (n,)
        Pictures that shall not count.
    """
    missed = answers.predicted != labels
    return (
        Count("as given", len(answers), answers.errors),
        Count("as corrected", len(answers), int(missed.sum())),
        Count("as corrected, dropped ones left out", int((~dropped).sum()), int(missed[~dropped].sum())),
    )


def corrected(answers: Predictions, labels: Int64, dropped: Mask) -> Predictions:
    """The answers with corrected labels, about the pictures that count."""
    kept = np.flatnonzero(~dropped)
    return Predictions(labels[kept], answers.probabilities[kept], answers.class_names)
