import numpy as np
import pytest

from digitwise.training.backend import BACKEND, FusedBatchNormalization, keras

pytestmark = pytest.mark.skipif(BACKEND != "tensorflow", reason="the fused kernel is TensorFlow's")


def test_fused_normalisation_does_what_keras_does():
    batch = np.random.default_rng(0).normal(3, 2, (16, 5, 5, 4)).astype(np.float32)
    fused, plain = FusedBatchNormalization(momentum=0.9), keras.layers.BatchNormalization(momentum=0.9)
    np.testing.assert_allclose(fused(batch, training=True), plain(batch, training=True), atol=1e-4)
    np.testing.assert_allclose(fused.moving_mean, plain.moving_mean, rtol=1e-5)
    # TensorFlow divides by n - 1, Keras by n.
    np.testing.assert_allclose(fused.moving_variance, plain.moving_variance, rtol=1 / batch[..., 0].size)
    np.testing.assert_allclose(fused(batch, training=False), plain(batch, training=False), rtol=0.01, atol=0.01)
