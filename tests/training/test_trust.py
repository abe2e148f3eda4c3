import numpy as np
import pytest

from digitwise.reading.objects import Objects
from digitwise.reading.results import Digit, Number
from digitwise.synthetic.scenes import IGNORED, Scene
from digitwise.training.trust import FALSE, UNKNOWN, _is_right, matched, thresholds, truth_of


def found_at(*middles, side=20):
    boxes = np.array([(x - side / 2, y - side / 2, x + side / 2, y + side / 2) for x, y in middles], np.float32)
    n = len(boxes)
    ones = np.ones(n, np.float32)
    return Objects(boxes, ones, np.ones((n, 15), np.float32), np.ones((n, 4), np.float32), ones)


def truth(*rows):
    return np.array(rows, np.float32).reshape(-1, 5)


def number(text, *middles, side=20):
    digits = tuple(
        Digit(
            **{
                **dict.fromkeys(Digit.__dataclass_fields__),
                "box": (int(x - side / 2), int(y - side / 2), int(x + side / 2), int(y + side / 2)),
            }
        )
        for x, y in middles
    )
    return Number(**{**dict.fromkeys(Number.__dataclass_fields__), "digits": digits, "text": text})


def test_each_digit_found_gets_the_label_of_the_nearest_that_is_left():
    there = truth((50, 50, 20, 20, 3), (56, 50, 20, 20, 8))
    assert matched(found_at((55, 50), (54, 50), (50, 50)), there).tolist() == [8, 3, FALSE]


def test_what_stands_on_what_is_ignored_is_unknown():
    there = truth((50, 50, 40, 40, IGNORED), (100, 50, 20, 20, 12))
    assert matched(found_at((60, 60), (100, 50), (200, 200)), there).tolist() == [UNKNOWN, FALSE, FALSE]


def test_nothing_found_has_no_labels():
    assert matched(found_at((50, 50)).of(np.zeros(0, np.int64)), truth((50, 50, 20, 20, 3))).tolist() == []


def test_truth_is_in_the_photos_pixels_and_hidden_digits_are_ignored():
    rows = truth((50, 60, 20, 40, 3), (55, 62, 20, 40, 4), (90, 60, 20, 40, 5), (91, 60, 5, 5, 11))
    scene = Scene(np.zeros((256, 256), np.uint8), rows, 0, (10, 20, 200, 200))
    told = truth_of(scene)
    assert told[:, 4].tolist() == [IGNORED, IGNORED, 5, 11]
    assert told[2, :4].tolist() == [80, 40, 20, 40]
    assert rows[0, 4] == 3


NOBODY = np.zeros((0, 4), np.float32)
LINE = (50, 50, 16, 20, 1), (75, 50, 16, 20, 2), (100, 50, 16, 20, 3)


@pytest.mark.parametrize(
    ("text", "middles", "others", "rows", "verdict"),
    [
        ("123", [(50, 50), (75, 50), (100, 50)], NOBODY, LINE, True),
        ("124", [(50, 50), (75, 50), (100, 50)], NOBODY, LINE, False),
        ("13", [(50, 50), (100, 50)], NOBODY, LINE, False),
        ("13", [(50, 50), (100, 50)], np.array([(65, 40, 85, 60)], np.float32), LINE, True),
        ("123", [(50, 50), (75, 50), (100, 50)], NOBODY, [*LINE, (60, 50, 9, 9, IGNORED)], None),
        ("123", [(50, 50), (75, 50), (100, 50)], NOBODY, [*LINE, (75, 90, 16, 20, 7), (62, 60, 3, 3, 10)], True),
    ],
    ids=["right", "wrong digit", "one is missing", "missing one is another's", "beside what is ignored", "next line"],
)
def test_a_number_is_right_if_its_line_says_so(text, middles, others, rows, verdict):
    assert _is_right(number(text, *middles), others, truth(*rows)) is verdict


def test_thresholds_keep_to_their_share_of_errors():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 20_000)
    right = rng.random(20_000) < confidence
    table = thresholds(confidence, right)
    assert [share for share, _ in table] == [0.02, 0.03, 0.05, 0.1]  # fewer take more numbers to show
    for share, least in table:
        assert (~right[confidence >= least]).mean() <= share
        assert least == pytest.approx(1 - 2 * share, abs=0.03)


def test_no_threshold_is_told_where_there_are_too_few_numbers():
    assert thresholds(np.linspace(0.5, 1, 60), np.full(60, True)) == [[0.1, pytest.approx(0.5, abs=1e-4)]]
    assert thresholds(np.linspace(0.5, 1, 30), np.full(30, True)) == []


def test_a_threshold_is_not_rounded_past_the_last_number_it_lets_through():
    confidence = np.linspace(0.123456789, 1, 60)
    ((_, least),) = thresholds(confidence, np.full(60, True))
    assert confidence[0] - 2e-5 < least <= confidence[0]
