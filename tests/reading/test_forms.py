import numpy as np

from digitwise.reading.pages.forms import SEVERAL, forms_of, upright
from digitwise.reading.pages.parts import Part
from digitwise.reading.pages.touching import cuts_of, pieces_of


def seven():
    image = np.zeros((28, 28), np.uint8)
    image[4:7, 8:20] = 255
    for row in range(7, 24):
        left = 17 - (row - 7) // 2
        image[row, left : left + 3] = 255
    return image


def test_a_seven_is_more_probably_upright_than_on_its_head():
    answers = upright(forms_of(np.stack([seven(), np.rot90(seven(), 2)])))
    assert answers[0] > 0.5 > answers[1]


def test_forms_of_each_picture_sum_to_one_in_any_number():
    assert forms_of(np.zeros((0, 28, 28), np.uint8)).shape == (0, SEVERAL + 2)
    np.testing.assert_allclose(forms_of(np.stack([seven()] * 300)).sum(axis=1), 1, rtol=1e-4)


def test_a_winding_cut_parts_strokes_that_no_straight_one_does():
    mask = np.zeros((41, 60), bool)
    mask[:20, 5:8] = mask[17:20, 5:40] = mask[17:41, 37:40] = True  # a stair
    mask[:8, 20:23] = mask[5:8, 20:55] = mask[5:41, 52:55] = True  # one beside it, above its step
    mask[38:41, 37:55] = True  # and where they touch
    cuts = cuts_of(Part(0, 0, mask.astype(np.float32), mask), 40.0)
    assert cuts
    pieces = pieces_of(Part(0, 0, mask.astype(np.float32), mask), cuts)
    assert len(np.unique(pieces[mask])) > 1
