"""The map of test images, on which similar ones are near each other: points, classes, and neighbours of errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from digitwise.images import Float16, Float64, Int64
from digitwise.predictions import Predictions

MOST = 2_000  # points: enough to look at, computed in seconds
PERPLEXITY = 30  # of t-SNE
SEED = 0  # of the draw and the layout
NEIGHBOURS = 10  # right images whose majority class is the neighbourhood of a wrong one


def feature_places(features: Float16, predictions: Predictions) -> tuple[Int64, Float64]:
    """Lay out all wrong images and some right ones by t-SNE.

    Parameters
    ----------
    features : ndarray of float16, shape (n, d)
        As a run keeps them.
    predictions : Predictions
        About the same images.

    Returns
    -------
    indices : ndarray of int64, shape (k,)
        Which images; at most 2,000.
    places : ndarray of float64, shape (k, 2)
        Each axis from 0 to 1; the axes mean nothing, distances little, neighbourhoods much.

    References
    ----------
    L. van der Maaten, G. Hinton, Visualizing Data using t-SNE, JMLR 9 (2008).
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    wrong = predictions.wrong[: MOST // 2]
    right = np.flatnonzero(~predictions.missed)
    drawn = np.random.default_rng(SEED).choice(right, min(len(right), MOST - len(wrong)), replace=False)
    indices = np.sort(np.concatenate([wrong, drawn])).astype(np.int64)
    perplexity = min(PERPLEXITY, max(1, (len(indices) - 1) // 3))
    layout = TSNE(perplexity=perplexity, init="pca", max_iter=500, random_state=SEED)
    with threadpool_limits(1):  # more threads wait for each other where other work has their core
        places = layout.fit_transform(features[indices].astype(np.float32)).astype(float)
    places -= places.min(axis=0)
    return indices, places / np.maximum(places.max(axis=0), 1e-9)


def points(indices: Int64, places: Float64) -> list[list[float]]:
    """Index and place of each point."""
    return [[int(i), round(float(x), 4), round(float(y), 4)] for i, (x, y) in zip(indices, places, strict=True)]


def centres(places: Float64, labels: Int64, names: Sequence[str]) -> list[dict[str, Any]]:
    """The place of each class's name: the median of its points."""
    found = []
    for label, name in enumerate(names):
        if (own := labels == label).any():
            x, y = np.median(places[own], axis=0)
            found.append({"x": float(x), "y": float(y), "name": name})
    return found


def company(indices: Int64, places: Float64, answers: Predictions) -> list[dict[str, Any]]:
    """For each class, the number of points, and the classes around its wrong ones.

    A wrong image among its own class was nearly right; one among its predicted class looks like that class to the
    network, or its label is wrong.

    Parameters
    ----------
    indices : ndarray of int64, shape (k,)
        Which test images are on the map.
    places : ndarray of float64, shape (k, 2)
    answers : Predictions
        About all test images.

    Returns
    -------
    list of dict
        ``class``, ``images``, ``wrong``; of these ``among_given``, ``among_predicted``, ``among_others``.
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
                "images": int(own.sum()),
                "wrong": int(bad.sum()),
                "among_given": int(given.sum()),
                "among_predicted": int(taken.sum()),
                "among_others": int((bad & ~given & ~taken).sum()),
            }
        )
    return table


def _around(places: Float64, labels: Int64, wrong: np.ndarray) -> Int64:
    """The class most frequent among the nearest right images, int64 of shape (k,); -1 where none is right."""
    right = np.flatnonzero(~wrong)
    around = np.full(len(labels), -1, np.int64)
    if len(right):
        for point in np.flatnonzero(wrong):
            far = np.square(places[right] - places[point]).sum(axis=1)
            nearest = right[np.argsort(far, kind="stable")[:NEIGHBOURS]]
            around[point] = np.bincount(labels[nearest]).argmax()
    return around
