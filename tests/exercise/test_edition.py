import json

import pytest

from digitwise.errors import DataError
from digitwise.exercise.language import LANGUAGES, say, speaking
from digitwise.exercise.notebooks import EDITION, edition_of, read_notebook, write_edition
from digitwise.exercise.tasks import TASKS


def test_edition_is_written_with_a_folder_for_results(tmp_path):
    notebook = write_edition(tmp_path / "class" / "monday")
    assert notebook.read_bytes() == EDITION.read_bytes()
    assert {path.name for path in notebook.parent.iterdir()} == {notebook.name, "results"}
    assert json.loads(notebook.read_text(encoding="utf-8"))["nbformat"] == 4


def test_existing_notebook_is_not_overwritten(tmp_path):
    write_edition(tmp_path).write_text("a student's work")
    with pytest.raises(DataError, match=r"left it unchanged; choose another out \(--out\)$"):
        write_edition(tmp_path)
    assert (tmp_path / "mnist_exercise.ipynb").read_text() == "a student's work"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_task_has_its_question_and_a_gap_that_stops_with_its_name(language):
    cells = json.loads(edition_of(language).read_text(encoding="utf-8"))["cells"]
    asked = [(cell["metadata"].get("digitwise", {}), "".join(cell["source"])) for cell in cells]
    questions = {about["task"]: text for about, text in asked if about.get("role") == "question"}
    gaps = {about["task"]: text for about, text in asked if about.get("role") == "code"}
    assert list(questions) == list(gaps) == [task.id for task in TASKS]
    with speaking(language):
        for task in TASKS:
            assert say(task.title) in questions[task.id]
            assert f'raise NotImplementedError("{say(task.title)}: ' in gaps[task.id]


@pytest.mark.parametrize("language", LANGUAGES)
def test_editions_have_the_same_cells_and_name_their_language(tmp_path, language):
    english, other = (json.loads(edition_of(each).read_text(encoding="utf-8"))["cells"] for each in ("en", language))
    kinds = [[(cell["cell_type"], cell["metadata"]) for cell in cells] for cells in (english, other)]
    assert kinds[0] == kinds[1]
    notebook = read_notebook(write_edition(tmp_path, language))
    assert notebook.language == language
    assert [notebook.answer(task.id) for task in TASKS] == [""] * len(TASKS)
