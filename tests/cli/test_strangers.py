"""Models from elsewhere on the command line: evaluated and read with, and how they take images is said."""

import numpy as np
import pytest

from digitwise.reading.foreign import known_digits
from digitwise.workflows.evaluate import evaluate
from tests.reading.strangers import linear_digits, write_stranger
from tests.training.test_old_keras import layer, write

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    return write_stranger(tmp_path_factory.mktemp("net") / "net.onnx", scale="standardised", ends=())


def test_evaluate_says_how_the_model_takes_images(digitwise, net):
    told = digitwise("evaluate", net, "--data", "digits").out
    assert told.startswith(f"{net}: input scale standardised, channels last, logits (7")
    assert "digits: accuracy 7" in told
    assert "calibration error" in told
    document = digitwise("evaluate", net, "--data", "digits", "--json").json
    assert {key: document["input"][key] for key in ("scale", "layout", "outputs")} == {
        "scale": "standardised",
        "layout": "channels last",
        "outputs": "logits",
    }
    assert (document["model"], document["n"], document["data"]) == (str(net), 360, "digits")
    worse = digitwise("evaluate", net, "--data", "digits", "--input-scale", "0-255", "--json").json
    assert worse["input"]["scale"] == "0-255"
    assert worse["negative_log_likelihood"] > document["negative_log_likelihood"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected data with a model that is no run"),
        (("--data", "digits", "--max-error", "1%"), "expected a run folder with --patch and --max-error, got a model"),
        (
            ("--data", "digits", "--input-scale", "1"),
            "input_scale: expected 0-1, 0-255, centred, standardised, 0-16",
        ),
    ],
    ids=["no data", "guarantee", "scale"],
)
def test_what_a_model_alone_cannot_is_refused(digitwise, net, arguments, message):
    result = digitwise("evaluate", net, *arguments)
    assert result.code == 2
    assert message in " ".join(result.err.split())


def test_a_run_knows_its_own_scale(digitwise, trained):
    result = digitwise("evaluate", trained, "--input-scale", "0-1")
    assert result.code == 2
    assert "expected --input-scale with a model in a file" in " ".join(result.err.split())


def test_read_says_it_too_and_reads(digitwise, net, tmp_path):
    known = known_digits().take(np.arange(100, 130))
    np.save(tmp_path / "known.npy", known.images)
    result = digitwise("read", tmp_path / "known.npy", "--model", net, "--json")
    assert result.code == 0
    assert f"{net}: input scale standardised, channels last, logits (" in result.err
    assert "the model has no error guarantee" in result.err
    labels = [row["label"] for row in result.json]
    assert np.mean([told == str(label) for told, label in zip(labels, known.labels, strict=True)]) > 0.9
    assert digitwise("read", tmp_path / "known.npy", "--input-scale", "0-1").code == 2


def test_a_keras_model_is_exported_to_be_read_with(digitwise, tmp_path):
    import keras

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.set_weights(linear_digits())
    model.save(tmp_path / "net.h5")
    told = digitwise("export", tmp_path / "net.h5").out
    assert f"{tmp_path / 'net.h5'}: input scale 0-1, without channels, logits (" in told
    assert f"{tmp_path / 'net.onnx'}: " in told
    again = digitwise("export", tmp_path / "net.h5", "--input-scale", "0-1", "--json").json
    assert (again["input"]["scale"], again["policies"]) == ("0-1", [])
    assert digitwise("evaluate", tmp_path / "net.onnx", "--data", "digits", "--json").json["input"] is None
    for arguments, message in (
        ((tmp_path / "net.h5", "--format", "keras"), "expected --format onnx with a model that is no run"),
        ((tmp_path, "--input-scale", "0-1"), "expected --input-scale with a model in a file"),
    ):
        result = digitwise("export", *arguments)
        assert result.code == 2
        assert message in " ".join(result.err.split())


def test_an_old_model_of_an_unknown_backend_is_told_in_one_line(digitwise, tmp_path):
    image = {"dim_ordering": "th", "batch_input_shape": [None, 1, 28, 28]}
    layers = [
        layer("Convolution2D", "conv", nb_filter=10, nb_row=28, nb_col=28, activation="linear", bias=True, **image),
        layer("Flatten", "flat"),
    ]
    weights, bias = linear_digits()
    kernel = weights.T.reshape(10, 1, 28, 28)[:, :, ::-1, ::-1]
    write(tmp_path, layers, {"conv": [kernel, bias]}, version="1.0.8", whole=True)
    result = digitwise("evaluate", tmp_path / "model.h5", "--data", "digits")
    assert "digits: accuracy 7" in result.out
    (line,) = result.err.splitlines()
    assert line.startswith(f"{tmp_path / 'model.h5'}: Keras 1.0.8 did not write its backend")


def test_its_copy_holds_no_guarantees(digitwise, net, tmp_path):
    from PIL import Image

    known = known_digits()
    for place, (image, label) in enumerate(zip(known.images[:60], known.labels[:60], strict=True)):
        folder = tmp_path / "own" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{place}.png")
    result = digitwise(
        "calibrate", tmp_path / "own", "--model", net, "--out", tmp_path / "own.onnx", "--max-error", "30%"
    )
    assert result.code == 2
    assert "expected a model by digitwise export" in result.err
    assert not (tmp_path / "own.onnx").exists()


