"""Steps on JAX: one compiled loop over the variables as plain arrays, which stay on the device between calls."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from digitwise.images import Float32
from digitwise.training.backend import XLA_OPTIONS, keras, mesh


class Loop:
    """See :class:`digitwise.training.loops.Loop`."""

    def __init__(self, model: Any, optimizer: Any, label_smoothing: float, most: int) -> None:
        self._model, self._optimizer = model, optimizer
        self._loss = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
        self._rate = next(i for i, v in enumerate(optimizer.variables) if v is optimizer.learning_rate)
        self._most = most  # number of steps that the call is compiled for
        self._mesh = mesh()
        everywhere = self._mesh and NamedSharding(self._mesh, PartitionSpec())  # each device has all of it
        settings = {"compiler_options": dict(XLA_OPTIONS), "out_shardings": everywhere}
        self._train = jax.jit(self._steps, donate_argnums=0, **settings)
        self._predict = jax.jit(self._probabilities, **settings)

    def train(self, inputs: Any, targets: Float32, rates: Float32) -> tuple[float, float]:
        """Train in one call, with arrays padded to the size it is compiled for; padded steps are not run."""
        steps = len(rates)
        filled = [
            np.concatenate([part, np.zeros((self._most - steps, *part.shape[1:]), part.dtype)])
            for part in (inputs, targets, rates)
        ]
        variables = self._variables()
        split = [self._split(part, 1) for part in filled[:2]]
        values, loss, accuracy = self._train([v.value for v in variables], steps, *split, filled[2])
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return float(loss) / steps, float(accuracy) / steps

    def predict(self, inputs: Any) -> Any:
        """Probabilities for one batch."""
        kinds = self._model.trainable_variables, self._model.non_trainable_variables
        return np.asarray(self._predict([[v.value for v in kind] for kind in kinds], self._split(inputs, 0)))

    def _split(self, values: Any, axis: int) -> Any:
        """Split the batch along ``axis`` between the devices; every host has all of it and gives its devices' part.

        A batch that cannot be split evenly, as the last one of a validation, goes to each device as a whole.
        """
        if self._mesh is None:
            return values
        even = values.shape[axis] % self._mesh.size == 0
        where = PartitionSpec(*[None] * axis, *self._mesh.axis_names) if even else PartitionSpec()
        return jax.make_array_from_callback(values.shape, NamedSharding(self._mesh, where), values.__getitem__)

    def _probabilities(self, state: list[Any], inputs: Any) -> Any:
        return self._model.stateless_call(*state, inputs, training=False)[0]

    def _variables(self) -> list[Any]:
        model = self._model
        return [*model.trainable_variables, *model.non_trainable_variables, *self._optimizer.variables]

    def _steps(self, values: list[Any], steps: Any, inputs: Any, targets: Any, rates: Any) -> Any:
        def step(i: Any, carry: Any) -> Any:
            values, loss, accuracy = carry
            values, one_loss, one_accuracy = self._step(values, inputs[i], targets[i], rates[i])
            return values, loss + one_loss, accuracy + one_accuracy

        return lax.fori_loop(0, steps, step, (values, jnp.float32(0), jnp.float32(0)))

    def _step(self, values: list[Any], inputs: Any, targets: Any, rate: Any) -> Any:
        n, m = len(self._model.trainable_variables), len(self._model.non_trainable_variables)
        weights, others, optimizer = values[:n], values[n : n + m], list(values[n + m :])

        def judged(weights: list[Any]) -> Any:
            told = self._model.stateless_call(weights, others, inputs, training=True, return_losses=True)
            given, changed, penalties = told  # on weights, if any
            return sum(penalties, self._loss(targets, given)), (given, changed)

        (loss, (given, others)), gradients = jax.value_and_grad(judged, has_aux=True)(weights)
        optimizer[self._rate] = rate
        weights, optimizer = self._optimizer.stateless_apply(optimizer, gradients, weights)
        right = jnp.argmax(given, axis=1) == jnp.argmax(targets, axis=1)
        return [*weights, *others, *optimizer], loss, jnp.mean(right.astype(jnp.float32))
