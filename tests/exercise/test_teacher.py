"""The teacher's points and remarks come into the marks."""

from __future__ import annotations

import csv

import pytest

from digitwise.errors import DataError
from digitwise.exercise import teacher
from tests.exercise.test_page import marked

MARKS = [marked("/class/anna.ipynb"), marked("/class/ben.ipynb", 1)]
HEAD = "notebook,task,part,points,remark\n"


def brought(tmp_path, text, encoding="utf-8"):
    (tmp_path / "marks.csv").write_bytes(text.encode(encoding))
    return {mark.notebook: mark for mark in teacher.bring_in(MARKS, tmp_path / "marks.csv")}


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "/class/anna.ipynb,errors,explained,0.5,Gut beobachtet: schöne Sätze\n",
        "\ufeff" + HEAD.replace(",", ";") + "anna.ipynb;errors;explained;0,5;Gut beobachtet: schöne Sätze\n",
        HEAD.replace(",", "\t") + "anna\terrors\texplained\t.5\tGut beobachtet: schöne Sätze\n",
    ],
    ids=["as written", "as a German spreadsheet saves it", "tabs, and the name alone"],
)
def test_points_and_remarks_are_brought_in(tmp_path, text):
    mark = brought(tmp_path, text)["/class/anna.ipynb"]
    part = mark.part("errors", "explained")
    assert (part.points, part.given, part.provisional, part.remark) == (
        0.5,
        True,
        False,
        "Gut beobachtet: schöne Sätze",
    )
    assert mark.points == 0.5


def test_remark_without_points_leaves_the_proposal(tmp_path):
    part = brought(tmp_path, HEAD + "ben,errors,explained,,Read again\n", "cp1252")["/class/ben.ipynb"].part(
        "errors", "explained"
    )
    assert (part.points, part.given, part.remark) == (0.5, False, "Read again")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "cleo,errors,explained,1,\n", "row 2: expected a notebook of this class"),
        (HEAD + "ben,errors,guessed,1,\n", "row 2: expected a task and part as in marks.csv, got errors, guessed"),
        (HEAD + "ben,errors,explained,1,\n", "row 2: expected points from 0 to 0.5, got 1"),
        (HEAD + "\nben,errors,explained,much,\n", "expected points from 0 to 0.5, got much"),
        ("name,points\n", "expected the columns notebook, task, part and points or remark, got name, points"),
        ("", "expected the columns"),
    ],
    ids=["notebook", "part", "too many", "no number", "columns", "empty"],
)
def test_row_that_fits_nothing_is_told_with_its_number(tmp_path, text, said):
    with pytest.raises(DataError) as error:
        brought(tmp_path, text)
    assert said in str(error.value)


def test_table_can_be_filled_in_and_read_back(tmp_path):
    rows = list(csv.DictReader(teacher.table(MARKS).splitlines()))
    assert [row["notebook"] for row in rows[:2]] == [
        "/class/anna.ipynb",
        "/class/ben.ipynb",
    ]  # one question, all answers
    filled = HEAD + "".join(f"{row['notebook']},{row['task']},{row['part']},{row['of']},\n" for row in rows)
    assert {mark.points for mark in brought(tmp_path, filled).values()} == {10}
