"""``digitwise evaluate`` and ``digitwise errors``: how often a model is wrong, and on which images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitwise.cli.console import (
    DataOption,
    JsonFlag,
    LabelColumnOption,
    PatchOption,
    bar_for,
    err,
    out,
    print_json,
    table,
    tell_links,
    telling_warnings,
)
from digitwise.cli.options import (
    ClassMixOption,
    InputScaleOption,
    MaxErrorOption,
    ModelOption,
    SamplesOption,
    class_mix,
)

if TYPE_CHECKING:
    from digitwise.evaluation.assessment import Assessment
    from digitwise.evaluation.metrics import Scores
    from digitwise.evaluation.rates import Expectation
    from digitwise.predictions import Predictions
    from digitwise.reporting.evaluation import Evaluation
    from digitwise.runs import Run

SHOWN = 20  # misread images that are listed, those read surely first


def evaluate(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN|MODEL",
            help="A run folder; or, with --data, a model: .keras, .h5, .onnx, JSON beside its weights, or a folder in "
            "the SavedModel form. None with --reader.",
        ),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Evaluate the reader instead, on labelled images: a folder with one folder per class, a CSV "
            "of paths and labels, or any labelled set.",
        ),
    ] = None,
    model: ModelOption = None,
    data: DataOption = None,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    input_scale: InputScaleOption = None,
    samples: SamplesOption = 10_000,
    mix: ClassMixOption = None,
    max_error: MaxErrorOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Evaluate a run on its test images, or on those of other data; a model; or the reader on labelled images."""
    if (run is None) == (reader is None) or (model is not None and reader is None):
        raise typer.BadParameter("expected a run folder, or --reader DATA [--model FILE]")
    if reader is not None:
        if any(given is not None for given in (data, patch, input_scale, mix)):
            raise typer.BadParameter(
                "expected --reader without --data, --patch, --input-scale and --class-mix, got both"
            )
        _evaluate_reader(reader, model, label_column, max_error, as_json)
        return
    if label_column is not None and data is None:
        raise typer.BadParameter("expected --label-column with --data, got it alone")
    assert run is not None
    from digitwise.errors import RunError
    from digitwise.evaluation.assessment import assess
    from digitwise.reporting.content import guaranteed
    from digitwise.reporting.saved import is_saved
    from digitwise.runs import Run, is_model
    from digitwise.workflows.evaluate import evaluate as evaluated

    shares = class_mix(mix)
    if is_model(run) or is_saved(run):
        if patch is not None or max_error is not None:
            raise typer.BadParameter("expected a run folder with --patch and --max-error, got a model")
        with telling_warnings(), bar_for("evaluating"):
            found = evaluated(run, data, label_column=label_column, input_scale=input_scale)
        _evaluate_model(found, samples, shares, as_json)
        return
    if input_scale is not None:
        raise typer.BadParameter("expected --input-scale with a model in a file, got none")
    opened = Run.open(run)
    with bar_for("evaluating"):
        evaluation = evaluated(opened, data, label_column=label_column)
    test, most = evaluation.predictions, max_error or guaranteed(opened)
    result = assess(evaluation.validation, test, samples=samples, class_mix=shares, max_error=most)
    policy = result.reading.policy
    if max_error is not None:
        if policy is None:
            raise RunError(f"{opened.path}: {result.reading.refusal}")
        opened.save_policy(policy.as_dict())
    counts = _under_patch(opened, data, label_column, patch, test)
    if as_json:
        known: dict[str, Any] = {key: opened.info[key] for key in ("fit_seconds", "seed", "parameters")}
        name = data or opened.info["data"]["name"]
        print_json({"recipe": opened.name, "data": name, **result.as_dict(), "patched": counts, **known})
        return
    _tell(opened.name, result)
    if counts:
        rows = [(row["labels"], f"{row['n']:,}", row["errors"], f"{row['error_rate']:.2%}") for row in counts]
        out.print(table(("labels", "n", "errors", "error rate"), rows))
    if max_error is not None:
        out.print(f"The policy is kept in {opened.path / 'policy.json'}")


