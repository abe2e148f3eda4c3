"""``digitwise exercise``: the exercise for a class, and points for the notebooks that students hand in."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import JsonFlag, counting_bar, err, out, print_json, table
from digitwise.cli.options import seconds

if TYPE_CHECKING:
    from digitwise.exercise.marks import Mark
    from digitwise.exercise.notebooks import Notebook
    from digitwise.images import Dataset

QUICK = 600  # images of training, and as many of test: what a notebook takes minutes for is done in a minute or two
UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9}


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
    as_json: JsonFlag = False,
) -> None:
    """Write the exercise as a notebook with gaps to fill, and the folder results beside it."""
    from digitwise.exercise.notebooks import write_edition
    from digitwise.exercise.tasks import POINTS, TASKS

    notebook = write_edition(folder)
    if as_json:
        print_json({"notebook": str(notebook), "results": str(notebook.parent / "results"), "points": POINTS})
        return
    out.print(f"{notebook}: {len(TASKS)} tasks, {POINTS:g} points; open it in Jupyter")


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
        bool, typer.Option("--quick", help=f"Use {QUICK} training and test images each, to see what runs.")
    ] = False,
    html: Annotated[
        bool,
        typer.Option(
            "--html", help="Write a page of feedback; for several notebooks, or a folder, it is always written."
        ),
    ] = False,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for pages and points.csv.")] = Path("results/marks"),
    as_json: JsonFlag = False,
) -> int:
    """Run students' notebooks, each in a process with limits, and award points per task."""
    from digitwise.data import load
    from digitwise.escaping import printable
    from digitwise.exercise.marking import mark_all
    from digitwise.exercise.marks import MARKS, check_places, page_names, write_page, write_points
    from digitwise.exercise.sandbox import SLOWER, NotebookLimits, slowness
    from digitwise.files import expanded
    from digitwise.outputs import claimed

    paths, out_folder = _found(notebooks), expanded(out_folder)
    several = len(paths) > 1 or notebooks[0].is_dir()
    opened, marks = _opened(paths, several=several)
    dataset = _few(load(data)) if quick else load(data)
    if quick:
        err.print(f"quick: {len(dataset.train)} training and {len(dataset.test)} test images, too few for all points")
    limits = NotebookLimits(time_limit, memory_limit, slowness=slowness())
    if limits.slowness >= SLOWER:
        err.print(f"this machine is slow: each notebook has {limits.slowness:.1f} times the time limit", style="dim")
    points, pages = out_folder / "points.csv", page_names(paths)
    names = dict(zip(map(printable, paths), pages, strict=True))
    check_places(out_folder, (*(pages if several or html else ()), *([points.name] if several else ())))

    def tell(mark: Mark) -> None:
        marks[mark.notebook] = mark
        if several or html:
            write_page(mark, out_folder / names[mark.notebook])
        if several:
            write_points([marks[name] for name in names if name in marks], points)
            bar.advance(bar.task_ids[0])

    alone = claimed(out_folder, MARKS, inside=True) if several or html else nullcontext()
    with alone, counting_bar("marking", len(paths), shown=several and err.is_terminal) as bar:
        if several and not points.exists():
            write_points([], points)  # a place that cannot be written to is an error before the work
        for mark in tuple(marks.values()):
            tell(mark)
        mark_all(opened, dataset, limits=limits, jobs=jobs, tell=tell)
    ordered = [marks[name] for name in names]
    if as_json:
        print_json([mark.as_dict() for mark in ordered] if several else ordered[0].as_dict())
    elif several:
        _tell_class(ordered)
    else:
        _tell(ordered[0])
    if several:
        err.print(f"written to {out_folder}: points.csv, and a page for each notebook", style="dim")
    elif html:
        err.print(f"written to {out_folder / names[ordered[0].notebook]}", style="dim")
    return 0


def _few(dataset: Dataset) -> Dataset:
    """A few images, evenly spaced, since a set may be sorted by class."""
    from dataclasses import replace

    import numpy as np

    train, test = (
        part.take(np.linspace(0, len(part) - 1, min(QUICK, len(part))).astype(np.int64))
        for part in (dataset.train, dataset.test)
    )
    return replace(dataset, train=train, test=test)


def _found(given: list[Path]) -> list[Path]:
    """The notebooks, and those in folders, each once."""
    from digitwise.errors import DataError

    found: dict[Path, Path] = {}
    for place in given:
        inside = sorted(place.rglob("*.ipynb")) if place.is_dir() else [place]
        inside = [path for path in inside if not any(part.startswith(".") for part in path.relative_to(place).parts)]
        if not inside:
            raise DataError(f"{place}: expected notebooks (.ipynb) in this folder, found none")
        found |= {path.resolve(): path for path in inside}
    return list(found.values())


def _opened(paths: list[Path], *, several: bool) -> tuple[list[Notebook], dict[str, Mark]]:
    """Notebooks that can be read, and marks of those that cannot, so that one does not stop the others."""
    from digitwise.errors import DataError
    from digitwise.exercise.marking import refused
    from digitwise.exercise.notebooks import read_notebook

    opened, marks = [], {}
    for path in paths:
        try:
            opened.append(read_notebook(path))
        except DataError as error:
            if not several:
                raise
            mark = refused(path, str(error))
            marks[mark.notebook] = mark
    return opened, marks


def _tell(mark: Mark) -> None:
    for task in mark.tasks:
        out.print(f"{task.title}: {task.points:g} of {task.of:g}", style="bold")
        for part in task.parts:
            out.print(f"  {part.points:g}/{part.of:g}  {part.what}")
            out.print(f"        {part.reason}", style="dim")
            if part.hint:
                out.print(f"        → {part.hint}")
    for place, error in mark.errors.items():
        out.print(f"cell {place} stopped with {error}")
    for warning in mark.warnings:
        out.print(f"warning: {warning}", style="yellow")
    if mark.ended:
        out.print(f"the notebook did not run to its end: {mark.ended}", style="red")
    out.print(f"{mark.notebook}: {mark.points:g} of {mark.of:g} points")


def _tell_class(marks: list[Mark]) -> None:
    rows = [
        (mark.notebook, f"{mark.points:g}", f"{mark.of:g}", len(mark.warnings), mark.ended or "ran to its end")
        for mark in marks
    ]
    out.print(table(("notebook", "points", "of", "warnings", ""), rows))
