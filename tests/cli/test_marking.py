"""What ``digitwise exercise check`` says where it cannot mark."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from digitwise.data import load
from digitwise.errors import DataError
from tests.exercise.builder import write_notebook


@pytest.mark.parametrize("text", ["", "print(1)", "[]", '{"nbformat": 4}', '{"nbformat": 99, "cells": []}'])
def test_what_is_no_notebook_is_one_line_and_exit_code_2(tmp_path, digitwise, text):
    (tmp_path / "n.ipynb").write_text(text)
    result = digitwise("exercise", "check", tmp_path / "n.ipynb")
    assert result.code == 2
    assert "expected a Jupyter notebook" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.ipynb"], "found no such file"),
        (["."], "expected notebooks"),
        (["n.ipynb", "--memory-limit", "much"], "expected a size like 4GB"),
        (["n.ipynb", "--time-limit", "long"], "expected a time like 45s"),
        (["n.ipynb", "--jobs", "0"], "greater than or equal to 1"),
    ],
)
def test_bad_input_is_told(tmp_path, monkeypatch, digitwise, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = digitwise("exercise", "check", *arguments)
    assert result.code == 2
    assert said in result.err


@pytest.mark.parametrize("missing", ["nbformat", "psutil"])
def test_missing_library_is_told_with_what_to_install(tmp_path, monkeypatch, digitwise, missing):
    write_notebook(tmp_path / "n.ipynb")
    monkeypatch.setitem(sys.modules, missing, None)
    result = digitwise("exercise", "check", tmp_path / "n.ipynb", "--data", "digits")
    assert result.code == 2
    assert f'marking a notebook needs {missing}: pip install "digitwise[exercise]"' in result.err


def test_quick_marking_takes_a_few_images_from_all_over_a_set(tmp_path, monkeypatch, digitwise):
    given = []

    def mark_all(notebooks, dataset, **rest):
        given.append((dataset, rest["quick"]))
        raise DataError("far enough")

    monkeypatch.setattr("digitwise.exercise.marking.mark_all", mark_all)
    result = digitwise("exercise", "check", write_notebook(tmp_path / "n.ipynb"), "--data", "digits", "--quick")
    assert "quick: 600 training and " in result.err
    ((few, quick),), whole = given, load("digits")
    assert quick
    assert (len(few.train), len(few.test)) == (600, min(600, len(whole.test)))
    assert np.array_equal(few.train.images[-1], whole.train.images[-1])
    assert few.train.class_counts.min() > 0


def test_notebook_that_never_began_is_told_by_its_limit_on_a_page_in_the_home_folder(tmp_path, monkeypatch, digitwise):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("digitwise.exercise.sandbox.slowness", lambda: 2.5)
    notebook = write_notebook(tmp_path / "n.ipynb")
    limited = ("--data", "digits", "--memory-limit", "1MB")
    result = digitwise("exercise", "check", notebook, *limited, "--html", "--out", "~/marks", "--json")
    assert result.code == 0
    assert result.json["ended"] == "stopped outside its cells: it used more than 0.001 GB of memory"
    assert "this machine is slow: each notebook has 2.5 times the time limit" in " ".join(result.err.split())
    assert (tmp_path / "marks" / "n.html").exists()
