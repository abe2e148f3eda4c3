"""``digitwise improve``: train a run's recipe again with what its errors ask for, and say whether it helped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitwise.cli.console import (
    DataOption,
    JsonFlag,
    LabelColumnOption,
    PatchOption,
    out,
    print_json,
    stage,
    steps,
    table,
)
from digitwise.cli.options import DeviceOption


def improve(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    data: DataOption = None,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="The new run's folder.  [default: RUN-fixed]")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Trainings of each cross-validation.")] = 5,
    device: DeviceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find where a run's recipe fails by cross-validation, train it with fixes, and compare before and after."""
    from digitwise.training.live import LiveWatch
    from digitwise.workflows.improve import improve as improve_run

    with LiveWatch(steps(stage(as_json)), layers=False) as watch:
        result = improve_run(
            run, data, patch=patch, label_column=label_column, out=out_folder, folds=folds, watch=watch
        )
    if as_json:
        print_json(result.as_dict())
        return
    if not result.slices:
        out.print("No group of images has more errors than chance explains: there is nothing to fix.")
    for group in result.slices:
        out.print(f"  {group.words}")
    if result.run is None:
        out.print(f"{result.fix.words} digitwise report {run} shows the groups among all images".strip())
        return
    out.print(result.fix.words)
    changes = [each.as_dict() for each in result.changes]
    rows = [(row["name"], row["n"], row["errors_before"], row["errors_after"], row["verdict"]) for row in changes]
    out.print(table(("judged on the other half", "images", "wrong before", "after", ""), rows))
    out.print(f"The fixed run is {result.run.path}; digitwise report {result.run.path} {run} shows both")
