"""The named sets of text files: USPS, optdigits and Semeion."""

import bz2
import hashlib

import numpy as np
import pytest

from digitwise.data import load, locate, read_labelled
from digitwise.data.sources import SOURCES
from digitwise.errors import DataError, DataNotFoundError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An own $DIGITWISE_DATA, an empty cache, and no mirrors."""
    monkeypatch.setenv("DIGITWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DIGITWISE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("digitwise.data.download._answers", lambda mirror: False)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def optdigits():
    """scikit-learn's digits as UCI publishes them: they are optdigits' test part."""
    from sklearn.datasets import load_digits

    found = load_digits()
    rows = np.column_stack([found.data, found.target]).astype(int)
    return "".join(",".join(map(str, row)) + "\n" for row in rows), found


def test_optdigits_is_read_and_its_test_part_known_by_its_checksum(place):
    text, published = optdigits()
    (place / "optdigits").mkdir()
    (place / "optdigits" / "optdigits.tes").write_text(text)
    (place / "optdigits" / "optdigits.tra").write_text(text[: text.index("\n", 20_000) + 1])
    found = read_labelled("optdigits")
    assert found.test.images.shape == (1797, 8, 8)
    assert (found.test.images == (published.images * 255 / 16).round()).all()
    assert (found.test.labels == published.target).all()
    assert len(found.train) > 100
    (place / "optdigits" / "optdigits.tes").write_text(text.replace("1", "2", 1))
    with pytest.raises(DataError, match=r"optdigits.tes: expected content with sha256 6ebb3d2f"):
        load("optdigits")


@pytest.mark.parametrize(("below", "packed"), [("", True), ("usps", True), ("usps", False)])
def test_usps_is_read(place, below, packed):
    rng, images = np.random.default_rng(0), {}
    for name, n in (("usps", 40), ("usps.t", 20)):
        images[name] = rng.integers(0, 256, (n, 256))
        images[name][0, :2] = 0, 255
        rows = [
            f"{label % 10 + 1} " + " ".join(f"{i}:{value / 127.5 - 1:.6f}" for i, value in enumerate(row, 1))
            for label, row in enumerate(images[name])
        ]
        text = "\n".join(rows).encode() + b"\n"
        (place / below).mkdir(exist_ok=True)
        file = place / below / f"{name}{'.bz2' if packed else ''}"
        file.write_bytes(bz2.compress(text) if packed else text)
    found = load("usps")
    for split, name in ((found.train, "usps"), (found.test, "usps.t")):
        assert (split.images == images[name].reshape(-1, 16, 16)).all()
        assert (split.labels == np.arange(len(split)) % 10).all()


def semeion(n=40):
    rng = np.random.default_rng(0)
    return np.column_stack([rng.integers(0, 2, (n, 256)), np.eye(10, dtype=int)[np.arange(n) % 10]])


def test_semeion_is_read_and_a_fifth_held_out_of_it(place):
    rows = semeion()
    pixels = [" ".join(f"{value:.4f}" for value in row[:256]) + " " + " ".join(map(str, row[256:])) for row in rows]
    (place / "semeion.data").write_text(" \n".join(pixels) + " \n")
    found = read_labelled("semeion")
    assert (found.train.images == rows[:, :256].reshape(-1, 16, 16) * 255).all()
    assert (found.train.labels == np.arange(40) % 10).all()
    assert found.test is None
    assert len(load("semeion").test) == 8


@pytest.mark.parametrize(
    "spoil",
    [lambda rows: rows[:, :-1], lambda rows: rows * 2, np.zeros_like],
    ids=["columns", "values", "labels"],
)
def test_what_is_not_semeion_is_refused(place, spoil):
    np.savetxt(place / "semeion.data", spoil(semeion()), fmt="%d")
    with pytest.raises(DataError, match=r"semeion.data: expected rows of 256 pixels and ten columns for the label"):
        load("semeion")


def test_a_part_is_taken_where_the_whole_is_not_here_and_said(place):
    np.savez(place / "semeion_first_800.npz", images=np.zeros((20, 16, 16), np.uint8), labels=np.arange(20) % 10)
    with pytest.raises(DataError, match=r"semeion_first_800.npz: expected content with sha256 54db3736"):
        load("semeion")
    np.savetxt(place / "semeion.data", semeion(), fmt="%d")
    assert len(read_labelled("semeion").train) == 40  # the whole comes first


@pytest.mark.parametrize(("name", "n", "size"), [("optdigits", 1934, 32), ("semeion", 800, 16)])
def test_the_parts_at_hand_are_known(mnist, name, n, size):
    folder = locate(SOURCES[name])
    if folder is None:
        pytest.skip(f"not at hand: {name}")
    found = read_labelled(name)
    assert found.train.images.shape == (n, size, size)
    assert "a part of" in found.notes[0]
    part = SOURCES[name].parts[0]
    assert hashlib.sha256((folder / part.name).read_bytes()).hexdigest() == part.sha256


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "optdigits",
            r"not fetched, since the checksum .* get https://archive.ics.uci.edu/static/public/80/.* and put "
            r"optdigits.tra and optdigits.tes of it into \$DIGITWISE_DATA/optdigits",
        ),
        ("semeion", r"none of 1 mirrors gave semeion.data; get .*/178/.* and put semeion.data of it"),
        ("usps", r"none of 1 mirrors gave usps.bz2; get https://www.csie.* and put usps.bz2 and usps.t.bz2 of it"),
    ],
)
def test_what_is_not_here_says_where_to_get_it_and_what_to_call_it(place, name, words):
    with pytest.raises(DataNotFoundError, match=words):
        load(name)


def test_every_set_has_licence_and_citation_and_every_fetched_file_a_checksum():
    for source in SOURCES.values():
        assert source.licence
        assert source.citation
        if source.mirrors and source.archive is None:
            assert all(file.sha256 or file.md5 for file in source.files), source.name
