"""Folders and files with names that attack a terminal, a spreadsheet or a page: every command shows them harmlessly."""

import csv
import json
import os
import re

import pytest
from PIL import Image

from digitwise.data import load
from digitwise.escaping import HARMFUL
from digitwise.recipes import find
from digitwise.training.options import FitOptions
from digitwise.training.train import train

CLASSES = ("\x1b[31mred", "=1+1", "<b>bold<b>\nnext", "$\\frac{", "-@x")
FILES = ("\x1b]0;title\x07", "=cmd|' -C calc'!A0", "<img src=x onerror=alert(1)>", "+a\nb", "\u202egnp", "\x9b2J")
NO_UTF8 = os.fsdecode(b"\xff")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BROKEN = ("a\nblank", "bold<b>\n", "+a\n", "\nnext", "\nb.png")  # names with their newlines


@pytest.fixture(scope="module")
def folder(digits, tmp_path_factory):
    """A set of digits whose classes and files have such names; some labels are wrong."""
    return written(digits, tmp_path_factory.mktemp("hostile") / "set", 400)


@pytest.fixture(scope="module")
def few(digits, tmp_path_factory):
    """The first of them, with names of every kind: reading all would take long."""
    return written(digits, tmp_path_factory.mktemp("hostile") / "few", 80)


def written(digits, root, count):
    for place in (place for place in range(count) if digits.train.labels[place] < len(CLASSES)):
        part = root / CLASSES[(digits.train.labels[place] + (place % 20 == 0)) % len(CLASSES)]
        part.mkdir(parents=True, exist_ok=True)
        name = NO_UTF8 if place < 10 else FILES[place % len(FILES)]
        Image.fromarray(digits.train.images[place]).save(part / f"{name}{place}.png")
    return root


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    recipe = find("baseline").replace(epochs=1, batch_size=32)
    out = tmp_path_factory.mktemp("runs") / "baseline"
    return train(recipe, load(folder), FitOptions(precision="float32"), out=out).path


def require_harmless(*texts):
    for text in texts:
        assert {each for each in HARMFUL.findall(text) if each != "\n"} == set()
        assert not any(name in text for name in BROKEN)


def require_harmless_table(path):
    require_harmless(path.read_text(encoding="utf-8"))
    with path.open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell.startswith(FORMULA) and not re.fullmatch(r"[-+]?[\d.]+", cell)] == []


def require_harmless_page(path):
    text = path.read_text(encoding="utf-8")
    require_harmless(re.sub(r"[\t]", "", text))
    assert "<img src=x" not in text
    assert "<b>bold" not in text


def test_data_show(digitwise, folder, tmp_path):
    shown = digitwise("data", "show", folder, "--out", tmp_path)
    assert shown.code == 0, shown.err
    require_harmless(shown.out, shown.err)
    assert r"\x1b[31mred" in shown.out
    assert "<b>bold<b>\\nnext" in shown.out
    document = digitwise("data", "show", folder, "--out", tmp_path, "--json")
    require_harmless(document.out)
    assert document.json["class_names"][0] == r"\x1b[31mred"


