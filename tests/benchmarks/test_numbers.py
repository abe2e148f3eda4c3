import argparse
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import measure
from benchmarks import reader as pages
from benchmarks.paper import made_rows, run, specimens, speed, tables, without
from benchmarks.paper.answer import Answer, answer_of, answer_of_texts
from digitwise.images import Dataset, ImageSet
from tests.helpers import glyphs


def line(text, labels=None, confidence=0.5):
    digits = [SimpleNamespace(label=label, confidence=confidence) for label in labels or text]
    return SimpleNamespace(text=text, digits=tuple(digits))


def number(text, status="read", confidence=0.9):
    return SimpleNamespace(text=text, status=status, confidence=confidence)


def test_answer_joins_all_lines():
    page = SimpleNamespace(lines=(line("1?", "17"), line("3")))
    assert answer_of(page) == Answer("173", "1?3", 0.125, sure=False)


def test_answer_prefers_numbers_to_lines():
    page = SimpleNamespace(lines=(line("17"),), numbers=(number("17"),))
    assert answer_of(page) == Answer("17", "17", 0.9, sure=True)


def test_unsure_number_has_no_sure_digit():
    page = SimpleNamespace(lines=(line("17"),), numbers=(number("-1.7", "unsure"),))
    assert answer_of(page) == Answer("17", "??", 0.9, sure=False)


def test_page_without_numbers_is_not_called_read():
    assert answer_of(SimpleNamespace(lines=())) == Answer("", "", 0.0, sure=False)


def test_only_digits_are_kept_of_other_texts():
    assert answer_of_texts([("No. 1²", 0.5), ("to", 0.9), ("3,4", 0.5)]) == Answer("134", "134", 0.25, sure=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("123", "right"),
        ("1?3", "?"),
        ("1?3?", "?"),
        ("???", "?"),
        ("124", "failed"),
        ("1?", "failed"),
        ("1?4", "failed"),
        ("", "failed"),
        ("1234", "failed"),
    ],
)
def test_outcome_is_unsure_only_where_nothing_is_wrong_or_lost(text, told):
    assert run.outcome("123", text) == told


