"""Tables, forms and fields on paper, read by the package's own finder from the command line."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.reading.drawing import table_image


@pytest.fixture
def read_paper(digitwise, tmp_path, monkeypatch):
    """Call ``digitwise read`` with all that is in the package."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: digitwise("read", *arguments, "--max-error", "0.1")


def test_a_table_is_written_with_its_empty_cells(read_paper):
    for name in ("a.png", "b.png"):
        Image.fromarray(table_image()).save(name)
    Image.new("L", (400, 300), 220).save("blank.png")
    found = read_paper("a.png", "blank.png", "b.png", "--table", "t.csv")
    assert (found.code, "a.png: 3 rows of 3 written to t.csv" in found.err) == (0, True)
    assert "blank.png: no table found" in found.err
    for name in ("t.csv", "t-2.csv"):
        rows = list(csv.reader(Path(name).read_text(encoding="utf-8").splitlines()))
        assert [[len(cell) for cell in row] for row in rows] == [[2, 3, 1], [1, 0, 4], [2, 2, 2]]
    (document,) = json.loads(read_paper("a.png", "--numbers", "--json").out)
    assert document["table"] == rows


def test_a_form_is_a_row_with_a_column_a_field(read_paper, tmp_path):
    Path("form.toml").write_text(
        "[fields.first]\nbox = [4, 6, 30, 20]\nexpect = 2\n[fields.empty]\nbox = [40, 70, 30, 20]\n"
        "[fields.last]\nbox = [64, 28, 34, 22]\npattern = '44\\d+'\n"
    )
    Image.fromarray(table_image()).save("a.png")
    found = read_paper("a.png", "none.png", "--template", "form.toml", "--out", "forms.csv")
    assert found.code == 1
    header, row, missing = csv.reader(Path("forms.csv").read_text(encoding="utf-8").splitlines())
    assert header == ["path", "page", "status", "error", "first", "empty", "last"]
    assert (row[0], row[3], row[4:]) == ("a.png", "", ["31", "", "4435"])
    assert (missing[2], missing[4:]) == ("error", ["", "", ""])
    lines = read_paper("a.png", "--template", "form.toml").out.splitlines()
    assert [line.split()[:2] for line in lines] == [["first", "31"], ["empty", "blank"], ["last", "4435"]]
    (document,) = json.loads(read_paper("a.png", "--template", "form.toml", "--json").out)
    assert {name: field["text"] for name, field in document["fields"].items()} == {
        "first": "31",
        "empty": "",
        "last": "4435",
    }
    read_paper("a.png", "--template", "form.toml", "--out", "forms.parquet")
    assert pq.read_table("forms.parquet").to_pylist()[0]["last"] == "4435"


def test_a_region_and_what_is_known_of_a_number_are_used(read_paper):
    Image.fromarray(table_image()).save("a.png")
    assert read_paper("a.png", "--region", "64%,28%,34%,22%", "--expect", "4").out == "4435\n"
    assert read_paper("a.png", "--region", "64%,28%,34%,22%", "--pattern", r"44\d\d").out == "4435\n"
    assert read_paper("a.png", "--region", "64%,28%,34%,22%", "--expect", "7").out == "????\n"
    outside = read_paper("a.png", "--region", "9000,0,10,10")
    assert (outside.code, "expected a region inside the image of 700x500 pixels" in outside.out) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--region", "1,2"), "expected a region as x,y,w,h"),
        (("--pattern", "("), "expected a regular expression"),
        (("--expect", "0"), "expected 1 to 40 digits"),
        (("--expect", "2", "--pattern", "1"), "got both"),
        (("--single", "--expect", "2"), "expected --single or --numbers"),
        (("--template", "none.toml"), "none.toml: cannot be read"),
        (("--template", "none.toml", "--table", "a.csv"), "expected --template, or --region"),
    ],
)
def test_what_cannot_be_known_of_numbers_is_refused(read_paper, arguments, message):
    Image.fromarray(table_image()).save("a.png")
    refused = read_paper("a.png", *arguments)
    assert (refused.code, refused.err.count("\n"), message in refused.err) == (2, 1, True)


def test_a_stricter_guarantee_than_numbers_can_have_is_told(digitwise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(table_image()).save("a.png")
    found = digitwise("read", "a.png", "--numbers", "--max-error", "0.5%")
    assert "with less, every number is unsure" in found.err
    assert set(found.out) == {"?", " ", "\n"}
