"""Every network through one contract."""

import numpy as np
import pytest

from digitwise import models
from digitwise.training.backend import batch_norm


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.parametrize(("shape", "classes"), [((28, 28, 1), 10), ((20, 24, 3), 4)], ids=["digits", "colour"])
def test_network_gives_probabilities_in_float32(name, shape, classes):
    model = models.build(name, shape, classes, dtype="mixed_bfloat16")
    answer = np.asarray(model(np.random.default_rng(0).random((3, *shape), np.float32)))
    assert answer.shape == (3, classes)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", models.MODELS)
def test_weights_fit_whatever_the_precision_and_normalisation(name):
    trained = models.build(name, (28, 28, 1), 10, dtype="mixed_bfloat16", batch_norm=batch_norm)
    shipped = models.build(name, (28, 28, 1), 10)
    shapes = [[w.shape for w in model.get_weights()] for model in (trained, shipped)]
    assert shapes[0] == shapes[1]
    assert {w.dtype for w in trained.get_weights()} == {np.dtype(np.float32)}
