"""Every stored form gives the same images to load, check, read and stream; damage is reported in one line."""

import bz2
import gzip
import io
import itertools
import lzma
import re

import numpy as np
import pytest
from PIL import Image

from digitwise.data import load
from digitwise.data.raw import read_raw
from digitwise.data.streamed import open_streamed
from digitwise.errors import DataError
from digitwise.formats import kind_of, open_images
from digitwise.formats.values import as_pixels
from digitwise.reading.jobs import read_set
from digitwise.reading.reader import Reader
from tests.archives import by_columns, write_hdf5, write_hub, write_libsvm, write_mat, write_mat73, write_torchvision
from tests.data.test_load import write_idx, write_idx_folder, write_images
from tests.formats.test_stream import header
from tests.helpers import blobs
from tests.shards import png, write_shards

TRAIN, TEST = blobs(60), blobs(15, seed=1)


def raw_idx(folder):
    write_idx_folder(folder, TRAIN, TEST)
    for file in list(folder.iterdir()):
        (folder / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        file.unlink()
    return folder


def gzipped_idx(folder):
    write_idx_folder(folder, TRAIN, TEST)
    return folder


def npz(folder):
    arrays = {"x_train": TRAIN.images, "y_train": TRAIN.labels, "x_test": TEST.images, "y_test": TEST.labels}
    np.savez_compressed(folder / "set.npz", **arrays)
    return folder / "set.npz"


def csv(folder):
    np.savetxt(folder / "set.csv", np.column_stack([TRAIN.labels, TRAIN.images.reshape(60, -1)]), "%d", ",")
    return folder / "set.csv"


def packed_csv(opener, suffix):
    def write(folder):
        file = csv(folder)
        with opener(folder / f"set.csv.{suffix}", "wb") as packed:
            packed.write(file.read_bytes())
        file.unlink()
        return folder / f"set.csv.{suffix}"

    return write


def images(folder):
    write_images(folder / "train", TRAIN)
    write_images(folder / "test", TEST)
    return folder


def shards(kind):
    return lambda folder: write_shards(folder, TRAIN, TEST, kind=kind)


def mat(folder):
    labels = np.where(TRAIN.labels == 0, 10, TRAIN.labels).astype(float)[:, None]
    return write_mat(folder / "set.mat", X=by_columns(TRAIN.images) / 255, y=labels)


def mat73(folder):
    images, labels = TRAIN.images[..., None].transpose(1, 2, 3, 0), TRAIN.labels[None].astype(float)
    return write_mat73(folder / "set73.mat", X=images, y=labels)


def hdf5(folder):
    arrays = {
        f"{split}__{name}": array
        for split, images in (("train", TRAIN), ("test", TEST))
        for name, array in (("data", images.images.reshape(len(images), -1) / 255), ("target", images.labels))
    }
    return write_hdf5(folder / "set.h5", **arrays)


FORMS = {
    "IDX": raw_idx,
    "gzipped IDX": gzipped_idx,
    "npz": npz,
    "csv": csv,
    "csv.gz": packed_csv(gzip.open, "gz"),
    "csv.bz2": packed_csv(bz2.open, "bz2"),
    "csv.xz": packed_csv(lzma.open, "xz"),
    "folder": images,
    "parquet": shards("parquet"),
    "parquet of files": shards("parquet of files"),
    "tar": shards("tar"),
    "mat": mat,
    "mat 7.3": mat73,
    "HDF5": hdf5,
    "libsvm": lambda folder: write_libsvm(folder / "set.bz2", TRAIN.images, TRAIN.labels, packed=True),
    "torchvision": lambda folder: write_torchvision(folder, TRAIN, TEST),
    "hub": lambda folder: write_hub(folder, train=TRAIN, test=TEST),
}


@pytest.fixture(scope="module")
def reader():
    return Reader()


every_form = pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)


def rows(images, labels):
    return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


def file_of(source):
    """The largest file of the training images."""
    files = [source] if source.is_file() else [file for file in source.rglob("*") if file.is_file()]
    return max((file for file in files if "test" not in file.parts and "t10k" not in file.name), key=_size)


def _size(file):
    return file.stat().st_size


@every_form
def test_loading_gives_what_was_written(tmp_path, write):
    loaded = load(write(tmp_path))
    whole = rows(TRAIN.images, TRAIN.labels)
    kept = rows(loaded.train.images, loaded.train.labels)
    test = rows(loaded.test.images, loaded.test.labels)
    if len(loaded.test) == len(TEST) and kept == whole:
        assert test == rows(TEST.images, TEST.labels)
    else:  # one is held out
        assert sorted(kept + test) == whole


@every_form
def test_checking_sees_what_loading_gives(tmp_path, write):
    source = write(tmp_path)
    raw, loaded = read_raw(source), load(source)
    held_out = "test" not in raw
    found = rows(as_pixels(raw["train"].pixels, "raw"), raw["train"].labels)
    train = rows(loaded.train.images, loaded.train.labels)
    assert found == (sorted(train + rows(loaded.test.images, loaded.test.labels)) if held_out else train)


READ = FORMS.keys() - {"folder", "tar"}  # of these, single images and shards are read, not sets
every_set = pytest.mark.parametrize("form", sorted(READ))


