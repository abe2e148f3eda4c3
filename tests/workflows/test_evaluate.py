"""Any model is evaluated: of whatever library, in a file or in memory, however it takes its pixels."""

import numpy as np
import pytest
from sklearn.linear_model import Perceptron
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from digitwise import ledger
from digitwise.data import load
from digitwise.errors import DataError, ModelError, RunError
from digitwise.estimator import DigitClassifier
from digitwise.images import Dataset, ImageSet
from digitwise.reading.reader import Reader
from digitwise.runs import Run, is_model
from digitwise.training.backend import keras
from digitwise.workflows.evaluate import evaluate
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
    found = evaluate(tmp_path if kind == "folder" else path, "digits")
    assert (found.data, found.understood.scale, found.understood.outputs) == ("digits", "0-255", "logits")
    assert found.understood.words.endswith(" of 500 training images of digits are right)")
    assert np.array_equal(found.predictions.predicted, logits_of(digits.images).argmax(axis=1))
    assert np.array_equal(found.predictions.labels, digits.labels)
    assert ledger.looks(digits.fingerprint)[-1].reason == "evaluate: on digits"


def test_other_data_without_a_test_split_is_asked_about_after_the_known_digits(tmp_path, digits):
    path, some = write_stranger(tmp_path / "net.onnx", scale="centred"), digits.test.take(np.arange(50))
    for name, images in {"some": some.images, "few": some.images[:, 2:, 2:]}.items():
        write_npz(tmp_path / f"{name}.npz", images, some.labels)
    found = evaluate(path, tmp_path / "some.npz")
    assert (found.understood.scale, found.understood.of, len(found.predictions)) == ("centred", "known digits", 50)
    with pytest.raises(ModelError, match="expected images that fit its input of 28x28x1, got 26x26x1"):
        evaluate(path, tmp_path / "few.npz")


def test_without_training_images_other_classes_are_asked_about_themselves(tmp_path):
    bars = blobs(90)
    mean = np.stack([bars.images[bars.labels == label].mean(axis=0).ravel() for label in range(3)], axis=1) / 255
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(3)])
    model.set_weights([mean - 0.3, np.zeros(3)])
    model.save(tmp_path / "net.keras")
    write_npz(tmp_path / "bars.npz", bars.images, bars.labels)
    found = evaluate(tmp_path / "net.keras", tmp_path / "bars.npz")
    assert found.understood.words.endswith("/bars.npz are right)")
    assert (found.understood.right, found.understood.asked) == (1, 90)
    assert found.understood.layout == "without channels"
    assert found.predictions.errors == 0


def test_few_digits_are_classes_of_a_model_of_ten(tmp_path, digits):
    path = write_stranger(tmp_path / "net.onnx")
    keep = np.flatnonzero(digits.test.labels < 3)
    images = ImageSet(digits.test.images[keep], digits.test.labels[keep], ("0", "1", "2"))
    found = evaluate(path, Dataset("three", "", images, images))
    assert found.predictions.class_names == tuple("0123456789")
    named = ImageSet(images.images, images.labels, ("zero", "one", "two"))
    with pytest.raises(DataError, match=r"three: expected the 10 classes that .* was trained on, got 3 others: zero"):
        evaluate(path, Dataset("three", "", named, named))


def test_the_scale_can_be_given(network, tmp_path):
    network.save(tmp_path / "net.keras")
    found = evaluate(tmp_path / "net.keras", "digits", input_scale="0-1")
    assert found.understood.scale == "0-1"
    assert found.understood.doubtful
    assert found.understood.words.endswith("are right; if another scale is right, give input_scale (--input-scale))")


def test_an_exported_model_is_asked_in_its_own_form(model_file):
    found = evaluate(model_file, "digits")
    assert found.understood is None
    assert len(found.predictions) == 360
    with pytest.raises(ModelError, match="expected an input scale"):
        evaluate(model_file, "digits", input_scale="0-1")


def test_a_model_without_data_is_refused(tmp_path):
    path = write_stranger(tmp_path / "net.onnx")
    with pytest.raises(RunError, match=r"net\.onnx: expected data with a model that is no run"):
        evaluate(path)
    with pytest.raises(RunError, match="SVC: expected data with a model that is no run"):
        evaluate(SVC())


def test_a_network_of_two_inputs_is_refused(tmp_path):
    inputs = [keras.Input((28, 28, 1)), keras.Input((28, 28, 1))]
    outputs = keras.layers.Flatten()(keras.layers.Add()(inputs))
    keras.Model(inputs, outputs).save(tmp_path / "net.keras")
    with pytest.raises(ModelError, match=r"expected one input of images and one output \(n, k\), got \["):
        evaluate(tmp_path / "net.keras", "digits")


