"""Stratified, seeded splits: validation off the training set, and a test set where none was given."""

from __future__ import annotations

import numpy as np

from digitwise.errors import DataError
from digitwise.images import ImageSet, Int64, Splits

VALIDATION_SIZE = 5_000
VALIDATION_SHARE = 0.15  # of a training set too small to spare VALIDATION_SIZE


def stratified_indices(labels: Int64, size: int, *, seed: int) -> tuple[Int64, Int64]:
    """Part indices in two, class shares kept to the nearest image.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    size : int
        Images in the second part, 1 to n - 1.
    seed : int
        The same seed gives the same parts.

    Returns
    -------
    rest, part : ndarray of int64, shapes (n - size,) and (size,)
        Sorted. Every class keeps at least one image in ``rest``.
    """
    rng = np.random.default_rng(seed)
    take = quotas(np.bincount(labels), size)
    part = np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:k] for c, k in enumerate(take)])
    rest = np.setdiff1d(np.arange(len(labels)), part)
    return rest.astype(np.int64), np.sort(part).astype(np.int64)


def quotas(counts: Int64, size: int) -> Int64:
    """How many of each class to take, class shares kept to the nearest image.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_classes,)
        Images of each class.
    size : int
        How many to take in all.

    Returns
    -------
    ndarray of int64, shape (n_classes,)
        Every class keeps at least one image.
    """
    quota = counts * size / counts.sum()
    take: Int64 = np.minimum(np.floor(quota).astype(np.int64), np.maximum(counts - 1, 0))
    for label in np.argsort(take - quota, kind="stable"):  # largest remainder first
        if take.sum() == size:
            break
        take[label] += take[label] < counts[label] - 1
    return take


def stratified_folds(labels: Int64, folds: int, *, seed: int) -> Int64:
    """Deal images to folds, every class evenly.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    folds : int
        2 to n.
    seed : int

    Returns
    -------
    ndarray of int64, shape (n,)
        The fold of each image, 0 to ``folds - 1``; within a class their sizes differ by one at most.

    Raises
    ------
    DataError
        If there are fewer images than folds, or fewer than two folds.
    """
    if not 2 <= folds <= len(labels):
        raise DataError.wanted("folds", f"2 to {len(labels)} for {len(labels)} images", folds, argument="folds")
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    dealt = np.empty(len(labels), np.int64)
    dealt[by_class] = np.arange(len(labels)) % folds
    return dealt


def split_validation(train: ImageSet, *, size: int | None = None, seed: int = 0) -> Splits:
    """Split a validation set off the training set: stratified and seeded.

    Parameters
    ----------
    train : ImageSet
    size : int, optional
        Images for validation; by default 5,000, or 15 % where the set is smaller than 33,000.
    seed : int

    Returns
    -------
    Splits

    Raises
    ------
    DataError
        If ``size`` leaves nothing to train on, or nothing to validate with.
    """
    wanted = validation_size(len(train), train.n_classes, size)
    rest, part = stratified_indices(train.labels, wanted, seed=seed)
    return Splits(train.take(rest), train.take(part))


def validation_size(n: int, n_classes: int, size: int | None) -> int:
    """How many of ``n`` images validate; see :func:`split_validation`."""
    wanted = min(VALIDATION_SIZE, round(n * VALIDATION_SHARE)) if size is None else size
    room = n - n_classes  # one image of each class has to stay
    if not 1 <= wanted <= room:
        raise DataError.wanted(
            "validation",
            f"1 to {room} images of the {n} for training",
            wanted,
            "add images or choose another validation size (--validation)",
            argument="validation",
        )
    return wanted
