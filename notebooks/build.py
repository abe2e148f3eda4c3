"""Makes the notebook and the exercise edition from their text form, ``mnist_exercise.py``.

python notebooks/build.py          # runs all cells, about 20 minutes on two cores; stores outputs and numbers
python notebooks/build.py --text   # after a change of text: keeps the stored outputs
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are not in the package
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jupytext
import nbformat
from nbclient import NotebookClient

from digitwise.exercise.tasks import TASKS, ExerciseTask
from digitwise.files import atomic_write

Notebook = nbformat.NotebookNode

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "notebooks" / "mnist_exercise.py"
NOTEBOOK = SOURCE.with_suffix(".ipynb")
EDITION = ROOT / "src" / "digitwise" / "exercise" / "edition.ipynb"
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


def edition(notebook: Notebook) -> Notebook:
    """The notebook with gaps: without the solution's code and texts, with the conditions of the points."""
    tasks = {task.id: task for task in TASKS}
    cells = []
    for cell in notebook.cells:
        about = cell.metadata.get("digitwise", {})
        role = about.get("role")
        if "solved" in cell.metadata.get("tags", ()) or (role == "code" and "gap" not in about):
            continue
        text = cell.source
        if role == "question":
            text += rubric(tasks[about["task"]])
        elif role == "code":
            text = (f"# To define: {about['gap']}\n\n" if about["gap"] else "") + "# Your code here."
        elif role == "answer":
            text = text.partition("\n")[0] + "\n\n*Your answer here.*"
        make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        kept = {"digitwise": {"task": about["task"], "role": role}} if about else {}
        cells.append(make(text, metadata=kept))
    return _settled(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": notebook.metadata.kernelspec}))


def rubric(task: ExerciseTask) -> str:
    """The conditions of a task's points, as a list; empty for a task without points."""
    parts = [f"- {part.points:g} {'point' if part.points == 1 else 'points'}: {part.what}" for part in task.parts]
    return "\n\n" + "\n".join(parts) if task.points else ""


def as_json(notebook: Notebook) -> str:
    """The content of a notebook's file."""
    return nbformat.writes(notebook) + "\n"


def write(notebook: Notebook) -> None:
    """Write the notebook, its text form and the edition, with the numbers of the outputs in the text."""
    text = filled(SOURCE.read_text(encoding="utf-8"), measured(notebook))
    new = with_outputs(_settled(jupytext.reads(text, fmt="py:percent")), notebook)
    atomic_write(SOURCE, text)
    atomic_write(NOTEBOOK, as_json(new))
    atomic_write(EDITION, as_json(edition(new)))


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
