import numpy as np
import pytest

from digitwise.errors import DataError, RunError
from digitwise.evaluation import wilson
from digitwise.evaluation.rates import expected_errors, judge
from tests.helpers import predictions


@pytest.fixture
def answers():
    """Class 0: 5 of 100 wrong; class 1: 20 of 100; class 2: none of 200."""
    labels = [0] * 100 + [1] * 100 + [2] * 200
    return predictions(labels, [1] * 5 + [0] * 95 + [0] * 20 + [1] * 80 + [2] * 200)


def test_without_a_mix_the_wilson_interval_holds(answers):
    found = expected_errors(answers, 1000)
    low, high = wilson(25, 400)
    assert found.errors == 62.5
    assert found.interval_95 == pytest.approx((1000 * low, 1000 * high))
    assert found.class_mix == {"0": 0.25, "1": 0.25, "2": 0.5}
    assert found.words == "of 1,000 samples about 62 wrong (95 % interval 43 to 91)"


def test_one_class_alone_has_its_own_interval(answers):
    found = expected_errors(answers, 1000, {"1": 1.0})
    low, high = wilson(20, 100)
    assert found.errors == pytest.approx(200)
    assert found.interval_95 == pytest.approx((1000 * low, 1000 * high))


def test_other_classes_divide_the_rest_by_their_frequency(answers):
    found = expected_errors(answers, 1000, {"1": 0.4})
    assert found.class_mix == pytest.approx({"0": 0.2, "1": 0.4, "2": 0.4})
    assert found.errors == pytest.approx(1000 * (0.2 * 0.05 + 0.4 * 0.2))


def test_interval_of_a_mix_holds_the_truth_about_95_times_in_100():
    rng, rates, held = np.random.default_rng(0), np.array([0.01, 0.1, 0.03]), 0
    labels = np.repeat([0, 1, 2], 300)
    for _ in range(400):
        wrong = rng.random(900) < rates[labels]
        low, high = expected_errors(
            predictions(labels.tolist(), np.where(wrong, (labels + 1) % 3, labels).tolist()), 1, {"0": 0.7, "1": 0.2}
        ).interval_95
        held += low <= 0.7 * 0.01 + 0.2 * 0.1 + 0.1 * 0.03 <= high
    assert 0.92 <= held / 400 <= 0.99


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"7": 0.5}, "expected classes of 0, 1, 2, got '7'"),
        ({"0": 1.5}, "expected a share of 0 to 1 for class 0, got 1.5"),
        ({"0": 0.7, "1": 0.6}, "sum to 1, got 1.3"),
        ({"0": 0.2, "1": 0.2, "2": 0.2}, "sum to 1, got 0.6"),
    ],
)
def test_invalid_mix_is_refused(answers, mix, message):
    with pytest.raises(DataError, match=message):
        expected_errors(answers, 1000, mix)


def test_class_without_images_cannot_be_in_the_mix():
    with pytest.raises(DataError, match="got 2 without any"):
        expected_errors(predictions([0, 1], [0, 1]), 100, {"2": 0.5})


@pytest.mark.parametrize(
    ("errors", "n", "outcome"),
    [(34, 10_000, "reached"), (150, 10_000, "missed"), (90, 10_000, "open"), (0, 20, "open")],
    ids=["well below", "well above", "the interval holds it", "too few images"],
)
def test_verdict_follows_from_the_interval_not_from_the_count(errors, n, outcome):
    verdict = judge(errors, n, 0.01)
    assert verdict.outcome == outcome
    assert "1 %" in verdict.words


@pytest.mark.parametrize("target", [0, 1, -0.1, float("nan")])
def test_target_that_is_no_share_is_refused(target):
    with pytest.raises(RunError, match="target: expected a share"):
        judge(1, 10, target)


def test_without_a_target_the_interval_is_told():
    verdict = judge(10, 1_000)
    assert (verdict.target, verdict.outcome) == (None, "measured")
    assert verdict.words == "1.00 % are wrong; of all such images 0.54 % to 1.83 %, with 95 % confidence."