def _evaluate_model(evaluation: Evaluation, samples: int, shares: dict[str, float] | None, as_json: bool) -> None:
    """Print what can be known of a model without validation images: neither a temperature nor a policy."""
    from digitwise.evaluation.rates import expected_errors

    expected, error = expected_errors(evaluation.predictions, samples, shares), evaluation.calibration.error
    if as_json:
        print_json(
            {
                "model": evaluation.place,
                "data": evaluation.data,
                "input": evaluation.understood and evaluation.understood.as_dict(),
                **evaluation.as_dict(),
                "expected": {**vars(expected), "interval_95": list(expected.interval_95)},
                "calibration": {"error": error},
            }
        )
        return
    if evaluation.purpose:
        out.print(evaluation.purpose)
    _tell_classes(evaluation.data, evaluation, expected)
    out.print(
        f"among the two most probable {evaluation.top_2_accuracy:.2%}; calibration error {error:.2%}; "
        f"negative log-likelihood {evaluation.negative_log_likelihood:.4f}"
    )


def _evaluate_reader(
    data: str, model: Path | None, label_column: str | None, max_error: float | None, as_json: bool
) -> None:
    """Print how many labelled images are read, how many of these are wrong, and which."""
    from digitwise.exporting.judging import judged
    from digitwise.reading.reader import Reader

    tell_links([data])
    reader = Reader(model, max_error=max_error)
    if reader.model.understood is not None:
        err.print(reader.model.understood.words, style="dim")
    with bar_for("reading"):
        told = judged(reader, data, label_column=label_column).as_dict()
    if as_json:
        print_json(told)
        return
    low, high = told["interval_95"]
    out.print(
        f"{told['n'] - told['errors']:,} of {told['n']:,} right ({1 - told['error_rate']:.2%}; error rate "
        f"{low:.2%} to {high:.2%} with 95 % confidence)"
    )
    sure = f"{told['read']:,} read ({told['coverage']:.1%})"
    if told["read"]:
        sure += (
            f", {told['wrong_read']:,} of these wrong: at most {told['wrong_read_at_most']:.2%} with 95 % confidence"
        )
    out.print(f"{sure}; {told['unsure']:,} unsure, {told['blank']:,} blank")
    rows = [(row["file"], row["label"], row["read_as"] or "", row["status"]) for row in told["misread"]]
    if rows:
        first = sorted(rows, key=lambda row: row[3] != "read")[:SHOWN]
        out.print(table(("file", "label", "read as", "status"), first))
    if len(rows) > SHOWN:
        out.print(f"and {len(rows) - SHOWN:,} more, all of them in --json")


def _under_patch(
    run: Run, data: str | None, label_column: str | None, patch: Path | None, test: Predictions
) -> list[dict[str, Any]] | None:
    """Errors with and without a label patch; None without a patch."""
    from digitwise.evaluation.assessment import under_patch
    from digitwise.workflows.evaluate import patched_images

    if patch is None and (run.patch is None or data is not None):
        return None
    if data is None or patch is None:
        found = run.patched_test(run.dataset(), patch)
    else:
        found = patched_images(run, data, patch, label_column=label_column)
    return None if found is None else [count.as_dict() for count in under_patch(test, *found)]


def _tell_classes(name: str, scores: Scores, expectation: Expectation) -> None:
    out.print(f"{name}: accuracy {scores.accuracy:.2%}; {expectation.words}")
    rows = [
        (
            score.name,
            score.n,
            score.errors,
            _share(score.precision),
            _interval(score.precision_95),
            _share(score.recall),
            _interval(score.recall_95),
            _share(score.f1),
        )
        for score in scores.classes
    ]
    out.print(table(("class", "n", "errors", "precision", "95 %", "recall", "95 %", "F1"), rows))
    if absent := [score.name for score in scores.classes if not score.n]:
        out.print(f"no images of class {', '.join(absent)}: nothing is known of these")


