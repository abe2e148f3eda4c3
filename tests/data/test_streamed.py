import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digitwise.data import load
from digitwise.data.streamed import open_streamed, training_splits
from digitwise.errors import DataError
from digitwise.images import ImageSet
from tests.helpers import blobs
from tests.shards import write_parquet, write_shards, write_tar

KINDS = pytest.mark.parametrize("kind", ["parquet", "parquet of files", "tar"])


@pytest.fixture
def shards(tmp_path):
    return write_shards(tmp_path, blobs(120), blobs(30, seed=1))


def rows_in(images):
    return sorted(zip((image.tobytes() for image in images.images), images.labels.tolist(), strict=True))


@KINDS
def test_test_images_are_those_of_the_set_in_memory(tmp_path, kind):
    folder = write_shards(tmp_path, blobs(120), blobs(30, seed=1), kind=kind)
    streamed, held = open_streamed(str(folder)), load(folder)
    assert streamed.test.fingerprint == held.test.fingerprint
    assert streamed.train.class_names == held.train.class_names
    assert streamed.train.image_shape == held.train.image_shape
    assert streamed.notes == held.notes


@KINDS
def test_validation_and_training_images_are_together_all(tmp_path, kind):
    folder = write_shards(tmp_path, blobs(120), blobs(30, seed=1), kind=kind)
    dataset = open_streamed(str(folder), validation=21)
    read = [rows for part in dataset.train.parts for rows in dataset.train.rows(part, 7)]
    images, labels = (np.concatenate(each) for each in zip(*read, strict=True))
    kept = ImageSet(images[..., 0], labels, dataset.train.class_names)
    assert dataset.validation.class_counts.tolist() == [7, 7, 7]
    assert dataset.train.class_counts.tolist() == kept.class_counts.tolist() == [33, 33, 33]
    assert sorted(rows_in(kept) + rows_in(dataset.validation)) == rows_in(blobs(120))
    assert training_splits(dataset, size=None, seed=0).validation is dataset.validation


def test_validation_is_of_the_usual_size_and_by_its_seed(shards):
    one, same, other = (open_streamed(str(shards), seed=seed) for seed in (0, 0, 1))
    assert len(one.validation) == 18  # 15 %, as in memory
    assert one.fingerprint == same.fingerprint
    assert one.fingerprint["train"] != other.fingerprint["train"]
    assert one.validation.fingerprint == same.validation.fingerprint != other.validation.fingerprint


def test_a_set_opened_by_a_relative_path_is_read_from_any_folder(shards, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(shards.parent)
    dataset = open_streamed(shards.name)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))  # as a worker of a cluster has its own
    assert sum(len(labels) for part in dataset.train.parts for _, labels in dataset.train.rows(part, 50)) == 102
    assert dataset.source == shards.name


def test_progress_is_told(shards):
    told = []
    open_streamed(str(shards), told=lambda *what: told.append(what))
    assert told == [
        *(("counting labels", shard, 3) for shard in range(3)),
        *(("fetching validation images", shard, 3) for shard in range(3)),
    ]


def test_names_are_classes_in_their_order(tmp_path):
    images, names = blobs(60), np.array(["one", "three", "two"])
    for place, n in (("train", 60), ("test", 30)):
        write_parquet(tmp_path / place / "a.parquet", images.images[:n], names[images.labels[:n]].tolist())
    dataset = open_streamed(str(tmp_path))
    assert dataset.train.class_names == ("one", "three", "two")
    assert load(tmp_path).test.fingerprint == dataset.test.fingerprint


def test_an_empty_shard_is_passed_over(shards):
    nothing = blobs(3).images[:0], np.empty(0, np.int64)
    write_parquet(shards / "train" / "part-00.parquet", *nothing)
    write_parquet(shards / "train" / "part-9.parquet", *nothing)
    write_tar(shards / "train" / "part-10.tar", *nothing)
    dataset = open_streamed(str(shards))
    assert len(dataset.train) + len(dataset.validation) == 120
    assert len(load(shards).train) == 120


def test_shards_that_are_all_empty_are_refused(tmp_path):
    for place in ("train", "test"):
        write_parquet(tmp_path / place / "a.parquet", blobs(3).images[:0], np.empty(0, np.int64))
    for opened in (open_streamed, load):
        with pytest.raises(DataError, match="the set is empty: expected images in its shards"):
            opened(str(tmp_path))


@pytest.mark.parametrize("missing", ["train", "test"])
def test_both_folders_are_needed(shards, missing):
    (shards / missing).rename(shards / "elsewhere")
    with pytest.raises(DataError, match=f"expected shards in its folders train and test, got none in {missing}"):
        open_streamed(str(shards))


def test_shards_without_a_test_set_are_for_memory_only(tmp_path):
    write_parquet(tmp_path / "a.parquet", blobs(60).images, blobs(60).labels)
    with pytest.raises(DataError, match="put some shards aside as test"):
        open_streamed(str(tmp_path))
    assert (len(load(tmp_path).train), len(load(tmp_path).test)) == (48, 12)
    assert load(tmp_path / "a.parquet").train.fingerprint == load(tmp_path).train.fingerprint


