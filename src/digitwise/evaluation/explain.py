"""What one prediction means, in words."""

from __future__ import annotations

from digitwise.images import Predictions


def explain(predictions: Predictions, index: int = 0) -> str:
    """Set the probabilities of one picture against its label.

    Parameters
    ----------
    predictions : Predictions
    index : int
        Which picture.

    Returns
    -------
    str
        A few sentences.
    """
    names, row = predictions.class_names, predictions.probabilities[index]
    order = (-row).argsort(kind="stable")
    first, second, label = int(order[0]), int(order[1]), int(predictions.labels[index])
    certainty = "all but certain" if row[first] > 0.99 else "fairly sure" if row[first] > 0.8 else "unsure"
    opening = (
        f"The network gives each of the {len(names)} classes a probability; together they make 1. "
        f"It is {certainty}: {names[first]} has {row[first]:.4f}, the runner-up {names[second]} {row[second]:.4f}."
    )
    if first == label:
        return f"{opening} The label says {names[label]}: the prediction is right."
    return f"{opening} The label says {names[label]}, which got {row[label]:.4f}: the prediction is wrong."
