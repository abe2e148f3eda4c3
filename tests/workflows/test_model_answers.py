"""A model in a file is evaluated on labelled images, however it takes its pixels."""

import numpy as np
import pytest

from digitwise import ledger
from digitwise.data import load
from digitwise.errors import DataError, ModelError, RunError
from digitwise.evaluation import evaluate_predictions
from digitwise.images import Dataset, ImageSet
from digitwise.training.backend import keras
from digitwise.workflows.evaluate import evaluate, is_model, model_answers
from tests.helpers import blobs
from tests.reading.strangers import linear_digits, logits_of, write_stranger


@pytest.fixture(scope="module")
def network():
    """The linear model of digits in Keras, for pixels 0 to 255, to logits."""
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    model.set_weights(linear_digits())
    return model


def write_npz(path, images, labels):
    np.savez(path, images=images, labels=labels)
    return path


@pytest.mark.parametrize("kind", ["net.keras", "net.h5", "net.json", "folder", "net.onnx"])
def test_a_model_in_each_form_is_evaluated(network, tmp_path, kind):
    path = tmp_path / ("model.json" if kind == "folder" else kind)
    if path.suffix == ".json":
        path.write_text(network.to_json())
        network.save_weights(path.with_suffix(".weights.h5"))
    elif path.suffix == ".onnx":
        write_stranger(path, scale="0-255", shape=(1, 28, 28), ends=())
    else:
        network.save(path)
    digits = load("digits").test
    found = model_answers(tmp_path if kind == "folder" else path, "digits")
    assert (found.data, found.understood.scale, found.understood.outputs) == ("digits", "0-255", "logits")
    assert found.understood.words.endswith(" of 500 training images of digits are right)")
    assert np.array_equal(found.predictions.predicted, logits_of(digits.images).argmax(axis=1))
    assert np.array_equal(found.predictions.labels, digits.labels)
    assert ledger.looks(digits.fingerprint)[-1].reason == "evaluate: on digits"


def test_other_data_without_a_test_split_is_asked_about_after_the_known_digits(tmp_path, digits):
    path, some = write_stranger(tmp_path / "net.onnx", scale="centred"), digits.test.take(np.arange(50))
    for name, images in {"some": some.images, "few": some.images[:, 2:, 2:]}.items():
        write_npz(tmp_path / f"{name}.npz", images, some.labels)
    found = model_answers(path, tmp_path / "some.npz")
    assert (found.understood.scale, found.understood.of, len(found.predictions)) == ("centred", "known digits", 50)
    with pytest.raises(ModelError, match="expected images that fit its input of 28x28x1, got 26x26x1"):
        model_answers(path, tmp_path / "few.npz")


def test_without_training_images_other_classes_are_asked_about_themselves(tmp_path):
    bars = blobs(90)
    mean = np.stack([bars.images[bars.labels == label].mean(axis=0).ravel() for label in range(3)], axis=1) / 255
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(3)])
    model.set_weights([mean - 0.3, np.zeros(3)])
    model.save(tmp_path / "net.keras")
    write_npz(tmp_path / "bars.npz", bars.images, bars.labels)
    found = model_answers(tmp_path / "net.keras", tmp_path / "bars.npz")
    assert found.understood.words.endswith("/bars.npz are right)")
    assert (found.understood.right, found.understood.asked) == (1, 90)
    assert found.understood.layout == "without channels"
    assert found.predictions.errors == 0


def test_few_digits_are_classes_of_a_model_of_ten(tmp_path, digits):
    path = write_stranger(tmp_path / "net.onnx")
    keep = np.flatnonzero(digits.test.labels < 3)
    images = ImageSet(digits.test.images[keep], digits.test.labels[keep], ("0", "1", "2"))
    found = model_answers(path, Dataset("three", "", images, images))
    assert found.predictions.class_names == tuple("0123456789")
    named = ImageSet(images.images, images.labels, ("zero", "one", "two"))
    with pytest.raises(DataError, match=r"three: expected the 10 classes that .* was trained on, got 3 others: zero"):
        model_answers(path, Dataset("three", "", named, named))


def test_the_scale_can_be_given(network, tmp_path):
    network.save(tmp_path / "net.keras")
    found = model_answers(tmp_path / "net.keras", "digits", input_scale="0-1")
    assert found.understood.scale == "0-1"
    assert found.understood.doubtful
    assert found.understood.words.endswith("are right; if another scale is right, give --input-scale)")


def test_an_exported_model_is_asked_in_its_own_form(model_file):
    found = model_answers(model_file, "digits")
    assert found.understood is None
    assert len(found.predictions) == 360
    with pytest.raises(ModelError, match="expected --input-scale with a model from elsewhere"):
        model_answers(model_file, "digits", input_scale="0-1")


def test_the_library_evaluates_a_model_too(tmp_path):
    path = write_stranger(tmp_path / "net.onnx")
    assert evaluate(path, "digits") == evaluate_predictions(model_answers(path, "digits").predictions)
    with pytest.raises(RunError, match=r"net\.onnx: expected --data with a model that is no run"):
        evaluate(path)


def test_a_network_of_two_inputs_is_refused(tmp_path):
    inputs = [keras.Input((28, 28, 1)), keras.Input((28, 28, 1))]
    outputs = keras.layers.Flatten()(keras.layers.Add()(inputs))
    keras.Model(inputs, outputs).save(tmp_path / "net.keras")
    with pytest.raises(ModelError, match=r"expected one input of images and one output \(n, k\), got \["):
        model_answers(tmp_path / "net.keras", "digits")


def test_a_run_is_no_model_in_a_file(trained, tmp_path):
    assert not is_model(trained)
    assert is_model(trained / "model.keras")
    (tmp_path / "notes.txt").write_text("")
    assert not is_model(tmp_path / "notes.txt")
    assert not is_model(tmp_path / "missing.keras")
