"""LIBSVM's text, pickles, and folders that hold a set further down."""

import bz2
import gzip
import lzma
import pickle
import shutil
import subprocess
import sys

import joblib
import numpy as np
import pytest

from digitwise.data import load
from digitwise.errors import DataError
from digitwise.formats import kind_of, open_images
from tests.archives import write_hub, write_libsvm, write_torchvision
from tests.formats.test_columns import IMAGES, LABELS, WANTED, found
from tests.helpers import blobs

TRAIN, TEST = blobs(60), blobs(15, seed=1)


@pytest.mark.parametrize("name", ["mnist.scale", "digits.txt", "digits.bz2"])
@pytest.mark.parametrize("first", [0, 1], ids=["from 0", "from 1"])
@pytest.mark.parametrize("high", [1, 255])
def test_lines_of_index_and_value_are_images(tmp_path, name, first, high):
    images = IMAGES.astype(float) * high / 255
    images[0, 0, 0] = high  # else nothing says where indexes begin
    path = write_libsvm(tmp_path / name, images, LABELS, first=first, packed=name.endswith("bz2"))
    assert kind_of(path) == "libsvm"
    pairs, notes = found(path)
    assert len(set(pairs) & set(WANTED)) == 39  # all but the first, which was changed
    assert notes[0] == "images of 28x28, by the highest index"


def test_number_without_end_among_lines_is_refused_before_all_take_as_many_bytes(tmp_path):
    path = write_libsvm(tmp_path / "digits.txt", IMAGES, LABELS)
    path.write_bytes(path.read_bytes() + b"3 1:5 2:" + b"9" * 100_000 + b"\n")
    with pytest.raises(DataError, match="a number of more than 64 characters"):
        load(path)


def test_usps_is_scaled_from_minus_one_and_its_labels_begin_at_1(tmp_path):
    images = IMAGES[:, 6:22, 6:22].reshape(40, -1) / 127.5 - 1
    path = write_libsvm(tmp_path / "usps", images, LABELS + 1)
    dataset = load(path)
    both = np.concatenate([dataset.train.images, dataset.test.images])
    assert sorted(map(bytes, both)) == sorted(map(bytes, np.ascontiguousarray(IMAGES[:, 6:22, 6:22])))
    assert dataset.train.class_counts.sum() + dataset.test.class_counts.sum() == 40
    assert dataset.notes[0] == "images of 16x16, by the highest index"
    assert dataset.notes[1] == "labels 1 to 10 stand for 0 to 9, as in LIBSVM's USPS"
    assert "pixels -1 to 1, brought to 0 to 255" in dataset.notes
    read = np.concatenate(list(open_images(path, max_pixels=10_000).images(7)))
    assert (read == IMAGES[:, 6:22, 6:22]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 1:0.5 2:0.5 3:1\n2 1:x 2:0.5\n", "got after 0 good ones: could not convert"),
        ("1 1:0.5 2:0.5 3:1\n2 1: 2:0.5\n", "values without their index"),
        (
            "1 1:1 2:1 99999999999:1\n",
            "expected lines of label index:value with indexes of a square image .* up to 99,999",
        ),
        ("1 1:1 2:1 3072:1\n", r"indexes up to 3,072"),
    ],
    ids=["word", "hole", "giant index", "not square"],
)
def test_other_lines_are_refused_in_one_line(tmp_path, text, message):
    (tmp_path / "own.txt").write_text(text)
    with pytest.raises(DataError, match=message) as told:
        load(tmp_path / "own.txt")
    assert "\n" not in str(told.value)


def written_by_joblib(path, parts):
    joblib.dump(parts, path)


