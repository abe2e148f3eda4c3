"""The solved notebook: its two forms, the numbers in its text, the edition made from it, and a quick run."""

import ast
import builtins
import copy
import re

import nbformat
import pytest

from benchmarks.measure import kept
from digitwise.exercise.language import LANGUAGES
from digitwise.exercise.notebooks import edition_of
from digitwise.exercise.tasks import TASKS
from notebooks import build

NUMBER = re.compile(r"\d[\d.,]*\s*%|\b\d[\d,]*\s+(?:wrong|errors?|right|fewer|images)\b")
AIMS = {"95 %", "1 %"}  # the level of the interval and the aim: not measured


@pytest.fixture(scope="module")
def source():
    return build.source()


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(build.NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def edition(source):
    return build.edition(source)


def texts(notebook):
    """The texts outside the tasks' questions."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return [cell.source for cell in cells if cell.metadata.get("digitwise", {}).get("role") != "question"]


def of_role(notebook, role):
    cells = [cell for cell in notebook.cells if cell.metadata.get("digitwise", {}).get("role") == role]
    return [(cell.metadata["digitwise"]["task"], cell) for cell in cells]


def unmarked(text):
    """Numbers that seem measured but are not filled in."""
    text = re.sub(r"`[^`]*`", "", build.MARK.sub("", text))
    return [found for found in NUMBER.findall(text) if found not in AIMS]


def test_both_forms_are_the_same_notebook(source, stored):
    def parts(cell):
        return cell.cell_type, cell.source, cell.metadata.get("digitwise"), cell.metadata.get("tags")

    assert [parts(cell) for cell in stored.cells] == [parts(cell) for cell in source.cells], (
        "run notebooks/build.py, with --text where no code has changed"
    )


def test_stored_outputs_are_of_one_run_from_top_to_bottom_without_an_error(stored):
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for cell in code for output in cell.outputs} <= {"stream", "display_data"}
    assert build.NOTEBOOK.stat().st_size < 1_000_000


def test_text_states_the_measured_numbers(stored):
    numbers = build.measured(stored)
    for text in texts(stored):
        assert build.filled(text, numbers) == text, "run notebooks/build.py --text"


def test_text_with_another_number_is_noticed(stored):
    text = "\n".join(texts(stored))
    wrong = copy.deepcopy(build.measured(stored))
    wrong["model2.wrong"] += 1
    assert build.filled(text, wrong) != text


def test_text_has_no_measured_number_that_is_not_filled_in(stored):
    assert [unmarked(text) for text in texts(stored)] == [[]] * len(texts(stored))


@pytest.mark.parametrize("text", ["only 48 wrong", "0.48 % of them", "1,234 errors", "the accuracy is 99%"])
def test_measured_number_that_is_not_filled_in_is_noticed(text):
    assert unmarked(text)
    assert not unmarked(f"<!-- a.name -->{text}<!-- end --> with a 95 % interval, below 1 %")


def test_no_line_begins_with_a_mark_where_markdown_would_end_the_paragraph(source):
    assert [line for text in texts(source) for line in text.splitlines() if line.startswith("<!--")] == []


def test_row_kept_is_that_of_the_stored_run(stored):
    (row,) = kept("notebook")
    assert {name: str(value) for name, value in build.measured(stored).items()}.items() <= row.items()


def test_stored_run_reaches_the_aims_of_the_exercise(stored):
    numbers = build.measured(stored)
    assert numbers["data.test"] == "10,000"  # MNIST, all of it
    assert numbers["model1.wrong"] <= 300
    assert numbers["model2.wrong"] <= 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_edition_is_not_stale(source, language):
    made = build.as_json(build.edition(source, language))
    assert edition_of(language).read_text(encoding="utf-8") == made, "run notebooks/build.py --text"


def test_text_that_has_changed_since_it_was_translated_stops_the_build():
    with pytest.raises(SystemExit, match=r'expected a translation of .## Load and look. with of = "\w{8}"; revise'):
        build.translated("## Load and look\n\nIn other words.", "de")


def test_edition_asks_every_task_in_order_for_the_points_that_it_is_marked_by(edition):
    questions = of_role(edition, "question")
    assert [task for task, _ in questions] == [task.id for task in TASKS]
    for task, (_, cell) in zip(TASKS, questions, strict=True):
        points = f" ({task.points:g} {'point' if task.points == 1 else 'points'})" if task.points else ""
        assert cell.source.startswith(f"## {task.title}{points}\n")
        assert all(part.what in cell.source for part in task.parts if part.points)
        assert "<summary>Hint</summary>" in cell.source


def test_gaps_of_the_edition_ask_for_all_that_is_marked(edition):
    for task in TASKS:
        gaps = [cell.source for about, cell in of_role(edition, "code") if about == task.id]
        assert gaps
        assert all(f'raise NotImplementedError("{task.title}: ' in gap for gap in gaps)
        given = {"y_train", "y_test"}  # may stay as they are
        assert set(task.names) - given <= set(
            re.findall(r"\w+", " ".join(re.findall("To define: (.*)", "".join(gaps))))
        )


def test_edition_has_no_answers_and_no_outputs(edition):
    answers = of_role(edition, "answer")
    assert {task for task, _ in answers} == {task.id for task in TASKS} - {"model1", "saving"}
    assert all(re.fullmatch(r"\*\*[^*]+\?\*\*\n\n\*Your answer here\.\*", cell.source) for _, cell in answers)
    assert not any(cell.get("outputs") for cell in edition.cells)
    assert not build.MARK.search(build.as_json(edition))


def test_given_cells_of_the_edition_need_only_what_is_given_or_to_be_defined(edition):
    names = {type_: set() for type_ in (ast.Store, ast.Load)}
    known = {name for task in TASKS for name in task.names} | set(dir(builtins))
    for cell in edition.cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                match node:
                    case ast.Name():
                        names[type(node.ctx)].add(node.id)
                    case ast.FunctionDef():
                        known |= {node.name, *(argument.arg for argument in node.args.args)}
                    case ast.alias():
                        known.add((node.asname or node.name).split(".")[0])
    assert names[ast.Load] - names[ast.Store] - known == set()


def test_edition_runs_up_to_the_first_gap_and_stops_with_its_task(edition, mnist, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt
    import numpy as np

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    space = {}
    code = "\n".join(cell.source for cell in edition.cells if cell.cell_type == "code")
    with plt.rc_context(), np.printoptions(), pytest.raises(NotImplementedError, match="Histogram of the classes: "):
        exec(code, space)  # what Jupyter would do
    assert space["x_train"].shape == (60_000, 28, 28)


@pytest.mark.slow
def test_notebook_runs_from_top_to_bottom_in_quick_mode(source, stored, tmp_path):
    notebook = build.executed(copy.deepcopy(source), tmp_path, quick=True)
    assert build.measured(notebook).keys() == build.measured(stored).keys()
    made = {"model2.json", "model2.weights.h5"}
    assert {file.name for file in (tmp_path / "results" / "exercise").iterdir()} == made
