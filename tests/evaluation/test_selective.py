import numpy as np
import pytest

from digitwise.errors import RunError
from digitwise.evaluation.calibration import at_temperature
from digitwise.evaluation.selective import (
    ROUNDING,
    TEMPERATURE,
    _below,
    fewest_answers,
    reading_policy,
    risk_coverage,
    upper_bound,
)
from digitwise.predictions import Predictions
from tests.helpers import drawn, predictions


def test_risk_coverage_answers_the_surest_first():
    answers = predictions([0, 0, 1], [0, 1, 1])
    answers.probabilities[1] = (0.3, 0.4, 0.3)  # the wrong one is the least sure
    curve = risk_coverage(answers)
    np.testing.assert_allclose(curve.coverage, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(curve.risk, [0, 0, 1 / 3])


@pytest.mark.parametrize(("errors", "n"), [(0, 2995), (1, 4742), (3, 500)])
def test_upper_bound_is_the_exact_one(errors, n):
    from scipy.stats import binomtest

    expected = binomtest(errors, n, alternative="less").proportion_ci(0.95, method="exact").high
    assert upper_bound(errors, n) == pytest.approx(expected)


def test_fewest_answers_is_where_the_bound_meets_the_guarantee():
    for errors, max_error in ((0, 0.001), (1, 0.001), (3, 0.01)):
        n = fewest_answers(errors, max_error)
        assert upper_bound(errors, n) <= max_error < upper_bound(errors, n - 1)
    assert fewest_answers(0, 0.001) == 2995


def test_policy_answers_as_many_as_its_guarantee_allows():
    validation, test = drawn(10_000, seed=2), drawn(10_000, seed=3)
    policy = reading_policy(validation, 0.01)
    assert policy.answers(validation) == (policy.answered, policy.errors)
    assert policy.bound <= 0.01
    answered, errors = policy.answers(test)
    assert answered / len(test) == pytest.approx(policy.coverage, abs=0.03)
    assert errors / answered < 0.015
    assert reading_policy(validation, 0.02).coverage > policy.coverage


def test_threshold_does_not_depend_on_a_fitted_temperature():
    """A temperature fitted to the labels of the test would be a choice that the guarantee does not account for."""
    too_sure = at_temperature(drawn(10_000, seed=2), 0.5)  # fitted, the temperature would be 2
    policy = reading_policy(too_sure, 0.02)
    assert policy.as_dict()["temperature"] == TEMPERATURE
    answered = at_temperature(too_sure, TEMPERATURE).confidence >= policy.threshold
    assert (int(answered.sum()), int(too_sure.missed[answered].sum())) == (policy.answered, policy.errors)


def test_guarantee_holds_where_confidence_is_useless_and_errors_are_just_too_many():
    """Every policy would break the guarantee, so the share of policies counts."""
    rng, given = np.random.default_rng(0), 0
    for _ in range(400):
        labels = (rng.random(1000) < 0.0204).astype(np.int64)
        sure = rng.uniform(0.6, 1, 1000).astype(np.float32)
        try:
            reading_policy(Predictions(labels, np.stack([sure, 1 - sure], axis=1), ("0", "1")), 0.02)
        except RunError:
            continue
        given += 1
    assert given / 400 <= 0.065  # 5 %, and what 400 times can be off by


def test_model_without_errors_answers_everything():
    policy = reading_policy(predictions([0, 1, 2] * 200, [0, 1, 2] * 200), 0.01)
    assert (policy.coverage, policy.errors) == (1.0, 0)


def test_images_of_equal_confidence_are_answered_together():
    right, wrong = predictions([0] * 900, [0] * 900), predictions([0] * 100, [1] * 100)
    labels = np.concatenate([right.labels, wrong.labels])
    probabilities = np.concatenate([right.probabilities, wrong.probabilities])
    with pytest.raises(RunError, match="100 of the 1,000 surest of 1,000"):
        reading_policy(type(right)(labels, probabilities, right.class_names), 0.05)


@pytest.mark.parametrize("seed", range(5))
def test_rounding_does_not_change_what_a_policy_answers(seed):
    """Probabilities differ by more than was ever measured between stored predictions and an exported model."""
    validation = drawn(2000, sharpness=12.0, seed=seed)
    rng = np.random.default_rng(seed)
    policy = reading_policy(validation, 0.02)
    sure = np.sort(at_temperature(validation, TEMPERATURE).confidence)[::-1]
    assert sure[policy.answered - 1] - policy.threshold == pytest.approx(ROUNDING, rel=0.02)
    rounded = validation.probabilities + rng.uniform(-2e-6, 2e-6, validation.probabilities.shape).astype(np.float32)
    again = Predictions(validation.labels, np.maximum(rounded, 0), validation.class_names)
    assert policy.answers(again) == (policy.answered, policy.errors)


@pytest.mark.parametrize("gap", [6e-8, 1e-6, 1e-5, 1e-3], ids=str)
def test_threshold_stands_between_the_last_image_answered_and_the_next(gap):
    last = np.float32(0.9)
    following = np.float32(last - np.float32(gap))
    sure = np.array([0.99, last, following, 0.5], np.float32)
    threshold = _below(sure, 2)
    assert (sure >= threshold).tolist() == [True, True, False, False]
    assert last - threshold <= 1.01 * ROUNDING
    if gap > 1e-7:
        assert following < threshold < last


def test_guarantee_beyond_the_data_is_refused_with_the_number_needed():
    with pytest.raises(RunError, match=r"expected at least 3,688 validation images, got 900"):
        reading_policy(drawn(900), 0.001)


@pytest.mark.parametrize("max_error", [0.0, 1.0, -0.1])
def test_share_outside_its_range_is_refused(max_error):
    with pytest.raises(RunError, match="above 0 and below 1"):
        reading_policy(drawn(100), max_error)
