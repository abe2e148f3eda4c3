"""A model that digitwise did not make is understood by what it says of known digits, or refused in one line."""

import pickle

import numpy as np
import pytest

from digitwise.errors import ModelError
from digitwise.images import ImageSet
from digitwise.reading.foreign import (
    SCALES,
    SIXTEENTHS,
    Foreign,
    as_probabilities,
    from_session,
    guarded,
    kind_of,
    known_digits,
)
from digitwise.reading.model import Model, model_content, session_of
from digitwise.reading.reader import Reader
from tests.reading.strangers import logits_of, write_stranger
from tests.templates import printed

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 28, 28), np.uint8)


def opened(path):
    return from_session(session_of(*model_content(path)), str(path))


def softmax(values):
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("scale", [scale for scale in SCALES if scale != SIXTEENTHS])
@pytest.mark.parametrize("ends", [(), ("Softmax",)], ids=["logits", "probabilities"])
def test_the_scaling_is_found(tmp_path, scale, ends):
    found = opened(write_stranger(tmp_path / "net.onnx", scale=scale, ends=ends)).understood(known_digits())
    assert (found.scale, found.outputs) == (scale, "probabilities" if ends else "logits")
    assert found.right > 0.9
    assert np.allclose(found.probabilities(IMAGES), softmax(logits_of(IMAGES)), atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((28, 28, 1), "channels last"),
        ((1, 28, 28), "channels first"),
        ((28, 28), "without channels"),
        ((784,), "flat rows"),
        (("h", "w", 1), "channels last"),
        ((1, "h", "w"), "channels first"),
    ],
)
def test_the_layout_is_found(tmp_path, shape, layout):
    found = opened(write_stranger(tmp_path / "net.onnx", shape=shape)).understood(known_digits())
    assert (found.layout, found.scale) == (layout, "0-1")
    assert np.allclose(found.probabilities(IMAGES), softmax(logits_of(IMAGES)), atol=1e-4)


def test_pixels_0_to_16_are_tried_for_small_images_only():
    """They are those of scikit-learn's digits, of 8x8 pixels."""
    known, asked = known_digits(), []

    def ask(inputs):
        asked.append(float(inputs.max()))
        return np.eye(10, dtype=np.float32)[np.zeros(len(inputs), int)]

    for side, most in ((8, 5), (28, 4)):
        images = np.ascontiguousarray(known.images[:, :side, :side])
        Foreign("net", (side, side), 10, ask).understood(ImageSet(images, known.labels, known.class_names))
        assert len(asked) == most
        asked.clear()


def test_a_layout_that_a_model_refuses_is_not_tried_further():
    def ask(inputs):
        if inputs.shape[1:] != (1, 28, 28):
            raise ValueError("expected\nchannels first")
        return logits_of(inputs[:, 0] * 255)

    net = Foreign("net", None, None, guarded(ask, "net")).settled(IMAGES)
    assert (net.layouts, net.classes) == (("channels first",), 10)
    assert net.understood(known_digits()).layout == "channels first"
    with pytest.raises(ModelError, match="net: expected to take images, got expected channels first"):
        Foreign("net", None, None, guarded(ask, "net")).settled(IMAGES[:, :8, :8])


def test_of_layouts_with_the_same_outputs_the_first_is_taken():
    net = Foreign("net", None, None, lambda inputs: logits_of(inputs.reshape(-1, 28, 28) * 255))
    assert net.settled(IMAGES).layouts == ("channels first",)


def test_outputs_that_are_no_row_of_numbers_are_refused():
    with pytest.raises(ModelError, match=r"net: expected outputs \(n, k\), .*, got shape \(9,\) for 9 images"):
        Foreign("net", None, None, lambda inputs: np.zeros(len(inputs), np.float32)).settled(IMAGES)


@pytest.mark.parametrize("batch", [1, 4], ids=["one at a time", "four at a time"])
def test_a_fixed_batch_gives_the_same_answers(tmp_path, batch):
    found = opened(write_stranger(tmp_path / "net.onnx", batch=batch)).understood(known_digits())
    assert np.allclose(found.probabilities(IMAGES), softmax(logits_of(IMAGES)), atol=1e-4)


@pytest.mark.parametrize(
    ("ends", "kind"),
    [
        ((), "logits"),
        (("LogSoftmax",), "logits"),
        (("Softmax",), "probabilities"),
        (("Sigmoid",), "independent probabilities"),
    ],
    ids=["logits", "logarithms", "softmax", "sigmoid"],
)
def test_outputs_are_told_apart_by_range_and_sums(tmp_path, ends, kind):
    found = opened(write_stranger(tmp_path / "net.onnx", ends=ends)).understood(known_digits())
    images = known_digits().images[:50]
    told, logits = found.probabilities(images), logits_of(images)
    assert found.outputs == kind
    if kind == "independent probabilities":
        shares = 1 / (1 + np.exp(-logits))
        assert np.allclose(told, shares / shares.sum(axis=1, keepdims=True), atol=1e-4)
    else:
        assert np.allclose(told, softmax(logits), atol=1e-4)


