"""Calibration: the agreement of confidence and accuracy, and the temperature that improves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.evaluation.rates import wilson
from digitwise.images import Float32, Float64, Int64
from digitwise.predictions import Predictions

SMALLEST_PROBABILITY = 1e-30  # float32 rounds smaller ones to zero, whose logarithm is infinite
TEMPERATURES = (0.05, 20.0)
BINS = 15  # of equal width


@dataclass(frozen=True)
class Bin:
    """The images with a confidence between two bounds."""

    low: float
    high: float
    n: int
    confidence: float  # mean
    accuracy: float  # share of correct predictions
    interval_95: tuple[float, float]  # Wilson interval of the accuracy


@dataclass(frozen=True)
class Calibration:
    """The agreement of confidence and accuracy.

    Parameters
    ----------
    error : float
        Expected calibration error: mean absolute difference of confidence and accuracy over the bins, weighted by
        images; in [0, 1].
    negative_log_likelihood : float
        Mean, in nats.
    bins : tuple of Bin
        Those with images, by increasing confidence.
    """

    error: float
    negative_log_likelihood: float
    bins: tuple[Bin, ...]


def calibration(predictions: Predictions) -> Calibration:
    """Compare confidence with accuracy in :data:`BINS` bins of equal width.

    References
    ----------
    C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv 1706.04599.
    """
    confidence, right = predictions.confidence.astype(float), ~predictions.missed
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    found = []
    for i in np.unique(place):
        own = place == i
        n, hits = int(own.sum()), int(right[own].sum())
        found.append(Bin(i / BINS, (i + 1) / BINS, n, float(confidence[own].mean()), hits / n, wilson(hits, n)))
    error = sum(b.n * abs(b.confidence - b.accuracy) for b in found) / len(predictions)
    nll = negative_log_likelihood(predictions.probabilities, predictions.labels)
    return Calibration(error, nll, tuple(found))


def negative_log_likelihood(probabilities: Float32, labels: Int64) -> float:
    """The mean negative log-likelihood of the labels, in nats.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, n_classes)
    labels : ndarray of int64, shape (n,)
    """
    given = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(given, SMALLEST_PROBABILITY)).mean())


def fit_temperature(validation: Predictions) -> float:
    """Fit the temperature that minimises the negative log-likelihood of validation images.

    Parameters
    ----------
    validation : Predictions
        Never of test images.

    Returns
    -------
    float
        Above 1 for an overconfident model, below 1 for an underconfident one; 0.05 to 20. It is 1 without any error,
        since there is nothing to fit.

    References
    ----------
    C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv 1706.04599 (temperature scaling).
    """
    if not validation.errors:
        return 1.0
    from scipy.optimize import minimize_scalar  # slow to import

    logits, rows = _logits(validation), np.arange(len(validation))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float((_log_sum_exp(scaled) - scaled[rows, validation.labels]).mean())

    low, high = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))


def at_temperature(predictions: Predictions, temperature: float) -> Predictions:
    """Soften (above 1) or sharpen the probabilities; the predicted classes stay the same."""
    scaled = _logits(predictions) / temperature
    probabilities = np.exp(scaled - _log_sum_exp(scaled)[:, None]).astype(np.float32)
    return Predictions(predictions.labels, probabilities, predictions.class_names)


def _logits(predictions: Predictions) -> Float64:
    return np.log(np.maximum(predictions.probabilities, SMALLEST_PROBABILITY)).astype(np.float64)


def _log_sum_exp(logits: Float64) -> Float64:
    top = logits.max(axis=1)
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)))
