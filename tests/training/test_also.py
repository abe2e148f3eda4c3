import numpy as np
import pytest

from digitwise.errors import DataError
from digitwise.images import Dataset, ImageSet, Splits
from digitwise.normalization import normalize_all
from digitwise.training.additions import REPEATS, with_sets
from tests.helpers import glyphs

NAMES = ("a", "b")


def some(n, seed, names=NAMES, size=28):
    images = glyphs(n, seed=seed)
    if size != 28:
        images = np.pad(images, ((0, 0), (0, size - 28), (0, size - 28)))
    return ImageSet(images, np.arange(n, dtype=np.int64) % len(names), names)


def other(names=NAMES, size=40):
    return Dataset("other", "other.npz", some(6, 1, names, size), some(4, 2, names, size))


@pytest.fixture
def splits():
    return Splits(some(10, 0), some(5, 3))


def test_all_images_of_a_set_join_in_the_form_of_the_first(splits):
    more, joined = other(), with_sets(splits, [other()])
    assert len(joined.train) == 10 + REPEATS * 10
    assert np.array_equal(joined.train.images[:10], splits.train.images)
    assert np.array_equal(joined.train.images[10:16], normalize_all(more.train.images)[0])
    assert np.array_equal(joined.train.labels[10:16], more.train.labels)
    assert joined.validation is splits.validation


def test_without_sets_nothing_changes(splits):
    assert with_sets(splits, []).train is splits.train


def test_blank_images_are_left_out(splits):
    blank = other()
    blank.train.images[2] = 0
    assert len(with_sets(splits, [blank]).train) == 10 + REPEATS * 9


def test_other_classes_are_refused(splits):
    with pytest.raises(DataError, match="other: expected the classes a, b, got a, c"):
        with_sets(splits, [other(names=("a", "c"))])


def test_training_images_of_another_size_are_refused():
    wide = some(10, 0, size=32)
    with pytest.raises(DataError, match="grey and 28x28"):
        with_sets(Splits(wide, wide), [other()])
