"""Data formats give images of any size back with their classes and splits; of 28x28 see ``test_stored.py``."""

import csv

import numpy as np
import pytest

from digitwise.data import load
from tests.data.test_load import write_idx_folder, write_images
from tests.helpers import blobs
from tests.shards import write_shards


def as_npz_splits(folder, train, test):
    path = folder / "set.npz"
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    return path


def as_npz_floats(folder, train, test):
    path = folder / "set.npz"
    y_train, y_test = np.eye(3)[train.labels], np.eye(3)[test.labels]
    np.savez(
        path, x_train=train.images[..., None] / 255, y_train=y_train, x_test=test.images[..., None] / 255, y_test=y_test
    )
    return path


def as_idx(folder, train, test):
    write_idx_folder(folder, train, test)
    return folder


def as_images(suffix):
    def write(folder, train, test):
        write_images(folder / "train", train, suffix)
        write_images(folder / "test", test, suffix)
        return folder

    return write


def as_shards(kind):
    return lambda folder, train, test: write_shards(folder, train, test, kind=kind)


FORMATS = {
    "npz": as_npz_splits,
    "npz floats, one-hot": as_npz_floats,
    "idx": as_idx,
    "png": as_images(".png"),
    "bmp": as_images(".bmp"),
    "tiff": as_images(".tiff"),
    "parquet": as_shards("parquet"),
    "parquet of files": as_shards("parquet of files"),
    "tar": as_shards("tar"),
}


def in_order(images):
    rows = [(int(label), image.tobytes()) for image, label in zip(images.images, images.labels, strict=True)]
    return sorted(rows)


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
def test_format_gives_images_of_another_size_back(tmp_path, write):
    train, test = blobs(30, size=20), blobs(15, seed=1, size=20)
    loaded = load(write(tmp_path, train, test))
    assert loaded.train.class_names == train.class_names
    assert in_order(loaded.train) == in_order(train)
    assert in_order(loaded.test) == in_order(test)


@pytest.mark.parametrize("header", [True, False], ids=["header", "no header"])
def test_csv_gives_the_images_back_with_a_fifth_held_out(tmp_path, header):
    images, path = blobs(30), tmp_path / "set.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        if header:
            writer.writerow(["label", *range(784)])
        writer.writerows([label, *image.ravel()] for image, label in zip(images.images, images.labels, strict=True))
    loaded = load(path)
    assert len(loaded.test) == 6
    assert "6 of 30 held out" in loaded.notes[-1]
    assert sorted(in_order(loaded.train) + in_order(loaded.test)) == in_order(images)


def test_jpeg_gives_nearly_the_images_back(tmp_path):
    train = blobs(30)
    loaded = load(as_images(".jpeg")(tmp_path, train, blobs(15)))
    assert loaded.train.images.shape == train.images.shape
    assert loaded.train.class_counts.tolist() == train.class_counts.tolist()
