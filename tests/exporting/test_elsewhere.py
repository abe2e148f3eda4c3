"""Keras models from elsewhere as ONNX: the reader's answers are the model's own, however it takes its pixels."""

import keras
import numpy as np
import pytest
from keras import layers

from digitwise.errors import ExportError, ModelError, RunError
from digitwise.exporting.elsewhere import export_model
from digitwise.exporting.export import export
from digitwise.reading.foreign import known_digits
from digitwise.reading.reader import Reader
from tests.reading.strangers import linear_digits, logits_of, write_stranger

WEIGHTS, BIAS = linear_digits()
IMAGES = np.random.default_rng(0).integers(0, 256, (9, 28, 28), np.uint8)


def softmax(values):
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def network(*, shape=(28, 28, 1), before=(), activation=None, factor=1, added=0):
    """The linear model of digits, for pixels that are brought to 0 to 1 by a factor and an offset."""
    flat = [layers.Flatten()] if len(shape) > 1 or before else []
    dense = layers.Dense(10, activation=activation)
    model = keras.Sequential([keras.Input(shape), *before, *flat, dense])
    dense.set_weights([WEIGHTS * factor, BIAS + added * WEIGHTS.sum(axis=0)])
    return model


@pytest.mark.parametrize(
    ("how", "scale"),
    [
        ({"activation": "softmax"}, "0-1"),
        ({}, "0-1"),
        ({"factor": 1 / 255}, "0-255"),
        ({"factor": 0.5, "added": 0.5, "activation": "softmax"}, "centred"),
        ({"factor": 0.3081, "added": 0.1307}, "standardised"),
        ({"shape": (28, 28)}, "0-1"),
        ({"shape": (28, 28), "before": (layers.Reshape((28, 28, 1)),)}, "0-1"),
        ({"shape": (784,), "activation": "softmax"}, "0-1"),
        ({"shape": (784,), "before": (layers.Reshape((28, 28, 1)),)}, "0-1"),
        ({"before": (layers.Rescaling(1 / 255),)}, "0-255"),
    ],
    ids=[
        "probabilities",
        "logits",
        "0-255",
        "centred",
        "standardised",
        "no channels",
        "reshaped",
        "rows",
        "rows reshaped",
        "rescaled",
    ],
)
def test_the_reader_answers_as_the_model(tmp_path, how, scale):
    network(**how).save(tmp_path / "net.keras")
    export, found = export_model(tmp_path / "net.keras")
    assert (export.path, found.scale) == (tmp_path / "net.onnx", scale)
    assert export.policies == []
    reader = Reader(export.path)
    assert np.allclose(reader.probabilities(IMAGES), softmax(logits_of(IMAGES)), atol=1e-4)
    assert reader.model.card.document["elsewhere"]["scale"] == scale
    assert reader.model.understood is None


def test_layers_of_usual_networks_are_written(tmp_path):
    """Layers behind which the digits are still known, since the last of them has fitted weights."""
    keras.utils.set_random_seed(0)
    body = [
        layers.Conv2D(6, 5, padding="same"),
        layers.LeakyReLU(negative_slope=0.1),
        layers.AveragePooling2D(3, strides=2, padding="same"),
        layers.Conv2D(64, 7),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
    ]
    model = keras.Sequential([keras.Input((28, 28, 1)), *body, layers.Dense(10)])
    known = known_digits()
    features = np.asarray(keras.Sequential(body)(known.images[..., None] / np.float32(255)))
    rows = np.hstack([features, np.ones((len(features), 1), np.float32)])
    weights, *_ = np.linalg.lstsq(rows, 20 * (np.eye(10)[known.labels] - 0.1), rcond=None)
    model.layers[-1].set_weights([weights[:-1], weights[-1]])
    model.save(tmp_path / "net.h5")
    export, found = export_model(tmp_path / "net.h5", tmp_path / "other.onnx", input_scale="0-1")
    assert export.max_difference < 1e-4
    assert np.allclose(Reader(export.path).probabilities(IMAGES), found.probabilities(IMAGES), atol=1e-4)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (network(activation="sigmoid"), ExportError, "a model of independent probabilities cannot be written as ONNX"),
        (
            network(shape=(28, 28, 1), factor=-1),
            ExportError,
            r"expected a model of the digits 0 to 9, got .*net\.keras",
        ),
        (network(before=(layers.Reshape((1, 784)),)), ExportError, r"a change of shape from .* cannot be written"),
        (keras.Sequential([keras.Input((784,)), layers.Dense(3)]), ModelError, "expected outputs of shape"),
    ],
    ids=["sigmoid", "no digits", "layer", "classes"],
)
def test_what_cannot_be_written_is_told_and_nothing_is(tmp_path, model, error, message):
    model.save(tmp_path / "net.keras")
    with pytest.raises(error, match=message):
        export_model(tmp_path / "net.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["net.keras"]


def test_onnx_is_read_as_it_is(tmp_path):
    path = write_stranger(tmp_path / "net.onnx")
    with pytest.raises(ExportError, match=r"Reader \(read --model\) takes it as it is"):
        export_model(path)


def test_the_public_export_takes_a_model_too(tmp_path):
    network().save(tmp_path / "net.keras")
    assert export(tmp_path / "net.keras", input_scale="0-1").path == tmp_path / "net.onnx"
    with pytest.raises(ExportError, match="format: expected onnx for a model that is no run"):
        export(tmp_path / "net.keras", "saved-model")
    with pytest.raises(RunError, match=r"typo\.keras: expected a model or a run folder, got no such file"):
        export(tmp_path / "typo.keras")


def test_a_file_of_ones_own_stays(tmp_path):
    network().save(tmp_path / "net.keras")
    (tmp_path / "net.onnx").write_bytes(b"mine")
    with pytest.raises(ExportError, match=r"net\.onnx"):
        export_model(tmp_path / "net.keras")
    assert (tmp_path / "net.onnx").read_bytes() == b"mine"
