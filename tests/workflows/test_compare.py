"""Runs, evaluations and saved evaluations are compared on the same images."""

import numpy as np
import pytest

import digitwise
from digitwise.errors import RunError
from digitwise.evaluation import compare_predictions
from digitwise.runs import Run


@pytest.fixture(scope="module")
def some(digits):
    """An evaluation of answers that are wrong for the first 30 test images."""
    labels = digits.test.labels.copy()
    labels[:30] = (labels[:30] + 1) % 10
    return digitwise.evaluate(np.eye(10)[labels], digits)


def test_a_run_is_compared_with_an_evaluation_and_a_saved_one(trained, some, tmp_path):
    expected = compare_predictions(Run.open(trained).predictions("test"), some.predictions)
    assert digitwise.compare(trained, some) == expected
    assert digitwise.compare(Run.open(trained), some.save(tmp_path / "some")) == expected
    assert Run.open(trained).info["test_reads"][-1]["reason"] == "compare: with array"


def test_other_images_are_not_compared(some, digits, tmp_path):
    few = digits.test.take(np.arange(100))
    np.savez(tmp_path / "few.npz", images=few.images, labels=few.labels)
    other = digitwise.evaluate(np.eye(10)[few.labels], tmp_path / "few.npz")
    with pytest.raises(RunError, match=r"were tested on different images \(digits, .*few\.npz\)"):
        digitwise.compare(some, other)


def test_models_are_compared_on_data(some, digits):
    def model(images):
        return np.eye(10)[images.sum(axis=(1, 2)) // 7 % 10]

    def other(images):
        return model(images)[:, ::-1]

    asked = [digitwise.evaluate(each, digits) for each in (model, other)]
    assert digitwise.compare(model, other, data=digits) == digitwise.compare(*asked)
    assert digitwise.compare(model, some, data=digits).errors_b == 30
    with pytest.raises(RunError, match=r"b: expected a run, an evaluation .*, got model; give data too") as told:
        digitwise.compare(some, model)
    assert told.value.argument == "data"
    with pytest.raises(RunError, match="class_names: expected it with data") as told:
        digitwise.compare(some, some, class_names=range(10))


def test_a_comparison_shows_itself(trained, some):
    found = digitwise.compare(some, trained)
    frame = found.frame()
    assert frame.loc["A", "errors"] == 30
    assert frame.loc["B", "error_rate"] == found.errors_b / 360
    assert f"{found.verdict()}, exact McNemar test on 360 images" in found._repr_html_()
    assert ">30</td>" in found._repr_html_()
