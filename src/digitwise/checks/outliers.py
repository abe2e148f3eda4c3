"""DW034: pictures unlike any class, in the eyes of a network trained on the set.

References
----------
K. Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples, NeurIPS 2018: the distance to the
nearest class mean, in units of the classes' common spread.
"""

from __future__ import annotations

import numpy as np

from digitwise.checks.base import Check, Finding, NotApplicableError, counted, tiles
from digitwise.checks.pixels import spread
from digitwise.checks.subject import Subject
from digitwise.checks.thresholds import ODD
from digitwise.images import Float32, Float64, Int64

RIDGE = 0.01  # of the mean variance: directions that hardly vary must not decide


class OddOneOut(Check):
    """DW034."""

    code = "DW034"
    title = "odd one out"
    meaning = (
        "A picture that is no digit at all, a letter, two digits, a stamp: it has a label, and training bends the "
        "network towards it."
    )
    remedy = "Look at them; drop what is no member of its class."
    needs = "network"

    def find(self, subject: Subject) -> list[Finding]:
        """Training pictures far from every class."""
        learned = subject.learned
        if learned is None:
            raise NotApplicableError(subject.why_not_learned)
        part, indices = subject.train, learned.indices
        distance = nearest_class(learned.features, part.classes[indices])
        usable = ~part.blank[indices]
        logs = np.log(np.maximum(distance, 1e-9))
        middle, deviation = spread(logs[usable])
        odd = np.flatnonzero(usable & (logs > middle + ODD * deviation))
        if not len(odd):
            return []
        odd = odd[np.argsort(-distance[odd], kind="stable")]
        own = indices[odd]
        times = np.exp(logs[odd] - middle)
        words = f"{counted(len(own), 'picture')} unlike any class, the worst {times[0]:.1f} times as far as usual"
        captions = [f"{part.name_of(i)} · {t:.1f}×" for i, t in zip(own, times, strict=True)]
        return [
            self.finding(
                "info",
                words,
                indices=own,
                evidence={"times_the_usual_distance": [round(float(t), 2) for t in times[:1_000]]},
                tiles=tiles(part, own, captions),
            )
        ]


def nearest_class(features: Float32, classes: Int64) -> Float64:
    """The Mahalanobis distance to the nearest class mean, float64 (n,).

    Parameters
    ----------
    features : ndarray of float32, shape (n, d)
    classes : ndarray of int64, shape (n,)
    """
    values = features.astype(np.float64)
    present = np.unique(classes)
    means = np.stack([values[classes == c].mean(axis=0) for c in present])
    residual = values - means[np.searchsorted(present, classes)]
    covariance = residual.T @ residual / len(values)
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T
    white, centres = values @ whiten, means @ whiten
    squares = (white**2).sum(axis=1)[:, None] - 2 * white @ centres.T + (centres**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0)))
