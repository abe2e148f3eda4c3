"""Fixes for groups with too many errors, and their effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.data.splits import stratified_indices
from digitwise.evaluation.comparison import Comparison, compare_predictions
from digitwise.evaluation.slices import Slice, find_slices
from digitwise.images import Float64, Int64
from digitwise.predictions import Predictions

WIDENED = {  # ranges of augmentation that give more samples of an end of a property
    ("slant", "much"): ("shear_range", "rotation_range"),
    ("slant", "little"): ("shear_range", "rotation_range"),
    ("stroke_width", "much"): ("zoom_range",),
    ("stroke_width", "little"): ("zoom_range",),
    ("height_to_width", "much"): ("zoom_range",),
    ("height_to_width", "little"): ("zoom_range",),
    ("size", "much"): ("zoom_range",),
    ("size", "little"): ("zoom_range",),
    ("offset", "much"): ("width_shift_range", "height_shift_range"),
}


@dataclass(frozen=True)
class Fix:
    """A proposed fix."""

    words: str
    widen: tuple[str, ...] = ()  # ranges of :class:`digitwise.recipes.Augmentation` to make wider
    focus: bool = False  # whether to add samples of the classes with errors


def fix_for(group: Slice) -> Fix:
    """Propose a fix for a group: wider augmentation, more samples of a class, or a check of its labels."""
    ends = [(condition.property, condition.side) for condition in group.conditions]
    widen = tuple(dict.fromkeys(name for end in ends for name in WIDENED.get(end, ())))
    focus = ("class", "is") in ends
    proposals = []
    if widen:
        proposals.append(f"widen {' and '.join(name.replace('_', ' ') for name in widen)} of the augmentation")
    if focus:
        proposals.append("show more samples of the class (focus)")
    if not widen:
        proposals.append("check the labels of these images, and collect more like them: augmentation cannot make them")
    words = "; ".join(proposals)
    return Fix(words[:1].upper() + words[1:] + ".", widen, focus)


def joined(fixes: Sequence[Fix]) -> Fix:
    """Join proposals without repetitions."""
    widen = tuple(dict.fromkeys(name for each in fixes for name in each.widen))
    words = " ".join(dict.fromkeys(each.words for each in fixes))
    return Fix(words, widen, any(each.focus for each in fixes))


def gatherings(
    slices: Sequence[Slice], answers: Predictions, *, of: str = "validation", folds: int | None = None
) -> dict[str, Any]:
    """Convert slices to plain values, with the predictions of their wrong images.

    Parameters
    ----------
    slices : sequence of Slice
    answers : Predictions
        In which they were found.
    of : {"validation", "evaluation"}
        Images of the predictions: those a training was validated with, or those that a model is evaluated on.
    folds : int, optional
        Of the cross-validation that gave the predictions, which are of all training images then.

    Returns
    -------
    dict
        ``of`` (or "cross-validation"), ``folds``, ``images``, ``errors`` and ``found``: of each slice
        its numbers, words and fix, and the index, given and predicted class of its wrong images.
    """
    return {
        "of": of if folds is None else "cross-validation",
        "folds": folds,
        "images": len(answers),
        "errors": answers.errors,
        "found": [_plain(each, answers) for each in slices],
    }


def _plain(group: Slice, answers: Predictions) -> dict[str, Any]:
    wrong = group.indices[answers.missed[group.indices]]
    return {
        **group.as_dict(),
        "words": group.words,
        "fix": fix_for(group).words,
        "wrong": {
            "index": wrong.tolist(),
            "given": answers.labels[wrong].tolist(),
            "predicted": answers.predicted[wrong].tolist(),
        },
    }


@dataclass(frozen=True)
class Change:
    """A group before and after a fix."""

    name: str  # the common properties of its images, in words
    n: int  # its images in the half for judging
    comparison: Comparison | None  # A before, B after, on these images; None without any

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        result = self.comparison
        return {
            "name": self.name,
            "n": self.n,
            "errors_before": result.errors_a if result else 0,
            "errors_after": result.errors_b if result else 0,
            "verdict": result.verdict("before", "after") if result else "no images to judge by",
        }


def halves(labels: Int64, *, seed: int = 0) -> tuple[Int64, Int64]:
    """Split images in two, class by class: one half for finding groups, the other for judging fixes.

    A group that was chosen for its many errors would have fewer the next time by chance alone; on images that had no
    part in the choice it does not.
    """
    return stratified_indices(labels, len(labels) // 2, seed=seed)


def find_in(places: Int64, answers: Predictions, measured: Mapping[str, Float64]) -> list[Slice]:
    """Find groups among the images at ``places``."""
    return find_slices(_take(answers, places), _measured(measured, places))


def changes(
    slices: Sequence[Slice],
    places: Int64,
    before: Predictions,
    after: Predictions,
    measured: Mapping[str, Float64],
) -> list[Change]:
    """Compare predictions before and after a fix, group by group, on the images at ``places``.

    Parameters
    ----------
    slices : sequence of Slice
        Found on other images.
    places : ndarray of int64, shape (k,)
    before, after : Predictions
        Out-of-sample predictions of all n images.
    measured : dict of str to ndarray of float64, shape (n,)
        From :func:`digitwise.properties.properties`.

    Returns
    -------
    list of Change
        Of each group, and last of all images.
    """
    labels, own = before.labels[places], _measured(measured, places)
    groups = [(each.name, places[each.members(labels, own)]) for each in slices]
    return [
        Change(name, len(at), compare_predictions(_take(before, at), _take(after, at)) if len(at) else None)
        for name, at in [*groups, ("all images", places)]
    ]


def _take(answers: Predictions, places: Int64) -> Predictions:
    return Predictions(answers.labels[places], answers.probabilities[places], answers.class_names)


def _measured(measured: Mapping[str, Float64], places: Int64) -> dict[str, Float64]:
    return {name: np.asarray(values[places]) for name, values in measured.items()}
