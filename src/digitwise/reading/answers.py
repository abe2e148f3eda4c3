"""Answers about many pictures, as arrays: what becomes readings only where somebody looks at each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.reading.results import Reading, Status

TOP = 3  # classes that a reading names


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says about n pictures.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, k)
        Calibrated; all the same where blank.
    blank, sure : ndarray of bool, shape (n,)
        Nothing but paper; what the policy lets count.
    class_names : tuple of str
    agreed : ndarray of bool, shape (n,)
        Where, if the finder was asked, it does not change what the model prefers, and one digit is seen.
    evidence : ndarray of float32, shape (n, k), optional
        What the policy judges, where it is not the probabilities.
    """

    probabilities: Float32
    blank: Mask
    sure: Mask
    class_names: tuple[str, ...]
    agreed: Mask
    evidence: Float32 | None = None

    def __len__(self) -> int:
        return len(self.blank)

    @property
    def read(self) -> Mask:
        """Which are read surely, bool of shape (n,)."""
        return self.sure & ~self.blank

    @property
    def judged(self) -> Float32:
        """What the policy judges, float32 (n, k)."""
        return self.probabilities if self.evidence is None else self.evidence

    def readings(self, paths: Sequence[str | None] | None = None) -> list[Reading]:
        """One by one, with their files' names."""
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :TOP]
        shares = np.take_along_axis(self.probabilities, order, axis=1).tolist()
        names, found = self.class_names, []
        rows = zip(order.tolist(), shares, self.blank.tolist(), self.sure.tolist(), strict=True)
        for place, (classes, confidences, blank, sure) in enumerate(rows):
            path = paths[place] if paths else None
            if blank:
                found.append(Reading(None, None, "blank", path=path))
                continue
            status: Status = "read" if sure else "unsure"
            top = tuple([(names[i], share) for i, share in zip(classes, confidences, strict=True)])
            found.append(Reading(top[0][0], confidences[0], status, top, path))
        return found


@dataclass(frozen=True, eq=False)
class Single:
    """One image as one digit, with what the reading was made from.

    Parameters
    ----------
    reading : Reading
    probabilities : ndarray of float32, shape (k,)
        What the model says of each class, calibrated.
    image : ndarray of uint8, shape (28, 28) or the model's own
        What it saw.
    """

    reading: Reading
    probabilities: Float32
    image: UInt8

    def said(self, status: Status) -> Single:
        """The same, but ``unsure`` or ``blank``."""
        if status == "blank":
            blank = Reading(None, None, status, path=self.reading.path)
            return Single(blank, self.probabilities, np.zeros_like(self.image))
        return replace(self, reading=replace(self.reading, status=status))


def pooled(probabilities: Float32, opinions: Float32) -> tuple[Float32, Float32]:
    """What a model and another say together.

    Parameters
    ----------
    probabilities, opinions : ndarray of float32, shape (n, k)
        Of the model and of the other; where the other was not asked, all its classes are alike.

    Returns
    -------
    told, evidence : ndarray of float32, shape (n, k)
        The geometric mean of both. And what a policy judges: their product, as if the two erred independently, or the
        model alone where it is less sure, since it knows ink that is no digit.

    References
    ----------
    C. Genest, J. V. Zidek, Combining Probability Distributions, Statistical Science 1 (1986): the logarithmic pool.
    """
    asked = np.ptp(opinions, axis=1, keepdims=True) > 0
    both = probabilities * opinions
    told = np.where(asked, np.sqrt(both), both)
    both, told = (each / each.sum(axis=1, keepdims=True) for each in (both, told))
    evidence = np.where((both.max(axis=1) < probabilities.max(axis=1))[:, None], both, probabilities)
    return np.asarray(told, np.float32), np.asarray(evidence, np.float32)
