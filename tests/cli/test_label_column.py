"""``--label-column``, on the commands that take tables."""

import numpy as np
import pytest

from tests.formats.test_columns import IMAGES, LABELS, PIXELS, as_csv, named, with_label


@pytest.fixture
def own(tmp_path):
    """A table of which the first and the last column may be the label; the last one is, by a strange name."""
    images = IMAGES.copy()
    images[:, 0, 0] = np.random.default_rng(0).permutation(LABELS)
    return as_csv(tmp_path / "own.csv", named(-1, "truth", PIXELS), with_label(-1, images))


def test_a_table_is_refused_until_its_label_is_named(digitwise, own, tmp_path):
    place = ["--out", tmp_path / "out"]
    for command in (
        ["data", "show", own, *place],
        ["check", own, "--select", "DW001", *place],
        ["read", own, "--json"],
    ):
        refused = digitwise(*command)
        assert refused.code in (1, 2)
        assert "name it by --label-column NAME, first or last" in refused.err + refused.out
        assert digitwise(*command, "--label-column", "truth").code == 0


def test_data_show_counts_the_classes_of_the_column_named(digitwise, own, tmp_path):
    shown = digitwise("data", "show", own, "--label-column", "last", "--out", tmp_path / "out", "--json").json
    assert shown["notes"][0] == "label: column 'truth', the last"
    counts = np.add(shown["train"]["class_counts"], shown["test"]["class_counts"])
    assert counts.tolist() == np.bincount(LABELS).tolist()


@pytest.mark.parametrize("command", [["run"], ["evaluate"]], ids=["run", "evaluate"])
def test_the_column_without_data_is_refused(digitwise, command, trained):
    told = digitwise(*command, *([trained] if command == ["evaluate"] else []), "--label-column", "last")
    assert told.code == 2
    assert "expected --label-column with --data" in told.err
