import numpy as np

from digitwise.checks import Learned, Part, Subject, chosen, run_checks
from digitwise.checks.label_errors import suspicion
from digitwise.data.raw import Raw
from tests.helpers import drawn, glyphs


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
    part = Part("train", Raw(glyphs(300), given))
    learned = Learned(np.arange(300), np.zeros((300, 1), np.float32), probabilities)
    (finding,) = run_checks(Subject("drawn", part, learned=learned), chosen(["DW040"])).findings
    assert finding.evidence["labels"] == [
        {"index": 7, "given": "0", "suggested": "1", "given_confidence": 0.02, "suggested_confidence": 0.96}
    ]
