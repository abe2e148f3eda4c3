"""``digitwise exercise``: the exercise for a class, and points for the notebooks that students hand in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import JsonFlag, counting_bar, err, out, print_json, table
from digitwise.cli.options import seconds

if TYPE_CHECKING:
    from digitwise.exercise.marks import Mark

UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9}


class Language(StrEnum):
    """The languages of the exercise."""

    en = "en"
    de = "de"


app = typer.Typer(
    help='The exercise "Classification of MNIST" for a class.', no_args_is_help=True, rich_markup_mode=None
)


def size(text: str) -> int:
    """Read a size, ``4GB`` or ``500 MB``, as bytes."""
    found = re.fullmatch(r"\s*([\d.]+)\s*([KMG]B)\s*", text, re.IGNORECASE)
    try:
        value = int(float(found[1]) * UNITS[found[2].upper()]) if found else 0
    except ValueError:
        value = 0
    if value <= 0:
        raise typer.BadParameter(f"expected a size like 4GB or 500MB, got {text!r}")
    return value


@app.command()
def new(
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="A folder, made if it is not there.")] = Path(
        "exercise"
    ),
    language: Annotated[Language, typer.Option(help="The language of text, tasks, hints and marks.")] = Language.en,
    open_it: Annotated[bool, typer.Option("--open", help="Open the notebook in JupyterLab.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Write the exercise as a notebook with gaps to fill, and the folder results beside it."""
    from digitwise.exercise.notebooks import write_edition
    from digitwise.exercise.tasks import POINTS, TASKS
    from digitwise.parts import is_installed

    notebook = write_edition(folder, language.value)
    installed = is_installed("jupyterlab")
    if as_json:
        print_json({"notebook": str(notebook), "results": str(notebook.parent / "results"), "points": POINTS})
    else:
        out.print(f"{notebook}: {len(TASKS)} tasks, {POINTS:g} points")
        if not (open_it and installed):
            _tell_how_to_open(notebook, installed=installed)
    return _open(notebook) if open_it and installed else 0


def _tell_how_to_open(notebook: Path, *, installed: bool) -> None:
    from digitwise.parts import extra_of

    here = "" if installed else f"{extra_of('jupyterlab').install}, then "
    out.print(f"JupyterLab: {here}jupyter lab {notebook}")
    out.print(f"VS Code: with the extensions Python and Jupyter, open {notebook}, and choose this Python as kernel")
    first = f"%{extra_of('keras').install}"
    out.print(f"Google Colab: upload it at https://colab.research.google.com, and run first: {first}")


def _open(notebook: Path) -> int:
    """Run JupyterLab until it is closed."""
    import subprocess
    import sys

    try:
        return subprocess.call([sys.executable, "-m", "jupyterlab", str(notebook)])
    except KeyboardInterrupt:  # the usual way to close it
        return 0


