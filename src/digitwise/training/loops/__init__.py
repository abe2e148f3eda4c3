"""Many training steps in one compiled call: the fast path of each Keras backend, and its only home.

``model.fit`` comes back to Python and to its data pipeline all the time; with networks as small as these that costs
as much as the arithmetic. A loop gets the inputs, targets and learning rates of some steps at once instead.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from digitwise.images import Float32
from digitwise.training.backend import BACKEND, keras


class Loop(Protocol):
    """Trains a Keras model in place, on categorical cross-entropy.

    Made by ``Loop(model, optimizer, label_smoothing, most)``; ``most`` is the most steps of a call.
    """

    def __init__(self, model: Any, optimizer: Any, label_smoothing: float, most: int) -> None: ...

    def train(self, inputs: Any, targets: Float32, rates: Float32) -> tuple[float, float]:
        """Take some steps.

        Parameters
        ----------
        inputs : ndarray, shape (steps, batch, ...)
            What the model takes.
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
    """The loop of the backend in use."""
    home = importlib.import_module(f"digitwise.training.loops.{BACKEND}")
    loop: Loop = home.Loop(model, optimizer, label_smoothing, most)
    return loop


def on_accelerator() -> bool:
    """Whether the backend computes on a GPU or the like."""
    if BACKEND == "torch":
        import torch

        return bool(torch.cuda.is_available())
    return not keras.distribution.list_devices()[0].startswith("cpu")
