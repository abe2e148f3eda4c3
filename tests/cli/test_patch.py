"""A label patch on the commands that take data: applied, recorded, and told three ways."""

import json
import shutil

import pytest

from digitwise.data.patches import digests, patch_text, read_patch
from digitwise.runs import Run

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def patch(digits, trained, tmp_path):
    """Corrects a training label and two test labels that the run gets wrong, and drops another test image."""
    answers = Run.open(trained).predictions("test")
    wrong = answers.wrong
    test = digests(digits.test.images)
    rows = [
        f"{digests(digits.train.images[:1])[0]},0,,,,,7",
        *(f"{test[i]},{i},,,,,{answers.class_names[answers.predicted[i]]}" for i in wrong[:2]),
        f"{test[wrong[2]]},{wrong[2]},,,,,drop",
    ]
    path = tmp_path / "labels.csv"
    path.write_text(patch_text([]) + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def test_evaluate_tells_errors_as_given_as_corrected_and_without_the_dropped(digitwise, copy, patch):
    found = digitwise("evaluate", copy, "--patch", patch, "--json").json
    given, corrected, left = found["patched"]
    assert given["errors"] == found["errors"]
    assert corrected["errors"] == given["errors"] - 2
    assert (left["n"], left["errors"]) == (given["n"] - 1, given["errors"] - 3)
    text = digitwise("evaluate", copy, "--patch", patch).out
    for words in ("as given", "as corrected", "dropped ones left out"):
        assert words in text


def test_errors_shows_what_is_wrong_by_the_corrected_labels(digitwise, copy, patch):
    before = digitwise("errors", copy, "--json").json
    after = digitwise("errors", copy, "--patch", patch, "--json").json
    gone = {row["index"] for row in before["wrong"]} - {row["index"] for row in after["wrong"]}
    assert len(gone) == 3
    assert after["errors"] == before["errors"] - 3


def test_report_shows_the_three_figures(digitwise, copy, patch):
    assert digitwise("report", copy, "--patch", patch).code == 0
    assert "dropped ones left out" in (copy / "report.html").read_text()
    assert len(json.loads((copy / "report.json").read_text())["patched"]) == 3


def test_data_show_counts_the_classes_under_a_patch(digitwise, patch, tmp_path, digits):
    before = digitwise("data", "show", "digits", "--out", tmp_path / "a", "--json").json
    after = digitwise("data", "show", "digits", "--patch", patch, "--out", tmp_path / "b", "--json").json
    assert after["train"]["class_counts"][7] == before["train"]["class_counts"][7] + (digits.train.labels[0] != 7)
    assert any("patch" in note for note in after["notes"])


def test_training_records_the_patch_and_later_commands_apply_it(digitwise, patch, tmp_path):
    out = tmp_path / "run"
    trained = digitwise("train", "flash", "--data", "digits", "--patch", patch, "--out", out, "--json")
    assert trained.code == 0, trained.err
    assert Run.open(out).info["data"]["patch"] == read_patch(patch).sha256
    patch.unlink()  # the run keeps what it was trained under
    assert digitwise("report", out).code == 0
    assert len(digitwise("evaluate", out, "--json").json["patched"]) == 3


@pytest.mark.parametrize(
    "command",
    [
        ("data", "show", "digits"),
        ("train", "flash", "--data", "digits"),
        ("run", "--data", "digits"),
        ("check", "digits"),
    ],
    ids=lambda command: command[0],
)
def test_a_patch_of_other_data_is_refused(digitwise, command, tmp_path):
    (tmp_path / "other.csv").write_text(f"sha256,decision\n{'ab' * 32},drop\n")
    result = digitwise(*command, "--patch", tmp_path / "other.csv", "--out", tmp_path / "out")
    assert result.code == 2
    assert "lacks" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("command", ["evaluate", "errors", "report", "improve"])
def test_a_patch_of_other_data_is_refused_for_a_run(digitwise, command, copy, tmp_path):
    (tmp_path / "other.csv").write_text(f"sha256,decision\n{'ab' * 32},drop\n")
    result = digitwise(command, copy, "--patch", tmp_path / "other.csv")
    assert result.code == 2
    assert "lacks" in result.err
