"""Images are recognised after changes of their values and shape."""

from __future__ import annotations

import numpy as np
import pytest

from digitwise.exercise.feeds import FeedRecord, inspect_feed
from digitwise.exercise.predicting import fed
from digitwise.exercise.recognition import Recogniser, class_counts


@pytest.fixture(scope="module")
def recogniser(digits):
    return Recogniser(digits)


WAYS = {
    "grey": lambda x: x,
    "0 to 1": lambda x: x.astype(np.float32) / 255,
    "-1 to 1": lambda x: x / 127.5 - 1,
    "dark on light": lambda x: 255 - x,
    "standardised": lambda x: ((x - 33.3) / 78.6).astype(np.float32),
    "each pixel standardised": lambda x: (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-7),
    "flat": lambda x: x.reshape(len(x), -1) / 255,
    "one channel": lambda x: x[..., None] / 255,
    "three channels": lambda x: np.repeat(x[..., None], 3, axis=3),
    "framed": lambda x: np.pad(x, ((0, 0), (2, 2), (2, 2))),
}


@pytest.mark.parametrize("way", WAYS)
def test_test_images_are_recognised_and_fed_with_the_same_values(recogniser, digits, way):
    values = WAYS[way](digits.test.images)
    found = recogniser.recognise(values)
    assert (found.n, found.train, found.test) == (360, 0, 360)
    made = fed(digits.test.images, found.scaling, (None, *values.shape[1:]))
    assert made.shape == values.shape
    assert np.abs(made - values).max() < 2e-3 * np.ptp(values)


def test_mixed_images_are_counted(recogniser, digits):
    some = np.concatenate([digits.train.images[:100], digits.test.images[:7], np.zeros((3, 28, 28), np.uint8)])
    found = recogniser.recognise(np.random.default_rng(0).permutation(some) / 255)
    assert (found.n, found.train, found.test) == (110, 100, 7)


@pytest.mark.parametrize(
    "values", [np.zeros((3, 5, 5)), np.zeros(4), np.array(["a", "b"]), np.zeros((0, 28, 28))], ids=str
)
def test_other_arrays_are_not_recognised(recogniser, values):
    found = recogniser.recognise(values)
    assert (found.train, found.test, found.scaling) == (0, 0, None)


def test_classes_are_counted_of_numbers_and_one_hot_rows():
    assert class_counts([0, 1, 1], 3) == [1, 2, 0]
    assert class_counts(np.eye(3)[[0, 1, 1]], 3) == [1, 2, 0]
    assert class_counts([[0], [1]], 3, weights=[0.5, 2]) == [0.5, 2, 0]
    assert class_counts([7], 3) is None


class Sequence:
    """Has what Keras' PyDataset has."""

    num_batches = 5

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return 5

    def __getitem__(self, place):
        return self.x[place * 20 : place * 20 + 20], self.y[place * 20 : place * 20 + 20]


class Pipeline:
    """Has what a tf.data pipeline of two arrays and a map has."""

    element_spec = None

    def __init__(self, x, y, change=None):
        self.x, self.y, self._tensors, self.change = x, y, None if change else (x, y), change

    def _inputs(self):
        return [Pipeline(self.x, self.y)]

    def __iter__(self):
        for place in range(0, len(self.x), 50):
            some = self.x[place : place + 50]
            yield (self.change(some) if self.change else some), self.y[place : place + 50]


def test_images_that_a_pipeline_changes_are_kept_and_others_are_not(recogniser, digits):
    x, y = digits.train.images[:100] / 255, digits.train.labels[:100]
    kept = {}
    for name, change in {"as they are": None, "scaled": lambda x: x * 2, "shifted": lambda x: np.roll(x, 1, 2)}.items():
        feed = FeedRecord(recogniser, 10)
        inspect_feed(feed, Pipeline(x, y, change))
        assert (feed.seen, feed.train) == (100, 100)
        feed.settle(lambda values: values)
        kept[name] = feed.examined - feed.unchanged
        assert feed.examined == 24  # 12 of each of two batches
    assert kept == {"as they are": 0, "scaled": 0, "shifted": 24}


@pytest.mark.parametrize("how", ["generator", "sequence"])
def test_images_in_batches_are_recorded(recogniser, digits, how):
    x, y = digits.test.images[:100] / 255, digits.test.labels[:100]
    feed, batches = FeedRecord(recogniser, 10), Sequence(x, y)
    given = inspect_feed(feed, batches if how == "sequence" else (batches[i] for i in range(5)))
    if how == "generator":
        assert sum(len(batch[0]) for batch in given) == 100
    feed.settle(lambda values: values)
    assert (feed.seen, feed.test, feed.examined, feed.images) == (100, 100, 60, [])  # known images are not kept
    assert feed.counts.tolist() == np.bincount(y, minlength=10).tolist()
