import numpy as np
import pytest
from scipy.stats import hypergeom

from digitwise.evaluation.slices import SIGNIFICANT, _tails, find_slices
from digitwise.predictions import Predictions
from digitwise.properties import PROPERTIES

N = 4000


def properties_of(n, seed=0):
    rng = np.random.default_rng(seed)
    measured = {known.name: rng.normal(size=n) for known in PROPERTIES if known.kind == "measure"}
    return measured | {known.name: rng.integers(0, 3, n).astype(float) for known in PROPERTIES if known.kind == "count"}


def answers(error_rate, *, seed=0):
    """Answers that are wrong with each image's own chance."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, len(error_rate))
    predicted = np.where(rng.random(len(error_rate)) < error_rate, (labels + 1) % 10, labels)
    return Predictions(labels, np.eye(10, dtype=np.float32)[predicted], tuple("0123456789"))


def test_planted_slice_is_found_and_described():
    measured = properties_of(N)
    slanted = measured["slant"] >= np.quantile(measured["slant"], 0.9)
    found = find_slices(answers(np.where(slanted, 0.08, 0.005)), measured)
    assert len(found) == 1
    assert found[0].conditions[0].property == "slant"
    assert np.mean(slanted[found[0].indices]) > 0.9
    assert found[0].words.startswith("digits slanted right (slant from ")
    assert f"{found[0].errors} of {len(found[0].indices)}" in found[0].words


def test_two_properties_together_are_found():
    measured = properties_of(N)
    both = (measured["stroke_width"] <= np.quantile(measured["stroke_width"], 0.2)) & (measured["holes"] == 0)
    found = find_slices(answers(np.where(both, 0.15, 0.005)), measured)
    assert {condition.property for condition in found[0].conditions} == {"stroke_width", "holes"}


@pytest.mark.parametrize("seed", [0, 21, 28])
def test_group_of_one_property_is_not_hidden_by_the_pairs(seed):
    """In these draws it is less likely than the best single groups by chance, but not than the best of all pairs."""
    measured = properties_of(N, seed)
    slanted = measured["slant"] >= np.quantile(measured["slant"], 0.9)
    found = find_slices(answers(np.where(slanted, 0.03, 0.005), seed=seed), measured)
    assert any(slanted[each.indices].mean() > 0.5 for each in found)


def test_errors_without_a_pattern_give_no_slice():
    given = [find_slices(answers(np.full(600, 0.02), seed=seed), properties_of(600, seed)) for seed in range(60)]
    assert sum(map(bool, given)) <= 0.05 * 60
    assert all(each.p_value <= SIGNIFICANT for found in given for each in found)


def test_class_with_more_errors_is_a_slice():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 10, N)
    wrong = rng.random(N) < np.where(labels == 9, 0.08, 0.005)
    predicted = np.where(wrong, (labels + 1) % 10, labels)
    found = find_slices(
        Predictions(labels, np.eye(10, dtype=np.float32)[predicted], tuple("0123456789")), properties_of(N)
    )
    assert found[0].name == "digits of class 9"


def test_no_errors_give_no_slice():
    assert find_slices(answers(np.zeros(500)), properties_of(500)) == []


@pytest.mark.parametrize(("size", "errors"), [(20, 5), (980, 5), (0, 3), (1000, 3)])
def test_tails_agree_with_scipy(size, errors):
    expected = hypergeom(1000, errors, size).sf(np.arange(errors + 1) - 1)
    np.testing.assert_allclose(_tails(np.array([size]), 1000, errors)[0], expected, atol=1e-9)
