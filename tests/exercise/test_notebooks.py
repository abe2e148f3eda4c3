"""Notebooks of any origin are read, and their cells find their tasks."""

from __future__ import annotations

import json

import pytest

from digitwise.errors import DataError
from digitwise.exercise.marks import page_names
from digitwise.exercise.notebooks import EDITION, read_notebook
from digitwise.exercise.tasks import TASKS
from tests.exercise.builder import ANSWERS, write_notebook


@pytest.mark.parametrize("metadata", [True, False], ids=["with metadata", "without"])
def test_answers_are_found_by_metadata_or_by_heading(tmp_path, metadata):
    notebook = read_notebook(write_notebook(tmp_path / "n.ipynb", metadata=metadata))
    for task, words in ANSWERS.items():
        assert notebook.answer(task) == words
    assert len(notebook.of("model1")) == 2


def test_answer_in_bold_is_an_answer(tmp_path):
    bold = {"histogram": "**Yes, they are even enough.**"}
    assert read_notebook(write_notebook(tmp_path / "n.ipynb", answers=bold)).answer("histogram") == bold["histogram"]


def test_placeholder_alone_is_no_answer(tmp_path):
    untouched = {"shape": "*Your answer here.*", "errors": "<!-- a comment -->"}
    notebook = read_notebook(write_notebook(tmp_path / "n.ipynb", answers=untouched))
    assert notebook.answer("shape") == notebook.answer("errors") == ""


@pytest.mark.parametrize("metadata", [True, False], ids=["with metadata", "without"])
def test_edition_as_it_is_handed_out_has_no_answers(tmp_path, metadata):
    document = json.loads(EDITION.read_text(encoding="utf-8"))
    if not metadata:
        for cell in document["cells"]:
            cell["metadata"] = {}
    (tmp_path / "n.ipynb").write_text(json.dumps(document))
    notebook = read_notebook(tmp_path / "n.ipynb")
    assert [notebook.answer(task.id) for task in TASKS] == [""] * len(TASKS)
    assert all(any(cell.is_code for cell in notebook.of(task.id)) for task in TASKS)


def test_a_heading_of_ones_own_ends_a_task(tmp_path):
    cells = ["## 2. The first model (2 points)", "own words", "### a detail", "## Something else", "other words"]
    path = write_cells(tmp_path / "n.ipynb", *cells)
    assert read_notebook(path).answer("model1") == "own words"


def test_old_notebooks_are_read(tmp_path):
    cells = [
        {"cell_type": "heading", "level": 2, "source": "The first model", "metadata": {}},
        {
            "cell_type": "code",
            "input": "x = 1",
            "outputs": [],
            "language": "python",
            "metadata": {},
            "collapsed": False,
        },
    ]
    document = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    (tmp_path / "n.ipynb").write_text(json.dumps(document))
    assert [(cell.source, cell.task) for cell in read_notebook(tmp_path / "n.ipynb").code] == [("x = 1", "model1")]


def test_pages_of_notebooks_with_one_name_have_different_names(tmp_path):
    paths = [tmp_path / "anna" / "n.ipynb", tmp_path / "ben" / "n.ipynb", tmp_path / "other.ipynb"]
    assert page_names(paths) == ["anna-n.html", "ben-n.html", "other.html"]


def test_broken_notebook_raises_data_error(tmp_path):
    (tmp_path / "n.ipynb").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="expected a Jupyter notebook"):
        read_notebook(tmp_path / "n.ipynb")


def write_cells(path, *sources):
    cells = [{"cell_type": "markdown", "id": f"c{i}", "source": text, "metadata": {}} for i, text in enumerate(sources)]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path
