"""A run exported: what the file says, what it answers, and that it is there whole or not at all."""

import dataclasses
import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest

import digitwise
from digitwise import outputs
from digitwise.errors import ExportError, RunError
from digitwise.evaluation.calibration import at_temperature, fit_temperature
from digitwise.evaluation.selective import ROUNDING, TEMPERATURE, Policy
from digitwise.exporting import convert
from digitwise.exporting.card import card_of, normalization_of, policies_of
from digitwise.exporting.export import EXPORT, SAVED_MODEL
from digitwise.outputs import MARKER
from digitwise.predictions import Predictions
from digitwise.runs import Run
from tests.helpers import drawn


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    return digitwise.export(trained, out=tmp_path_factory.mktemp("exported") / "digits.onnx")


@pytest.fixture(scope="module")
def document(exported):
    (entry,) = onnx.load(exported.path).metadata_props
    assert entry.key == "digitwise"
    return json.loads(entry.value)


@pytest.fixture
def few(monkeypatch):
    """Compare on few images, where it is not the comparison that is tested."""
    monkeypatch.setattr("digitwise.exporting.export.IMAGES", 60)


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def validation_answers(trained, exported, digits):
    """What onnxruntime says of the run's validation images."""
    from digitwise.data.splits import split_validation
    from digitwise.training.train import SPLIT_SEED

    images = split_validation(digits.train, size=None, seed=SPLIT_SEED).validation
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    answers = session.run(None, {"images": images.images})[0]
    return Predictions(images.labels, answers, images.class_names)


def test_metadata_is_complete(trained, document):
    info = Run.open(trained).info
    assert document["format"] == 1
    assert document["digitwise"] == digitwise.__version__
    assert document["created"] >= info["created"]
    for key in ("recipe", "seed", "precision", "backend", "versions"):
        assert document[key] == info[key]
    assert document["class_names"] == [str(i) for i in range(10)]
    assert document["data"]["name"] == "digits"
    assert document["data"]["fingerprint"] == info["data"]["fingerprint"]
    assert document["normalization"] == "none"
    assert document["temperature"] == fit_temperature(Run.open(trained).predictions("validation"))
    test = info["results"]["test"]
    assert document["metrics"]["test"] == {key: test[key] for key in ("errors", "n", "interval_95")}
    assert document["metrics"]["validation"] == {"errors": info["results"]["validation"]["errors"], "n": 216}
    assert document["policies"] == policies_of(Run.open(trained).predictions("validation"))


def test_result_agrees_with_the_card_in_the_file(exported, document):
    assert exported.size == exported.path.stat().st_size
    assert 0 < exported.max_difference < 1e-4
    for key in ("temperature", "normalization", "metrics", "policies"):
        assert getattr(exported, key) == document[key]
    assert dataclasses.is_dataclass(exported)
    with pytest.raises(dataclasses.FrozenInstanceError):
        exported.size = 0


def test_onnx_gives_the_stored_validation_predictions_at_the_temperature(trained, exported, digits):
    stored = Run.open(trained).predictions("validation")
    found = validation_answers(trained, exported, digits)
    expected = at_temperature(stored, exported.temperature).probabilities
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-4)


def test_policy_answers_the_same_images_from_the_calibrated_output(trained, exported, digits):
    stored, found = Run.open(trained).predictions("validation"), validation_answers(trained, exported, digits)
    before = at_temperature(stored, TEMPERATURE).confidence
    after = at_temperature(found, TEMPERATURE / exported.temperature).confidence
    # Confidences come from float32 sums in another order, over weights with the normalisation folded in: 8e-7 at most.
    np.testing.assert_allclose(after, before, rtol=0, atol=ROUNDING)
    assert exported.policies
    for policy in exported.policies:
        answered = before >= policy["threshold"]
        assert answered.sum() == policy["answered"]
        # Images as near as that to the threshold may fall on either side of it; how many there are is the training's
        # affair: trained elsewhere, two images may be as sure as each other. All others are answered alike.
        near = np.abs(before - policy["threshold"]) < ROUNDING
        np.testing.assert_array_equal((after >= policy["threshold"])[~near], answered[~near])
        kept = {key: value for key, value in policy.items() if key != "temperature"}
        assert Policy(**kept).answers(stored)[0] == policy["answered"]


def test_levels_that_the_images_cannot_support_are_left_out():
    assert policies_of(drawn(50, sharpness=9.0)) == []
    levels = [policy["max_error"] for policy in policies_of(drawn(2000, sharpness=12.0))]
    assert levels == sorted(levels)
    assert 0.001 not in levels
    assert 0.05 in levels


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"name": "mnist"}, "ink-1"),
        ({"name": "emnist-digits"}, "ink-1"),
        ({"name": "fashion-mnist"}, "none"),
        ({"name": "scans", "normalization": "ink-2"}, "ink-2"),
        ({"name": "mnist", "normalization": "none"}, "none"),
    ],
    ids=str,
)
def test_normalization_comes_from_the_run_or_its_data(tmp_path, data, expected):
    assert normalization_of(Run(tmp_path, {"data": data})) == expected


