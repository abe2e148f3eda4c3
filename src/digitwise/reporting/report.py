"""The report of a model: one self-contained HTML file, its numbers as JSON, and its figures beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise import outputs
from digitwise.errors import RunError
from digitwise.evaluation.comparison import all_different
from digitwise.files import real, write_json
from digitwise.images import Int64
from digitwise.outputs import Kind
from digitwise.predictions import Predictions
from digitwise.reporting import charts, figures
from digitwise.reporting.content import Examined, Wishes, about_the_same, content, examine
from digitwise.reporting.feature_map import centres
from digitwise.reporting.figures import Group, Sprite, compared_groups, make_sprite, on_a_sheet, slice_groups
from digitwise.reporting.render import render

if TYPE_CHECKING:
    from digitwise.reporting.evaluation import Evaluation

REPORT = Kind("report", "an earlier report", RunError)
REPORT_FIGURES = Kind("report-figures", "the figures of an earlier report", RunError)
CURVES = ("loss", "accuracy")  # of a training


def write_report(evaluations: Sequence[Evaluation], path: Path, wishes: Wishes | None = None) -> dict[str, Any]:
    """Write a model's report: ``path``, the same name with ``.json``, and the figures in ``…-figures/``.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        The report is about the first; the others are compared with it.
    path : Path
        Ends in ``.html``; an earlier report is kept until this one is complete. All three places must be free or hold
        an earlier report.
    wishes : Wishes, optional

    Returns
    -------
    dict
        Every number on the page.

    Raises
    ------
    RunError
        If they are about different images, a run lacks answers, or one of the places holds other files; then nothing
        is written.
    """
    path = real(path)
    if path.suffix != ".html":
        raise RunError(
            f"{path}: expected a name that ends in .html",
            path=path,
            argument="path",
            expected="a name that ends in .html",
            got=path.name,
        )
    files = {"numbers": (path.with_suffix(".json"), REPORT), "page": (path, REPORT)}
    folders = {"figures": (path.with_name(f"{path.stem}-figures"), REPORT_FIGURES)}
    outputs.check_places(files, folders)
    wishes = wishes or Wishes()
    first, *others = evaluations
    for other in others:
        if other.fingerprint != first.fingerprint:
            raise RunError(
                f"{other.place}: expected the images that {first.place} was tested on, got those of {other.data}; "
                f"compare models on the same images"
            )
    runs = [each.run for each in evaluations if each.run]
    all_different(runs)
    subject = examine(first, wishes)
    for other in others:
        about_the_same(other)
    with outputs.claimed(path, REPORT):
        for run in runs:
            run.note_test_read("report")
        numbers = content(subject, others, wishes)
        with outputs.together(path, REPORT, files, folders) as made:
            _write(subject, numbers, [each.predictions for each in evaluations], made)
            if first.run:
                first.run.save_policy(numbers["reading"]["policy"])  # so that readers do what the page says
    return numbers


def _write(subject: Examined, numbers: dict[str, Any], answers: Sequence[Predictions], folder: Path) -> None:
    """Write all of a report into ``folder``, under names of its own."""
    slices = slice_groups(numbers["slices"]["found"], numbers["class_names"])
    compared = compared_groups(answers, [row["folder"] for row in numbers["runs"]]) if len(answers) == 2 else []
    _draw(subject, slices, compared, folder / "figures")
    page = _render(subject, numbers, slices, compared, folder / "figures")
    (folder / "page").write_text(page, encoding="utf-8")
    write_json(folder / "numbers", numbers)


def _draw(subject: Examined, slices: Sequence[Group], compared: Sequence[Group], folder: Path) -> None:
    evaluation = subject.evaluation
    test, images = evaluation.predictions, evaluation.images
    if evaluation.run:
        for key in CURVES:
            charts.learning_curves(evaluation.run.history, "", folder / key, [key])
    charts.reliability(subject.assessment.raw, subject.assessment.calibrated, folder / "reliability")
    policy = subject.assessment.reading.policy
    charts.risk_coverage(subject.risks, policy, folder / "risk-coverage")
    if subject.places is not None:
        indices, places = subject.places
        charts.feature_map(places, test.labels[indices], test.missed[indices], test.class_names, folder / "map")
    figures.confusion_image(test, folder / "confusion.png")
    figures.error_gallery(images, test, folder / "errors.png")
    if slices:
        figures.grouped_gallery(subject.searched, slices, folder / "slices.png")
    if compared:
        figures.grouped_gallery(images, compared, folder / "comparison.png")


def _render(
    subject: Examined, numbers: dict[str, Any], slices: Sequence[Group], compared: Sequence[Group], folder: Path
) -> str:
    images, test = subject.evaluation.images, subject.evaluation.predictions
    sprite = make_sprite(images, test)
    names = (*(CURVES if subject.evaluation.run else ()), "reliability", "risk-coverage")
    return render(
        "report.html.j2",
        **numbers,
        tile_data=_tiles(sprite, test),
        sheet=sprite,
        heat=_heat(np.array(numbers["confusion"])),
        charts={name: charts.inline(folder / name) for name in names},
        map=_map(subject, sprite),
        risk_names=list(subject.risks),
        slice_images=on_a_sheet(subject.searched, slices),
        compared=on_a_sheet(images, compared),
        class_colours=charts.CLASS_COLOURS,
    )


def _tiles(sprite: Sprite, predictions: Predictions) -> dict[str, Any]:
    """Data of every tile for the page's script."""
    own = sprite.indices
    return {
        "index": own.tolist(),
        "given": predictions.labels[own].tolist(),
        "predicted": predictions.predicted[own].tolist(),
        "confidence": np.floor(1000 * predictions.confidence[own].astype(float)).astype(int).tolist(),
        "names": list(predictions.class_names),
        "columns": sprite.columns,
    }


def _heat(counts: Int64) -> list[list[float]]:
    """The colour intensity of each cell of the confusion matrix, on a scale for errors only."""
    errors = counts.astype(float)
    np.fill_diagonal(errors, 0)
    return [[round(float(v), 3) for v in row] for row in np.sqrt(errors / max(errors.max(), 1))]


def _map(subject: Examined, sprite: Sprite) -> dict[str, Any] | None:
    """The points of the map in units of its SVG, the wrong ones last, so that they are drawn on top."""
    if subject.places is None:
        return None
    (indices, places), test = subject.places, subject.evaluation.predictions
    tile = np.searchsorted(sprite.indices, indices).clip(max=len(sprite.indices) - 1)
    shown = sprite.indices[tile] == indices
    labels, wrong = test.labels[indices], test.missed[indices]
    points = [
        {**_svg(x, y), "label": int(label), "wrong": bool(bad), "tile": int(t) if there else -1}
        for (x, y), label, bad, t, there in sorted(
            zip(places, labels, wrong, tile, shown, strict=True), key=lambda point: bool(point[2])
        )
    ]
    names = [{**_svg(each["x"], each["y"]), "name": each["name"]} for each in centres(places, labels, test.class_names)]
    return {"points": points, "names": names, "wrong": int(wrong.sum())}


def _svg(x: float, y: float) -> dict[str, int]:
    """A place with each axis from 0 to 1 as a place in an SVG, whose second axis points down."""
    return {"x": round(1000 * x), "y": round(1000 * (1 - y))}