def test_a_model_is_reported_in_this_folder(digitwise, net, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = digitwise("report", net, "--data", "digits", "--target", "50%")
    assert result.code == 0
    assert "Written to report.html; its numbers to report.json" in result.out
    assert {"report.html", "report.json", "report-figures"} <= {path.name for path in tmp_path.iterdir()}


def test_the_errors_of_a_model_are_listed_and_drawn_where_asked(digitwise, net, tmp_path):
    found = digitwise("errors", net, "--data", "digits", "--json").json
    assert (found["errors"], found["model"], found["figures"]) == (len(found["wrong"]), str(net), [])
    assert "--out DIR draws them" in digitwise("errors", net, "--data", "digits").out
    assert digitwise("errors", net, "--data", "digits", "--out", tmp_path / "drawn").code == 0
    assert (tmp_path / "drawn" / "errors.png").exists()


def test_models_and_saved_evaluations_are_compared(digitwise, net, trained, tmp_path):
    evaluation = evaluate(net, "digits")
    evaluation.save(tmp_path / "kept")
    found = digitwise("compare", net, trained, "--data", "digits", "--json").json
    assert found["errors_a"] == evaluation.n_errors
    assert found["n"] == 360
    again = digitwise("compare", tmp_path / "kept", trained, "--json").json
    assert again == found | {"a": str(tmp_path / "kept")}


def test_a_saved_evaluation_is_shown_as_its_model_is(digitwise, net, tmp_path):
    kept = evaluate(net, "digits").save(tmp_path / "kept")
    told = digitwise("evaluate", net, "--data", "digits", "--json").json
    assert digitwise("evaluate", kept, "--json").json == told | {"input": None}
    assert digitwise("errors", kept).code == 0
    assert digitwise("report", kept, "--json").json["errors"] == told["errors"]
    assert {"errors.png", "report.html"} <= {path.name for path in kept.iterdir()}


def test_a_run_is_looked_at_on_all_images_of_another_set(digitwise, trained, digits, tmp_path):
    some = digits.test.take(np.arange(40))
    np.savez(tmp_path / "some.npz", images=some.images, labels=some.labels)
    assert digitwise("errors", trained, "--data", tmp_path / "some.npz", "--json").json["n"] == 40
    page = digitwise("report", trained, "--data", tmp_path / "some.npz", "--out", tmp_path / "r.html", "--json").json
    assert (page["n"], page["made"]) == (40, None)
    refused = digitwise("errors", trained, "--data", tmp_path / "some.npz", "--patch", "labels.csv")
    assert "expected --patch with a run on its own test images" in refused.err


@pytest.fixture(scope="module")
def keras_forms(tmp_path_factory):
    """One linear model in every form that Keras writes: paths by form."""
    import keras

    folder = tmp_path_factory.mktemp("keras")
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.set_weights(linear_digits())
    pair = folder / "pair"
    pair.mkdir()
    (pair / "model.json").write_text(model.to_json())
    model.save_weights(pair / "model.weights.h5")
    for name in ("net.keras", "net.h5"):
        model.save(folder / name)
    forms = {"keras": "net.keras", "h5": "net.h5", "json": "pair/model.json", "weights": "pair/model.weights.h5"}
    if keras.backend.backend() == "tensorflow":
        model.export(folder / "saved", format="tf_saved_model", verbose=False)
    return {form: folder / name for form, name in {**forms, "folder": "pair", "SavedModel": "saved"}.items()}


@pytest.fixture(scope="module")
def known_file(tmp_path_factory):
    known = known_digits().take(np.arange(100, 130))
    np.save(tmp_path_factory.mktemp("known") / "known.npy", known.images)
    return next(tmp_path_factory.getbasetemp().glob("known*/known.npy")), [str(label) for label in known.labels]


@pytest.mark.parametrize("form", ["keras", "h5", "json", "weights", "folder", "SavedModel"])
def test_a_keras_model_of_any_form_is_read_with(digitwise, keras_forms, known_file, form):
    path, labels = known_file
    if not keras_forms[form].exists():
        pytest.skip("a SavedModel is written by Keras on TensorFlow")
    result = digitwise("read", path, "--model", keras_forms[form], "--json")
    assert result.code == 0, result.err
    assert f"{keras_forms[form]}: input scale 0-1, channels last, logits (" in result.err
    assert np.mean([row["label"] == label for row, label in zip(result.json, labels, strict=True)]) > 0.9
    told = digitwise("read", path, "--model", keras_forms[form], "--input-scale", "0-255", "--json")
    assert "input scale 0-255" in told.err


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("keras", "expected an ONNX model, got a Keras model; digitwise export "),
        ("folder", "expected an ONNX model, got a Keras model; digitwise export "),
        ("SavedModel", "expected an ONNX model, got a SavedModel; python -m tf2onnx.convert --saved-model "),
    ],
)
def test_where_only_onnx_is_read_with_a_keras_model_is_named(digitwise, keras_forms, tmp_path, form, expected):
    if not keras_forms[form].exists():
        pytest.skip("a SavedModel is written by Keras on TensorFlow")
    for arguments in (("read", tmp_path, "--out", tmp_path / "rows"), ("calibrate", "digits")):
        result = digitwise(*arguments, "--model", keras_forms[form])
        assert result.code == 2
        assert f"{keras_forms[form]}: {expected}" in result.err


def test_a_run_given_as_a_model_is_named(digitwise, trained, known_file):
    result = digitwise("read", known_file[0], "--model", trained)
    assert result.code == 2
    assert "expected an ONNX model, got a run; digitwise export" in result.err


def test_a_saved_model_is_not_exported_but_said_what_to_do(digitwise, tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "saved_model.pb").write_bytes(b"")
    result = digitwise("export", tmp_path / "net")
    assert result.code == 2
    assert "expected a Keras model (.keras, .h5, or JSON with its weights), got a SavedModel; python -m" in result.err
    assert "Reader (read --model) and evaluate take it as it is" in result.err
    assert len(result.err.strip().splitlines()) == 1