def _tell(name: str, result: Assessment) -> None:
    from digitwise.evaluation.selective import TEMPERATURE

    reading = result.reading
    _tell_classes(name, result.scores, result.expectation)
    out.print(
        f"among the two most probable {result.scores.top_2_accuracy:.2%}; calibration error {result.raw.error:.2%}, "
        f"{result.calibrated.error:.2%} at temperature {result.temperature:.2f}; negative log-likelihood "
        f"{result.raw.negative_log_likelihood:.4f}, {result.calibrated.negative_log_likelihood:.4f} at that; the "
        f"interval of F1 is in --json"
    )
    if (policy := reading.policy) is None:
        out.print(f"no reading policy: {reading.refusal}")
        return
    out.print(
        f"answering from a probability of {policy.threshold:.4f} on at temperature {TEMPERATURE}, "
        f"{policy.coverage:.1%} are answered, "
        f"with {policy.confidence:.0%} confidence at most {policy.max_error:.2%} of them wrong; on the test images "
        f"{reading.errors} of {reading.answered:,} were"
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _interval(bounds: tuple[float, float] | None) -> str:
    return "–" if bounds is None else f"{100 * bounds[0]:.1f}–{100 * bounds[1]:.1f}"


def errors(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|MODEL", help="A run folder or a saved evaluation; or, with --data, a model as for evaluate."
        ),
    ],
    data: DataOption = None,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    input_scale: InputScaleOption = None,
    normalize: Annotated[bool, typer.Option("--normalize", help="Shares of the given class, not counts.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for the figures.  [default: that of the run or saved evaluation; for a model, and for other "
            "data than the run's own, none are drawn]",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a model's confusion matrix and most confused classes; draw it and the wrong images into a folder."""
    from contextlib import nullcontext

    import numpy as np

    from digitwise.evaluation import confusion_matrix, evaluate_predictions
    from digitwise.evaluation.assessment import corrected
    from digitwise.images import ImageSet
    from digitwise.outputs import claimed
    from digitwise.reporting.figures import FIGURES
    from digitwise.reporting.render import check_error_figures, draw_errors
    from digitwise.reporting.saved import is_saved
    from digitwise.workflows.report import subject

    if folder is not None:
        check_error_figures(folder)
    with telling_warnings(), bar_for("evaluating"):
        found = subject(model, data, label_column=label_column, input_scale=input_scale)
    answers, images, places = found.predictions, found.images, np.arange(found.n)
    if patch is not None:
        if found.run is None or found.dataset is None:
            raise typer.BadParameter("expected --patch with a run on its own test images, got others")
        if patched := found.run.patched_test(found.dataset, patch):
            labels, dropped = patched
            answers, places = corrected(answers, labels, dropped), np.flatnonzero(~dropped)
            images = ImageSet(images.images[places], labels[places], images.class_names)
    place = folder or (model if found.run is not None or is_saved(model) else None)
    figures = []
    if place is not None:
        with claimed(place, FIGURES, inside=True) if folder is not None else nullcontext():
            figures = draw_errors(place, images, answers)
    if found.run is not None:
        found.run.note_test_read("errors: confusion matrix and gallery")
    result, matrix, names = (
        evaluate_predictions(answers),
        confusion_matrix(answers, normalize=normalize),
        answers.class_names,
    )
    if as_json:
        files = images.files
        wrong = [
            {
                "index": int(places[i]),
                **({"file": files[i]} if files else {}),
                "label": names[answers.labels[i]],
                "predicted": names[answers.predicted[i]],
                "confidence": round(float(answers.confidence[i]), 6),
            }
            for i in answers.wrong
        ]
        print_json(
            {
                **({"recipe": found.name} if found.run is not None else {"model": found.place}),
                **result.as_dict(),
                "class_names": list(names),
                "confusion": matrix.tolist(),
                "normalized": normalize,
                "wrong": wrong,
                "figures": [str(path) for path in figures],
            }
        )
        return
    if found.understood is not None:
        out.print(found.understood.words)
    cells = [[f"{v:.3f}" if normalize else v for v in row] for row in matrix]
    out.print(table(("label ↓  predicted →", *names), [(n, *row) for n, row in zip(names, cells, strict=True)]))
    out.print()
    for pair in result.confused:
        out.print(f"{pair.given} taken for {pair.predicted}: {pair.count} times")
    drawn = f"; drawn in {', '.join(map(str, figures))}" if figures else "; --out DIR draws them"
    out.print(f"{result.n_errors} wrong of {result.n:,}{drawn}")
