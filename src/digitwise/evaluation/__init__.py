"""Evaluation of predictions: arrays in, results out, without Keras."""

from digitwise.evaluation.comparison import Comparison, apart, compare_predictions
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
    "Scores",
    "apart",
    "compare_predictions",
    "confusion_matrix",
    "evaluate_predictions",
    "explain",
    "most_confused",
    "wilson",
]
