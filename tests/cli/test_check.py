import json

import numpy as np
import pytest
from PIL import Image

from digitwise.data.patches import digests, patch_text, read_patch
from digitwise.workflows.check import check
from tests.helpers import glyphs


@pytest.fixture
def folder(tmp_path):
    """Ten images of each of six classes, one a damaged file, one blank."""
    images = iter(glyphs(60))
    for label in range(6):
        (tmp_path / "set" / str(label)).mkdir(parents=True)
        for place in range(10):
            Image.fromarray(next(images)).save(tmp_path / "set" / str(label) / f"{place}.png")
    return tmp_path / "set"


def test_errors_leave_with_1_and_are_named(digitwise, folder, tmp_path):
    (folder / "0" / "broken.png").write_bytes(b"nothing")
    result = digitwise("check", folder, "--out", tmp_path / "out")
    assert result.code == 1, result.err
    assert "DW004" in result.out
    assert "0/broken.png" in result.out
    assert "docs/checks.md#dw004" in result.out


def test_clean_data_leaves_with_0(digitwise, folder, tmp_path):
    result = digitwise("check", folder, "--select", "DW01,DW03", "--out", tmp_path / "out")
    assert result.code == 0, result.err + result.out
    assert "Nothing found." in result.out


def test_json_is_the_list_of_findings_json(digitwise, folder, tmp_path):
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(folder / "0" / "blank.png")
    result = digitwise("check", folder, "--ignore", "DW002,DW034", "--out", tmp_path / "out", "--json")
    assert result.json == json.loads((tmp_path / "out" / "findings.json").read_text())
    (finding,) = result.json
    assert finding.keys() >= {"code", "severity", "title", "count", "indices", "evidence"}
    assert (finding["code"], finding["count"]) == ("DW030", 1)
    assert result.code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "expected a file, a folder or one of"),
        (["digits", "--review"], "expected --labels with it"),
        (["digits", "--select", "XY"], "expected one of DW001"),
        (["digits", "--patch", "none.csv"], "expected a label patch"),
    ],
    ids=["data", "review", "code", "patch"],
)
def test_what_cannot_run_leaves_with_2_and_one_line(digitwise, arguments, words, tmp_path):
    result = digitwise("check", *arguments, "--out", tmp_path / "out")
    assert result.code == 2
    assert words in result.err
    assert result.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("undrawn")
def test_findings_of_a_check_go_into_a_report(digitwise, trained, tmp_path):
    digitwise("check", "digits", "--select", "DW002", "--out", tmp_path / "out")
    result = digitwise(
        "report", trained, "--findings", tmp_path / "out" / "findings.json", "--out", tmp_path / "r.html"
    )
    assert result.code == 0, result.err
    assert "missing or rare class" in (tmp_path / "r.html").read_text()


def test_a_review_keeps_the_decisions_of_an_earlier_one_also_those_made_meanwhile(
    digitwise, digits, tmp_path, monkeypatch
):
    first, second = digests(digits.train.images[:2])
    path = tmp_path / "labels.csv"
    path.write_text(patch_text([(first, 0, "", 1, 2, 0.5), (second, 1, "", 1, 2, 0.6)]).replace("0.5,", "0.5,drop"))

    def meanwhile(*arguments, **more):
        path.write_text(path.read_text().replace("0.6,", "0.6,keep"))
        return check(*arguments, **more)

    monkeypatch.setattr("digitwise.workflows.check.check", meanwhile)
    result = digitwise("check", "digits", "--labels", "--review", "--select", "DW040", "--out", tmp_path)
    assert result.code == 0
    assert result.out.endswith(f"Decide: digitwise review {path} --data digits\n")
    review = read_patch(path)
    assert review.decisions == {first: "drop", second: "keep"}
    assert len(review.rows) > 2


def test_a_review_of_too_small_a_set_shows_its_findings_and_says_why_there_are_no_labels(digitwise, tmp_path):
    np.savez(tmp_path / "few.npz", images=glyphs(60), labels=np.arange(60) % 3)
    arguments = ("check", tmp_path / "few.npz", "--labels", "--review", "--out", tmp_path / "out")
    result = digitwise(*arguments)
    assert result.code == 2
    assert "does not apply: DW040" in result.out
    assert "--review: no labels.csv is written: a network needs 100 labelled images of two classes" in result.err
    assert (tmp_path / "out" / "findings.json").is_file()
    assert not (tmp_path / "out" / "labels.csv").exists()
