"""The learning-rate schedule, and the pace that decides when a training ends."""

from __future__ import annotations

import math
import time
from typing import Protocol

import numpy as np

from digitwise.errors import RecipeError
from digitwise.images import Float32
from digitwise.recipes import Recipe

RISE = 0.3  # share of the training until the peak
FLOOR = 0.002  # of the peak: the rate at both ends
PROBE = 4  # steps that are timed before the steps of a budget are planned


def learning_rates(recipe: Recipe, shares: Float32) -> Float32:
    """The learning rate of each step.

    Parameters
    ----------
    recipe : Recipe
    shares : ndarray of float32, shape (steps,)
        Share of the training before each step, in [0, 1).

    Returns
    -------
    ndarray of float32, shape (steps,)
        Constant, or one-cycle: a linear rise to the peak, then a linear fall to almost nothing.

    References
    ----------
    L. N. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
    arXiv 1708.07120.
    """
    if recipe.schedule == "constant":
        return np.full(len(shares), recipe.learning_rate, np.float32)
    heights = np.minimum(shares / RISE, (1 - shares) / (1 - RISE))
    rates: Float32 = (recipe.learning_rate * np.maximum(heights, FLOOR)).astype(np.float32)
    return rates


class Pace(Protocol):
    """Plans the steps of a training."""

    @property
    def share(self) -> float:
        """Share of the training that is planned, in [0, 1]."""

    @property
    def finished(self) -> bool:
        """Whether all steps are planned."""

    def shares(self, most: int) -> Float32:
        """Plan one to ``most`` steps; return the share of the training before each, in [0, 1)."""


class StepPace:
    """The steps of the recipe's epochs.

    Parameters
    ----------
    steps, done : int
        Number of steps of the training, and of those already done.
    """

    def __init__(self, steps: int, done: int = 0) -> None:
        self.steps, self.done = steps, done

    @property
    def share(self) -> float:
        """See :class:`Pace`."""
        return self.done / self.steps

    @property
    def finished(self) -> bool:
        """See :class:`Pace`."""
        return self.done >= self.steps

    def shares(self, most: int) -> Float32:
        """See :class:`Pace`."""
        first, self.done = self.done, min(self.done + most, self.steps)
        return (np.arange(first, self.done) / self.steps).astype(np.float32)


class BudgetPace:
    """As many steps as fit into a time, estimated from the clock whenever steps are planned.

    The first few steps, which compile and are timed, do not advance the schedule.

    Parameters
    ----------
    seconds : float
        From now to the end of the training.
    reserve_steps : float
        Time reserved for the last validation, in steps.
    share : float
        Share of the training done in earlier sessions.
    """

    def __init__(self, seconds: float, *, reserve_steps: float, share: float = 0.0) -> None:
        self.deadline = time.perf_counter() + seconds
        self.reserve_steps = reserve_steps
        self.share, self.finished = share, share >= 1
        self._done = 0
        self._timed_from = 0.0

    def shares(self, most: int) -> Float32:
        """See :class:`Pace`."""
        now = time.perf_counter()
        if self._done <= 1:
            self._timed_from = now
            steps = min(most, PROBE) if self._done else 1
            self._done += steps
            return np.full(steps, self.share, np.float32)
        remaining = self.deadline - now
        if remaining <= 0 and self.share == 0:
            raise RecipeError(
                f"budget: over before the training began, {-remaining:.1f} s ago; compiling takes its time: give more",
                argument="budget",
                expected="seconds enough to begin",
                got=self.deadline,
            )
        left = max(1.0, remaining * (self._done - 1) / (now - self._timed_from) - self.reserve_steps)
        steps = min(most, math.floor(left))
        shares = self.share + (1 - self.share) * np.arange(steps) / left
        self._done += steps
        self.share += (1 - self.share) * steps / left
        self.finished = left - steps < 1
        self.share = 1.0 if self.finished else self.share
        return shares.astype(np.float32)