class Fake:
    """Reads all images alike."""

    version = "1"

    def answer(self, image, *, expect=None):
        assert (image.dtype, expect) == (np.uint8, None)
        return Answer("12", "12", 0.8, sure=True)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """All folders with an image each, a small test set, and nothing kept where it would stay."""
    three = ImageSet(glyphs(60), np.arange(60, dtype=np.int64) % 10, tuple("0123456789"))
    monkeypatch.setattr(pages, "load", lambda name: Dataset(name, "", three, three))
    monkeypatch.setattr(measure, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(run, "number_reader", lambda name, model: Fake())
    monkeypatch.setenv("DIGITWISE_DATA", str(tmp_path))
    pages.test_images.cache_clear()
    for file in ("numbers/cheques/a.png", "numbers/registers/b.png", "scans/numbers/c.png", "cases/d_truth12.png"):
        (tmp_path / file).parent.mkdir(parents=True)
        Image.new("RGB", (40, 30), "white").save(tmp_path / file)
    (tmp_path / "numbers/cheques/labels.csv").write_text("filename,label\na.png,12\n")
    (tmp_path / "numbers/registers/labels.csv").write_text("filename,label\nb.png,13\n")
    (tmp_path / "scans/numbers/truth.json").write_text('[{"file": "c.png", "lines": ["1 2", "3"]}]')
    yield tmp_path
    pages.test_images.cache_clear()


def options(*arguments):
    parser = argparse.ArgumentParser()
    run.add_options(parser)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--model")
    return parser.parse_args(arguments)


def test_every_bench_has_rows_and_a_line_in_a_table(data, capsys):
    run.bench_numbers(options("--readers", "digitwise", "--limit", "1", "--keep", f"--sheet={data / 'sheet.png'}"))
    rows = {row["bench"]: row for row in measure.kept("numbers")}
    assert list(rows) == list(specimens.BENCHES)
    assert [rows[name]["outcome"] for name in ("cheques", "registers", "cases")] == ["right", "failed", "right"]
    assert (rows["scans"]["truth"], rows["scans"]["missing"]) == ("123", "1")
    assert rows["noise"]["extra"] == "2"
    assert rows["cheques"]["onnxruntime"]
    told = capsys.readouterr().out
    assert "| cheques | digitwise 1 | 1 | 100.0 % | 100.0 % | 0.0 % |" in told
    assert "| register cells | digitwise 1 | 1 | 0.0 % | 100.0 % | 100.0 % |" in told
    assert "| `d_truth12.png` | right |" in told
    assert "| pages without digits | digitwise 1 | 2.0 |" in told
    with Image.open(data / "sheet.png") as sheet:
        assert sheet.width > 1000


def test_part_of_the_images_keeps_no_rows(data):
    run.bench_numbers(options("--readers", "digitwise", "--limit", "1", "--only", "cheques"))
    assert measure.kept("numbers") == []


def test_states_of_a_reader_stand_side_by_side(data):
    for label in ("old", "new", "new"):
        run.bench_numbers(options("--readers", "digitwise", "--only", "cheques", f"--label={label}"))
    rows = measure.kept("numbers")
    assert [row["version"] for row in rows] == ["old", "new"]
    assert "| cheques | digitwise old |" in tables.strings_table(rows)


def test_reader_of_single_lines_is_asked_about_single_numbers_only(data):
    chosen = options("--readers", "rapidocr-line", "--limit", "1")
    rows, _ = run.read_all(
        specimens.specimens(specimens.BENCHES, 1), chosen.readers, argparse.Namespace(**vars(chosen))
    )
    assert {row["bench"] for row in rows} == set(specimens.ONE_NUMBER)


@pytest.mark.parametrize("kind", made_rows.KINDS)
def test_rows_are_the_same_digits_at_every_size(data, kind):
    small, large = made_rows.made_row(kind, 1, 3), made_rows.made_row(kind, 2, 3)
    assert small[1] == large[1]
    assert len(small[1]) == made_rows.LENGTH
    assert large[0].shape == tuple(2 * side for side in small[0].shape)
    assert small[0].max() > 240
    assert small[0].min() < 60
    assert np.array_equal(small[0], made_rows.made_row(kind, 1, 3)[0])


def test_tight_rows_are_cut_at_the_ink(data):
    image, _ = made_rows.made_row("tight", 1, 0)
    assert all((edge < 245).any() for edge in (image[0], image[-1], image[:, 0], image[:, -1]))


@pytest.mark.parametrize("kind", without.KINDS)
def test_pages_without_digits_are_repeatable(kind):
    image, truth = without.page_without_digits(kind, 1)
    assert truth == ""
    assert image.shape == without.SHAPE
    assert image.std() > 5
    assert np.array_equal(image, without.page_without_digits(kind, 1)[0])


def test_options_are_handed_on():
    arguments = ["--limit=3", "--jobs=2", "--label=new", "--keep", "--readers", "digitwise", "tesseract"]
    assert vars(options(*run.options_again(options(*arguments)))) == vars(options(*arguments))


def test_speed_table_has_the_median_and_the_highest_peak():
    row = {"what": "a crop", "reader": "digitwise", "version": "1"}
    rows = [row | {"seconds": seconds, "peak_mib": peak} for seconds, peak in (("1", "9"), ("2", "10"), ("9", "8"))]
    assert "| a crop | digitwise 1 | 2.000 | 10 |" in speed.numbers_speed_table(rows)


def test_speed_of_two_states_is_kept(data, monkeypatch):
    row = {"what": "a crop", "reader": "digitwise", "seconds": 1, "peak_mib": 2}
    monkeypatch.setattr(speed.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=json.dumps(row)))
    for label in ("old", "new", "new"):
        speed.bench_numbers_speed(options("--readers", "digitwise", f"--label={label}"))
    assert {row["version"] for row in measure.kept("numbers_speed")} == {"old", "new"}
    assert len(measure.kept("numbers_speed")) == 2 * speed.REPEATS * len(speed.WORK)
