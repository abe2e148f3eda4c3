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


def flipped(n, answers):
    """The labels of answers that have the right confidence, some of them flipped to another class."""
    rng = np.random.default_rng(1)
    places = rng.choice(len(answers.labels), n, replace=False)
    labels = answers.labels.copy()
    labels[places] = (labels[places] + rng.integers(1, 10, n)) % 10
    return labels, places


@pytest.mark.parametrize("seed", range(5))
def test_unsure_networks_name_no_label_of_a_clean_set(seed):
    answers = drawn(1_000, seed=seed, sharpness=2.0)
    assert not suspicion(answers.labels, answers.probabilities).wrong.any()
    overconfident = answers.probabilities**3
    assert not suspicion(answers.labels, overconfident / overconfident.sum(axis=1, keepdims=True)).wrong.any()


def test_of_what_is_named_nine_in_ten_are_wrong_at_least():
    named, right = 0, 0
    for seed in range(10):
        labels, places = flipped(30, answers := drawn(1_000, seed=seed, sharpness=6.0))
        found = suspicion(labels, answers.probabilities).cut
        named, right = named + len(found), right + len(np.intersect1d(found, places))
    assert named > 100
    assert right >= 0.9 * named


def learned_of(labels, answers):
    part = SplitData("train", Raw(glyphs(len(labels)), labels))
    learned = Learned(np.arange(len(labels)), np.zeros((len(labels), 1), np.float32), answers.probabilities)
    return run_checks(Subject("drawn", part, learned=learned), chosen(["DW040"]))


def test_the_finding_gives_both_labels_and_both_confidences():
    labels, places = flipped(10, answers := drawn(1_000, sharpness=20.0))
    (finding,) = learned_of(labels, answers).findings
    row = next(row for row in finding.evidence["labels"] if row["index"] in places)
    place = row["index"]
    assert (row["given"], row["suggested"]) == (str(labels[place]), str(answers.probabilities[place].argmax()))
    assert row["given_confidence"] == round(float(answers.probabilities[place, labels[place]]), 4)
    assert row["suggested_confidence"] == round(float(answers.probabilities[place].max()), 4)
    assert "there may be others" not in finding.words


def test_a_set_that_is_too_hard_is_told_with_the_figure():
    answers = drawn(500, sharpness=2.0)
    told = learned_of(answers.labels, answers).skipped["DW040"]
    agreed = (answers.probabilities.argmax(axis=1) == answers.labels).mean()
    assert f"agree with {agreed:.0%} of their labels: the set is too small or too hard" in told


def test_evidence_of_label_errors_has_file_and_sha256():
    labels = np.arange(300) % 3
    files = tuple(f"{label}/{place}.png" for place, label in enumerate(labels))
    given = labels.copy()
    given[:6] = (given[:6] + 1) % 3
    part = SplitData("train", Raw(glyphs(300), given, files=files))
    answers = np.full((300, 3), 0.005, np.float32)
    answers[np.arange(300), labels] = 0.99
    learned = Learned(np.arange(300), np.zeros((300, 1), np.float32), answers)
    (finding,) = run_checks(Subject("own", part, None, learned), chosen(["DW040"])).findings
    for row in finding.evidence["labels"]:
        assert row["file"] == files[row["index"]]
        assert row["sha256"] == part.digest(row["index"])
