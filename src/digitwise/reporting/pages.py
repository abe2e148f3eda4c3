"""The pages of ``digitwise check`` and ``digitwise sweep``, each one self-contained file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.checks import Checked, Finding, Subject
from digitwise.images import ImageSet
from digitwise.outputs import Kind, check_file, write, write_plain
from digitwise.recipes.space import WARP, in_short
from digitwise.reporting import charts
from digitwise.reporting.charts import Coordinate
from digitwise.reporting.figures import sheet_of
from digitwise.reporting.render import render
from digitwise.runs import now
from digitwise.system import versions
from digitwise.temporaries import temporary_folder

CHECK = Kind("check", "an earlier one of digitwise check")
FILES = ("findings.json", "index.html")
SHOWN = 100  # images a finding


def check_place(folder: Path) -> None:
    """Check that :func:`write_findings` may write into a folder.

    Raises
    ------
    DataError
        If a file of these names is something else than earlier findings.
    """
    for name in FILES:
        check_file(folder / name, CHECK)


def write_findings(checked: Checked, folder: Path) -> Path:
    """Write ``index.html`` and ``findings.json``.

    Parameters
    ----------
    checked : Checked
    folder : Path
        Created if it does not exist; earlier findings are replaced.

    Returns
    -------
    Path
        The page.
    """
    check_place(folder)
    page = render("findings.html.j2", **findings_content(checked))
    write_plain(folder / "findings.json", CHECK, checked.as_list())
    write(folder / "index.html", CHECK, page)
    return folder / "index.html"


def findings_content(checked: Checked) -> dict[str, Any]:
    """All that stands on the page, as plain values."""
    subject = checked.subject
    parts = {part.split: part for part in subject.parts}
    return {
        "digitwise": versions()["digitwise"],
        "created": now(),
        "name": subject.name,
        "clean": checked.clean,
        "worst": checked.worst,
        "sizes": [
            {"split": part.kind, "n": f"{len(part):,}", "size": "×".join(map(str, part.images.shape[1:]))}
            for part in subject.parts
        ],
        "findings": [
            {
                "code": finding.code,
                "anchor": f"{finding.code.lower()}-{finding.split}",
                "title": finding.title,
                "severity": finding.severity,
                "split": finding.split,
                "count": f"{finding.total:,}",
                "words": finding.words[:1].upper() + finding.words[1:],
                "meaning": checked.checks[finding.code].meaning,
                "remedy": checked.checks[finding.code].remedy,
                "table": _table(finding),
                "tiles": [
                    {"caption": tile.caption, "file": parts[tile.split].file_of(tile.index)}
                    for tile in finding.tiles[:SHOWN]
                ],
                "sheet": _sheet(finding, subject),
                "more": max(0, len(finding.tiles) - SHOWN),
            }
            for finding in checked.findings
        ],
        "passed": [{"code": code, "title": checked.checks[code].title} for code in checked.passed],
        "skipped": [
            {"code": code, "title": checked.checks[code].title, "reason": reason}
            for code, reason in checked.skipped.items()
        ],
    }


def _sheet(finding: Finding, subject: Subject) -> Any:
    """The images as they are stored, on one sheet."""
    parts = {part.split: part for part in subject.parts}
    shown = finding.tiles[:SHOWN]
    if not shown:
        return None
    images = np.stack([parts[tile.split].stored[tile.index] for tile in shown])
    zeros = np.zeros(len(shown), np.int64)
    return sheet_of(ImageSet(images, zeros, ("",)), np.arange(len(shown), dtype=np.int64))


def _table(finding: Finding) -> Sequence[Sequence[str]]:
    """The evidence of a finding as a table: files, properties or counts."""
    if files := finding.evidence.get("files"):
        return [("file", "why"), *((each["file"], each["reason"]) for each in files[:SHOWN])]
    if rows := finding.evidence.get("properties"):
        body = [
            (r["name"], f"{r['median_training']:.2f}", f"{r['median_test']:.2f}", f"{max(r['auc'], 1 - r['auc']):.0%}")
            for r in rows
        ]
        return [("property", "training, median", "test, median", "told apart"), *body]
    if counts := finding.evidence.get("counts"):
        return [("class", "images"), *((name, f"{n:,}") for name, n in counts.items())]
    return []


PAGE = Kind("sweep-page", "an earlier page of a sweep", option="place")
ERRORS = "validation_errors"


def write_sweep(folder: Path, info: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Path:
    """Write ``sweep.html``, which is self-contained, into a sweep's folder.

    Parameters
    ----------
    folder : Path
    info : dict
        The content of sweep.json.
    rows : sequence of dict
        The trials as they stand in trials.csv, the best first.

    Returns
    -------
    Path
        The page.
    """
    drawn: dict[str, str] = {}
    with temporary_folder() as place:
        stem = place / "coordinates"
        charts.parallel_coordinates(*coordinates(info, rows), stem)
        drawn["coordinates"] = charts.inline(stem)
        if info["importances"]:
            stem = place / "importances"
            charts.importances({_short(each): share for each, share in info["importances"].items()}, stem)
            drawn["importances"] = charts.inline(stem)
    page = render("sweep.html.j2", **sweep_content(info, rows), charts=drawn)
    write(folder / "sweep.html", PAGE, page)
    return folder / "sweep.html"


def sweep_content(info: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All that stands on the page, as plain values."""
    names = list(info["space"])
    states = [row["state"] for row in rows]
    space = {_short(name): axis if isinstance(axis, str) else _listed(axis) for name, axis in info["space"].items()}
    return {
        "digitwise": versions()["digitwise"],
        "info": info,
        "winner": info["winner"],
        "changes": {_short(name): in_short(info["winner"][name]) for name in names},
        "space": space,
        "states": {state: states.count(state) for state in ("finished", "stopped", "diverged", "lost")},
        "names": [_short(name) for name in names],
        "trials": [
            {**row, "values": [in_short(row[name]) for name in names], "best": row["trial"] == info["winner"]["trial"]}
            for row in rows
        ],
    }


