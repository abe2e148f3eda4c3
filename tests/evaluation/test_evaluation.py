import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import f1_score, log_loss, precision_score, recall_score, top_k_accuracy_score

from digitwise.errors import RunError
from digitwise.evaluation import (
    compare_predictions,
    confusion_matrix,
    evaluate_predictions,
    explain,
    most_confused,
    wilson,
)
from tests.helpers import drawn, predictions

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 300)
GUESSES = np.where(RNG.random(300) < 0.7, LABELS, RNG.integers(0, 4, 300))


@pytest.fixture
def answers():
    return predictions(LABELS.tolist(), GUESSES.tolist(), classes=4)


def test_confusion_matrix_agrees_with_scikit_learn(answers):
    assert np.array_equal(confusion_matrix(answers), sklearn_confusion(LABELS, GUESSES))
    shares = confusion_matrix(answers, normalize=True)
    np.testing.assert_allclose(shares, sklearn_confusion(LABELS, GUESSES, normalize="true"))


def test_precision_and_recall_agree_with_scikit_learn(answers):
    scores = evaluate_predictions(answers).classes
    np.testing.assert_allclose([s.precision for s in scores], precision_score(LABELS, GUESSES, average=None))
    np.testing.assert_allclose([s.recall for s in scores], recall_score(LABELS, GUESSES, average=None))


def test_f1_agrees_with_scikit_learn_and_lies_in_its_interval(answers):
    scores = evaluate_predictions(answers).classes
    np.testing.assert_allclose([s.f1 for s in scores], f1_score(LABELS, GUESSES, average=None))
    assert all(s.f1_95[0] < s.f1 < s.f1_95[1] for s in scores)


def test_f1_interval_holds_the_truth_about_95_times_in_100():
    rng, held = np.random.default_rng(1), 0
    for _ in range(300):
        labels = rng.random(400) < 0.3
        guesses = np.where(rng.random(400) < 0.1, ~labels, labels)
        low, high = (
            evaluate_predictions(predictions(labels.astype(int).tolist(), guesses.astype(int).tolist()))
            .classes[1]
            .f1_95
        )
        held += low <= 2 * 0.27 / (0.3 + 0.34) <= high
    assert 0.92 <= held / 300 <= 0.99


def test_top_two_and_log_likelihood_agree_with_scikit_learn():
    found = drawn(400)
    evaluation = evaluate_predictions(found)
    assert evaluation.top_2_accuracy == pytest.approx(top_k_accuracy_score(found.labels, found.probabilities, k=2))
    exact = found.probabilities.astype(float)
    expected = log_loss(found.labels, exact / exact.sum(axis=1, keepdims=True), labels=range(10))
    assert evaluation.negative_log_likelihood == pytest.approx(expected, rel=1e-4)


def test_class_without_images_or_predictions_has_no_scores():
    scores = evaluate_predictions(predictions([0, 0], [0, 0])).classes
    assert (scores[1].precision, scores[1].recall) == (None, None)


@pytest.mark.parametrize(("count", "n"), [(0, 10), (50, 10_000), (7, 7), (3, 40)])
def test_wilson_interval_agrees_with_scipy(count, n):
    expected = binomtest(count, n).proportion_ci(method="wilson")
    assert wilson(count, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_errors_are_stated_for_a_number_of_readings(answers):
    result = evaluate_predictions(answers)
    assert result.n_errors == int((LABELS != GUESSES).sum())
    share = round(10_000 * result.n_errors / 300)
    assert f"of 10,000 samples about {share} wrong (95 % interval" in result.in_production()


def test_most_confused_pairs_come_most_frequent_first():
    pairs = most_confused(predictions([0, 0, 0, 1, 2], [1, 1, 2, 0, 2]), limit=2)
    assert [(p.given, p.predicted, p.count) for p in pairs] == [("0", "1", 2), ("0", "2", 1)]


def test_mcnemar_agrees_with_the_binomial_test():
    a = predictions([0] * 30, [1] * 9 + [0] * 21)
    b = predictions([0] * 30, [0] * 8 + [1] * 3 + [0] * 19)
    result = compare_predictions(a, b)
    assert (result.errors_a, result.errors_b, result.both_wrong, result.only_a, result.only_b) == (9, 3, 1, 8, 2)
    assert result.p_value == pytest.approx(binomtest(2, 10).pvalue)
    assert "no evidence of a difference" in result.verdict()


def test_clear_difference_is_stated():
    a, b = predictions([0] * 30, [1] * 12 + [0] * 18), predictions([0] * 30, [0] * 30)
    assert compare_predictions(a, b).verdict("old", "new").startswith("new makes fewer errors than old")


def test_equal_models_show_no_difference():
    a = predictions([0, 1], [0, 2])
    assert compare_predictions(a, a).p_value == 1


def test_difference_interval_holds_the_truth_about_95_times_in_100():
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        hard = rng.random(800) < 0.04  # images that both may miss: the answers are paired
        a, b = ((rng.random(800) < np.where(hard, 0.5, rate)).astype(int).tolist() for rate in (0.03, 0.01))
        low, high = compare_predictions(predictions([0] * 800, a), predictions([0] * 800, b)).difference_95
        held += low <= 0.96 * 0.02 <= high
    assert 0.92 <= held / 300 <= 0.99


def test_difference_is_the_first_models_rate_minus_the_seconds():
    found = compare_predictions(predictions([0] * 10, [1] * 4 + [0] * 6), predictions([0] * 10, [1] * 1 + [0] * 9))
    assert found.difference == pytest.approx(0.3)
    assert found.difference_95[0] < 0.3 < found.difference_95[1]


def test_predictions_of_other_images_are_not_compared():
    with pytest.raises(RunError, match="the same images"):
        compare_predictions(predictions([0], [0]), predictions([1], [1]))


def test_explanation_states_the_result_and_the_confidence():
    assert "the prediction is right" in explain(predictions([1], [1], confidence=0.9999))
    text = explain(predictions([2], [1], confidence=0.6))
    assert "unsure: 1 has 0.6000" in text
    assert "The label says 2, which got 0.2000: the prediction is wrong" in text
