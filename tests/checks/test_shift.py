import numpy as np
from scipy.ndimage import grey_dilation

from digitwise.checks import SplitData, Subject, chosen, run_checks
from digitwise.checks.shift import rank_auc, two_sample
from digitwise.data.raw import Raw
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
