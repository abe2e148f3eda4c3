import numpy as np

from digitwise.report.feature_map import centres, company
from tests.helpers import predictions

PLACES = np.array([[0.1, 0.1], [0.12, 0.1], [0.1, 0.12], [0.9, 0.9], [0.88, 0.9], [0.9, 0.88]])


def test_wrong_picture_is_counted_by_whom_it_lies_among(monkeypatch):
    monkeypatch.setattr("digitwise.report.feature_map.NEIGHBOURS", 2)
    answers = predictions([0, 0, 0, 1, 1, 0], [0, 0, 1, 1, 1, 1])  # the third among its own class, the last is not
    first, second, third = company(np.arange(6), PLACES, answers)
    assert first == {
        "class": "0",
        "pictures": 4,
        "wrong": 2,
        "among_given": 1,
        "among_predicted": 1,
        "among_others": 0,
    }
    assert (second["pictures"], second["wrong"], third["pictures"]) == (2, 0, 0)


def test_without_a_right_picture_wrong_ones_lie_among_others():
    rows = company(np.arange(6), PLACES, predictions([0] * 6, [1] * 6))
    assert rows[0]["among_others"] == 6


def test_class_is_named_in_the_middle_of_its_points():
    first, second = centres(PLACES, np.array([0, 0, 0, 1, 1, 1]), "ab")
    assert (first["name"], first["x"], second["y"]) == ("a", 0.1, 0.9)
