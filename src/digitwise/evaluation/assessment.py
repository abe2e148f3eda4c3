"""The full assessment of a model: temperature and threshold from some images, what they come to from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.errors import RunError
from digitwise.evaluation.calibration import Calibration, at_temperature, calibration, fit_temperature
from digitwise.evaluation.fixes import halves
from digitwise.evaluation.metrics import Scores, evaluate_predictions
from digitwise.evaluation.rates import Expectation, expected_errors, wilson
from digitwise.evaluation.selective import TEMPERATURE, Policy, reading_policy
from digitwise.images import Int64, Mask
from digitwise.predictions import Predictions

MAX_ERROR = 0.001


@dataclass(frozen=True)
class Guarantee:
    """A reading policy and what it comes to on images that had no part in choosing it, or why there is none.

    Parameters
    ----------
    policy : Policy or None
    answered, errors : int
        Of the images that count: those answered under the policy, and those of them that are wrong.
    counted : int
        Images that count.
    basis : str
        The images that the threshold was chosen by, in words.
    refusal : str
        Why these cannot support the guarantee; empty where they can.
    """

    policy: Policy | None
    answered: int
    errors: int
    counted: int
    basis: str
    refusal: str = ""

    def __str__(self) -> str:
        if (policy := self.policy) is None:
            return f"no guarantee: {self.refusal}"
        return (
            f"answering from a probability of {policy.threshold:.4f} on at temperature {TEMPERATURE}, with "
            f"{policy.confidence:.0%} confidence at most {policy.max_error:.2%} of the answers are wrong; chosen by "
            f"{self.basis}; of {self.counted:,} others {self.answered:,} are answered, {self.errors:,} of them wrong"
        )


@dataclass(frozen=True, eq=False)
class Basis:
    """What a temperature and a threshold are chosen by, and what their effect is counted on.

    Parameters
    ----------
    choosing, counting : Predictions
        About different images.
    words : str
        What the first are.
    validated : bool
        Whether these are validation images.
    """

    choosing: Predictions
    counting: Predictions
    words: str
    validated: bool

    @classmethod
    def of(cls, test: Predictions, validation: Predictions | None) -> Basis:
        """Validation images and test images; without the first, a half of the latter each, drawn class by class.

        Raises
        ------
        RunError
            If there are too few images for two halves.
        """
        if validation is not None:
            return cls(validation, test, f"{len(validation):,} validation images", validated=True)
        halved = halves(test.labels)
        if not all(map(len, halved)):
            raise RunError(f"expected two images of a class or more, got {len(test)} in all; evaluate on more")
        choosing, counting = (
            Predictions(test.labels[own], test.probabilities[own], test.class_names) for own in halved
        )
        return cls(choosing, counting, f"{len(choosing):,} of the images, drawn class by class", validated=False)

    def guarantee(self, max_error: float) -> Guarantee:
        """The policy for an error rate in (0, 1), see :func:`~digitwise.evaluation.selective.reading_policy`."""
        told = {} if self.validated else {"of": "images to choose by (a half)", "more": "evaluate on more"}
        try:
            policy = reading_policy(self.choosing, max_error, **told)
        except RunError as refusal:
            return Guarantee(None, 0, 0, len(self.counting), self.words, str(refusal))
        return Guarantee(policy, *policy.answers(self.counting), len(self.counting), self.words)


@dataclass(frozen=True)
class Assessment:
    """The assessment of a model.

    Parameters
    ----------
    scores : Scores
        Of all test images.
    expectation : Expectation
    raw, calibrated : Calibration
        Before and after the temperature, of the images that count.
    temperature : float
        Fitted on the images that it is chosen by.
    reading : Guarantee
    basis : Basis
    """

    scores: Scores
    expectation: Expectation
    raw: Calibration
    calibrated: Calibration
    temperature: float
    reading: Guarantee
    basis: Basis

    def as_dict(self) -> dict[str, Any]:
        """Plain values, those of the evaluation at the top."""
        policy = self.reading.policy
        return {
            **self.scores.as_dict(),
            "expected": {**vars(self.expectation), "interval_95": list(self.expectation.interval_95)},
            "calibration": {
                "temperature": self.temperature,
                "error": self.raw.error,
                "error_at_temperature": self.calibrated.error,
                "negative_log_likelihood": self.raw.negative_log_likelihood,
                "negative_log_likelihood_at_temperature": self.calibrated.negative_log_likelihood,
            },
            "reading": {
                "policy": policy.as_dict() if policy else None,
                "refusal": self.reading.refusal,
                "test_answered": self.reading.answered,
                "test_errors": self.reading.errors,
                "test_images": self.reading.counted,
                "basis": self.reading.basis,
            },
        }


def assess(
    validation: Predictions | None,
    test: Predictions,
    *,
    samples: int = 10_000,
    class_mix: Mapping[str, float] | None = None,
    max_error: float = MAX_ERROR,
) -> Assessment:
    """Assess a model's predictions.

    Parameters
    ----------
    validation : Predictions or None
        For choosing temperature and threshold; without them a half of the test images is, see :meth:`Basis.of`.
    test : Predictions
        For counting, and nothing else.
    samples, class_mix
        See :func:`~digitwise.evaluation.rates.expected_errors`.
    max_error : float
        See :func:`~digitwise.evaluation.selective.reading_policy`.
    """
    basis = Basis.of(test, validation)
    temperature = fit_temperature(basis.choosing)
    return Assessment(
        scores=evaluate_predictions(test),
        expectation=expected_errors(test, samples, class_mix),
        raw=calibration(basis.counting),
        calibrated=calibration(at_temperature(basis.counting, temperature)),
        temperature=temperature,
        reading=basis.guarantee(max_error),
        basis=basis,
    )


@dataclass(frozen=True)
class Count:
    """The errors by one version of the labels."""

    labels: str  # the version, in words
    n: int
    errors: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, with the error rate and its 95 % Wilson interval."""
        rate = self.errors / self.n if self.n else None
        return {**vars(self), "error_rate": rate, "interval_95": list(wilson(self.errors, self.n)) if self.n else None}


def under_patch(answers: Predictions, labels: Int64, dropped: Mask) -> tuple[Count, Count, Count]:
    """Count errors by the given labels, by the corrected ones, and by the corrected ones without dropped images.

    Parameters
    ----------
    answers : Predictions
        With the given labels.
    labels : ndarray of int64, shape (n,)
        Corrected.
    dropped : ndarray of bool, shape (n,)
        Images that do not count.
    """
    missed = answers.predicted != labels
    return (
        Count("as given", len(answers), answers.errors),
        Count("as corrected", len(answers), int(missed.sum())),
        Count("as corrected, dropped ones left out", int((~dropped).sum()), int(missed[~dropped].sum())),
    )


def corrected(answers: Predictions, labels: Int64, dropped: Mask) -> Predictions:
    """The predictions with corrected labels, without dropped images."""
    kept = np.flatnonzero(~dropped)
    return Predictions(labels[kept], answers.probabilities[kept], answers.class_names)
