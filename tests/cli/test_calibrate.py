"""``digitwise calibrate`` and ``digitwise evaluate --reader``: one's own labelled images judge the reader."""

import json

import pytest

from digitwise import Reader
from tests.templates import printed

pytestmark = pytest.mark.usefixtures("numbers")


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """A hundred images of three digits."""
    monkeypatch.chdir(tmp_path)
    for digit in "247":
        (tmp_path / "scans" / digit).mkdir(parents=True)
        for size in range(40, 74):
            printed(digit, size).save(tmp_path / "scans" / digit / f"{size}.png")
    return "scans"


def test_a_reader_is_evaluated_on_labelled_images(digitwise, model_file, scans, tmp_path):
    printed("3").save(tmp_path / "scans" / "7" / "three.png")
    result = digitwise("evaluate", "--reader", scans, "--model", model_file)
    assert result.code == 0
    assert "102 of 103 right" in result.out
    assert "three.png" in result.out
    told = digitwise("evaluate", "--reader", scans, "--model", model_file, "--json").json
    assert (told["n"], told["errors"], told["misread"][0]["read_as"]) == (103, 1, "3")


@pytest.mark.parametrize(
    "arguments",
    [(), ("run", "--reader", "scans"), ("run", "--model", "m.onnx"), ("--reader", "scans", "--data", "digits")],
    ids=["nothing", "both", "a model for a run", "data for a reader"],
)
def test_a_run_or_a_reader_is_evaluated_and_not_both(digitwise, arguments):
    result = digitwise("evaluate", *arguments)
    assert result.code == 2
    assert "expected" in result.err


def test_a_model_is_calibrated_on_labelled_images(digitwise, model_file, scans, tmp_path):
    result = digitwise("calibrate", scans, "--model", model_file, "--out", "mine.onnx")
    assert result.code == 0
    assert "takes" in result.out
    policies = Reader(tmp_path / "mine.onnx").model.card.policies
    assert [policy.max_error for policy in policies] == [0.05]
    again = digitwise("calibrate", scans, "--model", model_file, "--out", "mine.onnx", "--max-error", "10%", "--json")
    assert [each["max_error"] for each in again.json["policies"]] == [0.05, 0.1]
    assert json.loads(again.out)["n"] == 102


def test_too_few_images_say_how_many_it_takes(digitwise, model_file, scans, tmp_path):
    result = digitwise("calibrate", scans, "--model", model_file, "--max-error", "0.1%")
    assert result.code == 2
    assert "it takes at least 3," in result.err
    assert not (tmp_path / "calibrated.onnx").exists()


def test_nobodys_file_is_replaced(digitwise, model_file, scans, tmp_path):
    (tmp_path / "mine.onnx").write_text("mine")
    result = digitwise("calibrate", scans, "--model", model_file, "--out", "mine.onnx")
    assert result.code == 2
    assert (tmp_path / "mine.onnx").read_text() == "mine"