def test_check_and_decisions_on_what_it_suggests(digitwise, folder, tmp_path):
    (folder / CLASSES[0] / "\x1b[2Jno image\n.png").write_text("text")
    try:
        codes = ("--select", "DW001,DW004,DW033,DW040", "--labels", "--review", "--out", tmp_path)
        shown = digitwise("check", folder, *codes)
        document = digitwise("check", folder, *codes, "--json")
    finally:
        (folder / CLASSES[0] / "\x1b[2Jno image\n.png").unlink()
    assert shown.code == 1, shown.err
    require_harmless(shown.out, shown.err, document.out, (tmp_path / "findings.json").read_text())
    assert document.json == json.loads((tmp_path / "findings.json").read_text())
    for finding in document.json:
        assert len(finding["files"]) == len(finding["indices"])
    require_harmless_page(tmp_path / "index.html")
    require_harmless_table(tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["given"] for row in rows} | {row["suggested"] for row in rows} >= {"'=1+1", "'-@x", r"\x1b[31mred"}
    assert all(row["file"].endswith(".png") for row in rows)
    # Decisions are written in as a spreadsheet shows the classes.
    path = tmp_path / "labels.csv"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, rows[0] + "'=1+1", rows[1] + r"\x1b[31mred", rows[2] + "-@x"]) + "\n")
    shown = digitwise("data", "show", folder, "--patch", path, "--out", tmp_path / "data")
    assert shown.code == 0, shown.err
    assert "labels corrected" in shown.out


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_read_into_files(digitwise, few, tmp_path, name):
    shown = digitwise("read", few, "--out", tmp_path / name)
    require_harmless(shown.out, shown.err)
    if name.endswith(".csv"):
        require_harmless_table(tmp_path / name)
    else:
        lines = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        require_harmless(*lines)
        assert len([json.loads(line) for line in lines]) == sum(len(files) for _, _, files in os.walk(few))


@pytest.mark.parametrize("options", [(), ("--json",), ("--single", "--top")], ids=["text", "json", "top"])
def test_read_to_the_terminal(digitwise, folder, monkeypatch, options):
    monkeypatch.chdir(folder / CLASSES[1])
    (folder / CLASSES[1] / "+a\n.txt").write_text("no image")
    shown = digitwise("read", *options, ".", "+a\n.txt")
    (folder / CLASSES[1] / "+a\n.txt").unlink()
    assert shown.code == 1
    require_harmless(shown.out, shown.err)


def test_errors_and_report(digitwise, folder, run, tmp_path):
    for command in (("errors", run, "--data", folder), ("report", run, "--data", folder), ("evaluate", run)):
        for options in ((), ("--json",)):
            shown = digitwise(*command, *options)
            assert shown.code == 0, shown.err
            require_harmless(shown.out, shown.err)
    require_harmless_page(run / "report.html")
    for file in run.glob("*.json"):
        require_harmless(file.read_text(encoding="utf-8"))


def test_a_model_with_such_classes_reads(digitwise, few, run, tmp_path):
    exported = digitwise("export", run, "--format", "onnx", "--out", tmp_path / "model.onnx")
    assert exported.code == 0, exported.err
    shown = digitwise("read", few, "--single", "--model", tmp_path / "model.onnx", "--out", tmp_path / "rows.csv")
    require_harmless(exported.out, shown.out, shown.err)
    require_harmless_table(tmp_path / "rows.csv")
    judged = digitwise("evaluate", "--reader", few, "--model", tmp_path / "model.onnx")
    assert judged.code == 0, judged.err
    require_harmless(judged.out, judged.err)


def test_normalize(digitwise, folder, tmp_path):
    for name in ("a\n", "b\x1b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("L", (40, 40), 250).save(tmp_path / "set" / name / f"+{name}blank.png")
        digit = next((folder / CLASSES[0]).iterdir())
        (tmp_path / "set" / name / "digit.png").write_bytes(digit.read_bytes())
    for options in ((), ("--json",)):
        shown = digitwise("data", "normalize", tmp_path / "set", "--out", tmp_path / "out", *options)
        assert shown.code == 0, shown.err
        require_harmless(shown.out, shown.err)
        assert shown.out.count("blank.png") == 2


def test_an_error_about_such_a_name_is_one_line(digitwise, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "set" / f"{name}\x1b[2J\n").mkdir(parents=True)
        (tmp_path / "set" / f"{name}\x1b[2J\n" / "+\x1b\n.txt").write_text("no image")
    shown = digitwise("data", "show", tmp_path / "set", "--out", tmp_path / "out")
    assert shown.code == 2
    assert shown.err.count("\n") == 1
    require_harmless(shown.err)
