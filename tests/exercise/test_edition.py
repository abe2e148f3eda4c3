import json

import pytest

from digitwise.errors import DataError
from digitwise.exercise.notebooks import EDITION, write_edition
from digitwise.exercise.tasks import TASKS


def test_edition_is_written_with_a_folder_for_results(tmp_path):
    notebook = write_edition(tmp_path / "class" / "monday")
    assert notebook.read_bytes() == EDITION.read_bytes()
    assert {path.name for path in notebook.parent.iterdir()} == {notebook.name, "results"}
    assert json.loads(notebook.read_text(encoding="utf-8"))["nbformat"] == 4


def test_existing_notebook_is_not_overwritten(tmp_path):
    write_edition(tmp_path).write_text("a student's work")
    with pytest.raises(DataError, match=r"left it unchanged; choose another --out$"):
        write_edition(tmp_path)
    assert (tmp_path / "mnist_exercise.ipynb").read_text() == "a student's work"


def test_every_task_has_its_question():
    cells = json.loads(EDITION.read_text(encoding="utf-8"))["cells"]
    asked = [(cell["metadata"].get("digitwise", {}), "".join(cell["source"])) for cell in cells]
    questions = {about["task"]: text for about, text in asked if about.get("role") == "question"}
    assert list(questions) == [task.id for task in TASKS]
    assert all(task.title in questions[task.id] for task in TASKS)
