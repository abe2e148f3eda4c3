"""``digitwise run``: the whole exercise, from the images to the table of models."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import (
    DataOption,
    JsonFlag,
    LabelColumnOption,
    OpenFlag,
    PatchOption,
    open_file,
    print_json,
    stage,
    steps,
    table,
)
from digitwise.cli.options import DeviceOption
from digitwise.cli.train import PrecisionOption, ResumeFlag, SeedOption, summary, tell_result
from digitwise.progress import DownloadBar

if TYPE_CHECKING:
    from rich.console import Console

    from digitwise.images import Dataset
    from digitwise.recipes import Recipe
    from digitwise.runs import Run
    from digitwise.training.options import FitOptions, Precision

JOB = ("baseline", "improved", "augmented", "focus")  # the exercise's models, in its order


def run(
    data: DataOption = None,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    out: Annotated[Path, typer.Option(help="Where all results go.")] = Path("results"),
    seed: SeedOption = 0,
    epochs: Annotated[int | None, typer.Option(help="Instead of each recipe's: for a quick look.")] = None,
    precision: PrecisionOption = None,
    device: DeviceOption = None,
    resume: ResumeFlag = False,
    open_page: OpenFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Do the whole exercise: look at the data, train four models, explain their errors, save everything."""
    from digitwise import parts, unfinished
    from digitwise.data import load, load_or_embedded
    from digitwise.data.splits import split_validation
    from digitwise.files import real
    from digitwise.outputs import check_file, claimed
    from digitwise.recipes import find
    from digitwise.reporting.render import PAGE, check_data_figures

    parts.require("training", "keras", "tensorflow")
    console = stage(as_json)
    bar = DownloadBar(console)
    if data:
        dataset = load(data, patch=patch, label_column=label_column, progress=bar)
    elif label_column is not None:
        raise typer.BadParameter("expected --label-column with --data, got it alone")
    else:
        dataset = load_or_embedded("mnist", patch=patch, progress=bar)
    # Bad input is refused before anything is written.
    recipes = [find(name).for_size(len(dataset.train)).replace(epochs=epochs) for name in JOB]
    split_validation(dataset.train)
    place, out = out, real(out)
    for name in JOB:
        unfinished.check_place(out / name)
    check_data_figures(out / "data")
    check_file(out / "index.html", PAGE)
    if dataset.embedded and not data:
        console.print(f"NOT MNIST: going on with the embedded digits set. {dataset.notes[0]}", style="bold yellow")
    with claimed(out, PAGE, inside=True):
        finished, verdicts = _do(recipes, dataset, out, seed, precision, resume=resume, console=steps(console))
    if open_page:
        open_file(out / "index.html")
    if as_json:
        print_json({"data": dataset.name, "embedded": dataset.embedded, "runs": [summary(r) for r in finished]})
        return
    _closing_table(finished, verdicts, place, console)


def _do(
    recipes: Sequence[Recipe],
    dataset: Dataset,
    out: Path,
    seed: int,
    precision: Precision | None,
    *,
    resume: bool,
    console: Console,
) -> tuple[list[Run], list[str]]:
    """Look at the data, train, compare and write the page; the runs, and sentences on their differences."""
    from digitwise.cli.data import tell
    from digitwise.cli.info import banner
    from digitwise.reporting.render import draw_data, render_index
    from digitwise.training.options import FitOptions
    from digitwise.workflows.compare import compare

    console.print(banner(precision))
    console.rule("The data", align="left")
    tell(dataset, console)
    draw_data(dataset, out / "data")
    options = FitOptions(seed=seed, precision=precision)  # imports Keras
    finished = [
        _train(recipe, dataset, out / recipe.name, options, resume=resume, console=console) for recipe in recipes
    ]
    verdicts = [
        compare(a, b).verdict(a.name, b.name) for a, b in itertools.combinations(finished, 2) if a.name != "baseline"
    ]
    render_index(finished, dataset, verdicts, out / "index.html")
    return finished, verdicts


def _train(recipe: Recipe, dataset: Dataset, out: Path, options: FitOptions, *, resume: bool, console: Console) -> Run:
    from digitwise.training.live import LiveWatch
    from digitwise.workflows.train import train_run

    console.print()
    console.rule(f"{recipe.name}: {recipe.purpose}", align="left")
    with LiveWatch(console, layers=recipe.name in ("baseline", "improved")) as watch:
        result = train_run(recipe, dataset, options, out=out, resume=resume, watch=watch)
    tell_result(result, console, explained=recipe.name == JOB[0])
    return result


def _closing_table(finished: Sequence[Run], verdicts: Sequence[str], out: Path, console: Console) -> None:
    console.print()
    console.rule("Results", align="left")
    rows = []
    for result in finished:
        line = summary(result)
        low, high = line["interval_95"]
        rows.append(
            (
                result.name,
                line["errors"],
                f"{line['accuracy']:.2%}",
                f"{1 - high:.2%}–{1 - low:.2%}",
                f"{line['parameters']:,}",
                f"{line['fit_seconds']:.1f}",
                f"{line['images_per_second']:,}",
            )
        )
    console.print(table(("model", "errors", "accuracy", "95 % interval", "parameters", "fit s", "images/s"), rows))
    for verdict in verdicts:
        console.print(f"  {verdict}")
    console.print(f"\nEverything lies in {out}/; open {out / 'index.html'}")
