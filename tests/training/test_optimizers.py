import numpy as np
import pytest

from digitwise.data.splits import split_validation
from digitwise.recipes import Recipe
from digitwise.training.backend import keras
from digitwise.training.fit import fit
from digitwise.training.optimizers import Adam, Muon, make_optimizer, orthogonalized
from tests.helpers import blobs


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", [(288, 64), (64, 288)], ids=["tall", "wide"])
def test_orthogonalized_matrix_keeps_its_directions_and_evens_their_sizes(shape, dtype):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=shape).astype(np.float32)
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    result = np.asarray(orthogonalized(keras.ops.convert_to_tensor(matrix), dtype), np.float32)
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


PLAIN = Recipe("quick", "for tests", "simple-cnn", epochs=1, batch_size=8, learning_rate=0.02)


@pytest.mark.parametrize(
    ("choice", "theirs"),
    [
        ({"optimizer": "sgd"}, lambda: keras.optimizers.SGD(0.02)),
        ({"optimizer": "sgd", "momentum": 0.9}, lambda: keras.optimizers.SGD(0.02, momentum=0.9)),
        (
            {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
            lambda: keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True),
        ),
        ({"optimizer": "rmsprop"}, lambda: keras.optimizers.RMSprop(0.02)),
        (
            {"optimizer": "rmsprop", "rho": 0.8, "momentum": 0.5},
            lambda: keras.optimizers.RMSprop(0.02, rho=0.8, momentum=0.5),
        ),
        ({"optimizer": "adam"}, lambda: keras.optimizers.Adam(0.02)),
        ({"optimizer": "adamw"}, lambda: keras.optimizers.AdamW(0.02)),
        ({"optimizer": "adamw", "weight_decay": 0.5}, lambda: keras.optimizers.AdamW(0.02, weight_decay=0.5)),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_optimizer_of_a_recipe_takes_the_steps_of_keras_own(choice, theirs):
    models = network(), network()
    for model, optimizer in zip(models, (make_optimizer(PLAIN.replace(**choice), "float32"), theirs()), strict=True):
        for _ in range(3):
            optimizer.apply(gradients(model), model.trainable_variables)
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_recipe_chooses_muon():
    assert type(make_optimizer(PLAIN.replace(optimizer="muon"), "float32")) is Muon


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
def test_training_by_each_optimizer_learns(optimizer):
    recipe = Recipe("quick", "", "simple-cnn", 6, 16, optimizer, learning_rate=0.05 if optimizer == "sgd" else 0.001)
    fitted = fit(recipe, split_validation(blobs(96, size=12), size=24))
    assert fitted.history[-1]["loss"] < 0.5 * fitted.history[0]["loss"]


def test_dropout_is_in_the_network_that_is_trained_and_in_the_one_that_is_saved():
    recipe = Recipe("quick", "", "simple-cnn", 2, 16, dropout=0.4)
    splits = split_validation(blobs(48, size=12), size=12)
    with_it, without = fit(recipe, splits), fit(recipe.replace(dropout=0.0), splits)
    layers = [layer for layer in with_it.model.layers if type(layer).__name__ == "Dropout"]
    assert [layer.rate for layer in layers] == [0.4]
    assert with_it.history[0]["loss"] != without.history[0]["loss"]
