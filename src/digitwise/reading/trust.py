"""Calibration of the finder: the probability that a detected digit is one, and that its class is right.

The scores of a network trained with focal loss are not probabilities. Two logistic regressions over features of each
digit make them so; ``python -m digitwise.training.trust`` fits them on synthetic scenes of digits that
the finder was not trained on, and writes ``trust.json``.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.images import Float32, Float64, UInt8
from digitwise.reading.finder import Sight

TABLE = "trust.json"
MAX_ERROR = 0.03  # of the numbers read, this share may be wrong by default
NEAR = 3.0, 0.5  # heights: width of the neighbourhood along the line and across
LEGIBLE = 13.0, 90.0  # pixels: a digit of a height between these is legible in a look
SAME = 0.3, 2.0  # heights, and ratio of heights: within these a digit of another look is the same
UNSEEN = 0.1  # score and probability of a legible digit that a look does not show
ELSEWHERE = "same class elsewhere", "score elsewhere", "elsewhere"  # by other looks
FEATURES = (
    *("score", "rival", "margin", "second", "neighbours", "their score", "height", "image's best", "contrast"),
    *("cut", "narrow", "small", "turned", *ELSEWHERE),
)


def features(sight: Sight) -> Float64:
    """The features of each object, float64 (n, 16)."""
    found, seen = sight.found, sight.seen
    if not len(found):
        return np.zeros((0, len(FEATURES)))
    boxes, n = found.boxes * np.float32(sight.scale), len(found)
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    x, y = ((boxes[:, 2:] + boxes[:, :2]) / 2).T
    digit = found.labels < 10
    score = _logit(found.scores)
    classes = np.sort(found.classes[:, :10], axis=1)
    count, their, tall = np.zeros(n), np.zeros(n), np.zeros(n)
    for k in range(n):
        weight = found.scores * digit * np.exp(-(((x - x[k]) / (NEAR[0] * height[k])) ** 2))
        weight = weight * np.exp(-(((y - y[k]) / (NEAR[1] * height[k])) ** 2))
        weight[k] = 0
        total = weight.sum()
        count[k] = total
        if total > 1e-3:
            their[k] = (weight * score).sum() / total
            tall[k] = (weight * np.log(height[k] / height)).sum() / total * min(1.0, total)
            their[k] *= min(1.0, total)
    best = np.sort(score[digit])[::-1][:3].mean() if digit.any() else 0.0
    strength = _strength(seen, boxes)
    usual = np.median(strength[digit & (found.scores > 0.35)]) if (digit & (found.scores > 0.35)).any() else 1.0
    rows, columns = seen.shape
    cut = (boxes[:, 0] < 1) | (boxes[:, 1] < 1) | (boxes[:, 2] > columns - 1) | (boxes[:, 3] > rows - 1)
    columns_of = [
        score,
        _logit(np.clip(found.rivals, 0.01, 0.99)),
        np.log(classes[:, -1] + 1e-4) - np.log(classes[:, -2] + 1e-4),
        np.log(1 - found.classes[:, :10].max(axis=1) + 1e-3),
        np.minimum(count, 4),
        their,
        np.abs(tall),
        best - score,
        np.log(strength / max(float(usual), 1.0)),
        cut,
        np.log(width / height),
        np.log(np.minimum(height, 36) / 36),
        np.log(found.turns[:, 0] + 1e-3),
        *_elsewhere(sight),
    ]
    return np.clip(np.stack(columns_of, axis=1).astype(np.float64), -12, 12)


def _elsewhere(sight: Sight) -> Float64:
    """Features from the other looks, float64 (3, n).

    The log probability of the class and the logit of the score, means over the looks in which the digit is legible,
    and whether there are any.
    """
    found, labels = sight.found, sight.found.labels
    middles, tall = found.middles, found.tall
    said, counts = np.zeros((2, len(found))), np.zeros(len(found))
    for look in (look for look in sight.looks if look.scale != sight.scale):
        legible = (labels < 10) & (tall * look.scale > LEGIBLE[0]) & (tall * look.scale < LEGIBLE[1])
        counts += legible
        digits = look.found.of(look.found.labels < 10)
        digits = digits.of(np.argsort(digits.middles[:, 0]))
        theirs, high = digits.middles, digits.tall
        for k in np.flatnonzero(legible).tolist():
            reach = SAME[0] * tall[k]
            near = np.arange(*np.searchsorted(theirs[:, 0], (middles[k, 0] - reach, middles[k, 0] + reach)))
            same = near[np.abs(theirs[near, 1] - middles[k, 1]) < reach]
            same = same[(high[same] < SAME[1] * tall[k]) & (SAME[1] * high[same] > tall[k])]
            surest = same[digits.scores[same].argmax()] if len(same) else None
            share = UNSEEN if surest is None else digits.classes[surest, labels[k]]
            score = UNSEEN if surest is None else digits.scores[surest]
            said[:, k] += math.log(share + 0.01), math.log((score + 0.01) / (1.01 - score))
    return np.stack([*(said / np.maximum(counts, 1)), counts > 0])


def _strength(seen: UInt8, boxes: Float32) -> Float64:
    """The contrast in each box in grey levels, at least 1: between the 10th and the 90th percentile."""
    spans = []
    for left, top, right, bottom in np.rint(boxes).astype(int).tolist():
        part = seen[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
        low, high = np.percentile(part, (10, 90)) if part.size else (0, 0)
        spans.append(max(float(high - low), 1.0))
    return np.array(spans)


def _logit(share: Float32) -> Float64:
    share = np.clip(np.asarray(share, np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(np.log(share / (1 - share)))


@dataclass(frozen=True, eq=False)
class Trust:
    """Logistic regressions.

    Parameters
    ----------
    there, right : (ndarray of float64, float)
        Weights of :func:`features` and intercept for the two probabilities.
    thresholds : tuple of (float, float)
        Pairs of an error rate among the numbers read and the least confidence that keeps it, strictest first.
    """

    there: tuple[Float64, float]
    right: tuple[Float64, float]
    thresholds: tuple[tuple[float, float], ...]

    def of(self, x: Float64) -> tuple[Float64, Float64]:
        """The two probabilities of each row of features."""
        there, right = (_probability(x @ weights + intercept) for weights, intercept in (self.there, self.right))
        return there, right

    def guarantee(self, max_error: float | None) -> tuple[float, float] | None:
        """The threshold for the largest error rate up to ``max_error``; None if there is none.

        Parameters
        ----------
        max_error : float, optional
            By default :data:`MAX_ERROR`.
        """
        wanted = MAX_ERROR if max_error is None else max_error
        return max((pair for pair in self.thresholds if pair[0] <= wanted), default=None)

    def least(self, max_error: float | None) -> float:
        """The least confidence of a number that is read; infinite without a guarantee."""
        found = self.guarantee(max_error)
        return math.inf if found is None else found[1]


def _probability(logits: Float64) -> Float64:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))


def of_table(table: Mapping[str, Any]) -> Trust:
    """From the table that :mod:`digitwise.training.trust` writes."""
    there, right = ((np.array(table[name]["weights"]), float(table[name]["intercept"])) for name in ("there", "right"))
    return Trust(there, right, tuple((float(error), float(least)) for error, least in table["thresholds"]))


@functools.cache
def bundled() -> Trust:
    """The calibration of the bundled finder."""
    return of_table(json.loads((importlib.resources.files("digitwise.reading") / TABLE).read_text(encoding="utf-8")))
