"""Notebooks with known marks, run as a class."""

from __future__ import annotations

import csv
import os
import re
import shutil
from pathlib import Path

import psutil
import pytest

from digitwise.errors import DataError
from digitwise.exercise import check
from tests.exercise.conftest import ASLEEP, points_table

pytestmark = pytest.mark.slow  # a class of notebooks takes minutes

EXPECTED = {
    "perfect": (10, {}),
    "empty": (0, {"histogram": "Draw one bar for each class"}),
    "wrong-histogram": (0.5, {"histogram": "9 bins are too few for 10 classes"}),
    "two-convolutions": (2, {"model1": "Keep exactly one convolution in the first model, not 2"}),
    "faked": (1.5, {"model1": "train for more epochs"}),
    "test-in-training": (1.5, {"model1": "Call fit with training images only"}),
    "flips": (1, {"model3": "Do not flip"}),
    "syntax-error": (0.5, {"histogram": "stopped with SyntaxError"}),
    "no-metadata": (0.75, {}),
    "loop": (0.5, {"model3": "Do not flip"}),
    "inside": (1, {}),
    "german": (0, {"histogram": "Die Lücke in Zelle 8 ist nicht gefüllt."}),
    "nasty": (0, {}),
    "probe": (0, {}),
    "no-notebook": (0, {}),
    "rude-\\xe9": (0, {}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_notebook_gets_the_points_it_is_worth_and_a_hint(marked, name):
    points, hints = EXPECTED[name]
    mark = marked[0][name]
    assert (mark["points"], mark["of"]) == (points, 10), mark
    tasks = {task["id"]: task for task in mark["tasks"]}
    for task, hint in hints.items():
        assert hint in tasks[task]["hint"]
    for task in mark["tasks"]:
        assert task["reason"]
        assert bool(task["hint"]) == (task["points"] < task["of"]) or task["of"] == 0 or name == "no-notebook"


def test_nine_bins_are_reported_as_a_shared_bar(marked):
    assert "9 bars for 10 classes: 8 and 9 share a bar" in marked[0]["wrong-histogram"]["tasks"][0]["reason"]


def test_accuracy_comes_from_the_model_not_from_what_is_printed(marked):
    reason = marked[0]["faked"]["tasks"][2]["reason"]
    assert "by recount" in reason
    assert "99.87" not in reason


def test_test_images_in_training_are_a_warning(marked):
    assert any(
        "test images in training: fit of model had 500" in each for each in marked[0]["test-in-training"]["warnings"]
    )
    assert not any("test images in training" in each for each in marked[0]["perfect"]["warnings"])


def test_test_images_are_found_in_sequences_pipelines_and_evaluations_too(marked):
    assert marked[0]["flips"]["errors"] == []
    unnamed = "a model with none of the exercise's names"
    assert marked[0]["flips"]["warnings"][:3] == [
        f"test images in training: fit of {unnamed} had 80 of them",
        f"test images as validation data in fit of {unnamed}, and EarlyStopping chooses by them",
        f"{unnamed} was tested on the test images after each of 3 trainings; choose by validation",
    ]


def test_code_has_no_network_no_secrets_and_no_place_to_write_but_its_own(marked):
    mark = marked[0]["probe"]
    assert mark["ended"] == "", "a thread that goes on was waited for"
    if mark["warnings"]:
        pytest.skip(f"this system does not let it: {mark['warnings'][0]}")
    assert mark["errors"] == []
    assert not os.path.exists("/dev/shm/digitwise-probe"), "shared memory is shared with the machine"


def test_grandchildren_end_with_their_notebook(marked):
    sleeping = [
        each for each in psutil.process_iter(["cmdline"]) if f"time.sleep({ASLEEP})" in str(each.info["cmdline"])
    ]
    assert sleeping == []


def test_syntax_error_costs_its_own_cell_alone(marked):
    assert [each["cell"] for each in marked[0]["syntax-error"]["errors"]] == [4]


def test_surrogates_and_control_characters_are_shown_escaped(marked):
    (shown,) = marked[0]["rude-\\xe9"]["errors"]
    assert shown["error"] == r"ValueError: half \ud800, \x1b[31m[/bold]"


def test_broken_notebook_does_not_stop_the_class(marked):
    assert "expected a Jupyter notebook" in marked[0]["no-notebook"]["ended"]


def test_augmentation_is_seen_in_loops_and_in_models(marked):
    told = {name: marked[0][name]["tasks"][-1]["parts"][1]["reason"] for name in ("perfect", "loop", "inside", "flips")}
    assert re.search(r"\d+ % rotated .*, \d+ % shifted .*, \d+ % zoomed", told["perfect"])
    assert re.search(r"[3-7]\d % flipped left to right", told["loop"])
    assert re.search(r"[3-7]\d % flipped left to right", told["flips"])
    assert re.search(r"\d\d % rotated \(up to (8|9|1)", told["inside"])


def test_notebook_with_failed_cells_is_said_to_have_failed_cells(marked):
    assert marked[0]["syntax-error"]["state"] == "1 cell failed"
    assert marked[0]["perfect"]["state"] == "ran to its end"
    assert marked[0]["no-notebook"]["state"] == "not opened"


def test_teachers_points_come_into_pages_without_running_notebooks_again(marked, tmp_path, monkeypatch):
    folder = Path(marked[0]["perfect"]["notebook"]).parent
    out = tmp_path / "marks"
    shutil.copytree(marked[1], out)
    rows = list(csv.DictReader((out / "marks.csv").read_text(encoding="utf-8").splitlines()))
    for row in rows:
        if row["notebook"].endswith("perfect.ipynb") and row["to read"]:
            row |= {"points": "0,25", "remark": "More words, please"}
    with (out / "marks.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    monkeypatch.setattr("digitwise.exercise.marking.mark_all", None)
    data = marked[0]["perfect"]["data"]
    with pytest.raises(DataError, match="or bring in what you filled in, by points"):
        check(folder, data, out=out)
    found = check(folder, data, out=out, points=out / "marks.csv")
    perfect = next(mark for mark in found.marks if mark.notebook.endswith("perfect.ipynb"))
    assert (perfect.points, perfect.provisional) == (9, 0)
    assert "More words, please" in (out / "perfect.html").read_text(encoding="utf-8")
    kept = csv.DictReader((out / "marks.csv").read_text(encoding="utf-8").splitlines())
    assert {row["remark"] for row in kept if row["points"]} == {"More words, please"}


def test_class_has_a_table_of_points_and_a_page_each(marked):
    marks, out = marked
    rows = {row["notebook"].split("/")[-1].removesuffix(".ipynb"): row for row in points_table(out)}
    assert rows.keys() == marks.keys()
    for name, row in rows.items():
        assert float(row["total"]) == marks[name]["points"]
        assert float(row["model1"]) == marks[name]["tasks"][2]["points"]
        page = (out / f"{name.replace(chr(92) + 'xe9', chr(0xDCE9))}.html").read_text(encoding="utf-8")
        assert f"{marks[name]['points']:g} {'von 10 Punkten' if name == 'german' else 'of 10 points'}" in page


@pytest.mark.parametrize(
    ("name", "why"), [("endless", "the limit of 12 seconds"), ("hog", "more than 0.9 GB of memory")]
)
def test_endless_notebook_is_stopped_and_its_earlier_cells_count(stopped, name, why):
    mark = stopped[name]
    assert why in mark["ended"]
    assert mark["points"] == 0.5
    shape = mark["tasks"][1]
    assert shape["hint"].startswith("Stopped in cell 7: ")
