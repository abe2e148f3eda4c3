"""Counting what was read, and how much of it may be wrong, told without labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digitwise.reading.answers import Answers
from digitwise.reading.card import Policy
from digitwise.reading.results import Page, Reading

FEW = 30  # digits: of fewer nothing is said
CERTAIN = 2.0  # standard deviations by which more errors are expected than the policy allows, to be said


@dataclass
class Expected:
    """The errors to expect among digits that were read, by their confidences.

    What confidences lack of one is, in the mean, the share of wrong ones as far as confidences are true. They were
    fitted to digits like MNIST's. About a digit that is not in their form two networks are asked that were taught
    differently, and the confidence is low where either doubts.

    Parameters
    ----------
    read : int
        Digits that were called read.
    errors, variance : float
        Of the number of wrong ones among them: its expectation and its variance.

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

    def add(self, confidences: Iterable[float]) -> None:
        """Take digits that were called read, by the confidence of each."""
        for confidence in confidences:
            self.read += 1
            self.errors += 1 - confidence
            self.variance += confidence * (1 - confidence)

    def add_answers(self, answers: Answers) -> None:
        """Take those of many digits that were called read."""
        self.add(answers.probabilities[answers.read].max(axis=1, initial=0).tolist())

    @property
    def share(self) -> float:
        """Of the digits read, those to be expected wrong; 0 where there are none."""
        return self.errors / self.read if self.read else 0.0

    def word(self, policy: Policy | None) -> str | None:
        """What there is to be said where more may be wrong than a policy allows; else None."""
        if policy is None or self.read < FEW:
            return None
        if self.errors - CERTAIN * math.sqrt(self.variance) <= policy.max_error * self.read:
            return None
        return (
            f"of the {self.read:,} single digits read about {self.share:.1%} may be wrong, more than the "
            f"{policy.max_error:.1%} that hold for digits like those the model was validated on: these images are of "
            f"another kind; label some hundred of them and run digitwise calibrate"
        )


class Tally:
    """How many pictures, and how many digits, came out in which way.

    A single picture is a digit, unless it is blank; one that cannot be read counts as a digit that is not read.
    """

    def __init__(self) -> None:
        self.pictures: Counter[str] = Counter()
        self.digits = self.read = 0
        self.expected = Expected()

    def add(self, result: Reading | Page) -> None:
        """Count one picture."""
        self.pictures[result.status] += 1
        if isinstance(result, Page):
            statuses = [digit.status for line in result.lines for digit in line.digits]
        else:
            statuses = [result.status] if result.status != "blank" else []
            self.expected.add([result.confidence or 0.0] if result.status == "read" else [])
        self.digits += len(statuses)
        self.read += statuses.count("read")

    def add_part(self, answers: Answers | list[Reading]) -> None:
        """Count the single pictures of a set's block."""
        if isinstance(answers, list):
            for reading in answers:
                self.add(reading)
            return
        self.expected.add_answers(answers)
        read, blank = int(answers.read.sum()), int(answers.blank.sum())
        self.add_counts({"read": read, "blank": blank, "unsure": len(answers) - read - blank, "error": 0})

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Count single pictures by what became of them."""
        self.pictures.update(counts)
        self.digits += counts["read"] + counts["unsure"] + counts["error"]
        self.read += counts["read"]

    @property
    def share(self) -> float:
        """Of the digits those read surely; 1 where there were none."""
        return self.read / self.digits if self.digits else 1.0

    @property
    def words(self) -> str:
        """In one line: ``1,000 pictures: 990 read, 7 unsure, 2 blank, 1 with an error``."""
        counts, total = self.pictures, sum(self.pictures.values())
        said = f"{total:,} picture{'s' * (total != 1)}: {counts['read']:,} read, {counts['unsure']:,} unsure"
        return f"{said}, {counts['blank']:,} blank, {counts['error']:,} with an error"
