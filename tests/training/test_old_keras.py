"""Models of Keras 1 and 2 answer as a forward pass by hand does, or the layer that cannot be loaded is named."""

import json
import os
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from digitwise.errors import RunError
from digitwise.training.saving import load_model
from tests.training.forward import convolved, forward, normalized, pooled, relu, softmax

PAIR = Path(os.environ.get("DIGITWISE_DATA", "")) / "cases" / "keras230_pair"


def weights(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape, scale=0.3).astype(np.float32)


def write(folder, layers, arrays, *, version="1.2.2", backend=None, config=None, whole=False):
    """Write what a Keras of this version does; ``arrays`` has the weights of each layer by its name."""
    document = {"class_name": "Sequential", "config": layers if config is None else config, "keras_version": version}
    with h5py.File(folder / "model.h5", "w") as file:
        group = file.create_group("model_weights") if whole else file
        for key, value in {"keras_version": version, "backend": backend}.items():
            if value is not None:
                file.attrs[key] = value.encode()
        names = [layer["config"]["name"] for layer in layers if isinstance(layer, dict)]
        group.attrs["layer_names"] = np.array([name.encode() for name in names])
        for name in names:
            own = group.create_group(name)
            stored = [f"{name}_{number}" for number in range(len(arrays.get(name, ())))]
            own.attrs["weight_names"] = np.array([each.encode() for each in stored], dtype="S64")
            for each, array in zip(stored, arrays.get(name, ()), strict=True):
                own[each] = array
        if whole:
            file.attrs["model_config"] = json.dumps(document).encode()
    if not whole:
        (folder / "model.json").write_text(json.dumps(document))
    return folder


def layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}


def answers(model, images):
    return np.asarray(model.predict_on_batch(images))


@pytest.mark.skipif(not PAIR.is_dir(), reason="not at hand: DIGITWISE_DATA/cases")
def test_the_exercises_pair_of_keras_2_3_answers_as_its_weights_do(mnist):
    images = mnist.test.images[:50, ..., None].astype(np.float32) / 255
    layers = json.loads((PAIR / "model.json").read_text())["config"]["layers"]
    with h5py.File(PAIR / "model.weights.h5") as file:
        told = answers(load_model(PAIR), images)
        assert np.allclose(told, forward(layers, file, images), atol=1e-5)
    assert np.array_equal(told.argmax(axis=1), mnist.test.labels[:50])


KERNEL, BIAS = weights(4, 1, 3, 5), weights(4)  # Theano's order: filter, channel, row, column
SCALE = [np.abs(weights(4)) + 0.5, weights(4) + 1, weights(4) - 1, np.abs(weights(4)) + 0.1]
HIDDEN = [weights(4 * 4 * 2, 10), weights(10)]


def keras_1(ordering, shape):
    """The layers of a network of Keras 1 for images of 12x12."""
    images = {"nb_row": 3, "nb_col": 5, "dim_ordering": ordering}
    return [
        layer("ZeroPadding2D", "zeropadding2d_1", batch_input_shape=shape, padding=[1, 0], dim_ordering=ordering),
        layer("Convolution2D", "convolution2d_1", nb_filter=4, subsample=[1, 1], border_mode="valid", bias=True,
              activation="linear", init="glorot_uniform", **images),
        layer("BatchNormalization", "batchnormalization_1", axis=1 if ordering == "th" else -1, mode=0, epsilon=1e-3),
        layer("LeakyReLU", "leakyrelu_1", alpha=0.2),
        layer("MaxPooling2D", "maxpooling2d_1", pool_size=[3, 2], strides=[3, 4], border_mode="valid",
              dim_ordering=ordering),
        layer("Dropout", "dropout_1", p=0.5),
        layer("Flatten", "flatten_1"),
        layer("Dense", "dense_1", output_dim=10, activation="linear", bias=True, W_regularizer=None),
        layer("Activation", "activation_1", activation="softmax"),
    ]  # fmt: skip


