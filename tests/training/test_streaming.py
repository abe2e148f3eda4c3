import subprocess
import sys
import threading

import numpy as np
import pytest

from digitwise.data.splits import split_validation
from digitwise.data.streamed import open_streamed, training_splits
from digitwise.errors import DataError, RecipeError
from digitwise.images import Splits
from digitwise.recipes import Augmentation, Recipe, find
from digitwise.training import streaming
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict
from digitwise.training.streaming import StreamFeed
from tests.helpers import blobs
from tests.shards import write_parquet, write_shards
from tests.training.test_fit import StopAfter, StopError

QUICK = Recipe(
    "quick", "for tests", "simple-cnn", 3, 16, learning_rate=0.003, augmentation=Augmentation(rotation_range=3)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards"), blobs(200), blobs(30, seed=1), shards=4)


@pytest.fixture
def splits(folder):
    return training_splits(open_streamed(str(folder)), size=None, seed=0)


def reading():
    return [thread for thread in threading.enumerate() if thread.name == "digitwise-ahead"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parquet", "tar"])
def test_streamed_and_in_memory_reach_the_same_accuracy(digits, tmp_path, kind):
    dataset = open_streamed(str(write_shards(tmp_path, digits.train, digits.test, kind=kind)))
    recipe = find("improved").for_size(len(dataset.train)).replace(epochs=5)
    streamed = fit(recipe, Splits(dataset.train, dataset.validation), FitOptions(precision="float32"))
    held = fit(recipe, split_validation(digits.train), FitOptions(precision="float32"))
    errors = [predict(fitted.model, digits.test).errors for fitted in (streamed, held)]
    assert max(errors) < 0.05 * len(digits.test)
    assert abs(errors[0] - errors[1]) <= 8  # of 360: what two seeds may differ by
    assert streamed.images == held.images


@pytest.mark.slow
def test_the_same_seed_gives_the_same_history(splits):
    def history(seed):
        rows = fit(QUICK, splits, FitOptions(seed=seed, precision="float32", deterministic=True)).history
        return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]

    assert history(0) == history(0)
    assert history(0) != history(1)


def test_resumed_training_ends_where_an_unbroken_one_does(splits, tmp_path):
    whole = fit(QUICK, splits, FitOptions(precision="float32"))
    with pytest.raises(StopError):
        fit(QUICK, splits, FitOptions(precision="float32"), checkpoints=tmp_path, watch=StopAfter(2))
    assert not reading()
    watch = StopAfter(3)
    resumed = fit(QUICK, splits, FitOptions(precision="float32"), checkpoints=tmp_path, resume=True, watch=watch)
    assert watch.resumed == 2
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def feed(splits, recipe=QUICK):
    from digitwise import models

    train = splits.train
    network = models.build(recipe.model, train.image_shape, train.n_classes)
    return StreamFeed(network, train, splits.validation, recipe, seed=0)


def test_an_epoch_shows_every_image_once_and_fills_its_last_batch_with_its_first(splits):
    given = feed(splits, QUICK.replace(batch_size=48))
    given.begin(0, None)
    parts = [given.steps(start, stop) for start, stop in ((0, 1), (1, 3), (3, given.epoch_steps))]
    given.end()
    images, targets = (np.concatenate(each) for each in zip(*parts, strict=True))
    assert images.shape == (4, 48, 28, 28, 1)
    assert targets.shape == (4, 48, 3)
    assert (images.dtype, targets.dtype) == (np.uint8, np.float32)
    shown = [image.tobytes() for image in images.reshape(-1, 28 * 28)]
    once, again = shown[: len(splits.train)], shown[len(splits.train) :]
    assert len(set(once)) == len(once) == 170
    assert again == once[: len(again)]
    assert not set(once) & {image.tobytes() for image in splits.validation.images}


def test_a_call_gets_few_images_however_many_there_are(splits, monkeypatch):
    monkeypatch.setattr(streaming, "CALL_BYTES", 3 * 16 * 28 * 28)
    given = feed(splits)
    assert given.longest_call == 3
    sizes = []
    steps = StreamFeed.steps
    monkeypatch.setattr(
        StreamFeed, "steps", lambda self, start, stop: (sizes.append(stop - start), steps(self, start, stop))[1]
    )
    fit(QUICK.replace(epochs=1, batch_size=4), splits, FitOptions(precision="float32"))
    assert sum(sizes) == -(-170 // 4)
    assert max(sizes) == 4  # the twelfth part of an epoch, which is fewer


def test_a_shard_that_changes_under_the_training_is_named(tmp_path):
    write_shards(tmp_path, blobs(200), blobs(30, seed=1), shards=4)
    dataset = open_streamed(str(tmp_path))
    write_parquet(tmp_path / "train" / "part-2.parquet", blobs(20).images, blobs(20).labels)
    with pytest.raises(DataError, match=r"part-2\.parquet: expected 50 images as when it was opened, got 20"):
        fit(QUICK, Splits(dataset.train, dataset.validation), FitOptions(precision="float32"))
    assert not reading()


@pytest.mark.parametrize(
    ("recipe", "what"),
    [
        (QUICK.replace(focus=0.2), "focus"),
        (QUICK.replace(scans=1.0), "scans"),
    ],
    ids=["focus", "scans"],
)
def test_a_recipe_that_needs_all_images_is_refused(splits, recipe, what):
    with pytest.raises(RecipeError, match=what):
        fit(recipe, splits, FitOptions(precision="float32"))
    with pytest.raises(RecipeError, match=f"{what} needs all training images in memory"):
        recipe.require_streamable()


MEASURED = """
import sys
from digitwise import models
from digitwise.data.streamed import open_streamed, training_splits
from digitwise.recipes import Recipe
from digitwise.system import peak_memory
from digitwise.training import streaming
from digitwise.training.feeds import feed_for

streaming.BUFFER = 4_096
recipe = Recipe("quick", "for tests", "simple-cnn", 1, 100)
splits = training_splits(open_streamed(sys.argv[1]), size=None, seed=0)
feed = feed_for(recipe, models.build("simple-cnn", (28, 28, 1), 3), splits, seed=0)
feed.begin(0, None)
for start in range(0, feed.epoch_steps, 50):
    feed.steps(start, min(start + 50, feed.epoch_steps))
feed.end()
print(feed.epoch_steps, peak_memory())
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_set(tmp_path):
    images, test = blobs(10_000), blobs(30, seed=1)
    shard = write_parquet(tmp_path / "shard", images.images, images.labels, group=2_000)
    peaks = []
    for shards in (10, 40):  # what some open shards and the allocators hold is reached with ten
        folder = write_shards(tmp_path / str(shards), test, test)
        for number in range(shards):
            (folder / "train" / f"more-{number}.parquet").hardlink_to(shard)
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(folder)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        steps, peak = map(int, done.stdout.split())
        assert steps == shards * 100 - 49  # 5,000 of the images validate
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 100e6  # of 235 MB more images
