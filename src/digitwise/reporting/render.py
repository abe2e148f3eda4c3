"""Filling templates with plain values, with one format for numbers; figures of runs; the page of digitwise run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from digitwise.data.balance import class_balance
from digitwise.data.labelled import Labelled
from digitwise.data.streamed import AnyDataset
from digitwise.escaping import printable
from digitwise.evaluation import Scores, evaluate_predictions, explain
from digitwise.images import Dataset, ImageSet
from digitwise.outputs import Kind, check_file, write
from digitwise.predictions import Predictions
from digitwise.reporting import charts, figures
from digitwise.runs import Run, now
from digitwise.system import versions


def render(template: str, **values: Any) -> str:
    """Fill a template of this package: what stands in it is escaped for HTML, and controls as for a terminal."""
    return str(_environment().get_template(template).render(**values))


@cache
def _environment() -> Any:
    """The templates, each compiled once a process."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("digitwise.reporting"),
        autoescape=True,
        finalize=_harmless,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "range": _range,
        "stamp": _stamp,
        "signed": _signed,
        "thousands": "{:,}".format,
        "known": lambda value, form="{}": "–" if value is None else form.format(value),
    }
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment


def _harmless(value: Any) -> Any:
    return printable(value, keep="\n\t") if type(value) is str else value  # Markup is ours


def _percent(share: float | None, digits: int = 2) -> str:
    return "–" if share is None else f"{share:.{digits}%}".replace("%", " %")


def _range(interval: Sequence[float] | None, digits: int = 2) -> str:
    return "–" if interval is None else f"{100 * interval[0]:.{digits}f}–{100 * interval[1]:.{digits}f} %"


def _signed(share: float) -> str:
    return f"{100 * share:+.2f} %"


def _stamp(time: str) -> str:
    return time.replace("T", " ").replace("+00:00", " UTC")


PAGE = Kind("page", "an earlier page of digitwise run")
DATA_FIGURES = ("samples.png", "classes.png")
ERROR_FIGURES = ("confusion.png", "confusion_normalized.png", "errors.png")


def check_data_figures(folder: Path) -> None:
    """Check that :func:`draw_data` may write into a folder."""
    for name in DATA_FIGURES:
        check_file(folder / name, figures.FIGURES)


def draw_data(dataset: Dataset | Labelled, folder: Path) -> None:
    """Draw a data set's sample sheet and class histogram: ``samples.png``, ``classes.png``."""
    figures.sample_sheet(dataset.train, folder / DATA_FIGURES[0])
    figures.class_histogram(class_balance(dataset.train, dataset.test), folder / DATA_FIGURES[1])


def draw_run(run: Run, dataset: AnyDataset) -> None:
    """Draw a run's curves, confusion matrices, gallery of errors and first prediction into its folder."""
    answers = run.predictions("test")
    charts.learning_curves(run.history, run.name, run.path / f"{run.name}_plot")
    draw_errors(run.path, dataset.test, answers)
    figures.prediction_bars(
        dataset.test.images[0], answers.probabilities[0], answers.class_names, run.path / "first_prediction.png"
    )


def check_error_figures(folder: Path) -> None:
    """Check that :func:`draw_errors` may write into a folder."""
    for name in ERROR_FIGURES:
        check_file(folder / name, figures.FIGURES)


def draw_errors(folder: Path, images: ImageSet, answers: Predictions) -> list[Path]:
    """Draw confusion matrices and a gallery of the errors; gives the files."""
    paths = [folder / name for name in ERROR_FIGURES]
    figures.confusion_image(answers, paths[0])
    figures.confusion_image(answers, paths[1], normalize=True)
    figures.error_gallery(images, answers, paths[2])
    return paths


def render_index(runs: Sequence[Run], dataset: Dataset, comparisons: Sequence[str], path: Path) -> None:
    """Write the page of digitwise run, into the folder that holds its runs.

    Parameters
    ----------
    runs : sequence of Run
        In the order of the table.
    dataset : Dataset
        What they were trained on.
    comparisons : sequence of str
        Sentences on whether differences are real.
    path : Path
        The page; appears whole or not at all.
    """
    write(path, PAGE, render("index.html.j2", **page_context(runs, dataset, comparisons)))