def coordinates(info: dict[str, Any], rows: Sequence[dict[str, Any]]) -> tuple[list[Coordinate], list[str]]:
    """An axis per choice and one for the errors, and the state of each trial with errors, the winner last."""
    kept = sorted(
        (row for row in rows if row[ERRORS] is not None),
        key=lambda row: (row["trial"] == info["winner"]["trial"], row["state"] == "finished", -row[ERRORS]),
    )
    axes = [_axis(_short(name), [row[name] for row in kept], axis) for name, axis in info["space"].items()]
    errors = [row[ERRORS] for row in kept]
    axes.append(_axis("validation errors", errors, "log" if max(errors) > 10 * (1 + min(errors)) else ""))
    return axes, [*(row["state"] for row in kept[:-1]), "winner"]


def _axis(name: str, values: Sequence[Any], axis: list[Any] | str) -> Coordinate:
    """Places from 0 to 1: of listed values in their order, of numbers by their size or its logarithm."""
    if isinstance(axis, list):
        last = max(1, len(axis) - 1)
        known = [tuple(value) if isinstance(value, list) else value for value in axis]
        ticks = [(place / last, in_short(value)) for place, value in enumerate(known)]
        return Coordinate(name, [known.index(value) / last for value in values], ticks)
    zero = 1 if axis == "log" else 0  # errors may be none
    scale = (lambda value: math.log(value + zero)) if axis.startswith("log") else float
    low, high = min(values), max(values)
    width = scale(high) - scale(low) or 1.0
    ticks = [(0.0, in_short(low)), (1.0, in_short(high))] if high > low else [(0.0, in_short(low))]
    return Coordinate(name, [(scale(value) - scale(low)) / width for value in values], ticks)


def _short(name: str) -> str:
    return name.removeprefix(WARP).replace("_", " ")


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(in_short, values))
