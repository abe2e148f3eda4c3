"""What people really have, in DIGITWISE_DATA/cases: what ``digitwise data show`` says of each."""

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


@pytest.mark.parametrize("name", ["keras230_pair", "keras230_pair/model.weights.h5", "mnist_grid_framed.png"])
def test_what_is_no_data_set_is_refused_in_one_line(show, name):
    told = show(name)
    assert told.code == 2
    assert "expected" in told.err
    assert len(told.err.strip().splitlines()) == 1