def page_context(runs: Sequence[Run], dataset: Dataset, comparisons: Sequence[str]) -> dict[str, Any]:
    """The content of the page, as text."""
    results = {run.name: evaluate_predictions(run.predictions("test")) for run in runs}
    # Chosen on validation: the smallest of several test errors would be too optimistic.
    best = min(runs, key=lambda run: run.info["results"]["validation"]["errors"])
    info = best.info
    return {
        "version": versions()["digitwise"],
        "created": now().replace("T", " ").replace("+00:00", " UTC"),
        "data": _data(dataset, info["data"]["validation"]),
        "verdict": f"The model to use, by its validation errors, is {best.name}. It is right in "
        f"{results[best.name].accuracy:.2%} of the test images: {results[best.name].in_production()}.",
        "runs": [_run(run, results[run.name], best=run is best) for run in runs],
        "comparisons": list(comparisons),
        "made": [
            ("seed", info["seed"]),
            ("precision", ", ".join(sorted({run.info["precision"] for run in runs}))),
            ("backend", f"Keras {info['versions']['keras']} on {info['backend']}"),
            ("processor", f"{info['hardware']['cpu']}, {info['hardware']['cores']} cores"),
            ("system", info["hardware"]["system"]),
            ("versions", ", ".join(f"{name} {version}" for name, version in info["versions"].items())),
            ("data", dataset.source),
            ("training set", f"sha256 {dataset.train.fingerprint}"),
            ("test set", f"sha256 {dataset.test.fingerprint}"),
        ],
    }


def _data(dataset: Dataset, validation: int) -> dict[str, Any]:
    balance, names = class_balance(dataset.train, dataset.test), dataset.train.class_names
    height, width, _ = dataset.train.image_shape
    reason, notes = (dataset.notes[0], dataset.notes[1:]) if dataset.embedded else ("", dataset.notes)
    return {
        "name": "MNIST" if dataset.name == "mnist" else dataset.name,
        "images": f"{len(dataset.train):,} + {len(dataset.test):,} images of {height}x{width}",
        "classes": len(names),
        "embedded": dataset.embedded,
        "reason": reason,
        "notes": notes,
        "test": f"{len(dataset.test):,}",
        "validation": f"{validation:,}",
        "verdict": balance.verdict,
        "histogram": [
            {
                "name": name,
                "train": f"{a:,}",
                "train_share": f"{a / balance.train.sum():.1%}",
                "test": f"{b:,}",
                "test_share": f"{b / balance.test.sum():.1%}",
            }
            for name, a, b in zip(names, balance.train, balance.test, strict=True)
        ],
    }


def _run(run: Run, result: Scores, *, best: bool) -> dict[str, Any]:
    recipe = run.info["recipe"]
    low, high = result.interval_95
    confused = ", ".join(f"{pair.given} as {pair.predicted} ({pair.count})" for pair in result.confused)
    return {
        "name": run.name,
        "best": best,
        "purpose": recipe["purpose"][:1].upper() + recipe["purpose"][1:],
        "sources": "; ".join(recipe["sources"]),
        "validation_errors": f"{run.info['results']['validation']['errors']:,}",
        "errors": f"{result.n_errors:,}",
        "accuracy": f"{result.accuracy:.2%}",
        "interval": f"{1 - high:.2%} – {1 - low:.2%}",
        "parameters": f"{run.info['parameters']:,}",
        "fit_seconds": f"{run.info['fit_seconds']:.1f}",
        "images_per_second": f"{run.info['images_per_second']:,}",
        "production": result.in_production(),
        "epochs": run.info["epochs"],
        "batch_size": recipe["batch_size"],
        "explanation": explain(run.predictions("test")) if run.name == "baseline" else "",
        "confused": confused or "none",
        "classes": [
            {
                "name": score.name,
                "n": f"{score.n:,}",
                "errors": score.errors,
                "precision": _share(score.precision),
                "recall": _share(score.recall),
            }
            for score in result.classes
        ],
    }


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.2%}"