@app.command()
def check(
    notebooks: Annotated[
        list[Path], typer.Argument(metavar="NOTEBOOK|DIR", help="Notebooks, or folders with notebooks in them.")
    ],
    data: Annotated[
        str, typer.Option("--data", metavar="NAME|PATH", help="Data set that keras.datasets.mnist.load_data returns.")
    ] = "mnist",
    time_limit: Annotated[
        float,
        typer.Option(
            parser=seconds,
            metavar="TIME",
            help="Limit per notebook (45s, 30m) on a fast core; a slow core gets more.",
        ),
    ] = "30m",  # type: ignore[assignment]  # the parser makes a number of it
    memory_limit: Annotated[
        int, typer.Option(parser=size, metavar="SIZE", help="Limit per notebook (500MB, 4GB).")
    ] = "4GB",  # type: ignore[assignment]
    jobs: Annotated[int, typer.Option(min=1, help="Number of notebooks run in parallel.")] = 1,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Use 600 training and test images each, to see what runs; accuracies are not judged."
        ),
    ] = False,
    points: Annotated[
        Path | None,
        typer.Option(
            metavar="MARKS.CSV",
            help="Your points and remarks, filled in in the columns points and remark of marks.csv, go into the pages; "
            "notebooks that have not changed are not run again.",
        ),
    ] = None,
    html: Annotated[
        bool,
        typer.Option(
            "--html", help="Write the pages also for one notebook; for several, or a folder, they are always written."
        ),
    ] = False,
    out_folder: Annotated[
        Path, typer.Option("--out", help="Folder for the pages, points.csv, marks.csv and class.json.")
    ] = Path("results/marks"),
    as_json: JsonFlag = False,
) -> int:
    """Run students' notebooks, each in a process with limits, and award points per task."""
    from digitwise.data import load
    from digitwise.exercise import checking
    from digitwise.exercise.sandbox import SLOWER, slowness
    from digitwise.files import expanded

    several = len(notebooks) > 1 or notebooks[0].is_dir() or points is not None
    out_folder = expanded(out_folder)
    paths = checking.find_notebooks(notebooks)
    dataset = load(data)
    if quick:
        most = checking.QUICK
        train, test = (min(most, len(part)) for part in (dataset.train, dataset.test))
        err.print(f"quick: {train} training and {test} test images; accuracies are not judged")
    if (slow := slowness()) >= SLOWER:
        err.print(f"this machine is slow: each notebook has {slow:.1f} times the time limit", style="dim")
    with counting_bar("marking", len(paths), shown=several and err.is_terminal) as bar:
        progress = _progress(len(paths), lambda: bar.advance(bar.task_ids[0]))
        found = checking.check(
            notebooks,
            dataset,
            out=out_folder if several or html else None,
            points=points,
            jobs=jobs,
            time_limit=time_limit,
            memory_limit=memory_limit,
            quick=quick,
            tell=progress if several else None,
        )
    if as_json:
        rows = found.as_dict()["notebooks"]
        print_json(rows if several else rows[0])
    elif several:
        out.print(_class_table(found.marks))
        for name, others in found.copies.items():
            out.print(f"{name} is nearly a copy of {'; '.join(others)}")
    else:
        _tell(found.marks[0])
    if several or html:
        page = "class.html" if several else found.pages[0]
        err.print(f"written to {out_folder}: {page}, and points.csv, marks.csv, class.json", style="dim")
    return 0


def _progress(total: int, advance: Callable[[], None]) -> Callable[[Mark], None]:
    """What is done with each mark: a bar in a terminal, else a line with an estimate of what is left."""
    began, done = time.monotonic(), 0

    def tell(mark: Mark) -> None:
        nonlocal done
        done += 1
        advance()
        if not err.is_terminal:
            left = (time.monotonic() - began) / done * (total - done) / 60
            rest = f"; about {left:.0f} minutes left" if left >= 1 else ""
            err.print(f"{done} of {total}: {mark.notebook}, {mark.points:g} points, {mark.state}{rest}", style="dim")

    return tell


def _tell(mark: Mark) -> None:
    for task in mark.tasks:
        out.print(f"{task.title}: {task.points:g} of {task.of:g}", style="bold")
        for part in task.parts:
            out.print(f"  {part.points:g}/{part.of:g}  {part.what}{'  (provisional)' if part.provisional else ''}")
            out.print(f"        {part.reason}", style="dim")
            if part.hint:
                out.print(f"        → {part.hint}")
    for place, error in mark.errors.items():
        out.print(f"cell {place} stopped with {error}")
    for warning in mark.warnings:
        out.print(f"warning: {warning}", style="yellow")
    if mark.ended:
        out.print(f"the notebook did not run to its end: {mark.ended}", style="red")
    open_points = f", {mark.provisional:g} of them provisional: read the answers" if mark.provisional else ""
    out.print(f"{mark.notebook}: {mark.points:g} of {mark.of:g} points{open_points}; {mark.state}")


def _class_table(marks: tuple[Mark, ...]) -> object:
    rows = [
        (
            mark.notebook,
            f"{mark.points:g}",
            f"{mark.of:g}",
            f"{mark.provisional:g}",
            len(mark.warnings),
            mark.ended or mark.state,
        )
        for mark in marks
    ]
    return table(("notebook", "points", "of", "provisional", "warnings", "state"), rows)
