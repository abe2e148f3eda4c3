"""What people really have, in DIGITWISE_DATA/cases: what ``data show`` and ``read`` say of each."""

import os
from pathlib import Path

import numpy as np
import pytest

CASES = Path(os.environ.get("DIGITWISE_DATA", ""), "cases")
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="not at hand: DIGITWISE_DATA/cases")


@pytest.fixture
def show(digitwise, tmp_path):
    return lambda name: digitwise("data", "show", CASES / name, "--out", tmp_path / "out", "--json")


def counts(shown):
    return np.add(shown["train"]["class_counts"], shown["test"]["class_counts"]).tolist()


def test_the_label_in_the_last_column_is_seen(show):
    shown = show("label_last_60_rows.csv").json
    assert shown["notes"][0] == "label: column 'class', the last"
    assert counts(shown) == [6, 8, 4, 8, 6, 4, 5, 5, 5, 9]
    assert shown["train"]["shape"] == [48, 28, 28]


def test_the_label_in_the_first_column_is_seen_without_a_header(show):
    shown = show("transposed_300_rows.csv").json
    assert shown["notes"][0] == "label: the first column, by its values"
    assert counts(shown) == [34, 39, 28, 34, 32, 23, 29, 29, 21, 31]


def test_the_pointer_is_named(show):
    told = show("lfs_pointer_mnist_train.csv")
    assert told.code == 2
    assert (
        "expected data, got a Git LFS pointer to a file of 109,640,201 bytes; fetch that with git lfs pull" in told.err
    )


@pytest.mark.parametrize("name", ["", "/model.json", "/model.weights.h5"], ids=["folder", "json", "weights"])
def test_the_model_is_named_with_what_takes_it(show, name):
    told = show(f"keras230_pair{name}")
    path = f"{CASES / 'keras230_pair'}{name}"
    line = f"{path}: expected a set of images, got a Keras model; digitwise evaluate {path} --data DATA (in Python "
    line += "digitwise.evaluate)"
    assert (told.code, told.err.strip()) == (2, f"digitwise: {line}")


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.glob("*.[pj][np]g")))
def test_an_image_is_named_with_what_takes_it(show, name):
    told = show(name)
    path = CASES / name
    line = f"{path}: expected a set of images, got an image; digitwise read {path} (in Python Reader.read)"
    assert (told.code, told.err.strip()) == (2, f"digitwise: {line}")


def test_the_transposed_set_is_named_with_its_turn(digitwise, tmp_path):
    case = CASES / "transposed_300_rows.csv"
    found = digitwise("check", case, "--select", "DW035", "--out", tmp_path / "check", "--json")
    assert [(each["code"], each["severity"], each["evidence"]["turn"]) for each in found.json] == [
        ("DW035", "error", "transpose")
    ]
    assert found.code == 1


def test_every_case_is_shown_above():
    shown = {"label_last_60_rows.csv", "transposed_300_rows.csv", "lfs_pointer_mnist_train.csv", "keras230_pair"}
    assert {path.name for path in CASES.iterdir()} == shown | READ.keys() | {GRID}


# The truth, and how many of its digits may be unsure.
READ = {
    "boxes_x1_truth96859257.png": ("96859257", 0),
    "crop_truth818.jpg": ("818", 0),
    "frame_x1_truth17476139.png": ("17476139", 0),
    "orand_truth52868.jpg": ("52868", 0),
    "orand_turned_truth530.jpg": ("530", 0),
    "phone_seven_truth7.jpg": ("7", 0),
    "rule_truth25.jpg": ("25", 0),
    "single_truth10.png": ("10", 1),
    "thick9_hollowed.png": ("9", 0),
    "thin_five_1000px_blank.png": ("5", 0),
    "tight_x1_truth81647691.png": ("81647691", 1),
}


GRID = "mnist_grid_framed.png"  # ten rows of twenty digits, all 0, all 1, …


def test_every_image_has_its_truth_here():
    assert {path.name for path in CASES.iterdir() if path.suffix in (".png", ".jpg")} == READ.keys() | {GRID}


@pytest.mark.parametrize(("name", "truth"), READ.items(), ids=READ)
def test_what_is_read_is_right_or_unsure(digitwise, name, truth):
    expected, unsure = truth
    found = digitwise("read", CASES / name)
    text = found.out.rstrip("\n")
    if text.startswith(str(CASES / name)):  # one digit: its file, the digit, its confidence
        _, text, *rest = text.split()
        text = "?" if rest[-1] == "unsure" else text
    assert found.code == 0
    assert len(text) == len(expected)
    assert all(sign in (true, "?") for sign, true in zip(text, expected, strict=True))
    assert text.count("?") <= unsure


def test_a_grid_is_read_row_by_row(digitwise):
    rows = digitwise("read", CASES / GRID).out.splitlines()
    assert len(rows) == 10
    for digit, row in zip("0123456789", rows, strict=True):
        assert set(row) <= {digit, "?"}
        assert 16 <= row.count(digit) <= 20
        assert len(row) <= 21
