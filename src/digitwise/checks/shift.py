"""DW050: whether training and test images come from one source, with the properties that differ.

References
----------
D. Lopez-Paz, M. Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017: if a classifier can tell two samples apart
on images that it has not seen, they have different distributions.

D. Guillory et al., Predicting with Confidence on Unseen Distributions, ICCV 2021: the difference of mean confidences on
two samples is about the difference of the accuracies. It holds for shifts that confidences show: a model that is sure
of wrong answers is overestimated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from digitwise.checks.base import Check, Finding, NotApplicableError
from digitwise.checks.orientation import DIGITS, bundled_classifier, usable_in
from digitwise.checks.subject import SplitData, Subject
from digitwise.checks.thresholds import SHIFT_AUC, SHIFT_FEWEST, SHIFT_P, SHIFT_SAMPLE, TURNED_KNOWN, TURNED_SAMPLE
from digitwise.images import Float64
from digitwise.properties import properties

NAMED = {  # of digitwise.properties, with the unit to say
    "ink": ("ink", " %"),
    "stroke_width": ("stroke width", " px"),
    "slant": ("slant", "°"),
    "height_to_width": ("height over width", ""),
    "y": ("centre of mass from the top", " px"),
    "x": ("centre of mass from the left", " px"),
}
FOLDS = 5


class Shift(Check):
    """DW050."""

    code = "DW050"
    title = "shift between training and test"
    meaning = (
        "The two sides were written, scanned or prepared differently. An error rate measured on one says little about "
        "the other."
    )
    remedy = (
        "Prepare both in one way; train on images like those in use, or augment over the difference; measure on "
        "images like those in use. For digits the finding tells the bundled model's accuracy on the test images, "
        "estimated from its confidences; the labels of a hundred images tell it better."
    )

    def find(self, subject: Subject) -> list[Finding]:
        """One finding, if a classifier separates the two sides."""
        if subject.test is None:
            raise NotApplicableError("there are no test images; give some as against (--against)")
        sides = [_measured(part) for part in subject.parts]
        if min(len(side) for side in sides) < SHIFT_FEWEST:
            raise NotApplicableError(f"fewer than {SHIFT_FEWEST} images on a side")
        auc, p_value = two_sample(*sides)
        if auc < SHIFT_AUC or p_value >= SHIFT_P:
            return []
        rows = sorted((_row(i, *sides) for i in range(len(NAMED))), key=lambda row: -abs(row["auc"] - 0.5))
        told = [row["words"] for row in rows if abs(row["auc"] - 0.5) >= 0.1][:3] or [rows[0]["words"]]
        words = f"a classifier tells training from test in {auc:.0%} of pairs: " + "; ".join(told)
        evidence = {"auc": auc, "p_value": p_value, "properties": rows}
        if (expected := expected_accuracy(subject)) is not None:
            words += (
                f"; the bundled model reads {expected[0]:.1%} of the training images right and, by its confidences, "
                f"about {expected[1]:.1%} of the test images (difference of confidences, Guillory et al. 2021; "
                f"too high where it is sure of wrong answers)"
            )
            evidence["expected_accuracy"] = {"training": expected[0], "test": expected[1]}
        return [self.finding("warning", words, evidence=evidence, split="test", count=len(told))]


def expected_accuracy(subject: Subject) -> tuple[float, float] | None:
    """The bundled model's accuracy on the training images, and what it will be on the test images, without labels.

    Returns
    -------
    (float, float) or None
        None where the training images have no labels, or are no digits that the model knows. The second is the first
        less the difference of the mean confidences, at least 0 and at most 1.
    """
    train, test = subject.train, subject.test
    if test is None or not train.labelled or not set(train.class_names) <= set(DIGITS) or len(train.class_names) < 2:
        return None
    classifier = bundled_classifier(train.class_names)
    given = []
    for part in (train, test):
        usable = usable_in(part)
        if not len(usable):
            return None
        few = np.sort(np.random.default_rng(0).permutation(usable)[:TURNED_SAMPLE])
        given.append((few, classifier.probabilities(classifier.prepare(np.asarray(part.images[few])))))
    (few, ours), (_, theirs) = given
    accuracy = float((ours.argmax(axis=1) == train.classes[few]).mean())
    if accuracy < TURNED_KNOWN:
        return None
    drop = float(ours.max(axis=1).mean() - theirs.max(axis=1).mean())
    return accuracy, min(max(accuracy - drop, 0.0), 1.0)


def two_sample(a: Float64, b: Float64) -> tuple[float, float]:
    """How well a classifier separates two samples, on rows that it was not trained on.

    Parameters
    ----------
    a, b : ndarray of float64, shapes (n, d) and (m, d)

    Returns
    -------
    auc : float
        The share of pairs, one of each, that it puts in the right order; 0.5 is chance.
    p_value : float
        How often chance alone does as well, by the normal approximation of the rank sum.
    """
    from scipy.special import ndtr
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    values, side = np.concatenate([a, b]), np.repeat([0, 1], [len(a), len(b)])
    classifier = make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler(), LogisticRegression(C=1.0)
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    scores = cross_val_predict(classifier, values, side, cv=folds, method="decision_function")
    auc = rank_auc(scores[side == 0], scores[side == 1])
    deviation = np.sqrt((len(a) + len(b) + 1) / (12 * len(a) * len(b)))
    return auc, float(ndtr(-(auc - 0.5) / deviation))


def rank_auc(a: Float64, b: Float64) -> float:
    """The share of pairs in which the one of ``b`` is larger, ties counting half."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([a, b]))
    return float((ranks[len(a) :].sum() - len(b) * (len(b) + 1) / 2) / (len(a) * len(b)))


def _measured(part: SplitData) -> Float64:
    """The named properties of a sample of the images that are not blank, (n, 6)."""
    places = np.flatnonzero(~part.blank)
    if len(places) > SHIFT_SAMPLE:
        places = np.sort(np.random.default_rng(0).choice(places, SHIFT_SAMPLE, replace=False))
    if not len(places):
        return np.empty((0, len(NAMED)))
    found: dict[str, Any] = dict(properties(np.asarray(part.images[places])))
    found |= {"y": part.measures.y[places], "x": part.measures.x[places]}
    return np.column_stack([found[name] for name in NAMED]).astype(np.float64)


def _row(i: int, a: Float64, b: Float64) -> dict[str, Any]:
    name, unit = list(NAMED.values())[i]
    auc = rank_auc(a[:, i], b[:, i])
    middle = [float(np.median(side[:, i])) for side in (a, b)]
    more = "more" if auc > 0.5 else "less"
    words = (
        f"{name} {middle[0]:.1f}{unit} in training, {middle[1]:.1f}{unit} in test "
        f"({more} in {max(auc, 1 - auc):.0%} of pairs)"
    )
    return {"name": name, "auc": auc, "median_training": middle[0], "median_test": middle[1], "words": words}
