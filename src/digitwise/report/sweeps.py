"""The page of ``digitwise sweep``: the winner, how trials lie among their values, what mattered, and all trials."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from digitwise.outputs import Kind, write
from digitwise.recipes.space import WARP, in_short
from digitwise.report import charts
from digitwise.report.charts import Coordinate
from digitwise.report.render import render
from digitwise.system import versions

PAGE = Kind("sweep-page", "an earlier page of a sweep", option="place")
ERRORS = "validation_errors"


def write_sweep(folder: Path, info: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Path:
    """Write ``sweep.html`` into a sweep's folder; it needs nothing beside it.

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
    with tempfile.TemporaryDirectory(prefix="digitwise-") as name:
        stem = Path(name) / "coordinates"
        charts.parallel_coordinates(*coordinates(info, rows), stem)
        drawn["coordinates"] = charts.inline(stem)
        if info["importances"]:
            stem = Path(name) / "importances"
            charts.importances({_short(each): share for each, share in info["importances"].items()}, stem)
            drawn["importances"] = charts.inline(stem)
    page = render("sweep.html.j2", **content(info, rows), charts=drawn)
    write(folder / "sweep.html", PAGE, page)
    return folder / "sweep.html"


def content(info: dict[str, Any], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
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
    """An axis for each choice, one for the errors, and the kind of each trial that has errors, the winner last."""
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
