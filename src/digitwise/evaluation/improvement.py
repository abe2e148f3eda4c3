"""Did a mend help? Groups with too many errors, found on one half of the pictures and judged on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.data.splits import stratified_indices
from digitwise.evaluation.comparison import Comparison, compare_predictions
from digitwise.evaluation.slices import Slice, find_slices
from digitwise.images import Float64, Int64, Predictions


@dataclass(frozen=True)
class Change:
    """A group before and after a mend.

    Parameters
    ----------
    name : str
        What its pictures have in common, in words.
    n : int
        Its pictures in the half that judges.
    comparison : Comparison
        A before, B after, on those; None where there are none.
    """

    name: str
    n: int
    comparison: Comparison | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        result = self.comparison
        return {
            "name": self.name,
            "n": self.n,
            "errors_before": result.errors_a if result else 0,
            "errors_after": result.errors_b if result else 0,
            "verdict": result.verdict("before", "after") if result else "no pictures of it to judge by",
        }


def halves(labels: Int64, *, seed: int = 0) -> tuple[Int64, Int64]:
    """Part pictures in two, class by class: one half to find groups in, the other to judge by.

    The group found for its many errors would have fewer the next time by chance alone; on pictures that had no part
    in finding it, it has not.
    """
    return stratified_indices(labels, len(labels) // 2, seed=seed)


def find_in(places: Int64, answers: Predictions, measured: Mapping[str, Float64]) -> list[Slice]:
    """Find the groups among the pictures at ``places``."""
    return find_slices(_take(answers, places), _measured(measured, places))


def changes(
    slices: Sequence[Slice],
    places: Int64,
    before: Predictions,
    after: Predictions,
    measured: Mapping[str, Float64],
) -> list[Change]:
    """Hold answers before and after against each other, group by group, on the pictures at ``places``.

    Parameters
    ----------
    slices : sequence of Slice
        Found on other pictures.
    places : ndarray of int64, shape (k,)
    before, after : Predictions
        Out-of-sample answers about all n pictures.
    measured : dict of str to ndarray of float64, shape (n,)
        As :func:`digitwise.properties.properties` gives it.

    Returns
    -------
    list of Change
        The groups', and last that of all pictures.
    """
    labels, own = before.labels[places], _measured(measured, places)
    groups = [(each.name, places[each.members(labels, own)]) for each in slices]
    return [
        Change(name, len(at), compare_predictions(_take(before, at), _take(after, at)) if len(at) else None)
        for name, at in [*groups, ("all pictures", places)]
    ]


def _take(answers: Predictions, places: Int64) -> Predictions:
    return Predictions(answers.labels[places], answers.probabilities[places], answers.class_names)


def _measured(measured: Mapping[str, Float64], places: Int64) -> dict[str, Float64]:
    return {name: np.asarray(values[places]) for name, values in measured.items()}