SECOND = {
    "no label column": (
        lambda path: write_parquet(path, blobs(9).images, blobs(9).labels, label="other"),
        r"second\.parquet: expected a (column of labels|label for each image)",
    ),
    "other size": (
        lambda path: write_parquet(path, blobs(9, size=20).images, blobs(9).labels),
        r"second\.parquet: expected images of 28x28, as the first shard has, got 20x20",
    ),
    "files": (
        lambda path: write_parquet(path, blobs(9).images, blobs(9).labels, files=True),
        r"second\.parquet: expected numbers, as the first shard has, got image files",
    ),
    "names": (
        lambda path: write_parquet(path, blobs(3).images, ["one", "two", "three"]),
        r"second\.parquet: expected whole numbers as labels, as the first shard has, got names",
    ),
    "negative": (
        lambda path: write_parquet(path, blobs(3).images, [0, -1, 2]),
        r"second\.parquet: expected labels 0, 1, 2, …, got -1 at row 1",
    ),
    "damaged": (lambda path: path.write_bytes(b"PAR1 and no more"), r"second\.parquet: damaged Parquet"),
}


@pytest.mark.parametrize(("write", "message"), SECOND.values(), ids=SECOND)
@pytest.mark.parametrize("opened", [open_streamed, load], ids=["streamed", "in memory"])
def test_a_second_shard_that_is_not_as_the_first_is_named(tmp_path, write, message, opened):
    for place in ("train", "test"):
        write_parquet(tmp_path / place / "first.parquet", blobs(60).images, blobs(60).labels)
    write(tmp_path / "train" / "second.parquet")
    with pytest.raises(DataError, match=message):
        opened(str(tmp_path))


def test_a_image_file_of_another_size_is_named_with_its_row(tmp_path):
    write_shards(tmp_path, blobs(120), blobs(30, seed=1), kind="tar")
    write_tar(tmp_path / "train" / "part-7.tar", [*blobs(9).images, blobs(1, size=20).images[0]], [0] * 10)
    with pytest.raises(DataError, match=r"part-7\.tar, image 9: expected images of 28x28"):
        load(tmp_path)


def test_a_test_label_that_training_does_not_know_is_named(shards):
    write_parquet(shards / "test" / "part-1.parquet", blobs(3).images, [0, 1, 7])
    for opened in (open_streamed, load):
        with pytest.raises(DataError, match=r"test/part-1\.parquet: expected labels of the training set .*, got 7"):
            opened(str(shards))


def test_a_class_without_a_training_image_is_refused(tmp_path):
    for place in ("train", "test"):
        write_parquet(tmp_path / place / "a.parquet", blobs(60).images, blobs(60).labels * 2)
    with pytest.raises(DataError, match="class '1', '3' has no training image"):
        open_streamed(str(tmp_path))


def test_numbers_that_are_no_classes_are_refused(shards):
    write_parquet(shards / "train" / "part-9.parquet", blobs(3).images, [0, 1, 20_251_125])
    with pytest.raises(DataError, match="at most 10,000 classes, got 20,251,126; check the label column"):
        open_streamed(str(shards))


def test_numbers_that_are_no_classes_are_refused_before_the_other_shards_are_read(shards):
    write_parquet(shards / "train" / "part-0.parquet", blobs(3).images, [0, 1, 20_251_125])
    write_parquet(shards / "train" / "part-1.parquet", blobs(3).images, [0, -1, 2])
    with pytest.raises(DataError, match=r"part-0\.parquet: expected labels of at most 10,000 classes"):
        open_streamed(str(shards))


def test_a_set_that_takes_more_than_half_of_the_memory_is_refused(shards, monkeypatch):
    monkeypatch.setattr("digitwise.formats.room.memory_available", lambda: 200_000)
    with pytest.raises(DataError, match=r"150 images take 0\.00 GB .* train by digitwise train --stream"):
        load(shards)
    assert len(open_streamed(str(shards)).test) == 30  # those take an eighth


def test_missing_pixels_are_named_with_their_row(tmp_path):
    folder = write_shards(tmp_path, blobs(120), blobs(30, seed=1), shards=1)
    path = folder / "train" / "part-0.parquet"
    table = pq.read_table(path)
    pixels = [None if row == 50 else pixels for row, pixels in enumerate(table["image"].to_pylist())]
    pq.write_table(table.set_column(0, "image", pa.array(pixels, table["image"].type)), path)
    with pytest.raises(DataError, match=r"part-0.parquet: expected an image in each row, got none in row 50"):
        load(folder)


def test_dark_ink_in_files_is_turned_round_in_both_ways(tmp_path):
    def turned(images):
        return ImageSet(255 - images.images, images.labels, images.class_names)

    folder = write_shards(tmp_path, turned(blobs(120)), turned(blobs(30, seed=1)), kind="tar")
    dataset = open_streamed(str(folder))
    assert rows_in(dataset.test) == rows_in(blobs(30, seed=1))
    assert dataset.notes[-1] == "polarity: dark on light, inverted"


def test_files_of_several_sizes_are_brought_to_one(tmp_path):
    images = [*blobs(30, size=20).images, *blobs(30, size=40).images]
    for place in ("train", "test"):
        write_tar(tmp_path / place / "a.tar", images, [*range(3)] * 20)
    dataset = open_streamed(str(tmp_path))
    assert dataset.train.image_shape == (28, 28, 1)
    assert dataset.test.fingerprint == load(tmp_path).test.fingerprint


def test_colour_is_kept(tmp_path):
    images = blobs(60, channels=3)
    images.images[...] = np.random.default_rng(0).integers(0, 256, images.images.shape)
    folder = write_shards(tmp_path, images, images, kind="parquet of files")
    dataset = open_streamed(str(folder))
    assert dataset.train.image_shape == (28, 28, 3)
    first, _ = next(dataset.train.rows(dataset.train.parts[0], 5))
    assert first.shape[1:] == (28, 28, 3)
