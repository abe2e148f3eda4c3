import numpy as np
import pytest

from digitwise.evaluation.calibration import at_temperature, calibration, fit_temperature, negative_log_likelihood
from tests.helpers import drawn, predictions


def test_bins_hold_every_image_once_with_its_accuracy():
    found = calibration(predictions([0, 0, 1, 2], [0, 1, 1, 2], confidence=0.8))
    assert [(b.n, b.accuracy) for b in found.bins] == [(4, 0.75)]
    assert found.error == pytest.approx(0.05)
    assert found.bins[0].low <= 0.8 < found.bins[0].high


def test_full_confidence_falls_in_the_last_bin():
    found = calibration(predictions([0, 1], [0, 1], confidence=1.0))
    assert [(b.high, b.n) for b in found.bins] == [(1.0, 2)]
    assert found.error == 0


def test_log_likelihood_of_an_impossible_label_is_finite():
    def mean(answers):
        return negative_log_likelihood(answers.probabilities, answers.labels)

    assert np.isfinite(mean(predictions([0], [1], confidence=1.0)))
    assert mean(predictions([1], [1], confidence=0.5)) == pytest.approx(np.log(2))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_that_spoiled_the_probabilities_is_found(temperature):
    true = drawn(20_000, seed=1)
    spoiled = at_temperature(true, 1 / temperature)
    assert fit_temperature(spoiled) == pytest.approx(temperature, rel=0.05)
    assert calibration(at_temperature(spoiled, fit_temperature(spoiled))).error < 0.01


def test_temperature_changes_no_prediction():
    answers = drawn(500)
    for temperature in (0.2, 5.0):
        scaled = at_temperature(answers, temperature)
        assert np.array_equal(scaled.predicted, answers.predicted)
        np.testing.assert_allclose(scaled.probabilities.sum(axis=1), 1, atol=1e-6)
