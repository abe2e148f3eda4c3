"""An ONNX file is looked at before it is used; one that runs does so from any thread."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from digitwise.errors import ModelError
from digitwise.reading.model import CHUNK, Model
from tests.templates import POLICIES, metadata, write_linear, write_model

WEIGHTS = np.random.default_rng(0).normal(size=(784, 10)) / 10


def test_probabilities_are_those_of_the_file_however_many_are_asked_for(model_file):
    model = Model(model_file, threads=2)
    images = np.random.default_rng(0).integers(0, 256, (2 * CHUNK + 7, 28, 28), np.uint8)
    answers = model.probabilities(images)
    assert (answers.shape, answers.dtype) == ((2 * CHUNK + 7, 10), np.float32)
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
    one_by_one = np.concatenate([model.probabilities(image[None]) for image in images[::50]])
    assert np.allclose(answers[::50], one_by_one, atol=1e-6)
    assert np.array_equal(Model(model_file, threads=1).probabilities(images), answers)


def test_no_images_give_no_rows(model_file):
    assert Model(model_file).probabilities(np.empty((0, 28, 28), np.uint8)).shape == (0, 10)


def test_a_view_of_every_other_image_is_read_as_its_copy(model_file):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 56), np.uint8)
    model = Model(model_file)
    assert np.array_equal(model.probabilities(images[::2, :, ::2]), model.probabilities(images[::2, :, ::2].copy()))


def test_many_threads_get_the_answers_that_one_gets(model_file):
    model = Model(model_file, threads=2)
    images = np.random.default_rng(0).integers(0, 256, (3 * CHUNK, 28, 28), np.uint8)
    expected = model.probabilities(images)
    with ThreadPoolExecutor(6) as pool:
        parts = list(pool.map(lambda place: model.probabilities(images[place:]), [0, 1, 2, 300, 500, 767] * 3))
    assert all(np.allclose(part, expected[-len(part) :], atol=1e-6) for part in parts)


@pytest.mark.parametrize(
    "images",
    [np.zeros((1, 28, 28), np.float32), np.zeros((28, 28), np.uint8), np.zeros((1, 20, 20), np.uint8)],
    ids=["floats", "one image", "another size"],
)
def test_images_of_another_kind_are_refused(model_file, images):
    with pytest.raises(ModelError, match=r"images: expected uint8 of shape \(n, 28, 28\), got"):
        Model(model_file).probabilities(images)


def test_what_is_no_model_is_told_in_one_line(tmp_path):
    (tmp_path / "text.onnx").write_text("hello")
    (tmp_path / "empty.onnx").write_bytes(b"")
    for name in ("text.onnx", "empty.onnx"):
        with pytest.raises(ModelError, match=r"expected an ONNX model, got .* digitwise export") as caught:
            Model(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match=r"missing\.onnx: the model cannot be read: No such file"):
        Model(tmp_path / "missing.onnx")


def test_a_cut_model_is_refused(model_file, tmp_path):
    content = model_file.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="expected an ONNX model"):
        Model(tmp_path / "cut.onnx")


def test_a_foreign_model_gets_the_next_step(tmp_path):
    write_linear(tmp_path / "foreign.onnx", WEIGHTS, None, (28, 28))
    with pytest.raises(
        ModelError,
        match=r"without its metadata; export one: .* or digitwise export RUN --format onnx",
    ):
        Model(tmp_path / "foreign.onnx")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"inputs": "FLOAT"}, r"expected images uint8 .* got images tensor\(float\)"),
        ({"inputs": "INT64"}, "expected images uint8"),
        ({"batch": 1}, r"expected images uint8 \(n, h, w\)"),
        ({"shape": (784,)}, r"expected images uint8 \(n, h, w\)"),
        ({"shape": (28, 7, 4)}, r"expected images uint8 \(n, h, w\)"),
        ({"softmax": False}, "expected probabilities that sum to 1"),
    ],
    ids=["floats in", "whole numbers in", "one at a time", "flat rows", "four channels", "no softmax"],
)
def test_input_and_output_of_another_kind_are_refused(tmp_path, how, message):
    shape = how.pop("shape", (28, 28))
    write_linear(tmp_path / "odd.onnx", WEIGHTS, json.dumps(metadata()), shape, **how)
    with pytest.raises(ModelError, match=message):
        Model(tmp_path / "odd.onnx")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("no json", "damaged metadata: expected a JSON document"),
        ("[1, 2]", "damaged metadata: expected a JSON document"),
        ("[" * 100_000, "damaged metadata: expected a JSON document"),
        (metadata(format=2), "expected metadata of format 1, got 2; upgrade digitwise"),
        (metadata(format=None), "damaged metadata"),
        (metadata(class_names=None), "damaged metadata: KeyError: 'class_names'"),
        (metadata(class_names=[0, 1, 2]), "class_names: expected a list of words"),
        (metadata(class_names=["a", "b"]), r"expected 2 probabilities for its classes, got shape \(2, 10\)"),
        (metadata(normalization="ink-99"), "expected images normalized by 'ink-1' or 'none', got 'ink-99'"),
        (metadata(temperature="warm"), "damaged metadata: ValueError"),
        (metadata(temperature=10**400), "damaged metadata: OverflowError"),
        (metadata(policies=[{"max_error": 0.01}]), "damaged metadata: KeyError: 'threshold'"),
        (metadata(policies=[{**POLICIES[0], "max_error": 3}]), "policy out of range"),
        (metadata(policies=[{**POLICIES[0], "temperature": 0}]), "damaged metadata: ZeroDivisionError"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_metadata_that_cannot_be_used_is_told(tmp_path, document, message):
    with pytest.raises(ModelError, match=message) as caught:
        Model(write_model(tmp_path / "odd.onnx", document))
    assert "\n" not in str(caught.value)


def test_metadata_that_is_no_text_is_told(model_file, tmp_path):
    content = Path(model_file).read_bytes()
    damaged = tmp_path / "odd.onnx"
    damaged.write_bytes(content.replace(b'"format"', b'"form\xf0t"'))
    assert damaged.read_bytes() != content
    with pytest.raises(ModelError, match="expected an ONNX model, got what cannot be loaded"):
        Model(damaged)


def test_normalized_images_need_an_input_of_their_size(tmp_path):
    with pytest.raises(ModelError, match=r"expected an input of 28x28 for normalized images, got 8x8"):
        Model(write_model(tmp_path / "small.onnx", shape=(8, 8)))


def test_fewer_threads_than_one_are_refused(model_file):
    with pytest.raises(ModelError, match="threads: expected 1 or more, got 0"):
        Model(model_file, threads=0)


def test_a_package_without_a_model_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("digitwise.reading.model.BUNDLED", "not-there.onnx")
    with pytest.raises(ModelError, match=r"this installation has no model of its own: expected one as model \("):
        Model()


def test_reading_reaches_no_training_library(model_file):
    code = (
        f"import sys, numpy, digitwise; digitwise.Reader({str(model_file)!r}).read(numpy.eye(60) * 255);"
        "print([m for m in ('keras', 'tensorflow', 'sklearn', 'matplotlib', 'pandas', 'pyarrow')"
        " if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