def test_a_run_is_no_model_in_a_file(trained, tmp_path):
    assert not is_model(trained)
    assert is_model(trained / "model.keras")
    (tmp_path / "notes.txt").write_text("")
    assert not is_model(tmp_path / "notes.txt")
    assert not is_model(tmp_path / "missing.keras")


def rows_of(images, scale=1 / 255):
    return images.images.reshape(len(images), -1) * scale


@pytest.mark.parametrize(
    ("classifier", "scale", "labels", "outputs"),
    [
        (KNeighborsClassifier(3), 1 / 255, int, "probabilities"),
        (GaussianNB(), 1, str, "probabilities"),
        (SVC(), 1 / 255, np.uint8, "logits"),
        (make_pipeline(FunctionTransformer(), KNeighborsClassifier(3)), 1 / 255, float, "probabilities"),
    ],
    ids=["neighbours", "words as labels", "decision function", "pipeline of unknown input"],
)
def test_a_classifier_of_scikit_learn_is_asked_in_rows_of_its_scale(digits, classifier, scale, labels, outputs):
    classifier.fit(rows_of(digits.train, scale), digits.train.labels.astype(labels))
    found = evaluate(classifier, digits)
    assert (found.understood.layout, found.understood.outputs) == ("flat rows", outputs)
    expected = classifier.predict(rows_of(digits.test, scale)).astype(float) == digits.test.labels
    assert found.n_errors == (~expected).sum()
    assert found.name == type(classifier).__name__


def test_a_classifier_that_refuses_pixels_below_zero_is_asked_at_the_others(digits):
    rows = digits.train.images.reshape(len(digits.train), -1) / 255
    refusing = make_pipeline(FunctionTransformer(check_non_negative_rows), GaussianNB(var_smoothing=0.1))
    found = evaluate(refusing.fit(rows, digits.train.labels), digits)
    assert (found.understood.scale, found.understood.layout) == ("0-1", "flat rows")

    def never(rows):
        raise ValueError("no such rows")

    refusing.steps[0][1].func = never
    with pytest.raises(ModelError, match="expected to take images, got no such rows"):
        evaluate(refusing, digits)


def check_non_negative_rows(rows):
    if rows.min() < 0:
        raise ValueError("negative")
    return rows


def test_our_own_classifier_is_evaluated_in_memory_and_saved(digits, tmp_path):
    labels = np.array([f"d{label}" for label in digits.train.labels])
    named = (digits.train.images[:300], labels[:300]), (digits.test.images[:60], digits.test.labels[:60])
    data = (named[0], (named[1][0], np.array([f"d{label}" for label in named[1][1]])))
    classifier = DigitClassifier("flash").fit(*data[0])
    found = evaluate(classifier, data)
    right = classifier.score(*data[1])
    assert found.n_errors == round((1 - right) * 60)
    saved = evaluate(classifier.save(tmp_path / "saved"), data)
    assert np.array_equal(saved.predictions.predicted, found.predictions.predicted)
    (tmp_path / "saved" / "classifier.json").write_text("{}")
    with pytest.raises(RunError, match="expected the classes of a saved classifier"):
        evaluate(tmp_path / "saved", data)


def test_a_classifier_of_two_classes_is_asked_by_its_decision_function():
    bars = blobs(60, classes=2)
    classifier = Perceptron().fit(rows_of(bars), np.array(["no", "yes"])[bars.labels])
    named = ImageSet(bars.images, bars.labels, ("no", "yes"))
    assert evaluate(classifier, Dataset("bars", "", named, named)).n_errors == 0


def test_classes_in_another_order_are_put_in_that_of_the_images(digits):
    names = ("nine", "eight", "seven", "six", "five", "four", "three", "two", "one", "zero")
    named = ImageSet(digits.test.images, digits.test.labels, names)  # their order by letters is another
    classifier = KNeighborsClassifier(1).fit(rows_of(named), np.array(names)[named.labels])
    found = evaluate(classifier, Dataset("named", "", named, named))
    assert (found.class_names, found.n_errors) == (names, 0)


def test_numbers_as_classes_are_those_of_named_images():
    bars = blobs(60)
    named = ImageSet(bars.images, bars.labels, ("left", "middle", "right"))
    found = evaluate(KNeighborsClassifier(1).fit(rows_of(bars), bars.labels), Dataset("bars", "", named, named))
    assert (found.class_names, found.n_errors) == (named.class_names, 0)


def test_a_classifier_that_lacks_a_class_is_refused(digits):
    few = digits.train.take(np.flatnonzero(digits.train.labels < 9))
    with pytest.raises(DataError, match="expected the 9 classes that GaussianNB was trained on, got 1 others: 9"):
        evaluate(GaussianNB().fit(rows_of(few), few.labels), digits)


