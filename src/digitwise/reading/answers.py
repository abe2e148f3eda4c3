"""Answers about many images as arrays; their counts by status, and the number of errors to expect."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.reading.model import ReadingPolicy
from digitwise.reading.results import Page, Reading, Status

TOP = 3  # classes that a reading names
FEW = 30  # digits: for fewer there is no warning
CERTAIN = 2.0  # standard deviations by which more errors are expected than the policy allows, for a warning


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers of a model about n images.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, k)
        Calibrated; all the same where blank.
    blank, sure : ndarray of bool, shape (n,)
        Images without ink; answers that the policy accepts.
    class_names : tuple of str
    agreed : ndarray of bool, shape (n,)
        False where the finder changes the most probable class, or sees more than one digit.
    evidence : ndarray of float32, shape (n, k), optional
        What the policy judges, if not ``probabilities``.
    """

    probabilities: Float32
    blank: Mask
    sure: Mask
    class_names: tuple[str, ...]
    agreed: Mask
    evidence: Float32 | None = None

    def __len__(self) -> int:
        return len(self.blank)

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """Answers of one model, at least one part, in order."""
        names = ("probabilities", "blank", "sure", "agreed", "judged")
        each = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        evidence = None if all(part.evidence is None for part in parts) else each["judged"]
        return cls(each["probabilities"], each["blank"], each["sure"], parts[0].class_names, each["agreed"], evidence)

    @property
    def read(self) -> Mask:
        """Images with status ``read``, bool of shape (n,)."""
        return self.sure & ~self.blank

    @property
    def judged(self) -> Float32:
        """What the policy judges, float32 (n, k)."""
        return self.probabilities if self.evidence is None else self.evidence

    def readings(self, paths: Sequence[str | None] | None = None) -> list[Reading]:
        """A reading for each image, with its file's name."""
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
    """One image read as one digit, with the input and output of the model.

    Parameters
    ----------
    reading : Reading
    probabilities : ndarray of float32, shape (k,)
        Of each class, calibrated.
    image : ndarray of uint8, shape (28, 28) or the model's own
        The model's input.
    """

    reading: Reading
    probabilities: Float32
    image: UInt8

    def said(self, status: Status) -> Single:
        """The same with status ``unsure`` or ``blank``."""
        if status == "blank":
            blank = Reading(None, None, status, path=self.reading.path)
            return Single(blank, self.probabilities, np.zeros_like(self.image))
        return replace(self, reading=replace(self.reading, status=status))


def pooled(probabilities: Float32, opinions: Float32) -> tuple[Float32, Float32]:
    """Combine the probabilities of a model with those of a second one.

    Parameters
    ----------
    probabilities, opinions : ndarray of float32, shape (n, k)
        Of the model and of the second one; a row of equal values stands for no second opinion.

    Returns
    -------
    told, evidence : ndarray of float32, shape (n, k)
        ``told`` is the geometric mean of both. ``evidence`` is what a policy judges: their product, as if errors were
        independent, or the model's own probabilities where it is less sure, since it knows ink that is no digit.

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


@dataclass
class Expected:
    """The number of errors to expect among digits that were read, from their confidences.

    The mean of one minus the confidence estimates the share of errors, as far as confidences are calibrated. They were
    calibrated on digits like MNIST's. A digit in another form is read by two networks that were trained differently,
    and its confidence is low if either of them is unsure.

    Parameters
    ----------
    read : int
        Digits with status ``read``.
    errors, variance : float
        Expectation and variance of the number of wrong digits among them.

    References
    ----------
    D. Guillory, V. Shankar, S. Ebrahimi, T. Darrell, L. Schmidt, Predicting with Confidence on Unseen Distributions,
    ICCV 2021: average confidence, which they start from.

    Examples
    --------
    >>> expected = Expected()
    >>> expected.add([0.98] * 500)
    >>> round(expected.share, 3)
    0.02
    """

    read: int = 0
    errors: float = 0.0
    variance: float = 0.0

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> Expected:
        """Of those among readings that have status ``read``."""
        expected = cls()
        expected.add(reading.confidence or 0.0 for reading in readings if reading.status == "read")
        return expected

    def add(self, confidences: Iterable[float]) -> None:
        """Add digits that were read, by the confidence of each."""
        for confidence in confidences:
            self.read += 1
            self.errors += 1 - confidence
            self.variance += confidence * (1 - confidence)

    def add_answers(self, answers: Answers) -> None:
        """Add the digits that were read among many."""
        self.add(answers.probabilities[answers.read].max(axis=1, initial=0).tolist())

    @property
    def share(self) -> float:
        """The expected share of wrong digits among those read; 0 where none was read."""
        return self.errors / self.read if self.read else 0.0

    def word(self, policy: ReadingPolicy | None) -> str | None:
        """A warning if more digits may be wrong than a policy allows, else None."""
        if policy is None or self.read < FEW:
            return None
        if self.errors - CERTAIN * math.sqrt(self.variance) <= policy.max_error * self.read:
            return None
        return (
            f"of the {self.read:,} single digits read about {self.share:.1%} may be wrong, more than the "
            f"{policy.max_error:.1%} that hold for digits like those the model was validated on: these images are of "
            f"another kind; label some hundred of them and calibrate (digitwise.calibrate, digitwise calibrate)"
        )


class Tally:
    """Counts of images and of digits by status.

    A single image is a digit, unless it is blank; one that cannot be read counts as a digit that is not read.
    """

    def __init__(self) -> None:
        self.images: Counter[str] = Counter()
        self.digits = self.read = 0
        self.expected = Expected()

    def add(self, result: Reading | Page) -> None:
        """Count one image."""
        self.images[result.status] += 1
        if isinstance(result, Page):
            statuses = [digit.status for line in result.lines for digit in line.digits]
        else:
            statuses = [result.status] if result.status != "blank" else []
            self.expected.add([result.confidence or 0.0] if result.status == "read" else [])
        self.digits += len(statuses)
        self.read += statuses.count("read")

    def add_part(self, answers: Answers | list[Reading]) -> None:
        """Count the single images of a set's block."""
        if isinstance(answers, list):
            for reading in answers:
                self.add(reading)
            return
        self.expected.add_answers(answers)
        read, blank = int(answers.read.sum()), int(answers.blank.sum())
        self.add_counts({"read": read, "blank": blank, "unsure": len(answers) - read - blank, "error": 0})

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Count single images by status."""
        self.images.update(counts)
        self.digits += counts["read"] + counts["unsure"] + counts["error"]
        self.read += counts["read"]

    @property
    def share(self) -> float:
        """The share of digits that were read; 1 where there are none."""
        return self.read / self.digits if self.digits else 1.0

    @property
    def words(self) -> str:
        """In one line: ``1,000 images: 990 read, 7 unsure, 2 blank, 1 with an error``."""
        counts, total = self.images, sum(self.images.values())
        said = f"{total:,} image{'s' * (total != 1)}: {counts['read']:,} read, {counts['unsure']:,} unsure"
        return f"{said}, {counts['blank']:,} blank, {counts['error']:,} with an error"
