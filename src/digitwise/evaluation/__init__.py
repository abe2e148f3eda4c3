"""Evaluation of predictions: arrays in, results out, without Keras."""

from digitwise.evaluation.comparison import Comparison, Comparisons, apart, compare_each, compare_predictions
from digitwise.evaluation.metrics import (
    Scores,
    confusion_matrix,
    evaluate_predictions,
    explain,
    most_confused,
)
from digitwise.evaluation.rates import wilson

__all__ = [
    "Comparison",
    "Comparisons",
    "Scores",
    "apart",
    "compare_each",
    "compare_predictions",
    "confusion_matrix",
    "evaluate_predictions",
    "explain",
    "most_confused",
    "wilson",
]
