import numpy as np

from digitwise.reading.pages import choice
from tests.reading.drawing import by_likeness, find_digits, page, photo, write


def touching():
    """A line on which the second and the third digit touch."""
    ink = np.zeros((300, 620), np.float32)
    write(ink, "3", 60, 100)
    boxes = write(ink, "22", 160, 100, gap=-3)
    left = boxes[1][0]
    ink[130:135, left - 6 : left + 8] = 1  # the foot of one runs into the other
    write(ink, "5", 300, 100)
    return photo(ink)


def prefers(*, one_digit):
    """A classifier to which wide pictures, as two digits make, are one digit, or are none."""

    def probabilities(images):
        answers = np.full((len(images), 10), 0.01, np.float32)
        wide = (images.max(axis=1) > 60).sum(axis=1) > 1.1 * (images.max(axis=2) > 60).sum(axis=1)
        answers[:, 2] = np.where(wide & (not one_digit), 0.02, 0.91)
        return answers / answers.sum(axis=1, keepdims=True)

    return probabilities


def test_digits_that_touch_are_parted_where_the_classifier_reads_two_better():
    (line,) = find_digits(touching(), prefers(one_digit=False))
    assert len(line) == 4


def test_what_looks_whole_and_the_classifier_reads_well_as_one_stays_whole(monkeypatch):
    monkeypatch.setattr(choice, "whole", lambda forms: np.ones(len(forms), np.float32))
    (line,) = find_digits(touching(), prefers(one_digit=True))
    assert len(line) == 3


def test_the_bar_of_a_five_that_stands_off_belongs_to_it():
    ink = page(("34", "53"))
    ink[85:88, 30:60] = 0
    boxes = write(ink, "5", 300, 80)
    left, top, right, _ = boxes[0]
    ink[top + 7 : top + 10, left - 2 : right + 2] = 0  # cut off
    (first, _) = find_digits(photo(ink), by_likeness)
    assert len(first) == 3
