"""Links in a folder of images: those that lead out of it are left out and named, or read if asked."""

import pytest
from PIL import Image

from digitwise.data import load
from digitwise.data.raw import read_raw
from digitwise.errors import DataError
from digitwise.formats.folder import FOLLOW
from digitwise.reading.inputs import sources_of
from tests.helpers import blobs


@pytest.fixture
def folder(tmp_path):
    """Ten images each of two classes; a third class, and an image of the first, are links to elsewhere."""
    images = blobs(31).images
    for place, image in enumerate(images):
        part = tmp_path / ("set/a", "set/b", "away/c")[place % 3]
        part.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(part / f"{place}.png")
    (tmp_path / "away" / "private.png").write_bytes((tmp_path / "set" / "a" / "0.png").read_bytes())
    (tmp_path / "set" / "c").symlink_to(tmp_path / "away" / "c")
    (tmp_path / "set" / "a" / "z.png").symlink_to("../../away/private.png")
    (tmp_path / "set" / "b" / "same.png").symlink_to("../a/0.png")  # stays inside
    return tmp_path / "set"


def test_links_that_lead_out_are_left_out_and_named(folder):
    found = load(folder)
    assert found.train.class_names == ("a", "b")
    assert len(found.train) + len(found.test) == 11 + 11
    assert any("a/z.png, c; DIGITWISE_FOLLOW_LINKS=1 reads them" in note for note in found.notes)


def test_links_that_lead_out_are_read_if_asked(folder, monkeypatch):
    monkeypatch.setenv(FOLLOW, "1")
    found = load(folder)
    assert found.train.class_names == ("a", "b", "c")
    assert len(found.train) + len(found.test) == 12 + 11 + 10
    assert not any("left out" in note for note in found.notes)
    assert len(sources_of([str(folder)])) == 12 + 11  # folders that are links are never walked into


def test_a_check_and_a_reader_leave_them_out(folder):
    raw = read_raw(folder)["train"]
    assert {name for name, _ in raw.unreadable} == {"a/z.png", "c"}
    assert all(FOLLOW in why for _, why in raw.unreadable)
    assert not any(name.endswith("z.png") for name in sources_of([str(folder)]))
    assert sources_of([str(folder / "a" / "z.png")])  # named by itself, it is asked for


def test_a_link_between_the_splits_of_a_set_is_no_way_out(tmp_path):
    for name, image in zip("abab", blobs(4).images, strict=True):
        (tmp_path / "train" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "train" / name / f"{image.sum()}.png")
    (tmp_path / "test").mkdir()
    for name in ("a", "b"):
        (tmp_path / "test" / name).symlink_to(f"../train/{name}")
    found = load(tmp_path)
    assert found.train.fingerprint == found.test.fingerprint


def test_a_folder_of_such_links_only_says_how_to_read_them(folder, tmp_path, monkeypatch):
    (tmp_path / "links").mkdir()
    for name in ("a", "b"):
        (tmp_path / "links" / name).symlink_to(folder / name)
    with pytest.raises(DataError, match=r"got links only; .*: a, b; DIGITWISE_FOLLOW_LINKS=1 reads them"):
        load(tmp_path / "links")
    monkeypatch.setenv(FOLLOW, "1")
    assert load(tmp_path / "links").train.class_names == ("a", "b")
