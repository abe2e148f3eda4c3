"""Arrays in, results out: nothing here imports Keras."""

from digitwise.evaluation.comparison import Comparison, compare_predictions
from digitwise.evaluation.confusion import ConfusedPair, confusion_matrix, most_confused
from digitwise.evaluation.explain import explain
from digitwise.evaluation.intervals import wilson
from digitwise.evaluation.metrics import ClassScore, Evaluation, evaluate_predictions

__all__ = [
    "ClassScore",
    "Comparison",
    "ConfusedPair",
    "Evaluation",
    "compare_predictions",
    "confusion_matrix",
    "evaluate_predictions",
    "explain",
    "most_confused",
    "wilson",
]
