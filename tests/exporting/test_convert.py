"""Every network of the family as ONNX: it answers as in Keras."""

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers as kl

from digitwise import models
from digitwise.data.prepare import to_input
from digitwise.errors import ExportError
from digitwise.exporting.convert import convert
from digitwise.exporting.export import keras_answers
from digitwise.exporting.graph import folded
from digitwise.exporting.parity import drawings

CLASSES = 4


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def lived(model, *, seed=0, least=-1.5):
    """The model with weights as a training could leave them: no bias and no normalisation stays as it began."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if hasattr(layer, "layers"):
            lived(layer, seed=seed + 1, least=least)
        elif isinstance(layer, kl.BatchNormalization):
            n = layer.moving_mean.shape[0]
            layer.set_weights([rng.uniform(*span, n) for span in ((least, 1.5), (-0.3, 0.3), (-0.1, 0.1), (0.2, 1.0))])
        elif getattr(layer, "bias", None) is not None:
            layer.bias.assign(rng.normal(size=layer.bias.shape) * 0.1)
    return model


def asked(converted, images):
    session = onnxruntime.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"images": images})[0]


def kinds(converted):
    return [node.op_type for node in converted.graph.node]


def agrees(model, shape, temperature=1.0):
    images = drawings(30, shape)
    expected = keras_answers(model, temperature)(images)
    assert np.ptp(expected, axis=0).max() > 1e-3  # a network that always says the same would prove nothing
    np.testing.assert_allclose(asked(convert(model, temperature), images), expected, atol=1e-5)


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.parametrize("side", [28, 8])
@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "colour"])
def test_network_predicts_as_in_keras(name, side, channels):
    shape = (side, side, channels)
    agrees(lived(models.build(name, shape, CLASSES)), shape)


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("shifts", [False, True], ids=["plain", "shifted"])
def test_ensemble_predicts_as_in_keras(name, shape, shifts):
    members = [models.build(name, shape, CLASSES) for _ in range(2)]
    agrees(lived(models.averaged(members, shifts=shifts)), shape)


def test_ensemble_of_two_kinds_predicts_as_in_keras():
    members = [models.build(name, (28, 28, 1), CLASSES) for name in ("compact-cnn", "deep-cnn")]
    agrees(lived(models.averaged(members, shifts=True)), (28, 28, 1))


def test_height_and_width_are_not_mixed_up():
    agrees(lived(models.build("compact-cnn", (20, 26, 3), CLASSES)), (20, 26, 3))


def test_views_of_a_shifted_ensemble_share_their_weights():
    network = models.build("flash-cnn", (28, 28, 1), CLASSES)
    single = convert(network).ByteSize()
    assert convert(models.averaged([network], shifts=True)).ByteSize() < single + 20_000


def test_normalisation_is_folded_behind_pooling_if_its_scales_are_positive():
    model = lived(models.build("compact-cnn", (28, 28, 1), CLASSES), least=0.5)
    assert "Add" not in kinds(convert(model))
    agrees(model, (28, 28, 1))
    assert kinds(convert(lived(model, least=-1.5))).count("Add") == 1


def test_normalisation_behind_an_activation_is_not_folded():
    convolution, norm = kl.Conv2D(3, 3, activation="relu"), kl.BatchNormalization()
    model = lived(
        keras.Sequential([keras.Input((8, 8, 1)), convolution, norm, kl.Flatten(), kl.Dense(2, activation="softmax")])
    )
    assert [step.kind for step in folded(model.layers)] == ["Conv2D", "BatchNormalization", "Flatten", "Dense"]
    agrees(model, (8, 8, 1))


def test_features_keep_their_order_through_layers_after_flatten():
    model = keras.Sequential(
        [
            keras.Input((9, 8, 3)),
            kl.ZeroPadding2D(((0, 1), (2, 0))),
            kl.Conv2D(4, (3, 2), strides=(2, 1), padding="same", dilation_rate=1),
            kl.Cropping2D(((1, 0), (0, 2))),
            kl.MaxPooling2D((3, 2), strides=2, padding="same"),
            kl.Flatten(),
            kl.BatchNormalization(),
            kl.Activation("tanh"),
            kl.Dropout(0.5),
            kl.Dense(CLASSES),
            kl.Activation("softmax"),
        ]
    )
    agrees(lived(model), (9, 8, 3))


def test_softmax_may_be_a_layer_of_its_own():
    agrees(lived(keras.Sequential([keras.Input((8, 8, 1)), kl.Flatten(), kl.Dense(CLASSES), kl.Softmax()])), (8, 8, 1))


@pytest.mark.parametrize("temperature", [0.4, 2.5])
def test_temperature_is_included(temperature):
    model = lived(models.build("flash-cnn", (8, 8, 1), CLASSES))
    agrees(model, (8, 8, 1), temperature)
    images = drawings(5, (8, 8, 1))
    logits = np.log(np.asarray(model(to_input(images)))) / temperature
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(asked(convert(model, temperature), images), expected, atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 7, 100])
def test_any_number_of_images_is_taken(n):
    answers = asked(convert(models.build("flash-cnn", (8, 8, 1), CLASSES)), np.zeros((n, 8, 8), np.uint8))
    assert answers.shape == (n, CLASSES)
    assert answers.dtype == np.float32


def test_stored_images_need_no_transposition():
    converted = convert(models.build("compact-cnn", (28, 28, 1), CLASSES))
    assert "Transpose" not in kinds(converted)
    (source,) = converted.graph.input
    assert [d.dim_param or d.dim_value for d in source.type.tensor_type.shape.dim] == ["n", 28, 28]


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (lambda: kl.GlobalMaxPooling2D(name="odd"), "a layer of the kind GlobalMaxPooling2D"),
        (lambda: kl.Conv2D(2, 3, activation="gelu", name="odd"), "the activation gelu"),
        (lambda: kl.ReLU(max_value=6, name="odd"), "a ReLU with a slope"),
        (lambda: kl.Dense(2, name="odd"), r"a dense layer over \(8, 8, 1\)"),
        (lambda: kl.BatchNormalization(axis=1, name="odd"), "a normalisation of another axis than the last"),
        (lambda: kl.Activation("softmax", name="odd"), "the activation softmax"),
        (lambda: kl.Softmax(name="odd"), r"a softmax over axis -1 of \(8, 8, 1\)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unsupported_layer_is_named(layer, what):
    head = [kl.Flatten(), kl.Dense(2, activation="softmax")]
    behind = head[1:] if layer().__class__ is kl.GlobalMaxPooling2D else head
    with pytest.raises(ExportError, match=f"layer odd: {what}"):
        convert(keras.Sequential([keras.Input((8, 8, 1)), layer(), *behind]))


def test_model_without_one_row_for_an_image_is_refused():
    with pytest.raises(ExportError, match="expected one row of probabilities for an image"):
        convert(keras.Sequential([keras.Input((8, 8, 1)), kl.Conv2D(2, 3)]))
