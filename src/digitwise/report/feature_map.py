"""The map of test pictures as plain values: its points, where each class lies, and whom the wrong ones lie among."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from digitwise.images import Float64, Int64, Predictions

NEIGHBOURS = 10  # right pictures that say whom a wrong one lies among


def points(indices: Int64, places: Float64) -> list[list[float]]:
    """Index and place of each point."""
    return [[int(i), round(float(x), 4), round(float(y), 4)] for i, (x, y) in zip(indices, places, strict=True)]


def centres(places: Float64, labels: Int64, names: Sequence[str]) -> list[dict[str, Any]]:
    """Where the name of each class stands: the median of its points."""
    found = []
    for label, name in enumerate(names):
        if (own := labels == label).any():
            x, y = np.median(places[own], axis=0)
            found.append({"x": float(x), "y": float(y), "name": name})
    return found


def company(indices: Int64, places: Float64, answers: Predictions) -> list[dict[str, Any]]:
    """Of each class, how many points it has, and whom its wrong ones lie among.

    A wrong picture among its own class was nearly right; among the class it is taken for, it looks like that one to
    the network, or its label is wrong.

    Parameters
    ----------
    indices : ndarray of int64, shape (k,)
        Which test pictures are on the map.
    places : ndarray of float64, shape (k, 2)
    answers : Predictions
        About all test pictures.

    Returns
    -------
    list of dict
        ``class``, ``pictures``, ``wrong``; of these ``among_given``, ``among_predicted``, ``among_others``.
    """
    labels, predicted, wrong = answers.labels[indices], answers.predicted[indices], answers.missed[indices]
    around = _around(places, labels, wrong)
    table = []
    for label, name in enumerate(answers.class_names):
        own = labels == label
        bad = own & wrong
        given, taken = bad & (around == label), bad & (around == predicted)
        table.append(
            {
                "class": name,
                "pictures": int(own.sum()),
                "wrong": int(bad.sum()),
                "among_given": int(given.sum()),
                "among_predicted": int(taken.sum()),
                "among_others": int((bad & ~given & ~taken).sum()),
            }
        )
    return table


def _around(places: Float64, labels: Int64, wrong: np.ndarray) -> Int64:
    """The class most frequent among the nearest right pictures, int64 of shape (k,); -1 where none is right."""
    right = np.flatnonzero(~wrong)
    around = np.full(len(labels), -1, np.int64)
    if len(right):
        for point in np.flatnonzero(wrong):
            far = np.square(places[right] - places[point]).sum(axis=1)
            nearest = right[np.argsort(far, kind="stable")[:NEIGHBOURS]]
            around[point] = np.bincount(labels[nearest]).argmax()
    return around
