"""The full assessment of a model: temperature and threshold from validation images, all counts from test images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.errors import RunError
from digitwise.evaluation.calibration import Calibration, at_temperature, calibration, fit_temperature
from digitwise.evaluation.metrics import Evaluation, evaluate_predictions
from digitwise.evaluation.rates import Expectation, expected_errors, wilson
from digitwise.evaluation.selective import Policy, reading_policy
from digitwise.images import Int64, Mask, Predictions

MAX_ERROR = 0.001


@dataclass(frozen=True)
class PolicyOutcome:
    """The result of a reading policy on the test images, or why there is none."""

    policy: Policy | None
    answered: int  # of the test images
    errors: int
    refusal: str = ""  # why the validation images cannot support the error guarantee; empty where they can


@dataclass(frozen=True)
class Assessment:
    """The assessment of a model.

    Parameters
    ----------
    evaluation : Evaluation
        Of the test images, as are the next three.
    expectation : Expectation
    raw, calibrated : Calibration
        Before and after the temperature.
    temperature : float
        Fitted on the validation images.
    reading : PolicyOutcome
    """

    evaluation: Evaluation
    expectation: Expectation
    raw: Calibration
    calibrated: Calibration
    temperature: float
    reading: PolicyOutcome

    def as_dict(self) -> dict[str, Any]:
        """Plain values, those of the evaluation at the top."""
        policy = self.reading.policy
        return {
            **self.evaluation.as_dict(),
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
            },
        }


def assess(
    validation: Predictions,
    test: Predictions,
    *,
    samples: int = 10_000,
    class_mix: Mapping[str, float] | None = None,
    max_error: float = MAX_ERROR,
) -> Assessment:
    """Assess a model's predictions.

    Parameters
    ----------
    validation : Predictions
        For choosing temperature and threshold.
    test : Predictions
        For counting, and nothing else.
    samples, class_mix
        See :func:`~digitwise.evaluation.rates.expected_errors`.
    max_error : float
        See :func:`~digitwise.evaluation.selective.reading_policy`.
    """
    temperature = fit_temperature(validation)
    return Assessment(
        evaluation=evaluate_predictions(test),
        expectation=expected_errors(test, samples, class_mix),
        raw=calibration(test),
        calibrated=calibration(at_temperature(test, temperature)),
        temperature=temperature,
        reading=_reading(validation, test, max_error),
    )


def _reading(validation: Predictions, test: Predictions, max_error: float) -> PolicyOutcome:
    try:
        policy = reading_policy(validation, max_error)
    except RunError as refusal:
        return PolicyOutcome(None, 0, 0, str(refusal))
    return PolicyOutcome(policy, *policy.answers(test))


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
