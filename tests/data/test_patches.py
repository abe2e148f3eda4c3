import csv

import numpy as np
import pytest

from digitwise.data import load
from digitwise.data.patches import COLUMNS, digests, patch_text, read_patch, rows_of, with_decision
from digitwise.errors import DataError
from digitwise.images import Dataset
from tests.helpers import blobs

FORMULA = ("=", "+", "-", "@")
SET = Dataset("drawn", "drawn", blobs(30), blobs(12, seed=1))
TRAIN, TEST = digests(SET.train.images), digests(SET.test.images)


def written(folder, decisions, *, name="labels.csv", separator=","):
    rows = [
        separator.join((digest, str(i), f"{i}.png", "0", "1", "0.9", decision))
        for i, (digest, decision) in enumerate(decisions)
    ]
    (folder / name).write_text("\n".join([separator.join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return folder / name


def test_labels_are_corrected_and_images_dropped_without_touching_the_others(tmp_path):
    patch = read_patch(written(tmp_path, [(TRAIN[3], "2"), (TRAIN[4], "drop"), (TRAIN[5], "keep"), (TRAIN[6], "")]))
    patched = patch.apply(SET)
    assert len(patched.train) == 29
    assert patched.train.labels[3] == 2
    others = np.delete(np.arange(30), [3, 4])
    assert (np.delete(patched.train.labels, 3) == SET.train.labels[others]).all()
    assert "1 training labels corrected, 1 training images dropped" in patched.notes[-1]
    assert patched.patch.sha256 == patch.sha256


def test_test_images_stay_as_given(tmp_path):
    patch = read_patch(written(tmp_path, [(TEST[0], "2"), (TEST[1], "drop")]))
    patched = patch.apply(SET)
    assert (patched.test.labels == SET.test.labels).all()
    labels, dropped = patch.of(patched.test)
    assert labels[0] == 2
    assert np.flatnonzero(dropped).tolist() == [1]


@pytest.mark.parametrize("separator", [",", ";"])
def test_what_spreadsheets_write_is_read(tmp_path, separator):
    path = written(tmp_path, [(TRAIN[3], "Drop ")], separator=separator)
    plain = path.read_bytes()
    for end in (b"\r\n", b"\r"):
        path.write_bytes(b"\xef\xbb\xbf" + plain.replace(b"\n", end))
        assert read_patch(path).decisions == {TRAIN[3]: "drop"}


def test_a_patch_naming_images_that_the_data_lacks_lists_them(tmp_path):
    patch = read_patch(written(tmp_path, [(TRAIN[3], "2"), ("ab" * 32, "drop"), ("cd" * 32, "")]))
    with pytest.raises(DataError, match=r"names 2 images that drawn lacks: row 3 \(abab.*, row 4 \(cdcd"):
        patch.apply(SET)


def test_a_decision_that_is_no_class_names_its_row(tmp_path):
    patch = read_patch(written(tmp_path, [(TRAIN[3], "2"), (TRAIN[4], "nine")]))
    with pytest.raises(DataError, match=r"row 3: decision 'nine': expected drop, keep or one of 0, 1, 2"):
        patch.apply(SET)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sha256,index\n", "expected the columns sha256, .*got no decision"),
        ("", "got no sha256"),
        (f"sha256,decision\n{'ab' * 32}\n", "row 2: expected 2 cells, got 1"),
        ("sha256,decision\nxyz,drop\n", "row 2: expected a sha256 of 64 hexadecimal digits, got 'xyz'"),
        (f"sha256,decision\n{'ab' * 32},1\n{'ab' * 32},2\n", "row 3: decision '2' about the image of row 2"),
        ("sha256,decision,decision\n", "expected each column once"),
        (f"sha256,decision\n{'ab' * 100_000},1\n", "expected rows of short cells"),
    ],
    ids=["column", "empty", "short row", "digest", "contradiction", "column twice", "huge cell"],
)
def test_a_malformed_patch_says_which_row_and_why(tmp_path, text, words):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_patch(tmp_path / "labels.csv")


def test_a_patch_that_does_not_exist_is_told_in_one_line(tmp_path):
    with pytest.raises(DataError, match="expected a label patch"):
        read_patch(tmp_path / "none.csv")


def test_loading_applies_a_patch(tmp_path, digits):
    digest = digests(digits.train.images[:1])[0]
    path = tmp_path / "labels.csv"
    path.write_text(patch_text([(digest, 0, "", 1, 2, 0.5)]).replace("0.5,", "0.5,7"))
    assert load("digits", patch=path).train.labels[0] == 7


def test_decisions_of_an_earlier_patch_stay(tmp_path):
    earlier = read_patch(written(tmp_path, [(TRAIN[3], "2"), (TRAIN[4], ""), (TRAIN[5], "drop")]))
    (tmp_path / "new.csv").write_text(patch_text([(TRAIN[6], 6, "", 0, 1, 0.9), (TRAIN[3], 3, "", 0, 1, 0.9)], earlier))
    new = read_patch(tmp_path / "new.csv")
    assert new.decisions == {TRAIN[3]: "2", TRAIN[5]: "drop"}
    assert list(new.rows) == [TRAIN[6], TRAIN[3], TRAIN[5]]


def test_a_patch_without_names_of_files_still_reads(tmp_path):
    old = f"sha256,index,given,suggested,confidence,decision\n{TRAIN[3]},3,0,1,0.9,2\n{TRAIN[4]},4,0,1,0.9,\n"
    (tmp_path / "labels.csv").write_text(old)
    earlier = read_patch(tmp_path / "labels.csv")
    assert earlier.decisions == {TRAIN[3]: "2"}
    rows = patch_text([(TRAIN[4], 4, "0/4.png", 0, 1, 0.9)], earlier).splitlines()
    assert rows[1:] == [f"{TRAIN[4]},4,0/4.png,0,1,0.9,", f"{TRAIN[3]},3,,0,1,0.9,2"]


@pytest.mark.parametrize("name", ["=1+1", "'=1+1", "+a", "-a", "@a", "-1", "a,b;c"])
def test_no_cell_is_a_formula_and_decisions_are_read_as_they_are_meant(tmp_path, name):
    text = patch_text([(TRAIN[3], 3, f"{name}/3.png", name, name, 0.9)])
    (tmp_path / "labels.csv").write_bytes(with_decision(text.encode(), TRAIN[3], name))
    patch = read_patch(tmp_path / "labels.csv")
    assert patch.decisions == {TRAIN[3]: name}
    cells = rows_of(patch)[TRAIN[3]]
    assert (cells["file"], cells["given"]) == (f"{name}/3.png", name)
    raw = next(csv.DictReader(patch.text.splitlines()))
    assert not raw["file"].startswith(FORMULA)
    assert raw["decision"] == "-1" or not raw["decision"].startswith(FORMULA)