def sets_of(source):
    """The files of the training images, of which each is a set."""
    files = [source] if source.is_file() else sorted(file for file in source.rglob("*") if file.is_file())
    plain = [file for file in files if file.suffix != ".gz" or not file.with_suffix("").exists()]
    named = [file for file in plain if not re.search("test|t10k|labels", str(file.relative_to(source)))]
    return [file for file in named if kind_of(file)]


def values(image):
    return np.asarray(Image.open(io.BytesIO(image))) if isinstance(image, bytes) else np.reshape(image, (28, 28))


@every_set
def test_reading_takes_the_images_in_blocks(tmp_path, form):
    blocks = [
        block for file in sets_of(FORMS[form](tmp_path)) for block in open_images(file, max_pixels=1_000_000).images(7)
    ]
    assert max(map(len, blocks)) <= 8  # encoded images come by fours
    expected = TEST if form in ("npz", "HDF5") else TRAIN  # of a file with both, those to test with
    assert sorted(bytes(values(image)) for block in blocks for image in block) == sorted(map(bytes, expected.images))


def read_from(reader, file):
    """The rows that are read, and the error after them, if any."""
    found = []
    try:
        for block in read_set(reader, file)[2]:
            found += block.rows()
    except DataError as error:
        return found, str(error)
    return found, None


@every_set
def test_a_damaged_set_is_read_as_far_as_it_goes_or_refused_in_one_line(tmp_path, form, reader):
    file = max(sets_of(FORMS[form](tmp_path)), key=_size)
    content = file.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-40] + bytes(40)):
        file.write_bytes(damaged)
        found, error = read_from(reader, file)
        assert found or error
        assert error is None or (error.startswith(str(file)) and "\n" not in error)
        assert not any("\n" in (row.result.error or "") for row in found)


@pytest.mark.parametrize("kind", ["parquet", "parquet of files", "tar"])
def test_streaming_gives_what_loading_gives(tmp_path, kind):
    source = shards(kind)(tmp_path)
    streamed = open_streamed(str(source), validation=15)
    parts = [
        rows(images[..., 0], labels) for part in streamed.train.parts for images, labels in streamed.train.rows(part, 7)
    ]
    validation = rows(streamed.validation.images, streamed.validation.labels)
    assert sorted(sum(parts, validation)) == rows(load(source).train.images, load(source).train.labels)


@every_form
def test_a_file_cut_short_is_an_error_in_one_line_or_a_finding(tmp_path, write):
    source = write(tmp_path)
    file = file_of(source)
    file.write_bytes(file.read_bytes()[: _size(file) * 2 // 3])
    with pytest.raises(DataError, match=file.name) as told:
        load(source)
    assert "\n" not in str(told.value)
    if write is images:
        unreadable = read_raw(source)["train"].unreadable
        assert [name for name, _ in unreadable] == [f"train/{file.relative_to(source / 'train')}"]
        return
    with pytest.raises(DataError, match=file.name) as told:
        read_raw(source)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", ["parquet of files", "tar"])
def test_a_damaged_image_in_a_shard_is_an_error_of_loading_and_a_finding_of_the_check(tmp_path, monkeypatch, kind):
    written = itertools.count()
    monkeypatch.setattr("tests.shards.png", lambda image: png(image)[: 60 if next(written) == 23 else None])
    source = write_shards(tmp_path, TRAIN, TEST, kind=kind)
    with pytest.raises(DataError, match="damaged image"):
        load(source)
    raw = read_raw(source)["train"]
    assert len(raw.pixels) == len(raw.labels) == 59
    ((name, reason),) = raw.unreadable
    assert name == ("train/part-1.tar, 000003.png" if kind == "tar" else "train/part-1.parquet, row 3")
    assert reason.startswith("damaged image")


@pytest.mark.parametrize("kind", ["parquet", "parquet of files", "tar"])
def test_shards_that_take_more_than_half_of_the_memory_are_not_read_for_a_check(tmp_path, monkeypatch, kind):
    source = write_shards(tmp_path, TRAIN, TEST, kind=kind)
    monkeypatch.setattr("digitwise.formats.room.memory_available", lambda: 100_000)
    with pytest.raises(DataError, match=r"75 images take .* expected at most .*, half of the .* available"):
        read_raw(source)


def test_a_packed_table_is_refused_before_memory_is_full(tmp_path, monkeypatch):
    source = packed_csv(gzip.open, "gz")(tmp_path)
    monkeypatch.setattr("digitwise.formats.room.memory_available", lambda: 100_000)
    for read in (load, read_raw):
        with pytest.raises(DataError, match=r"set\.csv\.gz: its content takes more than 0\.00 GB in memory"):
            read(source)


def test_an_idx_file_of_labels_without_its_images_is_told(tmp_path):
    write_idx_folder(tmp_path, TRAIN)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", TEST.labels)
    with pytest.raises(DataError, match=r"expected test images beside t10k-labels-idx1-ubyte\.gz"):
        load(tmp_path)


def test_images_without_labels_are_loaded_by_nobody_and_checked(tmp_path):
    (tmp_path / "digits.idx").write_bytes(header(*TEST.images.shape) + TEST.images.tobytes())
    with pytest.raises(DataError, match="expected a label for each image, got none"):
        load(tmp_path / "digits.idx")
    assert read_raw(tmp_path / "digits.idx")["train"].labels is None
