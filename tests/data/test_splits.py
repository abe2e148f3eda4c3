import numpy as np
import pytest

from digitwise.data.splits import split_validation, stratified_folds, stratified_indices
from digitwise.errors import DataError
from tests.helpers import blobs


def test_split_keeps_class_shares_and_loses_nothing():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    rest, part = stratified_indices(labels, 100, seed=1)
    assert np.bincount(labels[part]).tolist() == [60, 30, 10]
    assert sorted([*rest, *part]) == list(range(1000))


def test_split_depends_on_the_seed_only():
    labels = np.arange(100) % 3
    again = [stratified_indices(labels, 20, seed=s)[1].tolist() for s in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def test_a_class_of_one_stays_in_training():
    labels = np.array([0] * 50 + [1])
    rest, part = stratified_indices(labels, 25, seed=0)
    assert 1 in labels[rest]
    assert len(part) == 25


def test_validation_is_5000_or_a_share_of_a_small_set():
    assert len(split_validation(blobs(60)).validation) == 9
    assert len(split_validation(blobs(60), size=12).validation) == 12


def test_mnist_gives_5000_for_validation(mnist):
    splits = split_validation(mnist.train)
    assert (len(splits.train), len(splits.validation)) == (55_000, 5_000)


@pytest.mark.parametrize("size", [0, 58, 1000])
def test_validation_that_leaves_nothing_is_refused(size):
    with pytest.raises(DataError, match="expected 1 to 57"):
        split_validation(blobs(60), size=size)


def test_folds_deal_every_class_evenly():
    labels = np.repeat(np.arange(3), [50, 7, 11]).astype(np.int64)
    dealt = stratified_folds(labels, 5, seed=0)
    counts = np.array([np.bincount(dealt[labels == label], minlength=5) for label in range(3)])
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()
    assert np.ptp(counts.sum(axis=0)) <= 1
    assert (dealt != stratified_folds(labels, 5, seed=1)).any()


@pytest.mark.parametrize("folds", [1, 11], ids=["one", "more than images"])
def test_impossible_folds_are_refused(folds):
    with pytest.raises(DataError, match="folds: expected 2 to 10"):
        stratified_folds(np.zeros(10, np.int64), folds, seed=0)
