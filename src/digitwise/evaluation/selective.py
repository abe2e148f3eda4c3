"""Answer only when sure enough: what that costs in images, and what can be guaranteed for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import bdtr, betaincinv

from digitwise.errors import RunError
from digitwise.evaluation.calibration import at_temperature
from digitwise.images import Float32, Float64, Int64, Predictions

CONFIDENCE = 0.95  # of an error guarantee
STARTS = 2  # searches for a threshold
# Not fitted, see reading_policy. Below 1 it takes from the classes what label smoothing leaves to each, so that being
# close to the runner-up counts; much below, float32 rounds sure answers to 1, and they cannot be told apart.
TEMPERATURE = 0.7
# What float32 sums in another order (another processor, another library, an exported model) may change about a
# confidence. Between a run's stored answers and its ONNX file it was 8e-7 at most, in twelve trainings on processors
# with and without AVX-512: twelve times that.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Policy:
    """When to answer, and what is guaranteed about the answers.

    Parameters
    ----------
    max_error : float
        The guarantee: of what is answered at most this share is wrong, in (0, 1).
    confidence : float
        How often a guarantee made in this way holds.
    threshold : float
        Answer where the most probable class has at least this probability at ``TEMPERATURE``. It stands below the
        least sure validation image that is answered, so that rounding does not take this image's answer away.
    coverage : float
        Share of the validation images that is answered.
    errors, answered : int
        Of the validation images.
    bound : float
        Upper bound of the error rate of what is answered; at most ``max_error``.
    """

    max_error: float
    confidence: float
    threshold: float
    coverage: float
    errors: int
    answered: int
    bound: float

    def answers(self, predictions: Predictions) -> tuple[int, int]:
        """How many of these images it would answer, and how many of the answers are wrong."""
        scaled = at_temperature(predictions, TEMPERATURE)
        sure = scaled.confidence >= self.threshold
        return int(sure.sum()), int((sure & scaled.missed).sum())

    def as_dict(self) -> dict[str, Any]:
        """Plain values; ``temperature`` divides the logits before the threshold is applied."""
        return {**vars(self), "temperature": TEMPERATURE}


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The error rate of the answers when only the surest share is answered.

    Parameters
    ----------
    coverage, risk : ndarray of float64, shape (n,)
        Share answered, from 1/n to 1, and the error rate among those.
    """

    coverage: Float64
    risk: Float64


def risk_coverage(predictions: Predictions) -> RiskCoverage:
    """The risk at every coverage, the surest images answered first."""
    wrong = predictions.missed[_surest_first(predictions)]
    answered = np.arange(1, len(predictions) + 1)
    return RiskCoverage(answered / len(predictions), np.cumsum(wrong) / answered)


