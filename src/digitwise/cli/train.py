"""``digitwise train``: one recipe to a run folder, or to one from each of several seeds."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from digitwise.cli.console import (
    FURTHER,
    DataOption,
    JsonFlag,
    LabelColumnOption,
    PatchOption,
    open_file,
    print_json,
    stage,
    steps,
    table,
)
from digitwise.cli.options import (
    ClusterOption,
    DeviceOption,
    JobsOption,
    ThreadsOption,
    check_pool,
    open_shards,
    pool_for,
    seconds,
    tell_memory,
)
from digitwise.progress import DownloadBar
from digitwise.recipes import RECIPES, find, for_data

if TYPE_CHECKING:
    from rich.console import Console

    from digitwise.data.streamed import AnyDataset
    from digitwise.runs import Run

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help=f"{', '.join(RECIPES)}, or a file NAME.toml of your own.")
]
SeedOption = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Decides weights, order, augmentation and dropout.")
]
ResumeFlag = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted training stopped.")]
ReportFlag = Annotated[bool, typer.Option("--open", help="Write the report of the run too, and open it in a browser.")]
DeterministicFlag = Annotated[
    bool,
    typer.Option("--deterministic", help="The same seed gives the same weights, bit for bit.", rich_help_panel=FURTHER),
]
StreamFlag = Annotated[
    bool,
    typer.Option(
        "--stream",
        help="Leave the training images in Parquet or tar shards: more than memory holds.",
        rich_help_panel=FURTHER,
    ),
]
SeedsOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Train N times, from --seed and the N - 1 seeds after it.")
]
PrecisionOption = Annotated[
    Literal["float32", "bfloat16"] | None,
    typer.Option(help="By default what the processor is fast at.", rich_help_panel=FURTHER),
]


def train(
    recipe: RecipeArgument,
    data: DataOption = "mnist",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.py:FUNCTION",
            help="A network of your own: your file is run, and its function gives a Keras model for an input shape and "
            "a number of classes.",
        ),
    ] = None,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The run folder.  [default: results/RECIPE; with --seeds results/RECIPE-seeds, of run folders seed-N]"
        ),
    ] = None,
    validation: Annotated[int | None, typer.Option(help="Images split off to validate with.")] = None,
    budget: Annotated[
        float | None,
        typer.Option(parser=seconds, metavar="TIME", help="Fit in this time (45s, 2m), whatever the recipe's epochs."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the recipe's.", rich_help_panel=FURTHER)] = None,
    early_stopping: Annotated[
        int | None,
        typer.Option(help="Stop after so many epochs without a better validation loss.", rich_help_panel=FURTHER),
    ] = None,
    keep: Annotated[
        Literal["last", "best"] | None, typer.Option(help="Which epoch's weights to save.", rich_help_panel=FURTHER)
    ] = None,
    precision: PrecisionOption = None,
    device: DeviceOption = None,
    deterministic: DeterministicFlag = False,
    resume: ResumeFlag = False,
    seeds: SeedsOption = None,
    cluster: ClusterOption = None,
    jobs: JobsOption = None,
    threads: ThreadsOption = None,
    stream: StreamFlag = False,
    distribute: Annotated[
        bool,
        typer.Option(
            "--distribute",
            help="Deal each batch to all devices of the JAX backend, on all hosts.",
            rich_help_panel=FURTHER,
        ),
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATA",
            help="Another set, all of which is normalized and trained on too; repeatable.",
            rich_help_panel=FURTHER,
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Go on from a run folder, an ONNX file, or the bundled model (bundled, recipe reader).",
            rich_help_panel=FURTHER,
        ),
    ] = None,
    open_page: ReportFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a recipe, evaluate it once on the test images, save it as a run folder.

    With --seeds this is done once from each seed; with --cluster or --jobs trainings go on side by side, without
    --seeds those of an ensemble's networks.
    """
    from digitwise import parts
    from digitwise.data import load
    from digitwise.training.live import LiveWatch

    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "early_stopping": early_stopping,
        "keep": keep,
    }
    found = find(recipe)
    found.replace(**changes)  # bad values are refused before the data is read
    parts.require("training", "keras", "tensorflow")
    check_pool(cluster, jobs)
    many = (seeds, cluster, jobs, threads) != (None, None, None, None)
    if distribute and many:
        raise typer.BadParameter("expected --distribute or --seeds, --cluster, --jobs, --threads, got both")
    if also and (many or distribute or stream):
        raise typer.BadParameter(
            "expected --also without --seeds, --cluster, --jobs, --threads, --distribute, --stream"
        )
    host = _host() if distribute else 0
    console = stage(as_json)
    with pool_for(cluster, jobs, threads) as pool:  # joined before the data is read: that takes longer
        dataset: AnyDataset
        if stream:
            dataset = open_shards(
                found, data, patch=patch, label_column=label_column, validation=validation, console=console
            )
        else:
            dataset = load(data or "mnist", patch=patch, label_column=label_column, progress=DownloadBar(console))
        chosen = for_data(recipe, len(dataset.train)).replace(**changes)
        for note in dataset.notes:
            console.print(note, style="dim")
        with LiveWatch(steps(console), many=many) as watch:
            # After the data, since they import Keras: bad input is reported at once.
            from digitwise.training.options import FitOptions
            from digitwise.training.train import assist
            from digitwise.workflows.train import train_run, train_seeds, with_network

            chosen = with_network(chosen, model, dataset)
            options = FitOptions(seed, budget, precision, deterministic, start_from)
            choices: dict[str, Any] = {"validation": validation, "watch": watch}
            if host:
                assist(chosen, dataset, options, **choices)
                return
            choices |= {"out": out, "resume": resume, "pool": pool}
            if seeds is not None:
                results = train_seeds(chosen, dataset, range(seed, seed + seeds), options, **choices)
            else:
                others = [load(name) for name in also or ()]
                result = train_run(chosen, dataset, options, distribute=distribute, also=others, **choices)
    if open_page:
        _open_report(results if seeds is not None else [result], dataset)
    if seeds is not None:
        tell_seeds(results, console, as_json=as_json)
        return
    tell_result(result, console)
    if as_json:
        print_json(summary(result))
        return
    console.print(f"  fit {result.info['fit_seconds']:.1f} s; saved in {result.path}")
    if stream:
        tell_memory(result, console)


