"""Steps on PyTorch: eager, since its launches are cheap enough and nothing needs compiling."""

from __future__ import annotations

from typing import Any

import torch

from digitwise.images import Float32
from digitwise.training.backend import keras


class Loop:
    """See :class:`digitwise.training.loops.Loop`."""

    def __init__(self, model: Any, optimizer: Any, label_smoothing: float, most: int) -> None:
        self._model, self._optimizer = model, optimizer
        self._loss = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)

    def train(self, inputs: Any, targets: Float32, rates: Float32) -> tuple[float, float]:
        """Train step by step, without waiting for the device in between."""
        on_device = keras.ops.convert_to_tensor(inputs), keras.ops.convert_to_tensor(targets)
        results = [self._step(*step) for step in zip(*on_device, rates.tolist(), strict=True)]
        loss, accuracy = torch.stack([torch.stack(result) for result in results]).mean(dim=0).tolist()
        return loss, accuracy

    def predict(self, inputs: Any) -> Any:
        """Probabilities for one batch."""
        with torch.inference_mode():
            return keras.ops.convert_to_numpy(self._model(inputs, training=False))

    def _step(self, inputs: Any, targets: Any, rate: float) -> tuple[Any, Any]:
        weights = self._model.trainable_variables
        self._model.zero_grad()
        given = self._model(inputs, training=True)
        loss = sum(self._model.losses, self._loss(targets, given))  # with penalties on weights, if any
        loss.backward()
        self._optimizer.learning_rate.assign(rate)
        with torch.no_grad():
            self._optimizer.apply([weight.value.grad for weight in weights], weights)
        right = given.argmax(dim=1) == targets.argmax(dim=1)
        return loss.detach(), right.float().mean()
