import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import reader as bench
from benchmarks.alignment import Alignment, aligned, together
from benchmarks.readers import text_of
from digitwise.images import Dataset, ImageSet
from tests.helpers import glyphs


@pytest.mark.parametrize(
    ("written", "read", "counts"),
    [
        ("1234", "1234", (0, 0, 0)),
        ("1234", "1294", (1, 0, 0)),
        ("1234", "124", (0, 1, 0)),
        ("1234", "12734", (0, 0, 1)),
        ("1234", "", (0, 4, 0)),
        ("", "12", (0, 0, 2)),
        ("1234", "934", (1, 1, 0)),
    ],
    ids=["same", "wrong", "missing", "extra", "nothing read", "nothing written", "both"],
)
def test_alignment_tells_wrong_missing_and_extra(written, read, counts):
    found = aligned(written, read)
    assert (found.wrong, found.missing, found.extra) == counts
    assert found.distance == sum(counts)
    assert found.right == len(written) - found.wrong - found.missing


def test_alignments_add_up():
    assert together([aligned("12", "13"), aligned("45", "4")]) == Alignment(4, 1, 1, 0)


def test_a_line_is_its_most_probable_labels():
    assert text_of(SimpleNamespace(text="1?", digits=(SimpleNamespace(label="1"), SimpleNamespace(label="7")))) == "17"


class Fake:
    """Reads everything as a class of its own choice; pages as one line."""

    def __init__(self, label=0, line="0"):
        self.label, self.line = label, line

    def probabilities(self, images):
        return np.eye(10, dtype=np.float32)[np.full(len(images), self.label)]

    def labels(self, images):
        return [str(self.label)] * len(images)

    def lines(self, image):
        assert image.dtype == np.uint8
        return [self.line]


@pytest.fixture
def rows(monkeypatch):
    """The rows kept, by name; three images for test set."""
    kept = {}
    three = ImageSet(glyphs(60), np.arange(60, dtype=np.int64) % 10, tuple("0123456789"))
    monkeypatch.setattr(bench, "keep", lambda name, rows: kept.update({name: rows}))
    monkeypatch.setattr(bench, "load", lambda name: Dataset(name, "", three, three))
    monkeypatch.setattr(bench, "cores", lambda: 1)
    bench.test_images.cache_clear()
    yield kept
    bench.test_images.cache_clear()


def test_a_page_is_read_and_told_as_a_row(rows):
    row = bench.page_row(0, reader=Fake())
    assert row["digits"] == len(row["written"].replace(" ", ""))
    assert row["wrong"] + row["missing"] == row["digits"] - ("0" in row["written"])
    assert row["extra"] == 0
    assert row == {**bench.page_row(0, reader=Fake()), "seconds": row["seconds"]}


def test_pages_are_told_by_difficulty(rows, monkeypatch, capsys):
    monkeypatch.setattr(bench, "contender", lambda model: Fake())
    bench.bench_pages(pages=3)
    assert [row["seed"] for row in rows["pages"]] == [0, 1, 2]
    assert "all pages: 3 pages" in capsys.readouterr().out


def test_robustness_has_a_row_for_every_severity(rows, monkeypatch, capsys):
    kinds = {name: bench.CORRUPTIONS[name] for name in ("inverted", "brightness")}
    monkeypatch.setattr(bench, "CORRUPTIONS", kinds)
    monkeypatch.setattr(bench, "contender", lambda model: Fake())
    bench.bench_robustness(sample=20)
    assert [row["kind"] for row in rows["robustness"]] == ["none", "inverted", *["brightness"] * 3]
    assert all(row["images"] == 20 and 0 < row["errors"] <= 20 for row in rows["robustness"])
    assert "mean over the corruptions" in capsys.readouterr().out


def test_scans_are_listed_by_writer_and_photo(rows, monkeypatch, tmp_path, capsys):
    image = Image.new("RGB", (20, 30), "white")
    for file in ("digits/0/ann_1.png", "digits/7/ann_2.png", "digits/0/bob_1.png", "numbers/a.png"):
        (tmp_path / "scans" / file).parent.mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / "scans" / file)
    (tmp_path / "scans" / "numbers" / "truth.json").write_text(json.dumps([{"file": "a.png", "lines": ["0 1"]}]))
    np.savez(tmp_path / "scans" / "drawn_on_screen_1000.npz", images=glyphs(2), labels=np.array([0, 3], np.uint8))
    monkeypatch.setenv("DIGITWISE_DATA", str(tmp_path))
    monkeypatch.setattr(bench, "contender", lambda model: Fake())
    bench.bench_scans()
    told = [(row["of"], row["digits"], row["errors"]) for row in rows["reader"]]
    assert told == [("ann", 2, 1), ("bob", 1, 0), ("1,000", 2, 1), ("a.png", 2, 1)]
    assert "7/ann_2 read 0" in capsys.readouterr().out
