"""Batch normalisation that is fast to train with.

Keras computes batch moments by separate passes over the activations, in float32 also where the layer is bfloat16.
TensorFlow has all of it in one kernel, forward and backward. Shipped models hold Keras' own layer with the same
weights.
"""

from __future__ import annotations

from typing import Any

from digitwise.training.backend import BACKEND, keras

MOMENTUM = 0.9  # of the moving averages: short, since a training has a few thousand steps only


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # keras comes without types
    """``keras.layers.BatchNormalization`` by TensorFlow's fused kernel, for inputs (b, h, w, c)."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise; in training by the batch's moments, which also go into the moving averages."""
        if not training or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma.value),
            offset=tf.convert_to_tensor(self.beta.value),
            mean=tf.zeros((0,)),
            variance=tf.zeros((0,)),
            epsilon=self.epsilon,
            is_training=True,
        )
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1 - keep))
        return outputs


def batch_norm(**settings: Any) -> Any:
    """A batch normalisation layer for training on this backend."""
    kind = FusedBatchNormalization if BACKEND == "tensorflow" else keras.layers.BatchNormalization
    return kind(momentum=MOMENTUM, **settings)