def test_folder_of_the_data_is_not_in_the_card(copy):
    info = json.loads((copy / "run.json").read_text())
    info["data"] |= {"name": "/home/ada/scans", "source": "/home/ada/scans"}
    (copy / "run.json").write_text(json.dumps(info))
    document = card_of(Run.open(copy))
    assert document["data"]["name"] == "scans"
    assert "ada" not in json.dumps(document)


def test_sabotaged_conversion_is_refused_and_the_earlier_file_stays(copy, few, monkeypatch):
    outputs.write(copy / "model.onnx", EXPORT, b"earlier")
    before = names(copy)
    monkeypatch.setattr(convert, "_reordered", lambda weights, value: weights)  # features in Keras' order
    with pytest.raises(ExportError, match="the export differs from the model"):
        digitwise.export(copy)
    assert names(copy) == before
    assert (copy / "model.onnx").read_bytes() == b"earlier"
    with pytest.raises(ExportError, match="nothing was written"):
        digitwise.export(copy, out=copy / "new" / "model.onnx")
    assert names(copy / "new") == []


@pytest.mark.parametrize("form", ["keras", "json+h5"])
def test_copy_of_a_keras_format_loads_and_predicts_the_same(trained, few, tmp_path, form):
    place = tmp_path / ("model.keras" if form == "keras" else "pair")
    found = digitwise.export(trained, form, place)
    assert found.max_difference == 0
    assert found.path == place
    if form == "json+h5":
        assert names(place) == [MARKER, "model.json", "model.weights.h5"]
    for file in (place,) if form == "keras" else place.glob("model.*"):
        assert file.read_bytes() == (trained / file.name).read_bytes()
    assert names(tmp_path) == ([MARKER, place.name] if form == "keras" else [place.name])


def test_file_is_in_the_run_folder_by_default(copy, few):
    assert digitwise.export(Run.open(copy)).path == copy / "model.onnx"


def test_keras_formats_are_in_the_run_already(copy, few):
    def files():
        return {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}

    before = files()
    for form in ("keras", "json+h5"):
        digitwise.export(copy, form)
    assert files() == before


def test_damaged_pair_is_refused_and_nothing_is_left(copy, tmp_path):
    shutil.copy(copy / "model.json", copy / "model.weights.h5")
    with pytest.raises((RunError, ExportError)):
        digitwise.export(copy, "json+h5", tmp_path / "pair")
    (copy / "model.weights.h5").unlink()
    with pytest.raises(RunError, match=r"model\.weights\.h5: expected the model file"):
        digitwise.export(copy, "json+h5", tmp_path / "pair")
    assert names(tmp_path) == ["run"]


def test_saved_model_takes_what_keras_takes_and_replaces_an_earlier_one(copy, few):
    import tensorflow

    with outputs.new_folder(copy / "saved-model", SAVED_MODEL) as earlier:
        for name in ("saved_model.pb", "of the earlier one"):
            (earlier / name).write_text("earlier")
    found = digitwise.export(copy, "saved-model")
    assert "of the earlier one" not in names(found.path)
    assert found.path == copy / "saved-model"
    assert found.size > 500_000
    loaded = tensorflow.saved_model.load(found.path)
    answers = loaded.serve(np.zeros((3, 28, 28, 1), np.float32)).numpy()
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert [name for name in names(copy) if name.startswith(".")] == [MARKER]


def test_saved_model_on_another_backend_is_refused(copy, monkeypatch):
    monkeypatch.setattr("digitwise.training.backend.BACKEND", "jax")
    with pytest.raises(ExportError, match="expected Keras on TensorFlow, got jax; set KERAS_BACKEND=tensorflow"):
        digitwise.export(copy, "saved-model")
    assert not (copy / "saved-model").exists()


@pytest.mark.parametrize(
    ("form", "out", "message"),
    [
        ("onnx", "model.pb", r"expected a name that ends in \.onnx"),
        ("keras", "model.h5", r"expected a name that ends in \.keras"),
        ("onnx", "folder.onnx", "expected a file to write, got a folder"),
        ("json+h5", "file", "expected a folder to write into, got a file"),
        ("saved-model", "folder.onnx", "expected a new name or an earlier saved model"),
        ("tflite", "model", r"format: expected onnx, keras, json\+h5, saved-model, got 'tflite'"),
    ],
    ids=lambda value: value,
)
def test_unsuitable_out_is_refused(trained, tmp_path, form, out, message):
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "folder.onnx" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExportError, match=message):
        digitwise.export(trained, form, tmp_path / out)
    assert names(tmp_path) == ["file", "folder.onnx"]
    assert names(tmp_path / "folder.onnx") == ["mine.txt"]
