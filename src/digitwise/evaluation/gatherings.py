"""Where errors gather, as plain values: what a run keeps of its cross-validation, and what a report shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digitwise.evaluation.mends import mend
from digitwise.evaluation.slices import Slice
from digitwise.images import Predictions


def gatherings(slices: Sequence[Slice], answers: Predictions, *, folds: int | None = None) -> dict[str, Any]:
    """Put slices into plain values, with the answers about their wrong pictures.

    Parameters
    ----------
    slices : sequence of Slice
    answers : Predictions
        In which they were found.
    folds : int, optional
        Of the cross-validation that the answers come from, about all training pictures; without it they are those
        about the validation pictures.

    Returns
    -------
    dict
        ``of`` ("validation" or "cross-validation"), ``folds``, ``pictures``, ``errors`` and ``found``: of each slice
        its numbers, its words, its mend, and the index, given and predicted class of its wrong pictures.
    """
    return {
        "of": "validation" if folds is None else "cross-validation",
        "folds": folds,
        "pictures": len(answers),
        "errors": answers.errors,
        "found": [_plain(each, answers) for each in slices],
    }


def _plain(group: Slice, answers: Predictions) -> dict[str, Any]:
    wrong = group.indices[answers.missed[group.indices]]
    return {
        **group.as_dict(),
        "words": group.words,
        "mend": mend(group).words,
        "wrong": {
            "index": wrong.tolist(),
            "given": answers.labels[wrong].tolist(),
            "predicted": answers.predicted[wrong].tolist(),
        },
    }