def test_a_torch_module_is_asked_in_evaluation_mode_and_left_as_it_was(digits):
    torch = pytest.importorskip("torch")
    weights, bias = linear_digits()
    linear = torch.nn.Linear(784, 10)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weights.T))
        linear.bias.copy_(torch.from_numpy(bias))
    frozen = torch.nn.BatchNorm1d(10).eval()
    net = torch.nn.Sequential(torch.nn.Flatten(), linear, torch.nn.Dropout(0.9), frozen)
    found = evaluate(net, digits)
    assert np.array_equal(found.predictions.predicted, logits_of(digits.test.images).argmax(axis=1))
    assert (found.understood.scale, found.understood.layout) == ("0-1", "channels first")
    assert [part.training for part in net] == [True, True, True, False]
    assert linear.weight.grad is None


def test_a_function_gets_images_as_they_are_stored(digits):
    def of_images(images):
        assert images.dtype == np.uint8
        assert images.shape[1:] == (28, 28)
        return logits_of(images)

    found = evaluate(of_images, digits)
    assert (found.name, found.understood.scale, found.understood.layout) == ("of_images", "0-255", "without channels")
    assert np.array_equal(found.predictions.predicted, logits_of(digits.test.images).argmax(axis=1))


@pytest.mark.parametrize("outputs", ["probabilities", "logits"])
def test_an_array_of_outputs_is_evaluated_as_the_model_is(digits, outputs):
    rows = logits_of(digits.test.images)
    if outputs == "probabilities":
        rows = np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)
    found = evaluate(rows, digits)
    assert found.name == "array"
    assert np.array_equal(found.predictions.predicted, rows.argmax(axis=1))
    turned = evaluate(rows[:, ::-1], digits, class_names=list("9876543210"))
    assert np.allclose(turned.predictions.probabilities, found.predictions.probabilities)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((5, 10)), "expected 360 rows, one for each of the images of digits to evaluate with, got 5"),
        (np.zeros(360), r"expected finite probabilities or logits of shape \(n, k\), got shape \(360,\)"),
        (np.full((360, 10), np.nan), "expected finite probabilities or logits"),
        (["a", "b"], "expected a run, a path, .* or an array of probabilities, got a list of others"),
        (7, "expected a run, a path, .* or an array of probabilities, got int"),
        (
            SVC(),
            "SVC: expected a fitted classifier with predict_proba or decision_function, got one that is not fitted",
        ),
    ],
    ids=["other images", "labels", "no numbers", "words", "a number", "not fitted"],
)
def test_what_is_no_model_is_refused(digits, rows, message):
    with pytest.raises(ModelError, match=message):
        evaluate(rows, digits)


def test_as_many_names_as_outputs_are_needed(digits):
    with pytest.raises(ModelError, match="class_names: expected 10 names, one for each output of the array, got 2"):
        evaluate(np.zeros((360, 10)), digits, class_names=["a", "b"])


def test_a_keras_model_in_memory_is_evaluated(network, digits):
    found = evaluate(network, digits)
    assert np.array_equal(found.predictions.predicted, logits_of(digits.test.images).argmax(axis=1))


def test_a_keras_model_that_does_not_know_its_input_is_evaluated(network, digits):
    class Wrapped(keras.Model):
        def call(self, inputs):
            return network(inputs)

    found = evaluate(Wrapped(), digits)
    assert (found.name, found.understood.layout) == ("Wrapped", "channels last")
    assert np.array_equal(found.predictions.predicted, logits_of(digits.test.images).argmax(axis=1))


def test_a_saved_model_of_tensorflow_is_evaluated(network, digits, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a SavedModel is written by Keras on TensorFlow")
    network.export(tmp_path / "net", format="tf_saved_model", verbose=False)
    found = evaluate(tmp_path / "net", digits)
    assert (found.name, found.understood.scale) == ("net", "0-255")
    assert np.array_equal(found.predictions.predicted, logits_of(digits.test.images).argmax(axis=1))
    (tmp_path / "net" / "saved_model.pb").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="net: cannot be loaded as a SavedModel"):
        evaluate(tmp_path / "net", digits)


def test_a_reader_is_evaluated(model_file, digits):
    found = evaluate(Reader(model_file), digits)
    assert (found.name, found.n, found.understood) == ("Reader", 360, None)


def test_a_run_is_evaluated_on_all_images_of_another_set(trained, digits, tmp_path):
    some = digits.test.take(np.arange(40))
    write_npz(tmp_path / "some.npz", some.images, some.labels)
    found = evaluate(trained, tmp_path / "some.npz")
    own = Run.open(trained).predictions("test")
    assert found.n == 40
    assert np.array_equal(found.predictions.predicted, own.predicted[:40])
    assert (found.run, len(found.validation)) == (None, Run.open(trained).info["data"]["validation"])
    with pytest.raises(RunError, match="expected class_names and input_scale with a model that is no run"):
        evaluate(trained, class_names=list("0123456789"))
