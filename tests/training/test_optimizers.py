import numpy as np
import pytest

from digitwise.recipes import Recipe
from digitwise.training.backend import keras
from digitwise.training.optimizers import Adam, Muon, make_optimizer, orthogonalized


@pytest.mark.parametrize("shape", [(288, 64), (64, 288)], ids=["tall", "wide"])
def test_orthogonalized_matrix_keeps_its_directions_and_evens_their_sizes(shape):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=shape).astype(np.float32)
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    result = np.asarray(orthogonalized(keras.ops.convert_to_tensor(matrix)), np.float32)
    gains = np.diag(left.T @ result @ right.T)
    assert sizes.max() / sizes.min() > 2
    assert 0.5 < gains.min() < gains.max() < 1.4
    assert np.linalg.norm(result - (left * gains) @ right) < 0.1 * np.linalg.norm(result)


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Conv2D(12, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax", name="probabilities"),
        ]
    )


def gradients(model):
    rng = np.random.default_rng(0)
    return [keras.ops.convert_to_tensor(rng.normal(size=v.shape).astype(np.float32)) for v in model.trainable_variables]


def test_our_adam_takes_the_steps_of_keras_adam():
    ours, theirs = network(), network()
    optimizers = Adam(0.01, beta_1=0.8, beta_2=0.95), keras.optimizers.Adam(0.01, beta_1=0.8, beta_2=0.95)
    for model, optimizer in zip((ours, theirs), optimizers, strict=True):
        for _ in range(3):
            optimizer.apply(gradients(model), model.trainable_variables)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_muon_moves_hidden_kernels_only_and_leaves_the_rest_to_adam():
    muon, adam = network(), network()
    Muon(0.01, muon_ratio=5, momentum=0.8).apply(gradients(muon), muon.trainable_variables)
    Adam(0.01).apply(gradients(adam), adam.trainable_variables)
    same = [np.allclose(a, b, atol=1e-6) for a, b in zip(muon.get_weights(), adam.get_weights(), strict=True)]
    # First kernel and bias, hidden kernel and bias, last kernel and bias: only the hidden kernel has 100 inputs or more
    # and is not the last.
    assert same == [True, True, False, True, True, True]


def test_recipe_chooses_its_optimizer():
    recipe = Recipe("quick", "for tests", "simple-cnn", epochs=1, batch_size=8)
    assert type(make_optimizer(recipe)) is Adam
    assert type(make_optimizer(recipe.replace(optimizer="muon"))) is Muon