def by_hand(images, *, turned, channels_first):
    """The answers of :func:`keras_1` about images (n, 12, 12, 1), in NumPy."""
    kernel = KERNEL.transpose(2, 3, 1, 0)  # (3, 5, 1, 4)
    maps = np.pad(images, ((0, 0), (1, 1), (0, 0), (0, 0)))
    maps = normalized(convolved(maps, kernel[::-1, ::-1] if turned else kernel) + BIAS, *SCALE, 1e-3)
    maps = pooled(np.where(maps > 0, maps, 0.2 * maps), (3, 2), (3, 4))  # (n, 4, 2, 4)
    flat = (maps.transpose(0, 3, 1, 2) if channels_first else maps).reshape(len(images), -1)
    return softmax(flat @ HIDDEN[0] + HIDDEN[1])


@pytest.mark.parametrize("whole", [False, True], ids=["pair", "whole model"])
@pytest.mark.parametrize(
    ("ordering", "backend"),
    [("th", "theano"), ("th", "tensorflow"), ("tf", "tensorflow"), ("tf", "theano"), ("tf", None)],
)
def test_keras_1_models_answer_as_by_hand(tmp_path, ordering, backend, whole):
    images = np.random.default_rng(1).random((6, 12, 12, 1), np.float32)
    first = ordering == "th"
    kernel = KERNEL if first else KERNEL.transpose(2, 3, 1, 0)
    arrays = {"convolution2d_1": [kernel, BIAS], "batchnormalization_1": SCALE, "dense_1": HIDDEN}
    shape = [None, 1, 12, 12] if first else [None, 12, 12, 1]
    model = load_model(write(tmp_path, keras_1(ordering, shape), arrays, backend=backend, whole=whole))
    assert np.allclose(
        answers(model, images), by_hand(images, turned=backend == "theano", channels_first=first), atol=1e-5
    )


def test_channels_first_without_a_backend_is_taken_for_theano_and_told(tmp_path):
    images = np.random.default_rng(1).random((2, 12, 12, 1), np.float32)
    arrays = {"convolution2d_1": [KERNEL, BIAS], "batchnormalization_1": SCALE, "dense_1": HIDDEN}
    write(tmp_path, keras_1("th", [None, 1, 12, 12]), arrays)
    with pytest.warns(UserWarning, match="did not write its backend; with channels first it is taken for Theano"):
        model = load_model(tmp_path)
    assert np.allclose(answers(model, images), by_hand(images, turned=True, channels_first=True), atol=1e-5)


def test_reshaped_rows_and_keras_2s_own_order_in_flatten(tmp_path):
    """Flat rows to maps, channels first, and a Flatten that puts the channels last, as since Keras 2.2.3."""
    kernel, dense = weights(3, 3, 1, 2), weights(5 * 5 * 2, 10)
    first = {"data_format": "channels_first"}
    layers = [
        layer("Reshape", "reshape_1", batch_input_shape=[None, 49], target_shape=[1, 7, 7]),
        layer("Conv2D", "conv2d_1", filters=2, kernel_size=[3, 3], activation="relu", use_bias=False, **first),
        layer("Flatten", "flatten_1", **first),
        layer("Dense", "dense_1", units=10, use_bias=False, activation="softmax"),
    ]
    write(tmp_path, layers, {"conv2d_1": [kernel], "dense_1": [dense]}, version="2.3.1", backend="tensorflow")
    rows = np.random.default_rng(2).random((3, 49), np.float32)
    maps = relu(convolved(rows.reshape(3, 7, 7, 1), kernel))
    assert np.allclose(answers(load_model(tmp_path), rows), softmax(maps.reshape(3, -1) @ dense), atol=1e-5)


