import numpy as np
import pytest
from matplotlib import pyplot as plt

from digitwise.errors import DataError
from digitwise.images import Dataset, ImageSet
from digitwise.predictions import Predictions
from tests.helpers import blobs, predictions


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 4, 4), np.float32), np.zeros(2, np.int64), "expected uint8"),
        (np.zeros((2, 16), np.uint8), np.zeros(2, np.int64), "of shape"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros(2), "expected int64"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros(3, np.int64), "2 images but 3 labels"),
        (np.zeros((0, 4, 4), np.uint8), np.zeros(0, np.int64), "empty"),
        (np.zeros((2, 4, 4), np.uint8), np.array([0, 2]), "out of range: expected 0 to 1, got 2 at index 1"),
        (np.zeros((2, 4, 4), np.uint8), np.array([-1, 0]), "out of range"),
    ],
    ids=["float", "flat", "float labels", "counts differ", "empty", "label too large", "label negative"],
)
def test_image_set_refuses(images, labels, message):
    with pytest.raises(DataError, match=message):
        ImageSet(images, labels, ("a", "b"))


def test_fingerprint_follows_content_not_identity():
    one, same = blobs(6), blobs(6)
    assert one.fingerprint == same.fingerprint
    changed = ImageSet(one.images, one.labels[::-1].copy(), one.class_names)
    assert changed.fingerprint != one.fingerprint


def test_class_missing_in_training_is_refused():
    train, test = blobs(6), blobs(6)
    lacking = ImageSet(train.images[:2], train.labels[:2], train.class_names)
    with pytest.raises(DataError, match="class '2' has no training image"):
        Dataset("own", "here", lacking, test)


def test_splits_of_different_size_are_refused():
    with pytest.raises(DataError, match="same height"):
        Dataset("own", "here", blobs(6), blobs(6, size=20))


def test_plot_has_a_bar_for_each_class_of_each_split():
    train, test = blobs(5, classes=2), blobs(2, classes=2)
    axes = Dataset("d", "here", train, test).plot()
    assert [bar.get_height() for bar in axes.patches] == [60, 40, 50, 50]
    assert [text.get_text().strip() for text in axes.texts] == ["3", "2", "1", "1"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training (5)", "test (2)"]
    mine = plt.figure().add_subplot()
    assert Dataset("d", "here", train, test).plot(mine) is mine
    plt.close("all")


def test_probabilities_that_are_none_are_refused():
    with pytest.raises(DataError, match="row 0 sums"):
        Predictions(np.array([0]), np.array([[0.2, 0.2]], np.float32), ("a", "b"))
    with pytest.raises(DataError, match="row 1 sums to nan"):
        Predictions(np.array([0, 0]), np.array([[0.5, 0.5], [np.nan, 0]], np.float32), ("a", "b"))


def test_wrong_images_come_most_confident_first():
    answers = predictions([0, 1, 2, 0], [0, 2, 2, 1])
    answers.probabilities[3] = [0.05, 0.9, 0.05]
    assert answers.errors == 2
    assert answers.wrong.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("labels", "rows", "message"),
    [
        ([7], [[1, 0, 0]], "labels: expected 0 to 2, got 7"),
        ([-1], [[1, 0, 0]], "labels: expected 0 to 2, got -1"),
        ([0], [[1.5, -0.5, 0]], "probabilities: expected 0 to 1, got -0.5"),
        ([0], [[0.5, 0.4, 0]], "rows that sum to 1"),
        ([0], [[np.nan, 0.5, 0.5]], "rows that sum to 1"),
        ([], np.empty((0, 3)), "n from 1"),
    ],
    ids=["label too high", "label too low", "negative", "sum", "NaN", "none"],
)
def test_answers_that_are_no_distribution_over_the_classes_are_refused(labels, rows, message):
    with pytest.raises(DataError, match=message):
        Predictions(np.array(labels, np.int64), np.array(rows, np.float32), tuple("012"))
