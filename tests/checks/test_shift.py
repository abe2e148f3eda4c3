import numpy as np
from scipy.ndimage import grey_dilation

from digitwise.checks import SplitData, Subject, chosen, run_checks
from digitwise.checks.shift import expected_accuracy, rank_auc, two_sample
from digitwise.data import load
from digitwise.data.raw import Raw
from digitwise.normalization import normalize_all
from digitwise.reading.model import Model
from tests.helpers import glyphs


def checked(test):
    train = SplitData("train", Raw(glyphs(400), np.arange(400) % 10))
    return run_checks(
        Subject("drawn", train, None if test is None else SplitData("test", Raw(test, None))), chosen(["DW050"])
    )


def test_splits_of_one_source_are_passed():
    assert checked(glyphs(300, seed=1)).passed == ("DW050",)


def test_thicker_strokes_are_named():
    (finding,) = checked(grey_dilation(glyphs(300, seed=1), (1, 3, 3))).findings
    names = [row["name"] for row in finding.evidence["properties"][:3]]
    assert "stroke width" in names
    assert "stroke width" in finding.words


def test_without_test_images_it_does_not_apply():
    assert "--against" in checked(None).skipped["DW050"]


def test_two_samples_of_one_distribution_cannot_be_told_apart():
    rng = np.random.default_rng(0)
    p_values = [two_sample(*rng.normal(size=(2, 200, 3)))[1] for _ in range(20)]
    assert np.mean(np.array(p_values) < 0.05) <= 0.2
    assert two_sample(rng.normal(size=(200, 3)), rng.normal(1, 1, (200, 3)))[1] < 1e-6


def test_the_area_counts_ties_half():
    assert rank_auc(np.array([1.0, 2.0]), np.array([2.0, 3.0])) == 0.875


def test_what_a_shift_means_for_the_error_rate_is_estimated_without_labels():
    digits = load("digits")
    train = SplitData("train", Raw(digits.train.images, digits.train.labels))
    noise = np.random.default_rng(0).normal(0, 130, digits.test.images.shape)
    noisy = np.clip(digits.test.images + noise, 0, 255).astype(np.uint8)
    told = []
    for images in (digits.test.images, noisy):
        ours, theirs = expected_accuracy(Subject("digits", train, SplitData("test", Raw(images, None))))
        forms = normalize_all(images)[0]
        true = (Model().probabilities(forms).argmax(axis=1) == digits.test.labels).mean()
        assert ours > 0.95
        assert abs(theirs - true) < 0.1
        told.append(theirs)
    assert told[1] < told[0] - 0.05
    subject = Subject("digits", train, SplitData("test", Raw(noisy, None)))
    (finding,) = run_checks(subject, chosen(["DW050"])).findings
    assert f"about {told[1]:.1%} of the test images" in finding.words


def test_nothing_is_expected_of_images_that_are_no_known_digits():
    (finding,) = checked(grey_dilation(glyphs(300, seed=1), (1, 3, 3))).findings
    assert "expected_accuracy" not in finding.evidence
