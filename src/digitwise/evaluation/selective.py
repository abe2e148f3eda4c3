"""Selective prediction: answering only with enough confidence, and the error guarantee for these answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import bdtr, betaincinv

from digitwise.errors import RunError
from digitwise.evaluation.calibration import at_temperature
from digitwise.images import Float32, Float64, Int64
from digitwise.predictions import Predictions

CONFIDENCE = 0.95  # of an error guarantee
STARTS = 2  # searches for a threshold
EACH = 1 - (1 - CONFIDENCE) / STARTS  # the confidence of each search
# Not fitted, see reading_policy. Below 1 it removes the probability that label smoothing leaves to every class, so that
# the distance to the runner-up counts; far below 1, float32 rounds sure answers to 1 and loses their order.
TEMPERATURE = 0.7
# The change of a confidence by float32 sums in another order (processor, library, exported model). Between a run's
# stored predictions and its ONNX file it was at most 8e-7 in twelve trainings, with and without AVX-512; this is
# twelve times as much.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Policy:
    """When to answer, and the guarantee about the answers.

    Parameters
    ----------
    max_error : float
        The guarantee: at most this share of the answers is wrong, in (0, 1).
    confidence : float
        Probability that such a guarantee holds.
    threshold : float
        Answer where the most probable class has at least this probability at ``TEMPERATURE``. It is slightly below
        that of the least sure answered validation image, so that rounding does not drop this image.
    coverage : float
        Share of the validation images that is answered.
    errors, answered : int
        Of the validation images.
    bound : float
        Upper bound of the error rate of the answers; at most ``max_error``.
    """

    max_error: float
    confidence: float
    threshold: float
    coverage: float
    errors: int
    answered: int
    bound: float

    def answers(self, predictions: Predictions) -> tuple[int, int]:
        """The number of images that the policy answers, and of wrong answers."""
        scaled = at_temperature(predictions, TEMPERATURE)
        sure = scaled.confidence >= self.threshold
        return int(sure.sum()), int((sure & scaled.missed).sum())

    def as_dict(self) -> dict[str, Any]:
        """Plain values; ``temperature`` divides the logits before the threshold is applied."""
        return {**vars(self), "temperature": TEMPERATURE}


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The error rate of the surest answers, at every coverage.

    Parameters
    ----------
    coverage, risk : ndarray of float64, shape (n,)
        Share answered, from 1/n to 1, and its error rate.
    """

    coverage: Float64
    risk: Float64


def risk_coverage(predictions: Predictions) -> RiskCoverage:
    """The risk at every coverage, the surest images answered first."""
    wrong = predictions.missed[_surest_first(predictions)]
    answered = np.arange(1, len(predictions) + 1)
    return RiskCoverage(answered / len(predictions), np.cumsum(wrong) / answered)


def reading_policy(
    validation: Predictions,
    max_error: float,
    *,
    of: str = "validation images",
    more: str = "validate on more (validation=, --validation)",
) -> Policy:
    """Find the lowest threshold for which an error guarantee holds with ``CONFIDENCE``.

    Thresholds are tested in an order fixed beforehand, from strict to lax, each by an exact binomial test of "more
    than ``max_error`` of the answers are wrong"; a search ends at the first hypothesis that is not rejected. In such
    an order every test may use the whole error probability of its search; two searches, from a strict and from a laxer
    start, have half of it each.

    The order of the images depends slightly on the temperature. A temperature fitted to the same images would be
    a choice by their labels that the tests do not account for; fitted to half of them, it would leave too few images
    for a guarantee. So all models share ``TEMPERATURE``, chosen on MNIST's validation images: with it, models with
    and without label smoothing answer about as many images as with the best temperature for each.

    Parameters
    ----------
    validation : Predictions
        Of images neither for testing nor for training.
    max_error : float
        In (0, 1).
    of, more : str
        For messages: what these images are, and what to do where they are too few.

    Raises
    ------
    RunError
        If these images cannot support the guarantee.

    References
    ----------
    Y. Geifman, R. El-Yaniv, Selective Classification for Deep Neural Networks, NeurIPS 2017, arXiv 1705.08500 (the
    guarantee); A. N. Angelopoulos et al., Learn then Test, arXiv 2110.01052, section 3 (fixed sequence testing);
    C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) (the bound).
    """
    if not 0 < max_error < 1:
        raise RunError(f"max error: expected a share above 0 and below 1, got {max_error:g}")
    scaled = at_temperature(validation, TEMPERATURE)
    order = _surest_first(scaled)
    errors = np.cumsum(scaled.missed[order], dtype=np.int64)
    sure = scaled.confidence[order]
    best, refused = most_answers(sure, errors, max_error)
    if not best:
        guarantee = f"at most {max_error:.3g} of the answers wrong with {CONFIDENCE:.0%} confidence"
        if refused:
            raise RunError(
                f"{guarantee}: {errors[refused - 1]:,} of the {refused:,} surest of {len(validation):,} {of} "
                f"are wrong, which is too many; look at them (Evaluation.errors, digitwise errors), or allow more"
            )
        raise RunError(
            f"{guarantee}: expected at least {fewest_images(max_error):,} {of}, got {len(validation):,}; {more}"
        )
    wrong = int(errors[best - 1])
    return Policy(
        max_error=max_error,
        confidence=CONFIDENCE,
        threshold=_below(sure, best),
        coverage=best / len(validation),
        errors=wrong,
        answered=best,
        bound=upper_bound(wrong, best, EACH),
    )


