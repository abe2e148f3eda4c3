"""Which images an epoch shows, in which order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from digitwise.data.prepare import NO_CLASS
from digitwise.images import Int64
from digitwise.recipes import Recipe


def steps_per_epoch(n: int, batch_size: int, focus: float) -> int:
    """Batches an epoch, the last one filled up."""
    return math.ceil((n + round(n * focus)) / min(batch_size, n))


@dataclass(frozen=True, eq=False)
class Order:
    """Draws the epochs of images that are all at hand.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    recipe : Recipe
    seed : int
    """

    labels: Int64
    recipe: Recipe
    seed: int

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return steps_per_epoch(len(self.labels), self.recipe.batch_size, self.recipe.focus)

    def of(self, epoch: int, class_errors: Int64 | None) -> Int64:
        """See :func:`epoch_order`."""
        recipe, errors = self.recipe, class_errors
        return epoch_order(
            self.labels,
            batch_size=recipe.batch_size,
            seed=self.seed,
            epoch=epoch,
            focus=recipe.focus,
            class_errors=errors,
        )


def epoch_order(
    labels: Int64,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    focus: float = 0.0,
    class_errors: Int64 | None = None,
) -> Int64:
    """Draw an epoch: every image once, the focus's extra ones, and some again to fill the last batch.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Of the training images; those of no class are among no extra samples.
    batch_size, seed, epoch : int
        Seed and epoch decide the draw, so that a resumed training goes on as it would have.
    focus : float
        Share of extra samples; see :class:`~digitwise.recipes.Recipe`.
    class_errors : ndarray of int64, shape (n_classes,), optional
        Validation errors of each class so far; without them the extra samples go to all classes alike.

    Returns
    -------
    ndarray of int64, shape (steps, batch)
        Indices of training images.
    """
    rng = np.random.default_rng([seed, epoch])
    n = len(labels)
    batch = min(batch_size, n)
    order = np.concatenate([np.arange(n), _extra(labels, round(n * focus), class_errors, rng)])
    rng.shuffle(order)
    steps = steps_per_epoch(n, batch_size, focus)
    return np.concatenate([order, order[: steps * batch - len(order)]]).reshape(steps, batch)


def _extra(labels: Int64, size: int, class_errors: Int64 | None, rng: np.random.Generator) -> Int64:
    counts = np.bincount(labels[labels != NO_CLASS])
    # One error is added to each class: with few errors so far, none may be starved or flooded by chance.
    shares = np.ones(len(counts)) if class_errors is None else class_errors[: len(counts)] + 1.0
    weights = np.where(labels == NO_CLASS, 0, (shares / shares.sum() / np.maximum(counts, 1))[labels])
    return rng.choice(len(labels), size, p=weights / weights.sum()).astype(np.int64)
