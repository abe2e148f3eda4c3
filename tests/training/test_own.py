"""A network of one's own: checked before the training, trained as ours, and kept in a run like any other."""

import numpy as np
import pytest

import digitwise
from digitwise.data.splits import split_validation
from digitwise.errors import RecipeError
from digitwise.models import own
from digitwise.recipes import Recipe
from digitwise.runs import Run
from digitwise.training.backend import BACKEND, batch_norm, keras
from digitwise.training.fit import fit
from digitwise.training.improve import fixed
from digitwise.training.options import FitOptions
from digitwise.training.pool import Processes
from digitwise.training.predict import predict
from digitwise.training.saving import load_model
from digitwise.training.trainer import build
from digitwise.training.watch import Watch
from digitwise.workflows.train import with_network

pytestmark = pytest.mark.usefixtures("undrawn")

kl = keras.layers
SHAPE = (28, 28, 1)
RECIPE = Recipe("mine", "for tests", "simple-cnn", epochs=2, batch_size=16)


def with_softmax(input_shape, n_classes):
    return keras.Sequential(
        [
            keras.Input(input_shape),
            kl.Conv2D(8, 3, strides=2),
            kl.BatchNormalization(),
            kl.ReLU(),
            kl.Flatten(),
            kl.Dropout(0.2),
            kl.Dense(n_classes, activation="softmax"),
        ]
    )


def with_logits(input_shape, n_classes):
    images = keras.Input(input_shape)
    x = kl.Conv2D(8, 3, strides=2, activation="relu")(images)
    x = kl.Add()([x, kl.Conv2D(8, 1)(x)])
    x = kl.GlobalAveragePooling2D()(x)
    return keras.Model(images, kl.Dense(n_classes)(x))


def convolutional(input_shape, n_classes):
    layers = [kl.Conv2D(8, 5, strides=4, activation="relu"), kl.Conv2D(n_classes, 3), kl.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input(input_shape), *layers])


def nested(input_shape, n_classes):
    inner = keras.Sequential([keras.Input(input_shape), kl.Conv2D(4, 3, strides=3), kl.Flatten()])
    return keras.Sequential([keras.Input(input_shape), inner, kl.Dense(n_classes)])


@pytest.mark.parametrize(
    "network", [with_softmax, with_logits, convolutional, nested], ids=lambda function: function.__name__
)
def test_run_of_ones_own_network_is_a_run_like_any_other(network, tmp_path, small):
    run = digitwise.train(RECIPE, small, model=network, out=tmp_path / "run")
    assert run.name == f"mine-{network.__name__}"
    assert run.info["recipe"]["model"] == network.__name__
    assert run.info["recipe"]["purpose"].endswith(f"with {network.__name__}, a network from outside")
    loaded = load_model(run.path)
    answers = run.predictions("test").probabilities
    np.testing.assert_allclose(predict(loaded, small.test).probabilities, answers, atol=1e-6)
    assert run.features().shape[0] == 30
    assert {policy.name for policy in [loaded.layers[-1].dtype_policy]} == {"float32"}
    assert digitwise.export(run).max_difference < 1e-4
    again = Recipe.from_dict(run.info["recipe"])
    assert build(again, small.train).count_params() == run.info["parameters"]


