"""Test pictures in two dimensions, near where they are alike to the network."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float16, Float64, Int64, Predictions

MOST = 2_000  # points: what a person can look at, and what takes seconds
PERPLEXITY = 30  # neighbours that count


def feature_places(features: Float16, predictions: Predictions, *, seed: int = 0) -> tuple[Int64, Float64]:
    """Lay out all wrong pictures and some right ones by t-SNE.

    Parameters
    ----------
    features : ndarray of float16, shape (n, d)
        As a run keeps them.
    predictions : Predictions
        About the same pictures.
    seed : int
        Of the draw and the layout.

    Returns
    -------
    indices : ndarray of int64, shape (k,)
        Which pictures; at most 2,000.
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
    drawn = np.random.default_rng(seed).choice(right, min(len(right), MOST - len(wrong)), replace=False)
    indices = np.sort(np.concatenate([wrong, drawn])).astype(np.int64)
    perplexity = min(PERPLEXITY, max(1, (len(indices) - 1) // 3))
    layout = TSNE(perplexity=perplexity, init="pca", max_iter=500, random_state=seed)
    with threadpool_limits(1):  # more threads wait for each other where other work has their core
        places = layout.fit_transform(features[indices].astype(np.float32)).astype(float)
    places -= places.min(axis=0)
    return indices, places / np.maximum(places.max(axis=0), 1e-9)
