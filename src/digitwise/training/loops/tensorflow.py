"""Steps on TensorFlow: one graph with a while loop, without XLA, which is slower on a CPU."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from digitwise.images import Float32
from digitwise.training.backend import keras


class Loop:
    """See :class:`digitwise.training.loops.Loop`."""

    def __init__(self, model: Any, optimizer: Any, label_smoothing: float, most: int) -> None:
        self._model, self._optimizer = model, optimizer
        self._loss = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
        self._train: Any = None
        self._predict: Any = None

    def train(self, inputs: Any, targets: Float32, rates: Float32) -> tuple[float, float]:
        """Train in one call."""
        self._train = self._train or _graph(self._steps, inputs, targets, rates)
        loss, accuracy = self._train(inputs, targets, rates)
        return float(loss), float(accuracy)

    def predict(self, inputs: Any) -> Any:
        """Probabilities for one batch."""
        self._predict = self._predict or _graph(lambda images: self._model(images, training=False), inputs)
        return self._predict(inputs).numpy()

    def _steps(self, inputs: Any, targets: Any, rates: Any) -> Any:
        steps = tf.shape(rates)[0]

        def step(i: Any, loss: Any, accuracy: Any) -> Any:
            one_loss, one_accuracy = self._step(inputs[i], targets[i], rates[i])
            return i + 1, loss + one_loss, accuracy + one_accuracy

        _, loss, accuracy = tf.while_loop(lambda i, *_: i < steps, step, (0, 0.0, 0.0), parallel_iterations=1)
        return loss / tf.cast(steps, tf.float32), accuracy / tf.cast(steps, tf.float32)

    def _step(self, inputs: Any, targets: Any, rate: Any) -> tuple[Any, Any]:
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            given = self._model(inputs, training=True)
            loss = sum(self._model.losses, self._loss(targets, given))  # with penalties on weights, if any
        self._optimizer.learning_rate.assign(rate)
        self._optimizer.apply(tape.gradient(loss, [weight.value for weight in weights]), weights)
        right = tf.argmax(given, axis=1) == tf.argmax(targets, axis=1)
        return loss, tf.reduce_mean(tf.cast(right, tf.float32))


def _graph(function: Any, *examples: Any) -> Any:
    """Compile for inputs like the examples, of any length; without AutoGraph, whose translation takes long."""
    signature = [tf.TensorSpec([None, *example.shape[1:]], example.dtype) for example in examples]
    return tf.function(function, input_signature=signature, autograph=False, jit_compile=False)