def most_answers(sure: Float32 | Float64, errors: Int64, max_error: float) -> tuple[int, int]:
    """Find the largest number of answers that passes the tests of :func:`reading_policy`.

    Parameters
    ----------
    sure : ndarray of float64, shape (n,)
        Confidences, the surest first.
    errors : ndarray of int64, shape (n,)
        Errors among the first 1, 2, … n.
    max_error : float
        In (0, 1).

    Returns
    -------
    (int, int)
        Answers, 0 without a guarantee; and the number of answers in the first failed test, 0 without one.
    """
    best = refused = 0
    for sequence in _sequences(len(sure), max_error):
        for least in sequence:
            answered = int(np.searchsorted(-sure, -sure[least - 1], side="right"))  # equally sure images go together
            if bdtr(float(errors[answered - 1]), answered, max_error) > 1 - EACH:
                refused = refused or answered
                break
            best = max(best, answered)
    return best, refused


def upper_bound(errors: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided exact (Clopper-Pearson) bound of an error rate."""
    return 1.0 if errors >= n else float(betaincinv(errors + 1, n - errors, confidence))


def fewest_images(max_error: float) -> int:
    """The fewest validation images for a guarantee, if no answer is wrong."""
    return fewest_answers(0, max_error, EACH)


def fewest_answers(errors: int, max_error: float, confidence: float = CONFIDENCE) -> int:
    """The fewest answers, with a number of errors, that rule out an error rate above ``max_error``."""
    low, high = errors + 1, math.ceil((errors + 20) * 20 / max_error)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if bdtr(float(errors), middle, max_error) <= 1 - confidence else (middle + 1, high)
    return low


def _sequences(n: int, max_error: float) -> list[list[int]]:
    """The numbers of answers to test in each search, in order: they depend on ``n`` and the guarantee alone.

    Each number is the least that allows one more error; tests in between could only end the search earlier. One
    search starts low, for models that are sure of few images; one high, so that an error among the surest does not
    end it.
    """
    points: list[int] = []
    while (point := fewest_answers(len(points), max_error, EACH)) < n:
        points.append(point)
    if point > n and not points:
        return []
    low = max(sum(point <= n / 2 for point in points[:4]) - 1, 0)
    high = sum(point < 0.75 * n for point in points)
    return [[*points[low:], n], [*points[high:], n]]


def _below(sure: Float32, answered: int) -> float:
    """The threshold for a number of answers: ``ROUNDING`` below the last of them, but not below half-way to the next.

    Where the next image is nearer than twice ``ROUNDING``, rounding elsewhere may answer one image more or fewer. The
    guarantee allows that, since both are equally sure.

    Parameters
    ----------
    sure : ndarray of float32, shape (n,)
        Confidences, the surest first.
    answered : int
        The next image, if any, is less sure than the last of these.
    """
    last = sure[answered - 1]
    below = np.float32(last - np.float32(ROUNDING))
    if answered < len(sure):
        below = max(below, np.float32((float(last) + float(sure[answered])) / 2))
        if below <= sure[answered]:  # adjacent float32 values: there is none between them
            below = last
    return float(below)


def _surest_first(predictions: Predictions) -> Int64:
    return np.argsort(-predictions.confidence, kind="stable").astype(np.int64)
