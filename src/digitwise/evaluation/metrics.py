"""How good a model is, in numbers and in the terms of whoever will use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.evaluation.confusion import ConfusedPair, confusion_matrix, most_confused
from digitwise.evaluation.intervals import wilson
from digitwise.images import Predictions


@dataclass(frozen=True)
class ClassScore:
    """One class: precision is the share of its answers that are right, recall the share of its pictures found.

    A score that divides by nothing (no picture, no answer) is None.
    """

    name: str
    n: int
    errors: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Evaluation:
    """The result of a model on labelled pictures.

    Parameters
    ----------
    n, errors : int
        Pictures, and how many were classified wrongly.
    interval_95 : (float, float)
        Wilson interval of the error rate, in [0, 1].
    classes : tuple of ClassScore
    confused : tuple of ConfusedPair
        The most frequent confusions, most frequent first.
    """

    n: int
    errors: int
    interval_95: tuple[float, float]
    classes: tuple[ClassScore, ...]
    confused: tuple[ConfusedPair, ...]

    @property
    def error_rate(self) -> float:
        """Errors over pictures, in [0, 1]."""
        return self.errors / self.n

    @property
    def accuracy(self) -> float:
        """Share of right answers, in [0, 1]."""
        return 1 - self.error_rate

    def in_production(self, samples: int = 10_000) -> str:
        """What the error rate means for whoever orders so many readings, in words."""
        low, high = (share * samples for share in self.interval_95)
        return (
            f"of {samples:,} samples about {self.error_rate * samples:.0f} wrong "
            f"(95 % interval {low:.0f} to {high:.0f})"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in run.json and on stdout."""
        return {
            "n": self.n,
            "errors": self.errors,
            "error_rate": self.error_rate,
            "accuracy": self.accuracy,
            "interval_95": list(self.interval_95),
            "classes": [vars(score) for score in self.classes],
            "most_confused": [vars(pair) for pair in self.confused],
        }


def evaluate_predictions(predictions: Predictions) -> Evaluation:
    """Count and judge a model's answers.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    Evaluation
    """
    counts = confusion_matrix(predictions)
    hits, given, answered = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    classes = tuple(
        ClassScore(
            name=name,
            n=int(given[i]),
            errors=int(given[i] - hits[i]),
            precision=float(hits[i] / answered[i]) if answered[i] else None,
            recall=float(hits[i] / given[i]) if given[i] else None,
        )
        for i, name in enumerate(predictions.class_names)
    )
    n, errors = len(predictions), predictions.errors
    return Evaluation(n, errors, wilson(errors, n), classes, tuple(most_confused(predictions)))
