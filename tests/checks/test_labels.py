import numpy as np
import pytest

from digitwise.checks import Learned, SplitData, Subject, chosen, run_checks
from digitwise.checks.labels import suspicion
from digitwise.data.raw import Raw
from tests.helpers import drawn, glyphs


def found(code, labels, *, names=None, test_labels=None):
    train = SplitData("train", Raw(glyphs(len(labels)), np.asarray(labels), names))
    test = (
        None
        if test_labels is None
        else SplitData("test", Raw(glyphs(len(test_labels), seed=1), np.asarray(test_labels)))
    )
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


def test_images_without_labels_get_no_check_of_labels():
    checked = run_checks(Subject("drawn", SplitData("train", Raw(glyphs(60), None))), chosen(["DW00", "DW012"]))
    assert set(checked.skipped) == {"DW001", "DW002", "DW003", "DW004", "DW012"}
    assert not checked.findings


def test_labels_of_which_none_is_a_class_are_not_called_missing_classes():
    checked = found("DW002", ["a", "b", "c"])
    assert not checked.findings
    assert checked.skipped == {"DW002": "no label is a class"}


def test_unreadable_scans_that_a_set_is_held_against_are_listed():
    test = SplitData("test", Raw(glyphs(5), None, None, ("a.png",) * 5, (("bad.png", "damaged"),)))
    (finding,) = run_checks(
        Subject("drawn", SplitData("train", Raw(glyphs(20), None)), test), chosen(["DW004"])
    ).findings
    assert "bad.png" in finding.words


def test_flipped_labels_are_ranked_first_and_cut_off():
    answers = drawn(2_000, seed=1, sharpness=20.0)
    labels = answers.labels.copy()
    labels[:20] = (labels[:20] + 1) % 10
    found = suspicion(labels, answers.probabilities)
    assert set(found.order[:30]) >= set(range(20)) - set(np.flatnonzero(answers.missed[:20]))
    assert found.wrong[:20].mean() > 0.8
    assert found.wrong[20:].mean() < 0.03
    assert (found.suggested[:20] == answers.labels[:20]).mean() > 0.8


def test_true_labels_of_sure_answers_are_all_kept():
    labels = np.arange(500) % 10
    assert not suspicion(
        labels, np.full((500, 10), 0.01, np.float32) + 0.9 * np.eye(10, dtype=np.float32)[labels]
    ).wrong.any()


def test_the_finding_gives_both_labels_and_both_confidences():
    labels = np.arange(300) % 3
    probabilities = np.full((300, 3), 0.02, np.float32) + 0.94 * np.eye(3, dtype=np.float32)[labels]
    given = labels.copy()
    given[7] = 0
    part = SplitData("train", Raw(glyphs(300), given))
    learned = Learned(np.arange(300), np.zeros((300, 1), np.float32), probabilities)
    (finding,) = run_checks(Subject("drawn", part, learned=learned), chosen(["DW040"])).findings
    assert finding.evidence["labels"] == [
        {"index": 7, "given": "0", "suggested": "1", "given_confidence": 0.02, "suggested_confidence": 0.96}
    ]