def _open_report(results: list[Run], dataset: AnyDataset) -> None:
    """Write the report of the first run, compared with the others, and open it."""
    from digitwise.reporting.evaluation import Evaluation
    from digitwise.reporting.report import write_report

    page = results[0].path / "report.html"
    write_report([Evaluation.of_run(run, dataset) for run in results], page)
    open_file(page)


def _host() -> int:
    """Which of the hosts that train together this is, from 0; they are joined before anything is computed."""
    from digitwise.training.backend import HOSTS, join_hosts

    if os.environ.get(HOSTS):  # their connections greet each other past sys.stdout, which may be one JSON document
        sys.stdout.flush()
        sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
    return join_hosts()


def tell_seeds(results: list[Run], console: Console, *, as_json: bool) -> None:
    """Print the results of one recipe from several seeds."""
    from digitwise.evaluation.spread import spread

    validation, test = (spread([run.info["results"][split] for run in results]) for split in ("validation", "test"))
    if as_json:
        print_json(
            {
                "recipe": results[0].name,
                "seeds": [run.info["seed"] for run in results],
                "validation": validation.as_dict(),
                "test": test.as_dict(),
                "runs": [summary(run) for run in results],
            }
        )
        return
    rows: list[tuple[object, ...]] = [
        (run.info["seed"], *errors, f"{run.info['fit_seconds']:.1f}")
        for run, *errors in zip(results, validation.errors, test.errors, strict=True)
    ]
    rows.append(("mean ± deviation", validation.words, test.words, ""))
    columns = ("seed", f"validation errors of {validation.n:,}", f"test errors of {test.n:,}", "fit, s")
    console.print(table(columns, rows))
    console.print(f"  on average {test.mean:.1f} errors of {test.n:,}: {test.in_production()}, of other images alike")
    console.print(f"  saved in {results[0].path.parent}")


def tell_result(run: Run, console: Console, *, explained: bool = True) -> None:
    """Print the result of a training in the user's terms."""
    from digitwise.evaluation import evaluate_predictions, explain

    answers = run.predictions("test")
    test = evaluate_predictions(answers)
    console.print(f"  accuracy {test.accuracy:.2%}, {test.n_errors} errors: {test.in_production()}")
    if explained:
        console.print(f"\n  The first prediction. {explain(answers)}")
    if test.confused:
        pairs = ", ".join(f"{pair.given} for {pair.predicted} ({pair.count})" for pair in test.confused)
        console.print(f"  most confused: {pairs}")


def summary(run: Run) -> dict[str, Any]:
    """What ``--json`` prints of a run."""
    info, test = run.info, run.info["results"]["test"]
    return {
        "recipe": run.name,
        "data": info["data"]["name"],
        "embedded": info["data"]["embedded"],
        **{key: test[key] for key in ("n", "errors", "error_rate", "accuracy", "interval_95")},
        "validation_errors": info["results"]["validation"]["errors"],
        "validation_n": info["results"]["validation"]["n"],
        **{key: info[key] for key in ("fit_seconds", "images_per_second", "seed", "parameters", "epochs")},
        **{key: info[key] for key in ("precision", "backend")},
        "run": str(run.path),
    }
