"""``digitwise exercise``: the exercise for a class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitwise.cli import marking
from digitwise.cli.console import JsonFlag, out, print_json

app = typer.Typer(
    help='The exercise "Classification of MNIST" for a class.', no_args_is_help=True, rich_markup_mode=None
)


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


app.command("check")(marking.check)
