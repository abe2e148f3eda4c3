import json

import numpy as np
import pytest

from digitwise.evaluation.assessment import assess
from digitwise.evaluation.calibration import at_temperature
from tests.helpers import drawn


def test_temperature_and_policy_come_from_validation_alone():
    validation, test = drawn(4000, seed=1), drawn(4000, seed=2)
    soft, sharp = (assess(validation, given, max_error=0.02) for given in (test, at_temperature(test, 0.2)))
    assert soft.temperature == sharp.temperature == pytest.approx(1, abs=0.1)
    assert soft.reading.policy == sharp.reading.policy


def test_realised_error_is_counted_on_the_test_images():
    found = assess(drawn(4000, seed=1), drawn(4000, seed=2), max_error=0.02)
    policy = found.reading.policy
    assert found.reading.answered / 4000 == pytest.approx(policy.coverage, abs=0.05)
    assert found.reading.errors / found.reading.answered < 0.03


def test_guarantee_without_support_is_refused_with_its_reason_and_the_rest_is_assessed():
    found = assess(drawn(500, seed=1), drawn(500, seed=2), max_error=0.001)
    assert found.reading.policy is None
    assert "expected at least 3,688 validation images" in found.reading.refusal
    assert found.scores.n == 500


def test_overconfident_model_is_calibrated_by_its_temperature():
    validation, test = (at_temperature(drawn(5000, seed=s), 0.5) for s in (1, 2))
    found = assess(validation, test)
    assert found.temperature == pytest.approx(2, rel=0.1)
    assert found.calibrated.error < found.raw.error / 2
    assert found.calibrated.negative_log_likelihood < found.raw.negative_log_likelihood


def test_assessment_is_plain_values():
    plain = assess(drawn(800, seed=1), drawn(800, seed=2), max_error=0.3, class_mix={"1": 0.5}).as_dict()
    assert json.loads(json.dumps(plain))["expected"]["class_mix"]["1"] == 0.5
    assert np.isfinite(plain["calibration"]["error"])
