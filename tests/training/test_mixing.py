import numpy as np
import pytest

from digitwise.data.streamed import open_streamed
from digitwise.training import streaming
from digitwise.training.streaming import mixed
from tests.helpers import blobs
from tests.shards import write_shards


def numbered(n, *, seed=0):
    """Images that carry their number in their first two pixels."""
    images = blobs(n, seed=seed, size=8)
    images.images[:, 0, 0], images.images[:, 0, 1] = np.arange(n) % 251, np.arange(n) // 251
    return images


def numbers(images):
    return images[:, 0, 0, 0].astype(int) + 251 * images[:, 0, 1, 0].astype(int)


@pytest.fixture(params=[True, False], ids=["all in the buffer", "more than the buffer"])
def _buffer(request, monkeypatch):
    monkeypatch.setattr(streaming, "BLOCK", 32)
    if not request.param:
        monkeypatch.setattr(streaming, "BUFFER", 100)


@pytest.fixture(params=["parquet", "tar"])
def opened(request, tmp_path):
    train = numbered(900)
    return train, open_streamed(str(write_shards(tmp_path, train, numbered(30), kind=request.param, shards=7)))


@pytest.mark.usefixtures("_buffer")
def test_every_training_image_comes_once_and_no_validation_image(opened):
    train, dataset = opened
    parts = list(mixed(dataset.train, seed=0, epoch=0))
    images, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
    validating = numbers(dataset.validation.images[..., None])
    assert len(dataset.train) == 900 - len(validating)
    assert sorted([*numbers(images), *validating]) == list(range(900))
    assert np.array_equal(labels, train.labels[numbers(images)])
    assert np.array_equal(images[..., 0], train.images[numbers(images)])


@pytest.mark.usefixtures("_buffer")
def test_epochs_and_seeds_differ_and_repeat(opened):
    def order(seed, epoch):
        return np.concatenate(
            [numbers(images) for images, _ in mixed(opened[1].train, seed=seed, epoch=epoch)]
        ).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_a_buffer_smaller_than_the_set_mixes_shards(opened, monkeypatch):
    monkeypatch.setattr(streaming, "BLOCK", 32)
    monkeypatch.setattr(streaming, "BUFFER", 200)
    order = np.concatenate([numbers(images) for images, _ in mixed(opened[1].train, seed=0, epoch=0)])
    shards = [set((order[start : start + 100] // 129).tolist()) for start in range(0, 700, 100)]
    assert min(map(len, shards)) >= 3
