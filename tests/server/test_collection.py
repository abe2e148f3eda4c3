"""The owner's own folder set: what people send is there once, whole, and as pixels only."""

import io
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image

import digitwise
from digitwise.data.normalized import normalize_set, scans_in
from digitwise.data.raw import read_raw
from digitwise.errors import DataError
from digitwise.server.uploads import Collection
from tests.helpers import glyphs

CLASSES = ("0", "1", "7")


def png(image, **more):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", **more)
    return file.getvalue()


@pytest.fixture
def collection(tmp_path):
    return Collection(tmp_path / "mine", CLASSES)


def files(collection):
    return sorted(path.relative_to(collection.folder).as_posix() for path in collection.folder.rglob("*.png"))


def test_image_lies_under_its_label(collection):
    image = glyphs(1)[0]
    found = collection.add(png(image), "7")
    assert found.outcome == "new"
    assert files(collection) == [found.path]
    assert found.path.startswith("7/")
    assert (np.asarray(Image.open(collection.folder / found.path)) == image).all()


def test_same_image_again_is_no_second_file_whatever_file_it_came_in(collection):
    image = glyphs(1)[0]
    first = collection.add(png(image), "7")
    again = collection.add(png(image, compress_level=0), "7")
    pixels = collection.add(image, "7")
    assert (again.outcome, pixels.outcome) == ("known", "known")
    assert again.path == pixels.path == first.path
    assert files(collection) == [first.path]


def test_another_label_moves_the_image(collection):
    first = collection.add(glyphs(1)[0], "7")
    moved = collection.add(glyphs(1)[0], "1")
    assert moved.outcome == "moved"
    assert files(collection) == [moved.path] == [first.path.replace("7/", "1/")]
    assert not (collection.folder / "7").exists()  # it would be a class without an image


def test_what_was_collected_is_a_set_to_load_check_and_normalize(collection, tmp_path):
    images = glyphs(12)
    for place, image in enumerate(images):
        collection.add(png(image), CLASSES[place % 3])
    dataset = digitwise.load(collection.folder)
    assert dataset.train.class_names == CLASSES
    assert len(dataset.train) + len(dataset.test) == 12
    assert set(dataset.train.images.reshape(-1, 784).sum(axis=1)) <= set(images.reshape(-1, 784).sum(axis=1))
    assert len(read_raw(collection.folder)["train"].pixels) == 12
    found = normalize_set(scans_in(collection.folder), tmp_path / "normalized")
    assert found.images == 12


def test_nothing_but_pixels_of_a_photo_is_kept_and_they_are_upright(collection):
    image = np.repeat(np.repeat(glyphs(1)[0][:, :20], 4, axis=0), 4, axis=1)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 14.0)}  # where it was taken
    exif[0x010F] = "A maker"
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", exif=exif, comment=b"who sent it", quality=95)
    stored = collection.folder / collection.add(file.getvalue(), "0").path
    kept = Image.open(stored)
    assert kept.size == image.shape  # the other way round: (width, height)
    assert not kept.getexif()
    assert not kept.info
    assert b"maker" not in stored.read_bytes()


@pytest.mark.parametrize("label", ["2", "", ".", "..", "../1", "7/../1", "/etc", "7\0", "x" * 5000, "７"])
def test_label_that_is_no_class_is_refused(collection, label):
    with pytest.raises(DataError, match="label: expected one of 0, 1, 7, got "):
        collection.add(glyphs(1)[0], label)
    assert files(collection) == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a\nb", "a\0b", " a", "x" * 300], ids=lambda name: repr(name)[:12]
)
def test_class_that_could_name_no_folder_is_refused_at_the_start(tmp_path, name):
    with pytest.raises(DataError, match="expected classes whose names can be folders"):
        Collection(tmp_path / "mine", ("0", name))
    assert not (tmp_path / "mine").exists()


def test_class_names_of_any_script_are_folders(tmp_path):
    names = ("sept", "sieben 7", "七", "+")
    collection = Collection(tmp_path / "mine", names)
    for place, image in enumerate(glyphs(12)):
        collection.add(image, names[place % 4])
    assert set(digitwise.load(collection.folder).train.class_names) == set(names)


def test_what_is_no_image_or_too_large_is_refused(tmp_path):
    collection = Collection(tmp_path / "mine", CLASSES, max_pixels=1000)
    with pytest.raises(DataError, match="not an image"):
        collection.add(b"<svg onload=alert(1)>", "7")
    with pytest.raises(DataError, match="too large: expected at most 1,000 pixels"):
        collection.add(png(np.zeros((50, 50), np.uint8)), "7")
    assert files(collection) == []


def test_folder_that_cannot_hold_a_collection_is_told_at_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="expected a folder to collect in"):
        Collection(tmp_path / "file", CLASSES)
    for split in ("train", "test"):
        (tmp_path / "split" / split).mkdir(parents=True)
    with pytest.raises(DataError, match=r"got train and test; collect in .*train"):
        Collection(tmp_path / "split", CLASSES)


def test_image_that_could_not_be_written_whole_leaves_nothing(collection, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left"):
        collection.add(glyphs(1)[0], "7")
    assert list((collection.folder / "7").iterdir()) == []


def relabel(folder, seed):
    """What a worker process does: gives the same ten images one label after another."""
    collection = Collection(folder, CLASSES)
    order = np.random.default_rng(seed)
    for _ in range(30):
        place = order.integers(10)
        collection.add(np.full((4, 4), place, np.uint8), CLASSES[order.integers(3)])
    return os.getpid()


def test_processes_and_threads_at_once_neither_lose_nor_double_a_image(collection):
    for place in range(10):
        collection.add(np.full((4, 4), place, np.uint8), "0")
    threads = [threading.Thread(target=relabel, args=(collection.folder, seed)) for seed in range(3)]
    for thread in threads:
        thread.start()
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        workers = {*pool.map(relabel, [collection.folder] * 4, range(3, 7))}
    for thread in threads:
        thread.join()
    assert os.getpid() not in workers
    assert len(files(collection)) == 10
    assert len({name.split("/")[1] for name in files(collection)}) == 10