def reading_policy(validation: Predictions, max_error: float, confidence: float = CONFIDENCE) -> Policy:
    """Find the lowest confidence to answer at, so that an error guarantee holds.

    Thresholds are tested in an order fixed beforehand, from strict to lax, each by an exact binomial test of "more
    than ``max_error`` of the answers are wrong"; a search ends at the first that cannot be ruled out. Tested in such
    an order each may use the search's whole chance of error; two searches, from a strict and from a laxer start, have
    half of it each.

    Which image is surer than which depends a little on the temperature. One fitted to these same images would be
    a choice made by their labels that the tests do not pay for; fitted to half of them, it would leave too few to
    guarantee anything by. So it is the same for all models, ``TEMPERATURE``, chosen on MNIST's validation images: by
    it models with and without label smoothing answer about as many images as by the temperature that fits each best.

    Parameters
    ----------
    validation : Predictions
        Never of test images, nor of images trained on.
    max_error : float
        In (0, 1).
    confidence : float
        In (0, 1).

    Returns
    -------
    Policy

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
    best, refused = most_answers(sure, errors, max_error, confidence)
    each = _each(confidence)
    if not best:
        guarantee = f"at most {max_error:.3g} of the answers wrong with {confidence:.0%} confidence"
        if refused:
            raise RunError(
                f"{guarantee}: {errors[refused - 1]:,} of the {refused:,} surest of {len(validation):,} validation "
                f"images are wrong, too many; look at them (digitwise errors), or allow more errors"
            )
        raise RunError(
            f"{guarantee}: expected at least {fewest_images(max_error, confidence):,} validation images, "
            f"got {len(validation):,}; validate on more (--validation)"
        )
    wrong = int(errors[best - 1])
    return Policy(
        max_error=max_error,
        confidence=confidence,
        threshold=_below(sure, best),
        coverage=best / len(validation),
        errors=wrong,
        answered=best,
        bound=upper_bound(wrong, best, each),
    )


def most_answers(
    sure: Float32 | Float64, errors: Int64, max_error: float, confidence: float = CONFIDENCE
) -> tuple[int, int]:
    """How many of the surest can be answered, as :func:`reading_policy` tests it.

    Parameters
    ----------
    sure : ndarray of float64, shape (n,)
        Confidences, the surest first.
    errors : ndarray of int64, shape (n,)
        How many of so many are wrong.
    max_error, confidence : float
        In (0, 1).

    Returns
    -------
    (int, int)
        Answers, 0 where none can be guaranteed; and of how many the first test failed, 0 where none did.
    """
    each = _each(confidence)
    best = refused = 0
    for sequence in _sequences(len(sure), max_error, each):
        for least in sequence:
            answered = int(np.searchsorted(-sure, -sure[least - 1], side="right"))  # equally sure ones go together
            if bdtr(float(errors[answered - 1]), answered, max_error) > 1 - each:
                refused = refused or answered
                break
            best = max(best, answered)
    return best, refused


def _each(confidence: float) -> float:
    """The confidence of each search, since they share the chance of a broken guarantee."""
    return 1 - (1 - confidence) / STARTS


def upper_bound(errors: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided exact (Clopper-Pearson) bound of an error rate."""
    return 1.0 if errors >= n else float(betaincinv(errors + 1, n - errors, confidence))


def fewest_images(max_error: float, confidence: float = CONFIDENCE) -> int:
    """How many validation images a guarantee takes at least: so many where no answer is wrong."""
    return fewest_answers(0, max_error, _each(confidence))


def fewest_answers(errors: int, max_error: float, confidence: float = CONFIDENCE) -> int:
    """How many answers with so many errors it takes to rule out that more than ``max_error`` are wrong."""
    low, high = errors + 1, math.ceil((errors + 20) * 20 / max_error)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if bdtr(float(errors), middle, max_error) <= 1 - confidence else (middle + 1, high)
    return low


def _sequences(n: int, max_error: float, confidence: float) -> list[list[int]]:
    """How many answers to test with, from each start, in this order: decided by ``n`` and the guarantee alone.

    Each number is the least that can carry so many errors; tests in between could only end the search earlier. One
    search starts low, for models sure of few images; one high, so that an error among the surest does not end it.
    """
    points: list[int] = []
    while (point := fewest_answers(len(points), max_error, confidence)) < n:
        points.append(point)
    if point > n and not points:
        return []
    low = max(sum(point <= n / 2 for point in points[:4]) - 1, 0)
    high = sum(point < 0.75 * n for point in points)
    return [[*points[low:], n], [*points[high:], n]]


def _below(sure: Float32, answered: int) -> float:
    """The threshold that answers so many: below the last of them by ``ROUNDING``, but no nearer to the next one.

    Where the next one is nearer than twice ``ROUNDING``, rounding elsewhere may still answer one more or one fewer. The
    guarantee bears that: the two are as sure as each other.

    Parameters
    ----------
    sure : ndarray of float32, shape (n,)
        Confidences, the surest first.
    answered : int
        The next one, if there is one, is less sure than the last of these.
    """
    last = sure[answered - 1]
    below = np.float32(last - np.float32(ROUNDING))
    if answered < len(sure):
        below = max(below, np.float32((float(last) + float(sure[answered])) / 2))
        if below <= sure[answered]:  # neighbours in float32: there is nothing between them
            below = last
    return float(below)


def _surest_first(predictions: Predictions) -> Int64:
    return np.argsort(-predictions.confidence, kind="stable").astype(np.int64)
