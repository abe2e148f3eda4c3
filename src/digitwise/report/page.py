"""The report: one HTML file about a run that needs nothing else, its numbers as JSON, and its figures beside it."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.errors import RunError
from digitwise.evaluation.stored import all_different
from digitwise.files import swap_folder, write_json
from digitwise.images import Dataset, Float64, ImageSet, Int64, Predictions
from digitwise.report import charts, figures
from digitwise.report.content import Subject, Wishes, about_the_same, content, examine
from digitwise.report.sprite import Sprite, make_sprite, sheet_of
from digitwise.runs import Run

SLICE_TILES = 24  # wrong pictures of a slice that are shown
COMPARED_TILES = 40  # of each kind of a comparison


def write_report(runs: Sequence[Run], dataset: Dataset, path: Path, wishes: Wishes | None = None) -> dict[str, Any]:
    """Write a run's report: ``path``, the same name with ``.json``, and the figures in ``…-figures/``.

    Parameters
    ----------
    runs : sequence of Run
        The first is the one reported on; the others are compared with it.
    dataset : Dataset
        What they were tested on.
    path : Path
        Ends in ``.html``; an earlier report there stays until this one is whole.
    wishes : Wishes, optional

    Returns
    -------
    dict
        Every number on the page.

    Raises
    ------
    RunError
        If the runs were tested on different pictures, or lack answers; nothing is written then.
    """
    if path.suffix != ".html":
        raise RunError(f"{path}: expected a name that ends in .html")
    wishes = wishes or Wishes()
    run, *others = runs
    for other in others:
        if other.info["data"]["fingerprint"]["test"] != run.info["data"]["fingerprint"]["test"]:
            raise RunError(
                f"{other.path}: expected the test pictures of {run.path}, got those of {other.info['data']['name']}; "
                f"compare runs of one data set"
            )
    all_different(runs)
    subject = examine(run, dataset, wishes)
    answers = [each.predictions("test") for each in runs]
    for each, own in zip(runs, answers, strict=True):
        about_the_same(each, own, dataset)
    for each in runs:
        each.note_test_read("report")
    numbers = content(subject, others, wishes)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as made:
        _write(subject, numbers, answers, Path(made))
        with run.new_policy(numbers["reading"]["policy"]):  # what the page says is what readers will do
            _put_in_place(Path(made), path)
    return numbers


def _write(subject: Subject, numbers: dict[str, Any], answers: Sequence[Predictions], folder: Path) -> None:
    """Write all of a report into ``folder``, under names of its own."""
    _draw(subject, folder / "figures")
    (folder / "page").write_text(_render(subject, numbers, answers, folder / "figures"), encoding="utf-8")
    write_json(folder / "numbers", numbers)


def _put_in_place(made: Path, path: Path) -> None:
    """Rename what was written to where it belongs: nothing here takes time, so that nothing comes between."""
    swap_folder(made / "figures", path.with_name(f"{path.stem}-figures"), made / "earlier figures")
    (made / "numbers").replace(path.with_suffix(".json"))
    (made / "page").replace(path)


def _draw(subject: Subject, folder: Path) -> None:
    run, test = subject.run, subject.test
    for key in ("loss", "accuracy"):
        charts.learning_curves(run.history, "", folder / key, [key])
    charts.reliability(subject.assessment.raw, subject.assessment.calibrated, folder / "reliability")
    policy = subject.assessment.reading.policy
    charts.risk_coverage(subject.risks["validation"], subject.risks["test"], policy, folder / "risk-coverage")
    if subject.places is not None:
        indices, places = subject.places
        charts.feature_map(places, test.labels[indices], test.missed[indices], test.class_names, folder / "map")
    figures.confusion_picture(test, folder / "confusion.png")
    figures.error_gallery(subject.dataset.test, test, folder / "errors.png")


def _render(subject: Subject, numbers: dict[str, Any], answers: Sequence[Predictions], folder: Path) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("digitwise.report"),
        autoescape=True,
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
    }
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    pictures, test = subject.dataset.test, subject.test
    sprite = make_sprite(pictures, test)
    names = ("loss", "accuracy", "reliability", "risk-coverage")
    return environment.get_template("report.html.j2").render(
        **numbers,
        tile_data=_tiles(sprite, test),
        sheet=sprite,
        heat=_heat(np.array(numbers["confusion"])),
        charts={name: charts.inline(folder / name) for name in names},
        map=_map(subject, sprite),
        slice_pictures=_slices(subject),
        compared=_compared(pictures, answers),
        class_colours=charts.CLASS_COLOURS,
    )


def _tiles(sprite: Sprite, predictions: Predictions) -> dict[str, Any]:
    """What the page's script has to know of every tile."""
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
    """How strongly to colour each cell of the confusion matrix: the errors have the scale for themselves."""
    errors = counts.astype(float)
    np.fill_diagonal(errors, 0)
    return [[round(float(v), 3) for v in row] for row in np.sqrt(errors / max(errors.max(), 1))]


