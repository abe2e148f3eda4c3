"""Makes the notebook and the exercise edition from their text form, ``mnist_exercise.py``.

python notebooks/build.py          # runs all cells, about 20 minutes on two cores; stores outputs and numbers
python notebooks/build.py --text   # after a change of text: keeps the stored outputs
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are not in the package
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jupytext
import nbformat
from nbclient import NotebookClient

from digitwise.exercise.language import LANGUAGES, number, say, speaking
from digitwise.exercise.notebooks import edition_of
from digitwise.exercise.tasks import TASKS, ExerciseTask
from digitwise.files import atomic_write

Notebook = nbformat.NotebookNode

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "notebooks" / "mnist_exercise.py"
NOTEBOOK = SOURCE.with_suffix(".ipynb")
TRANSLATIONS = "mnist_exercise.{}.toml"  # beside the text form: the edition's text in another language
MARK = re.compile(r"<!-- ([\w.]+) -->(.*?)<!-- end -->", re.DOTALL)  # a number in the text, by its name
SECONDS = 1_800  # time limit of a cell


def source() -> Notebook:
    """The notebook of the text form, without outputs."""
    return _settled(jupytext.read(SOURCE))


def executed(notebook: Notebook, folder: Path, *, quick: bool = False) -> Notebook:
    """Run the notebook in ``folder``, and give it with its outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    environment = {
        **os.environ,
        "DIGITWISE_QUICK": "1" if quick else "",
        "DIGITWISE_LEDGER": str(
            folder / "ledger"
        ),  # keeps the builder's reads of the test set out of the user's ledger
        "PYTHONPATH": str(ROOT / "src"),  # this checkout's package, whatever the folder
    }
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": folder}},
    )
    with client.setup_kernel(env=environment):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
            if cell.cell_type == "code":  # the logs of libraries concern the machine, not the exercise
                cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def with_outputs(notebook: Notebook, stored: Notebook) -> Notebook:
    """Copy the outputs of a stored notebook with the same code."""
    codes = [[cell for cell in each.cells if cell.cell_type == "code"] for each in (notebook, stored)]
    if [cell.source for cell in codes[0]] != [cell.source for cell in codes[1]]:
        raise SystemExit("the code has changed since the outputs were stored: run notebooks/build.py without --text")
    for cell, earlier in zip(*codes, strict=True):
        cell.outputs, cell.execution_count = earlier.outputs, earlier.execution_count
    return notebook


def measured(notebook: Notebook) -> dict[str, Any]:
    """The numbers printed by the last code cell."""
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    return dict(json.loads("".join(output.text for output in last.outputs)))


def filled(text: str, numbers: dict[str, Any]) -> str:
    """Replace every marked number in a text by the measured one."""
    return MARK.sub(lambda found: f"<!-- {found[1]} -->{numbers[found[1]]}<!-- end -->", text)


def edition(notebook: Notebook, language: str = "en") -> Notebook:
    """The notebook with gaps: without the solution's code and texts, with the conditions of the points."""
    with speaking(language):
        cells = [_cell(cell, language) for cell in notebook.cells if not _of_solution(cell)]
    metadata = {"kernelspec": notebook.metadata.kernelspec, "digitwise": {"language": language}}
    return _settled(nbformat.v4.new_notebook(cells=cells, metadata=metadata))


def _of_solution(cell: Notebook) -> bool:
    about = cell.metadata.get("digitwise", {})
    return "solved" in cell.metadata.get("tags", ()) or (about.get("role") == "code" and "gap" not in about)


def _cell(cell: Notebook, language: str) -> Notebook:
    """A cell of the edition: a gap in the place of a solution, a question with its conditions, other text as it is."""
    about = cell.metadata.get("digitwise", {})
    role = about.get("role")
    kept = {"digitwise": {"task": about["task"], "role": role}} if about else {}
    if role == "code":
        return nbformat.v4.new_code_cell(gap(about), metadata=kept)
    if cell.cell_type == "code":
        return nbformat.v4.new_code_cell(cell.source, metadata=kept)
    text = cell.source.partition("\n")[0] if role == "answer" else cell.source
    text = text if language == "en" else translated(text, language)
    if role == "question":
        text += rubric(next(task for task in TASKS if task.id == about["task"]))
    elif role == "answer":
        text += "\n\n" + say("*Your answer here.*")
    return nbformat.v4.new_markdown_cell(text, metadata=kept)


def gap(about: dict[str, str]) -> str:
    """The code of a gap: it stops the notebook with the task's name until it is filled in."""
    title = say(next(task.title for task in TASKS if task.id == about["task"]))
    define = say("# To define: {names}", names=about["gap"]) + "\n\n" if about["gap"] else ""
    message = say("{title}: put your code in the place of this line", title=title)
    return f'{define}raise NotImplementedError("{message}")'


def rubric(task: ExerciseTask) -> str:
    """The conditions of a task's points, as a list; empty for a task without points."""
    parts = []
    for part in task.parts:
        points = say("1 point") if part.points == 1 else say("{n} points", n=number(part.points))
        parts.append(f"- {points}: {say(part.what)}")
    return "\n\n" + "\n".join(parts) if task.points else ""


def translated(text: str, language: str) -> str:
    """A text of the edition in another language.

    Raises
    ------
    SystemExit
        If it has none, or the English text has changed since it was translated.
    """
    name = TRANSLATIONS.format(language)
    first = text.partition("\n")[0]
    entries = tomllib.loads((SOURCE.parent / name).read_text(encoding="utf-8"))["text"]
    found = next((entry for entry in entries if entry["starts"] == first), None)
    now = hashlib.sha256(text.encode()).hexdigest()[:8]
    if found is None or found["of"] != now:
        raise SystemExit(f'{name}: expected a translation of {first!r} with of = "{now}"; revise the text, then set it')
    return str(found["is"]).strip()


def as_json(notebook: Notebook) -> str:
    """The content of a notebook's file."""
    return nbformat.writes(notebook) + "\n"


def write(notebook: Notebook) -> None:
    """Write the notebook, its text form and the edition, with the numbers of the outputs in the text."""
    text = filled(SOURCE.read_text(encoding="utf-8"), measured(notebook))
    new = with_outputs(_settled(jupytext.reads(text, fmt="py:percent")), notebook)
    atomic_write(SOURCE, text)
    atomic_write(NOTEBOOK, as_json(new))
    for language in LANGUAGES:
        atomic_write(edition_of(language), as_json(edition(new, language)))


def _settled(notebook: Notebook) -> Notebook:
    """Set reproducible cell ids and the language, by which viewers colour the code."""
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place:02}"
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def main() -> None:
    """Build all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", action="store_true", help="keep the stored outputs; run nothing")
    if parser.parse_args().text:
        write(nbformat.read(NOTEBOOK, as_version=4))
        return
    from benchmarks.measure import keep

    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(source(), Path(folder))
    write(notebook)
    keep("notebook", [measured(notebook)])


if __name__ == "__main__":
    main()
