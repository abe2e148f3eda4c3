"""What is saved under the name of a data file and is none: a pointer, or the answer of a server."""

import os
import re
from pathlib import Path

import pytest

from digitwise.data import load
from digitwise.data.raw import read_raw
from digitwise.data.sources import SOURCES
from digitwise.errors import DataError
from digitwise.formats import open_images
from tests.contracts.test_stored import FORMS, file_of, images
from tests.data.test_load import write_images
from tests.helpers import blobs

CONTENTS = {
    "Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:06e6\nsize 109640201\n",
        "a Git LFS pointer to a file of 109,640,201 bytes; fetch that with git lfs pull",
    ),
    "git-annex": (b"/annex/objects/MD5E-s9--ab.csv\n", "a git-annex pointer; fetch the file with git annex get"),
    "HTML": (
        b"\n<!DOCTYPE html>\n<html><head><title>404:\n Not Found</title></head>",
        r"an HTML page \('404: Not Found'\), as a server sends that does not give the file",
    ),
    "XML": (
        b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>',
        r"an XML document \('AccessDenied'\), as a server sends",
    ),
}
every_content = pytest.mark.parametrize(("content", "words"), CONTENTS.values(), ids=CONTENTS)


@every_content
@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_what_lies_in_place_of_a_file_is_named_for_every_form(tmp_path, write, content, words):
    source = write(tmp_path)
    file = file_of(source)
    file.write_bytes(content)
    with pytest.raises(DataError, match=words) as told:
        load(source)
    assert file.name in str(told.value)
    assert "\n" not in str(told.value)
    if write is images:
        ((_, reason),) = read_raw(source)["train"].unreadable
        assert re.search(words, reason)
        return
    with pytest.raises(DataError, match=words):
        read_raw(source)


@every_content
@pytest.mark.parametrize("suffix", ["csv", "npz", "npy", "parquet", "idx"])
def test_reading_names_it_too(tmp_path, suffix, content, words):
    (tmp_path / f"set.{suffix}").write_bytes(content)
    with pytest.raises(DataError, match=words):
        open_images(tmp_path / f"set.{suffix}", max_pixels=10_000)


def test_a_page_in_place_of_a_named_set_is_named(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    for file in SOURCES["mnist"].files:
        (tmp_path / "mnist" / file.name).write_bytes(CONTENTS["HTML"][0])
    monkeypatch.setenv("DIGITWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="an HTML page"):
        load("mnist")


def test_an_image_that_is_a_pointer_is_named(tmp_path):
    write_images(tmp_path, blobs(12))
    (tmp_path / "0" / "0.png").write_bytes(CONTENTS["Git LFS"][0])
    with pytest.raises(DataError, match=r"0\.png: not an image: its content is a Git LFS pointer"):
        load(tmp_path)


def test_the_pointer_among_the_cases_is_named():
    case = Path(os.environ.get("DIGITWISE_DATA", ""), "cases", "lfs_pointer_mnist_train.csv")
    if not case.is_file():
        pytest.skip("the cases are not at hand")
    with pytest.raises(DataError, match="a Git LFS pointer to a file of 109,640,201 bytes"):
        load(case)
