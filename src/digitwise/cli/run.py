"""``digitwise run``: the whole exercise, from the images to the table of models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

    from digitwise.recipes import Recipe
    from digitwise.runs import Run
    from digitwise.training.watch import Watch
    from digitwise.workflows.job import Job

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
    from digitwise.cli.data import tell
    from digitwise.cli.info import banner
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
    told = steps(console)
    with claimed(out, PAGE, inside=True):
        told.print(banner(precision))
        told.rule("The data", align="left")
        tell(dataset, told)
        # After the data, since they import Keras: bad input is reported at once.
        from digitwise.training.options import FitOptions
        from digitwise.workflows.job import run_job

        options = FitOptions(seed=seed, precision=precision)
        with story(told, recipes) as watch:
            job = run_job(recipes, dataset, out, options, resume=resume, watch=watch, tell=watch.tell_run)
    if open_page:
        open_file(out / "index.html")
    if as_json:
        print_json({"data": dataset.name, "embedded": dataset.embedded, "runs": [summary(r) for r in job.runs]})
        return
    _closing_table(job, place, console)


def story(console: Console, recipes: Sequence[Recipe]) -> Any:
    """What the command prints of its trainings, below the name and the purpose of each recipe."""
    from digitwise.training.live import LiveWatch

    purposes = {recipe.name: recipe.purpose for recipe in recipes}

    class Story(LiveWatch):
        def on_task(self, name: str) -> Watch:
            console.print()
            console.rule(f"{name}: {purposes[name]}", align="left")
            self.layers = name in ("baseline", "improved")
            return super().on_task(name)

        def tell_run(self, run: Run) -> None:
            tell_result(run, console, explained=run.name == JOB[0])

    return Story(console)


def _closing_table(job: Job, out: Path, console: Console) -> None:
    console.print()
    console.rule("Results", align="left")
    rows = []
    for result in job.runs:
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
    for verdict in job.verdicts:
        console.print(f"  {verdict}")
    console.print(f"\nEverything lies in {out}/; open {out / 'index.html'}")
