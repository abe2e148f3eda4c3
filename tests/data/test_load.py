import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from digitwise.data import load, load_or_embedded, locate
from digitwise.data.sources import NAMES, SOURCES
from digitwise.errors import DataError, DataNotFoundError
from tests.helpers import blobs


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def write_idx_folder(folder, train, test=None):
    for prefix, split in (("train", train), ("t10k", test)):
        if split is not None:
            write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", split.images)
            write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", split.labels)


def write_images(folder, images, suffix=".png"):
    for index, (image, label) in enumerate(zip(images.images, images.labels, strict=True)):
        place = folder / images.class_names[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{index}{suffix}")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No data on this machine, and no mirrors."""
    monkeypatch.setenv("DIGITWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DIGITWISE_DATA", raising=False)
    monkeypatch.setattr("digitwise.data.download._answers", lambda mirror: False)


def test_mnist_is_what_was_published(mnist):
    assert mnist.train.images.shape == (60_000, 28, 28)
    assert mnist.test.class_counts.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_data_variable_may_name_the_idx_files_themselves(mnist, monkeypatch):
    folder = locate(SOURCES["mnist"])
    monkeypatch.setenv("DIGITWISE_DATA", str(folder))
    assert load("mnist").fingerprint == mnist.fingerprint


def test_tampered_mnist_is_refused(mnist, tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    write_idx_folder(tmp_path / "mnist", blobs(20), blobs(10))
    monkeypatch.setenv("DIGITWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="expected content with sha256"):
        load("mnist")


def test_digits_come_in_mnists_form(digits):
    assert digits.embedded
    assert digits.train.images.shape == (1437, 28, 28)
    assert digits.train.images[:, :4].max() == 0
    assert digits.train.images.max() == 255


def test_embedded_set_stands_in_and_says_so(nowhere):
    dataset = load_or_embedded("mnist")
    assert dataset.embedded
    assert "mnist: not on this machine" in dataset.notes[0]


def test_a_set_that_was_asked_for_has_no_stand_in(nowhere):
    with pytest.raises(DataNotFoundError, match="none of 3 mirrors"):
        load("mnist")


def test_unknown_name_gets_the_nearest():
    with pytest.raises(DataNotFoundError, match="nearest: mnist"):
        load("minst")


def test_a_name_that_no_set_is_near_gets_the_list_once():
    with pytest.raises(DataNotFoundError, match=f"{NAMES[-1]}$"):
        load("nosuch.csv")


def test_every_name_is_known():
    published = ("mnist", "fashion-mnist", "kmnist", "qmnist", "emnist-digits", "usps", "optdigits", "semeion")
    assert NAMES == (*published, "digits")


def test_label_count_that_differs_names_the_file(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", blobs(6).images)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.zeros(5))
    with pytest.raises(DataError, match=r"train-labels.*6 images but 5 labels"):
        load(tmp_path)


def test_test_label_unknown_in_training_is_refused(tmp_path):
    test = blobs(10)
    test.labels[3] = 2
    write_idx_folder(tmp_path, blobs(20, classes=2), test)
    with pytest.raises(DataError, match="labels out of range: expected 0 to 1, got 2"):
        load(tmp_path)


def test_colour_stays_colour(tmp_path):
    images = blobs(12, channels=3)
    images.images[:, :10, :, 0] = 240
    images.images[:, 10:20, :, 1] = 240
    write_images(tmp_path, images)
    assert load(tmp_path).train.image_shape == (28, 28, 3)


def test_one_ink_on_tinted_paper_is_grey(tmp_path):
    images = blobs(12)
    yellow, blue = np.array([250, 240, 150]), np.array([30, 40, 120])
    share = images.images[..., None] / 255
    tinted = (yellow + share * (blue - yellow)).astype(np.uint8)
    for index, image in enumerate(tinted):
        place = tmp_path / str(images.labels[index])
        place.mkdir(exist_ok=True)
        Image.fromarray(image).save(place / f"{index}.png")
    assert load(tmp_path).train.image_shape == (28, 28, 1)


def test_dark_on_light_is_inverted_and_reported(tmp_path):
    images = blobs(12)
    images.images[:] = 0
    images.images[:, 10:18, 10:18] = 200
    images.images[:] = 255 - images.images
    write_images(tmp_path, images)
    dataset = load(tmp_path)
    assert "polarity: dark on light, inverted" in dataset.notes
    assert dataset.train.images[:, 0].max() == 0


def test_images_of_mixed_size_are_brought_to_28(tmp_path):
    write_images(tmp_path, blobs(12))
    Image.fromarray(np.zeros((90, 41), np.uint8)).save(tmp_path / "0" / "big.png")
    assert load(tmp_path).train.image_shape == (28, 28, 1)


def test_folder_with_train_and_test_keeps_them(tmp_path):
    write_images(tmp_path / "train", blobs(12))
    write_images(tmp_path / "test", blobs(6))
    dataset = load(tmp_path)
    assert (len(dataset.train), len(dataset.test)) == (12, 6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"hello", "not an image: expected .*; take it out of the class folder"),
        ("fake.png", b"hello", "its content is no PNG"),
        ("half.png", None, "damaged image"),
    ],
    ids=["other suffix", "other content", "truncated"],
)
def test_non_image_in_a_class_folder_is_refused(tmp_path, name, content, message):
    write_images(tmp_path, blobs(12))
    whole = (tmp_path / "0" / "0.png").read_bytes()
    (tmp_path / "0" / name).write_bytes(content or whole[: len(whole) // 2])
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path)
    assert name in str(caught.value)


def test_scans_of_digits_load_as_they_are(mnist):
    from pathlib import Path

    scans = Path(mnist.source).parent / "scans" / "digits"
    if not scans.is_dir():
        pytest.skip("only MNIST is at hand, not the scans beside it")
    dataset = load(scans)
    assert len(dataset.train) + len(dataset.test) == 76
    assert "polarity: dark on light, inverted" in dataset.notes


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "expected arrays x_train"),
        ({"images": np.full((4, 4, 4), np.nan), "labels": np.arange(4)}, "NaN"),
        ({"images": np.full((4, 4, 4), 300), "labels": np.arange(4)}, "0 to 255"),
        ({"images": np.zeros((4, 4, 4)), "labels": np.array([0, 1, 0, -2])}, "got -2 at row 3"),
        ({"images": np.zeros((8, 4, 4)), "labels": np.array([0, 1, 3, 3] * 2)}, "class '2' has no training image"),
        ({"images": np.zeros((0, 4, 4)), "labels": np.zeros(0)}, "empty"),
        ({"images": np.zeros((4, 4, 4)), "labels": np.zeros(3)}, "4 images but 3 labels"),
        ({"images": np.array([None]), "labels": np.zeros(1)}, "plain arrays"),
    ],
    ids=["names", "NaN", "range", "negative label", "missing class", "empty", "counts", "pickle"],
)
def test_npz_that_cannot_be_used_is_refused(tmp_path, arrays, message):
    path = tmp_path / "own.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=message) as caught:
        load(path)
    assert "own.npz" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1,2\n1,3,4\n", "square number of pixels"),
        ("0,1,2,3,4\n1,3\n", "expected rows of pixels, got after 0 good ones"),
        ("label,a,b,c,d\n", "empty|expected rows"),
        ("0,nan,2,3,4\n1,3,4,5,6\n", "NaN"),
    ],
    ids=["not square", "short row", "header only", "NaN"],
)
def test_csv_that_cannot_be_used_is_refused(tmp_path, text, message):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        load(path)


