"""How the learning rate moves over a training."""

from __future__ import annotations

from typing import Any

from digitwise.recipes import Recipe
from digitwise.training.backend import keras

RISE = 0.3  # share of the steps until the peak
FLOOR = 0.002  # of the peak: the rate at both ends


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # keras comes without types
    """A linear rise to the peak, then a linear fall to almost nothing.

    References
    ----------
    L. N. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
    arXiv 1708.07120.
    """

    def __init__(self, peak: float, steps: int) -> None:
        self.peak = peak
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        """The learning rate at ``step``, 0 to ``steps``."""
        done = keras.ops.cast(step, "float32") / self.steps
        share = keras.ops.minimum(done / RISE, (1 - done) / (1 - RISE))
        return self.peak * keras.ops.maximum(share, FLOOR)

    def get_config(self) -> dict[str, float]:
        """What Keras needs to save the schedule."""
        return {"peak": self.peak, "steps": self.steps}


def learning_rate(recipe: Recipe, steps: int) -> Any:
    """The recipe's schedule over so many steps, or its constant rate."""
    return OneCycle(recipe.learning_rate, steps) if recipe.schedule == "one-cycle" else recipe.learning_rate
