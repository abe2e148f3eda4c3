"""How many of the digits read may be wrong: counted without labels, and said where it is more than was guaranteed."""

import warnings

import numpy as np
import pytest

from digitwise import Reader
from digitwise.reading.answers import FEW, Expected, Tally
from digitwise.reading.model import ReadingPolicy
from tests.helpers import glyphs

POLICY = ReadingPolicy(max_error=0.003, threshold=0.9, exponent=1.0)


def of(confidence, n):
    expected = Expected()
    expected.add([confidence] * n)
    return expected


def test_the_share_is_what_confidences_lack_of_one():
    expected = of(0.99, 100)
    expected.add([1.0] * 100)
    assert expected.read == 200
    assert expected.share == pytest.approx(0.005)
    assert Expected().share == 0


def test_errors_of_true_confidences_are_foreseen():
    rng = np.random.default_rng(0)
    confidences = rng.beta(30, 1, 20_000)
    wrong = (rng.random(20_000) > confidences).sum()
    expected = Expected()
    expected.add(confidences.tolist())
    assert abs(wrong - expected.errors) < 4 * np.sqrt(expected.variance)


def test_more_errors_than_guaranteed_are_said_once_there_are_digits_enough():
    assert of(0.97, FEW - 1).word(POLICY) is None
    word = of(0.97, 1_000).word(POLICY)
    assert "of the 1,000 single digits read about 3.0% may be wrong, more than the 0.3%" in word
    assert "digitwise calibrate" in word


@pytest.mark.parametrize(("confidence", "n"), [(0.998, 1_000), (0.995, 100)], ids=["fewer", "perhaps by chance"])
def test_nothing_is_said_where_the_guarantee_may_hold(confidence, n):
    assert of(confidence, n).word(POLICY) is None


def test_a_model_without_a_guarantee_breaks_none():
    assert of(0.5, 1_000).word(None) is None


@pytest.fixture(scope="module")
def doubtful(model_file):
    """A reader and images on which its probabilities leave a doubt, but are taken for sure."""
    reader = Reader(model_file)
    reader.policy = ReadingPolicy(max_error=1e-9, threshold=0.0, exponent=1.0)
    return reader, glyphs(40)  # no digits, but in the form of some


def test_a_list_is_warned_about_and_a_single_image_is_not(doubtful, monkeypatch):
    monkeypatch.setattr("digitwise.reading.answers.CERTAIN", 0)
    reader, images = doubtful
    with pytest.warns(UserWarning, match="single digits read about .* may be wrong"):
        reader.read(list(images))
    with pytest.warns(UserWarning, match="single digits read about"):
        reader.read(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reader.read(images[0])
        reader.read(list(images[:5]))


def test_a_tally_counts_arrays_as_it_counts_readings(doubtful):
    reader, images = doubtful
    answers = reader.answers(images)
    together, one_by_one = Tally(), Tally()
    together.add_part(answers)
    for reading in answers.readings():
        one_by_one.add(reading)
    assert together.expected.read == one_by_one.expected.read == answers.read.sum() > 0
    assert together.expected.errors == pytest.approx(one_by_one.expected.errors)