def test_default_folder_is_not_that_of_the_recipes_own_network(tmp_path, small, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert digitwise.train(RECIPE, small, model=with_softmax).path == tmp_path / "results/mine-with_softmax"


@pytest.mark.parametrize(
    "given", [with_softmax, lambda: with_softmax(SHAPE, 3), with_logits], ids=["2", "0", "functional"]
)
def test_description_is_the_same_however_many_networks_were_made_before(given):
    one, other = (own.described(given, SHAPE, 3) for _ in range(2))
    assert one == other


def test_keras_model_is_taken_as_its_function_is():
    name, layers = own.described(with_softmax(SHAPE, 3), SHAPE, 3)
    assert name == "sequential"
    assert layers == own.described(lambda: with_softmax(SHAPE, 3), SHAPE, 3)[1].replace('"own"', '"sequential"')


def test_compiled_model_is_trained_as_the_recipe_says(small):
    model = with_softmax(SHAPE, 3)
    model.compile("sgd", "categorical_crossentropy")
    recipe = with_network(RECIPE, model, small)
    assert recipe.optimizer == "adam"
    assert "compile" not in recipe.layers.replace('"compile_config": {}', "")


def test_weights_come_from_the_seed_alone(small):
    recipe = with_network(RECIPE.replace(epochs=1), with_softmax, small)
    splits = split_validation(small.train, size=12)
    one, same, other = (
        fit(recipe, splits, FitOptions(seed, precision="float32", deterministic=True)).model.get_weights()
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_network_is_trained_in_the_precision_and_with_the_layers_of_ours():
    _, layers = own.described(with_softmax, SHAPE, 3)
    network = own.built(layers, dtype="mixed_bfloat16", batch_norm=batch_norm)
    assert [layer.dtype_policy.name for layer in network.layers] == ["mixed_bfloat16"] * 5 + ["float32"]
    assert type(network.layers[1]).__name__ == (
        "FusedBatchNormalization" if BACKEND == "tensorflow" else "BatchNormalization"
    )
    assert network.layers[1].momentum == 0.9
    shapes = [weight.shape for weight in network.get_weights()]
    assert shapes == [weight.shape for weight in own.built(layers).get_weights()]


def test_momentum_that_was_chosen_stays():
    layers = own.described(sequential(lambda: kl.BatchNormalization(momentum=0.7), kl.Flatten, head()), SHAPE, 3)[1]
    network = own.built(layers, batch_norm=batch_norm)
    assert network.layers[0].momentum == 0.7


def test_logits_become_probabilities_in_float32():
    _, layers = own.described(with_logits, SHAPE, 3)
    network = own.built(layers, dtype="mixed_bfloat16")
    answers = np.asarray(network(np.zeros((2, *SHAPE), np.float32)))
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
    assert [layer.dtype_policy.name for layer in network.layers[-2:]] == ["float32"] * 2


def test_penalty_on_weights_is_part_of_the_loss(small):
    def penalised(input_shape, n_classes):
        head = kl.Dense(n_classes, activation="softmax", kernel_regularizer=keras.regularizers.L2(10.0))
        return keras.Sequential([keras.Input(input_shape), kl.Flatten(), head])

    recipe = with_network(RECIPE.replace(epochs=30), penalised, small)
    fitted = fit(recipe, split_validation(small.train, size=12))
    assert np.linalg.norm(fitted.model.get_weights()[0]) < 0.6  # it begins with 1.9
    assert fitted.history[0]["loss"] > fitted.history[0]["val_loss"]  # which has no penalty


class Interrupt(Watch):
    def on_epoch(self, row, share):
        if row["epoch"] == 2:
            raise KeyboardInterrupt


def test_interrupted_training_is_resumed_with_a_network_made_anew(tmp_path, small):
    recipe = RECIPE.replace(epochs=3)
    options = {"model": with_softmax, "out": tmp_path / "run"}
    with pytest.raises(KeyboardInterrupt):
        digitwise.train(recipe, small, **options, watch=Interrupt())
    resumed = []

    class Seen(Watch):
        def on_resume(self, epochs):
            resumed.append(epochs)

    run = digitwise.train(recipe, small, **options, resume=True, watch=Seen())
    assert resumed == [1]
    assert len(run.history) == 3
    again = digitwise.train(recipe, small, **options, resume=True)
    assert again.info["created"] == run.info["created"]


def test_ensemble_of_ones_own_network_is_averaged(tmp_path, small):
    recipe = RECIPE.replace(members=2, test_shifts=True, epochs=1)
    run = digitwise.train(recipe, small, model=with_logits, out=tmp_path / "run")
    assert Run.open(run.path).info["parameters"] > 0
    assert run.features().shape == (30, 8)


def test_run_of_ones_own_network_can_be_fixed(small):
    from digitwise.evaluation.fixes import Fix

    recipe = with_network(RECIPE, with_softmax, small)
    assert fixed(recipe, Fix(("rotation_range",), (), "wider")).layers == recipe.layers


@pytest.mark.slow
def test_other_processes_build_it_from_its_layers(small):
    recipe = with_network(RECIPE.replace(members=2, epochs=1), with_logits, small)
    fitted = fit(recipe, split_validation(small.train, size=12), pool=Processes(2, 1))
    assert len(fitted.history) == 2


def test_file_of_ones_own_is_run_and_may_import_what_lies_beside_it(tmp_path):
    (tmp_path / "beside.py").write_text("UNITS = 5\n")
    (tmp_path / "net.py").write_text(
        "import beside, keras\n"
        "def create(input_shape, n_classes):\n"
        "    layers = keras.layers\n"
        "    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(beside.UNITS),\n"
        "                             layers.Dense(n_classes, activation='softmax')])\n"
    )
    name, layers = own.described(f"{tmp_path}/net.py:create", SHAPE, 3)
    assert name == "net.create"
    assert own.built(layers).layers[1].units == 5


def sequential(*layers, shape=SHAPE):
    return lambda: keras.Sequential([keras.Input(shape), *(make() for make in layers)])


class Subclassed(keras.Model):
    def call(self, images):
        return images


@keras.saving.register_keras_serializable("tests")
class Registered(kl.Layer):
    def call(self, images):
        return images * 2


class Unknown(kl.Layer):
    def call(self, images):
        return images * 2


def two_inputs():
    inputs = [keras.Input(SHAPE), keras.Input(SHAPE)]
    return keras.Model(inputs, kl.Dense(3)(kl.Flatten()(kl.Add()(inputs))))


def frozen():
    model = with_softmax(SHAPE, 3)
    model.layers[0].trainable = False
    return model


def trained():
    model = with_softmax(SHAPE, 3)
    model.compile("adam", "categorical_crossentropy")
    model.train_on_batch(np.zeros((2, *SHAPE), np.float32), np.eye(3, dtype=np.float32)[:2])
    return model


def head(**settings):
    return lambda: kl.Dense(3, **settings)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (sequential(kl.Flatten, head(), shape=(28, 28, 3)), r"expected an input of \(28, 28, 1\), got \(28, 28, 3\)"),
        (sequential(head(), shape=(784,)), r"got \(784,\); begin with keras.layers.Flatten\(\)"),
        (
            sequential(kl.Flatten, lambda: kl.Dense(10)),
            r"expected an output of \(3,\).*got \(10,\); end with keras.layers.Dense\(3",
        ),
        (sequential(lambda: kl.Conv2D(3, 3)), r"expected an output of \(3,\).*got \(26, 26, 3\)"),
        (
            sequential(kl.Flatten, head(activation="sigmoid")),
            "expected probabilities .softmax. or logits .*, got sigmoid",
        ),
        (sequential(kl.Flatten, head(activation="relu")), "or logits .no activation., got relu; change the last layer"),
        (two_inputs, "expected one input and one output"),
        (Subclassed, "expected a Sequential or functional model, got a Subclassed"),
        (frozen, "expected layers that can be trained, got conv2d.*frozen; .*start_from"),
        (trained, "expected an untrained network, got one trained for 1 steps; .*start_from"),
        (
            sequential(lambda: kl.Lambda(lambda x: x * 2), kl.Flatten, head()),
            "expected layers that Keras can load without",
        ),
        (sequential(Unknown, kl.Flatten, head()), "expected layers that Keras can load without code of yours"),
        (lambda a, b, c: None, "expected a model for .* got TypeError"),
        (lambda: 1 / 0, "got ZeroDivisionError: division by zero; fix it"),
        (lambda: "net", "expected a Sequential or functional model, got a str"),
        (3, "model: expected a Keras model or a function that makes one, got int"),
        ("net.py", "model: expected FILE.py:FUNCTION, got 'net.py'"),
        ("none.py:create", "model: expected a Python file, got none.py, which is none"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_network_that_cannot_be_trained_is_refused_before_the_training(network, words):
    with pytest.raises(RecipeError, match=words) as caught:
        own.described(network, SHAPE, 3)
    assert "\n" not in str(caught.value)


def test_layer_that_is_registered_here_can_be_used():
    name, layers = own.described(sequential(Registered, kl.Flatten, head()), SHAPE, 3)
    assert "Registered" in layers
    assert name == "own"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def other(): pass", r"net\.py: expected a function create, got other; name one of its functions"),
        ("import nothing_of_this_name", r"net\.py: expected a file that runs, got ModuleNotFoundError"),
    ],
    ids=["function", "import"],
)
def test_file_without_the_function_is_told(text, words, tmp_path):
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(RecipeError, match=words):
        own.described(f"{tmp_path / 'net.py'}:create", SHAPE, 3)


def test_recipe_that_names_an_unknown_network_is_refused(small):
    with pytest.raises(RecipeError, match=r"model: expected one of simple-cnn.* got 'lenet'; .*--model"):
        fit(RECIPE.replace(model="lenet"), split_validation(small.train, size=12))
