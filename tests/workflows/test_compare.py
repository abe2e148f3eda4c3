"""Runs, evaluations and saved evaluations are compared on the same images."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt

import digitwise
from digitwise.errors import RunError
from digitwise.evaluation import Comparisons, compare_predictions
from digitwise.runs import Run

P_VALUES = (0.03, 0.02, 0.04)


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


def test_a_comparison_is_drawn_as_bars_of_errors(some, digits):
    labels = digits.test.labels.copy()
    labels[10:50] = (labels[10:50] + 1) % 10  # 20 of these are wrong in both
    found = digitwise.compare(some, np.eye(10)[labels], data=digits)
    axes = found.plot(names=("first", "second"))
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(0, 20), (0, 20), (20, 10), (20, 20)]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["first", "second"]
    assert [text.get_text().strip() for text in axes.texts] == ["30", "40"]
    verdict, difference = axes.get_title(loc="left").split("\n")
    assert verdict == found.verdict("first", "second")
    assert difference.startswith("difference of the error rates -2.78 % (95 %: ")
    mine = plt.figure().add_subplot()
    assert found.plot(mine) is mine
    plt.close("all")


def shifted(digits, wrong, first=0):
    labels = digits.test.labels.copy()
    labels[first : first + wrong] = (labels[first : first + wrong] + 1) % 10
    return digitwise.evaluate(np.eye(10)[labels], digits)


def test_several_models_are_compared_pair_by_pair_by_adjusted_p_values(digits):
    models = [shifted(digits, wrong) for wrong in (0, 6, 13)]
    found = digitwise.compare(*models)
    assert [(pair.errors_a, pair.errors_b) for pair in found] == [(0, 6), (0, 13), (6, 13)]
    assert (len(found), found[2]) == (3, digitwise.compare(*models[1:]))
    p = [pair.p_value for pair in found]  # 2 ** -5, 2 ** -12, 2 ** -6
    assert max(p) < 0.05
    assert found.p_adjusted == pytest.approx([p[0], 3 * p[1], 2 * p[2]])
    assert found.verdicts[1] == f"array (1) makes fewer errors than array (3) (p = {3 * p[1]:.3g}, adjusted)"
    assert repr(found) == "Comparisons(3 models on 360 images: errors 0, 6, 13)"


def test_adjusted_p_values_never_fall_and_end_at_one(digits):
    models = [shifted(digits, 5, first) for first in (0, 5, 10, 15)]
    assert set(digitwise.compare(*models).p_adjusted) == {1.0}
    several = Comparisons(("a", "b", "c"), tuple(replace(digitwise.compare(*models[:2]), p_value=p) for p in P_VALUES))
    assert several.p_adjusted == pytest.approx((0.06, 0.06, 0.06))
    assert all("no evidence" in verdict for verdict in several.verdicts)


def test_several_comparisons_have_a_frame_and_a_display(digits, trained):
    found = digitwise.compare(trained, shifted(digits, 30), np.eye(10)[digits.test.labels], data=digits)
    frame = found.frame()
    assert frame["a"].tolist() == [trained.name, trained.name, "array (2)"]
    assert frame["b"].tolist() == ["array (2)", "array (3)", "array (3)"]
    assert frame.loc[2, ["errors_a", "errors_b", "only_a", "only_b", "both_wrong"]].tolist() == [30, 0, 30, 0, 0]
    assert frame.loc[2, "low"] < frame.loc[2, "difference"] == 30 / 360 < frame.loc[2, "high"]
    html = found._repr_html_()
    assert "exact McNemar tests on 360 images, adjusted for 3 of them" in html
    assert all(f"{verdict}</td>" in html for verdict in found.verdicts)
    reads = [read["reason"] for read in Run.open(trained).info["test_reads"][-2:]]
    assert reads == ["compare: with array", "compare: with array"]


def test_a_model_among_several_is_refused_without_data(some):
    with pytest.raises(RunError, match=r"others: expected a run, .*got .lambda.; give data too \(--data\)") as told:
        digitwise.compare(some, some, lambda images: images)
    assert told.value.argument == "data"