def test_damaged_gzip_of_a_named_set_is_refused(mnist, tmp_path, monkeypatch):
    here = locate(SOURCES["mnist"])
    for file in SOURCES["mnist"].files:
        (tmp_path / file.name).write_bytes((here / file.name).read_bytes()[:-20])
    monkeypatch.setenv("DIGITWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="truncated or damaged"):
        load("mnist")


def test_folder_that_holds_mnist_is_mnist(mnist):
    assert load(locate(SOURCES["mnist"]).parent).fingerprint == mnist.fingerprint


def test_mark_of_a_spreadsheet_does_not_cost_a_row(tmp_path):
    rows = [",".join(map(str, [i % 2, *range(16)])) for i in range(10)]
    (tmp_path / "own.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    dataset = load(tmp_path / "own.csv")
    assert len(dataset.train) + len(dataset.test) == 10


@pytest.mark.parametrize(
    ("labels", "message"), [([0] * 10, "two classes or more"), ([0] * 9 + [10**9], "out of range: .* got 1000000000")]
)
def test_labels_that_make_no_classes_are_refused(tmp_path, labels, message):
    np.savez(tmp_path / "own.npz", images=np.zeros((10, 8, 8), np.uint8), labels=np.array(labels))
    with pytest.raises(DataError, match=message):
        load(tmp_path / "own.npz")


def test_images_too_small_for_any_network_are_refused(tmp_path):
    np.savez(tmp_path / "own.npz", images=np.zeros((10, 3, 3), np.uint8), labels=np.arange(10) % 2)
    with pytest.raises(DataError, match="at least 4x4, got 3x3"):
        load(tmp_path / "own.npz")


def test_how_a_set_was_loaded_is_kept_to_load_it_again():
    assert load("digits").loaded == {}
    assert load("digits", turn="transpose").loaded == {"turn": "transpose"}