def packed_by(pack):
    return lambda path, parts: path.write_bytes(pack(pickle.dumps(parts)))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("mnist.pkl.gz", packed_by(gzip.compress)),
        ("mnist.pkl.xz", packed_by(lzma.compress)),
        ("mnist.pkl.bz2", packed_by(bz2.compress)),
        ("mnist.pkl", packed_by(bytes)),
        ("mnist.pickle", packed_by(bytes)),
        ("mnist", packed_by(bytes)),
        ("mnist.joblib", written_by_joblib),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_pickle_is_refused_with_the_line_that_turns_it_into_npz(tmp_path, name, write):
    flat = IMAGES.reshape(40, -1).astype(np.float32) / 255
    parts = (flat[:20], LABELS[:20]), (flat[:2], LABELS[:2]), (flat[20:], LABELS[20:])
    write(tmp_path / name, parts)
    with pytest.raises(DataError, match="got a pickle, which can run code; if you trust it: import ") as told:
        load(tmp_path / name)
    assert "\n" not in str(told.value)
    line = str(told.value).partition("if you trust it: ")[2]
    subprocess.run([sys.executable, "-c", line], cwd=tmp_path, check=True)
    dataset = load(tmp_path / "mnist.npz")
    assert (dataset.train.images == IMAGES[:20]).all()
    assert (dataset.test.labels == LABELS[20:]).all()


@pytest.mark.parametrize("name", ["a.pkl", "a.pickle", "data_batch_1", "training.pt", "a.joblib"])
def test_pickles_are_never_opened(tmp_path, name):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (tmp_path / name).write_bytes(pickle.dumps([Trap()]))
    for read in (load, lambda path: open_images(path, max_pixels=10_000)):
        with pytest.raises(DataError, match="got a pickle, which can run code"):
            read(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_the_root_of_torchvision_or_a_folder_below_it_may_be_given(tmp_path):
    write_torchvision(tmp_path, TRAIN, TEST)
    for place in (tmp_path, tmp_path / "MNIST", tmp_path / "MNIST" / "raw"):
        assert (load(place).train.images == TRAIN.images).all()
        assert (load(place).test.images == TEST.images).all()


def test_a_root_with_several_sets_is_refused_with_their_names(tmp_path):
    write_torchvision(tmp_path, TRAIN, TEST)
    write_torchvision(tmp_path, TRAIN, TEST, "FashionMNIST")
    with pytest.raises(DataError, match="expected one set in the folder, got FashionMNIST/raw, MNIST/raw; give"):
        load(tmp_path)


def test_several_sets_in_one_folder_of_idx_files_are_refused(tmp_path):
    write_torchvision(tmp_path, TRAIN, TEST)
    raw = tmp_path / "MNIST" / "raw"
    shutil.copy(raw / "train-images-idx3-ubyte", raw / "emnist-letters-train-images-idx3-ubyte")
    with pytest.raises(
        DataError, match="expected one file of train images, got emnist-letters-train-images-idx3-ubyte"
    ):
        load(tmp_path)


@pytest.mark.parametrize("below", [".", "data", "mnist"])
def test_files_of_a_hub_are_told_apart_by_their_names(tmp_path, below):
    write_hub(tmp_path, below, train=TRAIN, test=TEST, validation=blobs(6, seed=2))
    dataset = load(tmp_path)
    assert (dataset.train.images == TRAIN.images).all()
    assert (dataset.test.labels == TEST.labels).all()
    assert "left out, to validate with: 1 shards" in dataset.notes


def test_a_hub_folder_of_training_files_alone_is_split(tmp_path):
    dataset = load(write_hub(tmp_path, train=TRAIN))
    assert (len(dataset.train), len(dataset.test)) == (48, 12)


def test_arrow_files_are_refused_with_what_makes_parquet_of_them(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "data-00000-of-00001.arrow").write_bytes(b"ARROW1")
    with pytest.raises(DataError, match=r"save_to_disk: in Python, .*from_disk\('.*'\)\['train'\]\.to_parquet"):
        load(tmp_path)


def test_of_arrow_files_of_one_split_no_split_is_told(tmp_path):
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(b"ARROW1")
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(DataError, match=r"save_to_disk: in Python, .*from_disk\('[^']*'\)\.to_parquet"):
        load(tmp_path)
