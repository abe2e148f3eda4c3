import numpy as np
import pytest

from digitwise.checks import Part, Subject, chosen, run_checks
from digitwise.data.raw import Raw
from tests.helpers import glyphs


def found(code, labels, *, names=None, test_labels=None):
    train = Part("train", Raw(glyphs(len(labels)), np.asarray(labels), names))
    test = None if test_labels is None else Part("test", Raw(glyphs(len(test_labels), seed=1), np.asarray(test_labels)))
    return run_checks(Subject("drawn", train, test), chosen([code]))


def test_even_classes_are_passed():
    assert found("DW001", [0, 1, 2] * 100).passed == ("DW001",)


def test_uneven_classes_are_told_with_their_ratio():
    (finding,) = found("DW001", [0] * 300 + [1] * 100).findings
    assert finding.evidence["ratio"] == pytest.approx(3)
    assert finding.severity == "warning"


def test_a_gap_in_the_labels_is_a_missing_class_and_an_error():
    (finding,) = found("DW002", [0, 2] * 100).findings
    assert (finding.severity, finding.evidence["missing"]) == ("error", ["1"])


def test_a_class_that_only_the_test_set_lacks_is_a_warning():
    (finding,) = found("DW002", [0, 1] * 100, test_labels=[0] * 100).findings
    assert (finding.severity, finding.split) == ("warning", "test")


@pytest.mark.parametrize(
    ("labels", "wrong"),
    [
        ([0, 1, np.nan, 1], [2]),
        ([0, 1, -1, 1], [2]),
        ([0.0, 1.5, 1, 0], [1]),
        (["0", "one", "1", "0"], [1]),
        ([[1, 0], [0, 1], [1, 1], [0, 0]], [2, 3]),
        (["0", "9" * 30, "99999999", "1"], [1, 2]),
        ([b"0", b"1", b"x", b"1"], [2]),
    ],
    ids=["NaN", "negative", "fraction", "text", "one-hot", "long text", "bytes"],
)
def test_labels_that_are_no_class_are_listed(labels, wrong):
    (finding,) = found("DW003", labels).findings
    assert finding.indices.tolist() == wrong
    assert finding.severity == "error"


def test_a_test_label_that_was_never_trained_on_is_listed():
    (finding,) = found("DW003", [0, 1] * 10, test_labels=[0, 1, 7]).findings
    assert (finding.split, finding.indices.tolist()) == ("test", [2])


def test_pictures_without_labels_get_no_check_of_labels():
    checked = run_checks(Subject("drawn", Part("train", Raw(glyphs(60), None))), chosen(["DW00", "DW012"]))
    assert set(checked.skipped) == {"DW001", "DW002", "DW003", "DW004", "DW012"}
    assert not checked.findings


def test_labels_of_which_none_is_a_class_are_not_called_missing_classes():
    checked = found("DW002", ["a", "b", "c"])
    assert not checked.findings
    assert checked.skipped == {"DW002": "no label is a class"}


def test_unreadable_scans_that_a_set_is_held_against_are_listed():
    test = Part("test", Raw(glyphs(5), None, None, ("a.png",) * 5, (("bad.png", "damaged"),)))
    (finding,) = run_checks(Subject("drawn", Part("train", Raw(glyphs(20), None)), test), chosen(["DW004"])).findings
    assert "bad.png" in finding.words
