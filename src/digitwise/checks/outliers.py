"""DW034: images unlike all others, by the features of a network trained on the set and by their pixels.

A network alone is not enough: it maps what it was not trained to distinguish, such as a shoe or noise among digits,
between the classes, not far from them. The residual of the set's principal components shows such images.

References
----------
Y. Sun et al., Out-of-Distribution Detection with Deep Nearest Neighbors, ICML 2022 (directions of features, k-th
nearest neighbour). J. E. Jackson, G. S. Mudholkar, Control Procedures for Residuals Associated with Principal Component
Analysis, Technometrics 21 (1979).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitwise.checks.base import Check, Finding, NotApplicableError, tiles
from digitwise.checks.measures import BLOCK
from digitwise.checks.pixels import spread
from digitwise.checks.subject import SplitData, Subject
from digitwise.checks.thresholds import ODD, ODD_BANK, ODD_COMPONENTS, ODD_NEIGHBOUR
from digitwise.errors import counted
from digitwise.images import Float32, Float64, Int64

CHUNK = 2_000


class OddOneOut(Check):
    """DW034."""

    code = "DW034"
    title = "odd one out"
    meaning = (
        "An image that is no digit at all, a letter, two digits, a stamp: it has a label, and training bends the "
        "network towards it."
    )
    remedy = "Look at them; drop what is no member of its class."
    needs = "network"

    def find(self, subject: Subject) -> list[Finding]:
        """Training images far from all others."""
        learned = subject.learned
        if learned is None:
            raise NotApplicableError(subject.why_not_learned)
        part, indices = subject.train, learned.indices
        usable = ~part.blank[indices]
        scores = oddity(learned.features, _undrawn(part, indices), usable)
        odd = np.flatnonzero(usable & (scores > ODD))
        if not len(odd):
            return []
        odd = odd[np.argsort(-scores[odd], kind="stable")]
        own = indices[odd]
        captions = [f"{part.name_of(i)} · #{i}" for i in own]
        return [
            self.finding(
                "info",
                f"{counted(len(own), 'image')} unlike all others",
                indices=own,
                evidence={"scores": [round(float(score), 2) for score in scores[odd][:1_000]], "limit": ODD},
                tiles=tiles(part, own, captions),
            )
        ]


def oddity(features: Float32, undrawn: Float64, usable: NDArray[np.bool_]) -> Float64:
    """The oddity of each image: the sum of two distances in robust standard deviations, float64 (n,).

    Parameters
    ----------
    features : ndarray of float32, shape (n, d)
        Features of the images by the network.
    undrawn : ndarray of float64, shape (n,)
        The norm of each image without its principal components.
    usable : ndarray of bool, shape (n,)
        Images that define the usual distances.
    """
    return sum(
        (_deviations(values, usable) for values in (_neighbour(features, usable), undrawn)), np.zeros(len(usable))
    )


def _deviations(values: Float64, usable: NDArray[np.bool_]) -> Float64:
    """Logarithms in robust standard deviations above their median; 0 below it."""
    logs = np.log(np.maximum(values, 1e-9))
    middle, deviation = spread(logs[usable])
    return np.asarray(np.maximum((logs - middle) / max(deviation, 1e-9), 0))


def _neighbour(features: Float32, usable: NDArray[np.bool_]) -> Float64:
    """The angle-like distance to the tenth neighbour among a sample, float64 (n,)."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
    bank = np.flatnonzero(usable)
    if len(bank) > ODD_BANK:
        bank = np.random.default_rng(0).choice(bank, ODD_BANK, replace=False)
    place = min(ODD_NEIGHBOUR, len(bank))
    nearest = np.empty(len(unit))
    for start in range(0, len(unit), CHUNK):
        likeness = unit[start : start + CHUNK] @ unit[bank].T
        nearest[start : start + CHUNK] = np.partition(likeness, -place, axis=1)[:, -place]
    return np.sqrt(np.maximum(2 - 2 * nearest, 0))


def _undrawn(part: SplitData, indices: Int64) -> Float64:
    """The length of what the first principal components leave of each image, float64 (k,)."""
    size = part.images[0].size
    total, squares = np.zeros(size), np.zeros((size, size), np.float32)
    for _, images in part.blocks():
        values = images.reshape(len(images), -1).astype(np.float32)
        total += values.sum(axis=0)
        squares += values.T @ values
    mean = total / len(part)
    _, directions = np.linalg.eigh(squares / len(part) - np.outer(mean, mean))
    kept = directions[:, ::-1][:, :ODD_COMPONENTS].astype(np.float32)
    left = np.empty(len(indices))
    for start in range(0, len(indices), BLOCK):
        own = indices[start : start + BLOCK]
        values = part.images[own].reshape(len(own), -1).astype(np.float32) - mean.astype(np.float32)
        left[start : start + BLOCK] = (values**2).sum(axis=1) - ((values @ kept) ** 2).sum(axis=1)
    return np.sqrt(np.maximum(left, 0))