def _map(subject: Subject, sprite: Sprite) -> dict[str, Any] | None:
    if subject.places is None:
        return None
    (indices, places), test = subject.places, subject.test
    tile = np.searchsorted(sprite.indices, indices).clip(max=len(sprite.indices) - 1)
    shown = sprite.indices[tile] == indices
    xy = np.round(1000 * places).astype(int)
    labels, wrong = test.labels[indices], test.missed[indices]
    points = [
        {"x": int(x), "y": int(1000 - y), "label": int(label), "wrong": bool(bad), "tile": int(t) if there else -1}
        for (x, y), label, bad, t, there in sorted(
            zip(xy.tolist(), labels, wrong, tile, shown, strict=True), key=lambda point: bool(point[2])
        )
    ]
    return {"points": points, "names": _centres(xy, labels, test.class_names), "wrong": int(wrong.sum())}


def _centres(xy: Int64 | Float64, labels: Int64, names: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    for label, name in enumerate(names):
        if (own := labels == label).any():
            x, y = np.median(xy[own], axis=0)
            found.append({"x": int(x), "y": int(1000 - y), "name": name})
    return found


def _slices(subject: Subject) -> dict[str, Any] | None:
    """The wrong pictures of each slice, and their sheet."""
    checked, names = subject.checked, subject.checked.class_names
    shown = [group.indices[checked.missed[group.indices]][:SLICE_TILES] for group in subject.slices]
    if not shown:
        return None
    words = [[f"{names[checked.labels[i]]} → {names[checked.predicted[i]]}" for i in own] for own in shown]
    return {"sheet": sheet_of(subject.checked_pictures, np.concatenate(shown)), "tiles": _numbered(words)}


def _compared(pictures: ImageSet, answers: Sequence[Predictions]) -> dict[str, Any] | None:
    """The pictures that both, only the first or only the second of two runs gets wrong, and their sheet."""
    if len(answers) != 2:
        return None
    a, b = answers
    kinds = (a.missed & b.missed, a.missed & ~b.missed, b.missed & ~a.missed)
    shown = [np.flatnonzero(kind)[:COMPARED_TILES].astype(np.int64) for kind in kinds]
    if not sum(map(len, shown)):
        return None
    names = a.class_names
    words = [[f"{names[a.labels[i]]} → {names[a.predicted[i]]}, {names[b.predicted[i]]}" for i in own] for own in shown]
    return {"sheet": sheet_of(pictures, np.concatenate(shown)), "tiles": _numbered(words)}


def _numbered(words: Sequence[Sequence[str]]) -> list[list[tuple[int, str]]]:
    """Give each tile its place on a sheet that holds the groups one after another."""
    places = itertools.count()
    return [[(next(places), each) for each in group] for group in words]


def _percent(share: float | None, digits: int = 2) -> str:
    return "–" if share is None else f"{share:.{digits}%}".replace("%", " %")


def _range(interval: Sequence[float] | None, digits: int = 2) -> str:
    return "–" if interval is None else f"{100 * interval[0]:.{digits}f}–{100 * interval[1]:.{digits}f} %"


def _signed(share: float) -> str:
    return f"{100 * share:+.2f} %"


def _stamp(time: str) -> str:
    return time.replace("T", " ").replace("+00:00", " UTC")