def test_a_functional_model_of_layers_in_a_row_loads_under_any_name(tmp_path):
    kernel = weights(3, 3, 1, 10)
    layers = [
        layer("InputLayer", "input_1", batch_input_shape={"class_name": "__tuple__", "items": [None, 9, 9, 1]}),
        layer("Conv2D", "conv2d", filters=10, kernel_size=[3, 3], strides=[2, 2], padding="same", use_bias=False),
        layer("GlobalAveragePooling2D", "mean"),
        layer("Softmax", "softmax", axis=-1),
    ]
    before = [[], *([[[name, 0, 0, {}]]] for name in ("input_1", "conv2d", "mean"))]
    chain = [
        {**each, "name": each["config"]["name"], "inbound_nodes": nodes}
        for each, nodes in zip(layers, before, strict=True)
    ]
    write(tmp_path, chain, {"conv2d": [kernel]}, version="2.4.0", config={"name": "model", "layers": chain})
    document = json.loads((tmp_path / "model.json").read_text()) | {"class_name": "Functional"}
    (tmp_path / "model.json").unlink()
    (tmp_path / "net.json").write_text(json.dumps(document))
    (tmp_path / "model.h5").rename(tmp_path / "net.h5")
    images = np.random.default_rng(3).random((2, 9, 9, 1), np.float32)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = softmax(convolved(padded, kernel)[:, ::2, ::2].mean(axis=(1, 2)))
    for name in ("net.json", "net.h5"):
        assert np.allclose(answers(load_model(tmp_path / name), images), expected, atol=1e-5)


INPUT = {"batch_input_shape": [None, 6]}


@pytest.mark.parametrize(
    ("layers", "version", "message"),
    [
        ([layer("Lambda", "lambda_1", function="x", **INPUT)], "1.1.0", r"Lambda 'lambda_1' of Keras 1\.1\.0: this"),
        ([layer("MaxoutDense", "m", **INPUT)], "1.2.0", r"MaxoutDense 'm' of Keras 1\.2\.0: this kind of layer cannot"),
        ([layer("Strange", "s", **INPUT)], "2.2.4", r"Strange 's' of Keras 2\.2\.4: this kind of layer cannot"),
        ([layer("Activation", "a", activation="hard_sigmoid", **INPUT)], "2.3.0", "activation hard_sigmoid cannot"),
        ([layer("BatchNormalization", "b", mode=2, **INPUT)], "1.0.0", "Keras 1.0.0: the mode 2 cannot be loaded"),
        ([layer("Dense", "d", units=3, **INPUT)], "2.1.0", r"expected weights of shape \(6, 3\), got none"),
        ([layer("Dense", "d", units=3 * 10**9, **INPUT)], "2.1.0", r"of shape \(6, 3000000000\), got none"),
        ([layer("Dense", "d", units=3, **INPUT), 7], "2.1.0", "expected layers with class_name and config, got 7"),
        ([layer("Dropout", "d", rate=0.1)], "2.1.0", "expected batch_input_shape"),
        ([layer("Flatten", "f", **INPUT), layer("MaxPooling2D", "p")], "2.1.0", "MaxPooling2D 'p' .* does not fit"),
    ],
    ids=["lambda", "keras 1", "keras 2", "sigmoid", "mode", "weights", "too large", "no layer", "no shape", "no maps"],
)  # fmt: skip
def test_what_cannot_be_loaded_is_named(tmp_path, layers, version, message):
    with pytest.raises(RunError, match=message) as caught:
        load_model(write(tmp_path, layers, {}, version=version))
    assert "\n" not in str(caught.value)


def test_weights_in_another_file_are_not_followed(tmp_path):
    layers = [layer("Dense", "d", units=3, use_bias=False, **INPUT)]
    write(tmp_path, layers, {"d": [weights(6, 3)]}, version="2.3.0")
    (tmp_path / "other").mkdir()
    with h5py.File(tmp_path / "other" / "secret.h5", "w") as file:
        file["d_0"] = weights(6, 3)
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        del file["d/d_0"]
        file["d/d_0"] = h5py.ExternalLink(str(tmp_path / "other" / "secret.h5"), "d_0")
    with pytest.raises(RunError, match="expected the weights 'd_0' in this file"):
        load_model(tmp_path)


def test_weights_alone_need_their_layers(tmp_path):
    write(tmp_path, [layer("Dense", "d", units=3, **INPUT)], {"d": [weights(6, 3), weights(3)]})
    (tmp_path / "model.json").unlink()
    with warnings.catch_warnings(), pytest.raises(RunError, match=r"the layers of these weights in model\.json beside"):
        load_model(tmp_path / "model.h5")
