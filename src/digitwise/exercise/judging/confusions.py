"""The confusion matrix: whether it is the improved model's on the test pictures."""

from __future__ import annotations

import numpy as np

from digitwise.exercise.judging.case import NAMES, Case, Verdict
from digitwise.images import Float64

HINT = "Set confusion = confusion_matrix(y_test, model2.predict(x_test).argmax(axis=1))."
NEAR_TIES = 2  # pictures whose class hangs on the last bit, which another batch size changes


def confusion(case: Case) -> Verdict:
    """The improved model's confusion matrix on the test pictures, a row a given class."""
    classes = case.dataset.train.n_classes
    if "confusion" not in case.evidence.arrays:
        return Verdict(0, "nothing is called confusion", HINT)
    given = case.evidence.arrays["confusion"]
    if given is None or given.shape != (classes, classes):
        shape = "no numbers" if given is None else f"shape {given.shape}"
        return Verdict(0, f"confusion has {shape}: expected {classes} x {classes} counts", HINT)
    ours = _counted(case, "model2")
    if ours is None:
        return case.unknown("model2")
    return _compared(given, ours) or _of_another(case, given) or _unknown(given, ours)


def _compared(given: Float64, ours: Float64) -> Verdict | None:
    if _alike(given, ours):
        return Verdict(1, f"equal to ours: {_beside(ours):g} pictures beside the diagonal")
    if _alike(given.T, ours):
        return Verdict(0.5, "transposed: its rows are the predicted classes", f"A row is a given class. {HINT}")
    if np.allclose(given, ours / ours.sum(axis=1, keepdims=True).clip(1), atol=6e-3):
        return Verdict(0.5, "shares, not counts", f"Count pictures. {HINT}")
    return None


def _of_another(case: Case, given: Float64) -> Verdict | None:
    for name in ("model", "model3"):
        counted = _counted(case, name)
        if counted is not None and _alike(given, counted):
            return Verdict(0, f"this is the confusion matrix of {NAMES[name]}", f"Take the improved model. {HINT}")
    return None


def _unknown(given: Float64, ours: Float64) -> Verdict:
    found = f"{given.sum():g} pictures, {_beside(given):g} of them beside the diagonal"
    ours_has = f"ours has {ours.sum():g} and {_beside(ours):g}"
    return Verdict(0, f"not the improved model's on the test pictures: {found}; {ours_has}", HINT)


def _beside(matrix: Float64) -> float:
    return float(matrix.sum() - np.trace(matrix))


def _counted(case: Case, name: str) -> Float64 | None:
    answers = case.answers(name)
    if isinstance(answers, str):
        return None
    classes = case.dataset.train.n_classes
    places = case.labels * classes + answers.predicted
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes).astype(np.float64)


def _alike(given: Float64, true: Float64) -> bool:
    return bool(given.sum() == true.sum() and np.abs(given - true).sum() <= 2 * NEAR_TIES)