def test_the_likelihood_counts_not_saturated_answers():
    """With pixels 255 times too large answers are nearly as often right, and always sure."""
    known = known_digits()
    found = Foreign("net", (28, 28), 10, lambda x: np.float32(logits_of(x * 255))).understood(known)
    assert found.scale == "0-1"


def test_a_given_scale_is_taken(tmp_path):
    net = opened(write_stranger(tmp_path / "net.onnx"))
    assert net.understood(known_digits(), scale="centred").scale == "centred"
    with pytest.raises(ModelError, match="input_scale: expected 0-1, 0-255, centred, standardised, 0-16, got '0-9'"):
        net.understood(known_digits(), scale="0-9")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"types": ("DOUBLE", "FLOAT")}, r"expected images float .* got x tensor\(double\)"),
        ({"types": ("FLOAT", "INT64")}, r"expected images float .* y tensor\(int64\)"),
        ({"shape": (1, 1, 28, 28)}, "expected images float"),
        ({"shape": (32, 32, 1)}, "expected images that fit its input of 32x32x1, got 28x28x1; bring them to its size"),
        ({"ends": ("Sqrt", "Neg", "Sqrt")}, "expected finite numbers for each image, got others under every scaling"),
    ],
    ids=["doubles in", "whole numbers out", "five axes", "another size", "not a number"],
)
def test_what_cannot_be_asked_is_told(tmp_path, how, message):
    with pytest.raises(ModelError, match=message) as caught:
        opened(write_stranger(tmp_path / "net.onnx", **how)).understood(known_digits())
    assert "\n" not in str(caught.value)


def test_outputs_of_other_classes_are_refused():
    net = Foreign("net", (28, 28), None, lambda x: np.zeros((len(x), 7), np.float32))
    with pytest.raises(ModelError, match=r"net: expected outputs of shape \(500, 10\), one a class, got \(500, 7\)"):
        net.understood(known_digits())


def test_kinds_of_extreme_outputs():
    sure = np.array([[1, 0], [0, 1]], np.float32)
    assert kind_of(sure) == "probabilities"
    assert kind_of(sure * 2) == kind_of(sure - 1) == "logits"
    assert np.allclose(as_probabilities(np.array([[-1e4, 1e4]], np.float32), "logits"), [[0, 1]])
    assert np.allclose(as_probabilities(np.zeros((1, 2), np.float32), "independent probabilities"), 0.5)


@pytest.mark.parametrize("shape", [(28, 28, 1), (1, 28, 28), (28, 28)], ids=str)
def test_a_reader_reads_with_it(tmp_path, shape):
    reader = Reader(write_stranger(tmp_path / "net.onnx", scale="standardised", shape=shape, ends=()))
    assert "input scale standardised" in reader.model.understood.words
    assert reader.policy is None
    assert np.allclose(reader.probabilities(IMAGES), softmax(logits_of(IMAGES)), atol=1e-4)
    assert np.array_equal(pickle.loads(pickle.dumps(reader)).probabilities(IMAGES), reader.probabilities(IMAGES))
    known = known_digits().take(np.arange(40))
    right = [
        reading.label == str(label) for reading, label in zip(reader.read(known.images), known.labels, strict=True)
    ]
    assert np.mean(right) > 0.9
    assert reader.read(printed("0")).status in ("read", "unsure")


def test_a_model_of_no_digits_is_read_with_only_if_its_scale_is_given(tmp_path):
    path = write_stranger(tmp_path / "net.onnx", ends=("Neg", "Softmax"))
    with pytest.raises(ModelError, match=r"expected a model of the digits 0 to 9, got .*net\.onnx: .*--input-scale"):
        Model(path)
    assert Model(path, input_scale="0-1").understood.scale == "0-1"


def test_a_scale_is_for_models_from_elsewhere(model_file):
    with pytest.raises(ModelError, match="expected input_scale with a model from elsewhere, got one of digitwise"):
        Model(model_file, input_scale="0-1")


def test_weights_in_other_files_are_not_read(tmp_path, monkeypatch):
    import onnx

    (tmp_path / "inner").mkdir()
    path = write_stranger(tmp_path / "inner" / "net.onnx")
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="expected the weights in the file itself"):
        Model(path)
