import numpy as np
import pytest
from PIL import Image

from digitwise.checks import SplitData
from digitwise.data import load
from digitwise.data.raw import read_raw
from digitwise.errors import DataError
from digitwise.formats.idx import read_idx
from tests.data.test_load import write_idx_folder, write_images
from tests.helpers import blobs, glyphs


def test_folder_gives_what_loading_gives(tmp_path):
    write_images(tmp_path / "train", blobs(30), ".png")
    write_images(tmp_path / "test", blobs(12, seed=1), ".png")
    raw, loaded = read_raw(tmp_path), load(tmp_path)
    for split, images in (("train", loaded.train), ("test", loaded.test)):
        assert (raw[split].pixels == images.images).all()
        assert (raw[split].labels == images.labels).all()
        assert raw[split].class_names == images.class_names


def test_dark_scans_are_turned_round_as_loading_does(tmp_path):
    for label in "01":
        (tmp_path / label).mkdir()
        for place, image in enumerate(255 - glyphs(8, seed=int(label))):
            Image.fromarray(image).save(tmp_path / label / f"{place}.png")
    assert (read_raw(tmp_path)["train"].pixels == np.concatenate([glyphs(8), glyphs(8, seed=1)])).all()


def test_files_that_are_no_images_are_listed_not_raised(tmp_path):
    write_images(tmp_path, blobs(12), ".png")
    (tmp_path / "0" / "notes.txt").write_text("hello")
    (tmp_path / "1" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    raw = read_raw(tmp_path)["train"]
    assert len(raw.pixels) == 12
    assert sorted(name for name, _ in raw.unreadable) == ["0/notes.txt", "1/broken.png"]
    assert all(str(tmp_path) not in reason for _, reason in raw.unreadable)


def test_a_folder_of_scans_needs_no_labels(tmp_path):
    for place, image in enumerate(glyphs(5)):
        Image.fromarray(image).save(tmp_path / f"{place}.png")
    raw = read_raw(tmp_path)["train"]
    assert raw.labels is None
    assert raw.files == ("0.png", "1.png", "2.png", "3.png", "4.png")


def test_archives_and_tables_come_as_they_are(tmp_path):
    standardised = glyphs(6) / 100 - 1.3
    np.savez(tmp_path / "set.npz", images=standardised.reshape(6, 784), labels=np.array([0, 1, np.nan, 3, -1, 5]))
    raw = read_raw(tmp_path / "set.npz")["train"]
    assert raw.pixels.shape == (6, 28, 28)
    assert raw.pixels.min() < 0
    assert np.isnan(raw.labels[2])
    rows = np.column_stack([np.arange(6), glyphs(6).reshape(6, -1)])
    np.savetxt(tmp_path / "set.csv", rows, delimiter=",", fmt="%d")
    raw = read_raw(tmp_path / "set.csv")["train"]
    assert raw.pixels.dtype == np.uint8
    assert (raw.pixels == glyphs(6)).all()


def test_raw_idx_files_are_mapped_and_gzipped_ones_read(tmp_path):
    write_idx_folder(tmp_path, blobs(30), blobs(12, seed=1))
    raw = read_raw(tmp_path)
    assert set(raw) == {"train", "test"}
    file = next(tmp_path.glob("*train*images*"))
    assert (read_idx(file, mapped=True) == read_idx(file)).all()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros((3, 28, 28)), "b": np.zeros((3, 28, 28))}, "expected arrays x_train, .* got a, b"),
        ({"images": np.zeros((3, 28, 28)), "labels": np.zeros(2)}, "3 images but 2 labels"),
        ({"images": np.zeros((3, 5))}, "expected a square number of pixels"),
    ],
    ids=["names", "lengths", "shape"],
)
def test_what_cannot_be_images_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(DataError, match=words):
        read_raw(tmp_path / "set.npz")


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="none that can be read"):
        read_raw(tmp_path)


def test_a_class_that_only_the_test_set_has_comes_last(tmp_path):
    write_images(tmp_path / "train", blobs(12), ".png")
    write_images(tmp_path / "test", blobs(12, classes=4), ".png")
    raw = read_raw(tmp_path)
    assert raw["train"].class_names == ("0", "1", "2")
    assert raw["test"].class_names == ("0", "1", "2", "3")


def test_unreadable_files_of_a_split_without_images_are_told(tmp_path):
    write_images(tmp_path / "train", blobs(12), ".png")
    (tmp_path / "test" / "0").mkdir(parents=True)
    (tmp_path / "test" / "0" / "a.png").write_bytes(b"broken")
    raw = read_raw(tmp_path)
    assert set(raw) == {"train"}
    assert [name for name, _ in raw["train"].unreadable] == ["test/0/a.png"]


def test_images_beside_the_class_folders_are_told(tmp_path):
    write_images(tmp_path, blobs(12), ".png")
    Image.fromarray(glyphs(1)[0]).save(tmp_path / "lost.png")
    assert read_raw(tmp_path)["train"].unreadable == (("lost.png", "an image in no class folder"),)


def test_a_folder_beside_scans_is_no_class(tmp_path):
    for place, image in enumerate(glyphs(5)):
        Image.fromarray(image).save(tmp_path / f"{place}.png")
    (tmp_path / "thumbs").mkdir()
    assert len(read_raw(tmp_path)["train"].pixels) == 5


def test_a_file_name_that_is_no_utf8_can_be_printed(tmp_path):
    write_images(tmp_path, blobs(12), ".png")
    (tmp_path / "0" / "bad\udcff.png").write_bytes(b"broken")
    ((name, _),) = read_raw(tmp_path)["train"].unreadable
    name.encode("utf-8")


@pytest.mark.parametrize("labels", [np.eye(8, dtype=np.int64)[np.arange(16) % 8], (np.arange(16) % 8)[:, None]])
def test_one_hot_rows_of_eight_and_columns_are_labels(tmp_path, labels):
    np.savez(tmp_path / "set.npz", images=glyphs(16), labels=labels)
    part = SplitData("train", read_raw(tmp_path / "set.npz")["train"])
    assert part.classes.tolist() == (np.arange(16) % 8).tolist()


def test_a_home_that_nobody_has_is_told_in_one_line():
    with pytest.raises(DataError, match="expected a file, a folder or one of"):
        read_raw("~nobody-of-that-name/set")
