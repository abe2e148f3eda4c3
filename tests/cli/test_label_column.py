"""``--label-column``, on the commands that take tables."""

import json

import numpy as np
import pytest

from digitwise.runs import Run
from tests.formats.test_columns import IMAGES, LABELS, PIXELS, as_csv, as_parquet, named, with_label

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def own(tmp_path):
    """A table of which the first and the last column may be the label; the last one is, by a strange name."""
    return as_csv(tmp_path / "own.csv", named(-1, "truth", PIXELS), with_label(-1, doubtful()))


def doubtful():
    images = IMAGES.copy()
    images[:, 0, 0] = np.random.default_rng(0).permutation(LABELS)
    return images


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


def test_a_run_loads_its_table_again_without_the_column(digitwise, own, tmp_path):
    run = tmp_path / "run"
    asked = ("--data", own, "--label-column", "truth", "--epochs", 1, "--precision", "float32")
    assert digitwise("train", "flash", *asked, "--out", run).code == 0
    opened = Run.open(run)
    assert opened.info["data"]["loaded"] == {"label_column": "truth"}
    assert opened.dataset().loaded == {"label_column": "truth"}
    assert digitwise("errors", run, "--json").code == 0
    moved = own.rename(tmp_path / "moved.csv")
    assert opened.dataset(moved).source == str(moved)
    np.savez(tmp_path / "own.npz", images=doubtful(), labels=LABELS)
    assert opened.dataset(tmp_path / "own.npz").test.fingerprint == opened.dataset(moved).test.fingerprint


def test_shards_are_read_without_the_column_named(digitwise, tmp_path, model_file):
    table = as_parquet(tmp_path / "own.csv", named(-1, "truth", PIXELS), with_label(-1, doubtful()))
    read = ("read", table, "--single", "--model", model_file, "--out", tmp_path / "rows")
    refused = digitwise(*read)
    assert refused.code == 2
    assert "name it by --label-column NAME, first or last" in refused.err
    assert digitwise(*read, "--label-column", "truth").code == 0
    manifest = json.loads(next((tmp_path / "rows").glob("*.json")).read_text())
    assert manifest["shards"][0]["label_column"] == "truth"
    again = digitwise(*read, "--label-column", "last")
    assert again.code == 2
    assert 'label_column "truth" there, "last" here' in again.err


def test_the_column_is_no_option_for_images(digitwise, tmp_path):
    from PIL import Image

    Image.fromarray(IMAGES[0]).save(tmp_path / "one.png")
    told = digitwise("read", tmp_path / "one.png", "--label-column", "last", "--out", tmp_path / "rows")
    assert told.code == 2
    assert "one.png: expected --label-column with a table (Parquet), got images" in told.err
