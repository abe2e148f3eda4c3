"""Many training steps in one compiled call, one module for each Keras backend.

``model.fit`` returns to Python and to its data pipeline after every step; with networks as small as these that costs
as much as the arithmetic. A loop takes the inputs, targets and learning rates of several steps at once instead.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from digitwise.images import Float32
from digitwise.training.backend import BACKEND


class Loop(Protocol):
    """Trains a Keras model in place, on categorical cross-entropy and its layers' penalties, ``most`` steps a call."""

    def __init__(self, model: Any, optimizer: Any, label_smoothing: float, most: int) -> None: ...

    def train(self, inputs: Any, targets: Float32, rates: Float32) -> tuple[float, float]:
        """Train for several steps.

        Parameters
        ----------
        inputs : ndarray, shape (steps, batch, ...)
            Of the model.
        targets : ndarray of float32, shape (steps, batch, n_classes)
        rates : ndarray of float32, shape (steps,)
            Learning rate of each step.

        Returns
        -------
        loss, accuracy : float
            Means over the steps.
        """

    def predict(self, inputs: Any) -> Any:
        """Probabilities for one batch, outside training."""


def make_loop(model: Any, optimizer: Any, label_smoothing: float, *, most: int) -> Loop:
    """Make the loop of the backend in use."""
    module = importlib.import_module(f"digitwise.training.loops.{BACKEND}")
    loop: Loop = module.Loop(model, optimizer, label_smoothing, most)
    return loop
