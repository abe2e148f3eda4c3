"""Metrics of a model's predictions: confusion matrix, scores of classes, error rate with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.evaluation.calibration import negative_log_likelihood
from digitwise.evaluation.rates import expectation_in_words, wilson
from digitwise.images import Float64, Int64
from digitwise.predictions import Predictions


def confusion_matrix(predictions: Predictions, *, normalize: bool = False) -> Int64 | Float64:
    """Count given against predicted classes.

    Parameters
    ----------
    predictions : Predictions
    normalize : bool
        Give shares of the given class instead of counts; zeros for a class without images.

    Returns
    -------
    ndarray of int64 or float64, shape (n_classes, n_classes)
        Row: given; column: predicted.
    """
    k = len(predictions.class_names)
    counts = np.bincount(predictions.labels * k + predictions.predicted, minlength=k * k).reshape(k, k)
    if not normalize:
        return counts.astype(np.int64)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), np.float64)


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes, and how often the first was predicted as the second."""

    given: str
    predicted: str
    count: int


def most_confused(predictions: Predictions, limit: int = 5) -> list[ConfusedPair]:
    """At most ``limit`` confusions, the most frequent first."""
    counts = confusion_matrix(predictions).copy()
    np.fill_diagonal(counts, 0)
    names, k = predictions.class_names, len(predictions.class_names)
    order = np.argsort(-counts, axis=None, kind="stable")[:limit]
    return [
        ConfusedPair(names[cell // k], names[cell % k], int(counts.flat[cell])) for cell in order if counts.flat[cell]
    ]


@dataclass(frozen=True)
class ClassScore:
    """The scores of one class, with Wilson's 95 % intervals; None where a score would divide by zero.

    The interval of F1 is derived from that of x, the share of correct images among all that are given or predicted as
    the class, by F1 = 2x / (1 + x).

    References
    ----------
    K. F. Y. Lam et al., Confidence Intervals for the F1 Score: A Comparison of Four Methods (2023), arXiv 2309.14621.
    """

    name: str
    n: int
    errors: int
    precision: float | None
    precision_95: tuple[float, float] | None
    recall: float | None
    recall_95: tuple[float, float] | None
    f1: float | None
    f1_95: tuple[float, float] | None


@dataclass(frozen=True)
class Scores:
    """The counts and scores of a model on labelled images.

    Parameters
    ----------
    n, n_errors : int
        Images; those classified wrongly.
    interval_95 : (float, float)
        Wilson interval of the error rate, in [0, 1].
    classes : tuple of ClassScore
    confused : tuple of ConfusedPair
        The most frequent confusions, most frequent first.
    top_2_accuracy : float
        Share of images whose label is among the two most probable classes, in [0, 1].
    negative_log_likelihood : float
        Mean, in nats.
    """

    n: int
    n_errors: int
    interval_95: tuple[float, float]
    classes: tuple[ClassScore, ...]
    confused: tuple[ConfusedPair, ...]
    top_2_accuracy: float
    negative_log_likelihood: float

    @property
    def error_rate(self) -> float:
        """Errors over images, in [0, 1]."""
        return self.n_errors / self.n

    @property
    def accuracy(self) -> float:
        """Share of correct predictions, in [0, 1]."""
        return 1 - self.error_rate

    def in_production(self, samples: int = 10_000) -> str:
        """The errors to expect in ``samples`` readings, in words."""
        return expectation_in_words(samples, self.error_rate, self.interval_95)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as in run.json and on stdout."""
        return {
            "n": self.n,
            "errors": self.n_errors,
            "error_rate": self.error_rate,
            "accuracy": self.accuracy,
            "interval_95": list(self.interval_95),
            "top_2_accuracy": self.top_2_accuracy,
            "negative_log_likelihood": self.negative_log_likelihood,
            "classes": [vars(score) for score in self.classes],
            "most_confused": [vars(pair) for pair in self.confused],
        }


def evaluate_predictions(predictions: Predictions) -> Scores:
    """Count and score a model's predictions."""
    counts = confusion_matrix(predictions)
    hits, given, predicted = (part.tolist() for part in (np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)))
    classes = tuple(map(_class_score, predictions.class_names, hits, given, predicted))
    n, errors = len(predictions), predictions.errors
    best_two = np.argpartition(-predictions.probabilities, 1, axis=1)[:, :2]
    return Scores(
        n,
        errors,
        wilson(errors, n),
        classes,
        tuple(most_confused(predictions)),
        float((best_two == predictions.labels[:, None]).any(axis=1).mean()),
        negative_log_likelihood(predictions.probabilities, predictions.labels),
    )


def _class_score(name: str, hits: int, given: int, predicted: int) -> ClassScore:
    either = given + predicted - hits
    overlap = wilson(hits, either)
    return ClassScore(
        name=name,
        n=given,
        errors=given - hits,
        precision=hits / predicted if predicted else None,
        precision_95=wilson(hits, predicted) if predicted else None,
        recall=hits / given if given else None,
        recall_95=wilson(hits, given) if given else None,
        f1=2 * hits / (given + predicted) if either else None,
        f1_95=(2 * overlap[0] / (1 + overlap[0]), 2 * overlap[1] / (1 + overlap[1])) if either else None,
    )


def explain(predictions: Predictions) -> str:
    """Explain the probabilities of the first image in a few sentences."""
    names, row = predictions.class_names, predictions.probabilities[0]
    order = (-row).argsort(kind="stable")
    first, second, label = int(order[0]), int(order[1]), int(predictions.labels[0])
    certainty = "all but certain" if row[first] > 0.99 else "fairly sure" if row[first] > 0.8 else "unsure"
    opening = (
        f"The network gives each of the {len(names)} classes a probability; their sum is 1. "
        f"It is {certainty}: {names[first]} has {row[first]:.4f}, the runner-up {names[second]} {row[second]:.4f}."
    )
    if first == label:
        return f"{opening} The label says {names[label]}: the prediction is right."
    return f"{opening} The label says {names[label]}, which got {row[label]:.4f}: the prediction is wrong."
