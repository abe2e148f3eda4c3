"""Runs a student's notebook cell by cell, and records the evidence for its marks.

Reads ``data.npz`` and ``cells.json`` in its folder and writes into ``evidence`` after each cell, so that the cells
before an endless one count. Runs in a separate process, see :mod:`digitwise.exercise.isolation`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

MODELS = ("model", "model2", "model3", "loaded")
IMAGES = ("x_train", "x_test")
LABELS = ("y_train", "y_test")
MESSAGE = 300  # characters
ROWS = 100  # of an array of predictions
FILES = 500
FIGURES = 200
BARS = 1_000  # in a series


class Session:
    """The IPython shell of one notebook, and its evidence.

    Parameters
    ----------
    folder : Path
        Prepared by :func:`digitwise.exercise.sandbox.prepare`, with ``data.npz`` in it.
    missing : list of str
        The protections that the platform lacks.
    """

    def __init__(self, folder: Path, missing: list[str]) -> None:
        from digitwise.data import load
        from digitwise.exercise.recognition import Recogniser
        from digitwise.exercise.watching import Watcher

        self.work, self.evidence = folder / "work", folder / "evidence"
        self.dataset = dataclasses.replace(load(folder / "data.npz"), name="mnist")
        self.recogniser = Recogniser(self.dataset)
        self.watcher = Watcher(self.dataset, self.recogniser, self.evidence)
        self.watcher.begin()
        self.shell = _shell()
        self.cells: list[dict[str, Any]] = []
        self.series: list[list[list[float]]] = []
        self.saved: dict[str, dict[str, Any]] = {}
        self.known: dict[str, tuple[Any, dict[str, Any]]] = {}
        self.missing = missing

    def run(self, cells: list[dict[str, Any]]) -> None:
        """Run cells in order; a failed cell does not stop the next ones."""
        for cell in cells:
            self.write(running=cell["place"])
            self.cells.append({"place": cell["place"], "error": self.run_cell(cell["source"])})
            self._save_models()
        self._save_models(again=True)
        self.write(running=None)

    def run_cell(self, source: str) -> str:
        """Run one cell, and give its error, empty without one."""
        from IPython.utils.capture import capture_output

        _take_over_show(self._take_figures)
        with capture_output():
            result = self.shell.run_cell(source, store_history=True)
        self._take_figures()
        error = result.error_before_exec or result.error_in_exec
        return "" if error is None else f"{type(error).__name__}: {error}"[:MESSAGE]

    def write(self, running: int | None) -> None:
        """Write the evidence so far."""
        names = self.shell.user_ns
        self.watcher.settle()
        evidence = {
            "running": running,
            "missing": self.missing,
            "cells": self.cells,
            "series": self.series,
            "arrays": {name: self._images(names[name]) for name in IMAGES if name in names}
            | {name: self._labels(names[name]) for name in LABELS if name in names},
            "values": {name: _numbers(names[name]) for name in ("confusion", "prediction") if name in names},
            "model3_is_better": _truth(names.get("model3_is_better")),
            "models": self.saved,
            "fits": self.watcher.fits,
            "looks": self.watcher.looks,
            "troubles": self.watcher.troubles[:20],
            "files": [str(path.relative_to(self.work)) for path in sorted(self.work.rglob("*"))[:FILES]],
        }
        unfinished = self.evidence / "evidence.tmp"
        unfinished.write_text(json.dumps(evidence), encoding="utf-8")
        unfinished.replace(self.evidence / "evidence.json")

    def _take_figures(self) -> None:
        if "matplotlib.pyplot" in sys.modules:
            self.series += collect()

    def _images(self, value: Any) -> dict[str, Any]:
        try:
            values = np.asarray(value)
            state = (id(value), values.shape, str(values.dtype), float(values.reshape(-1)[::997].sum()))
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"[:MESSAGE]}
        if self.known.get(str(id(value)), (None,))[0] != state:  # else it is known from an earlier cell
            found = self.recogniser.recognise(values)
            facts = {
                "shape": list(values.shape),
                "low": float(values.min()),
                "high": float(values.max()),
                "train": found.train,
                "test": found.test,
                "scaling": None if found.scaling is None else vars(found.scaling),
            }
            self.known[str(id(value))] = (state, facts)
        return self.known[str(id(value))][1]

    def _labels(self, value: Any) -> dict[str, Any]:
        from digitwise.exercise.recognition import class_counts

        try:
            return {"counts": class_counts(value, self.dataset.train.n_classes)}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"[:MESSAGE]}

    def _save_models(self, *, again: bool = False) -> None:
        """Save the models that are new or were trained since; with ``again`` all, as code may have set weights."""
        if "keras" not in sys.modules:
            return
        import keras

        for name in MODELS:
            model = self.shell.user_ns.get(name)
            if not isinstance(model, keras.Model):
                self.saved.pop(name, None)
                continue
            key = self.watcher.key(model)
            trained = sum(key in fit["models"] for fit in self.watcher.fits)
            state = {"key": key, "name": str(model.name), "fits": trained}
            if again or {"file": f"{name}.keras", "error": "", **state} != self.saved.get(name):
                self.saved[name] = state | self._save(model, f"{name}.keras")

    def _save(self, model: Any, file: str) -> dict[str, str]:
        unfinished = self.evidence / "unfinished.keras"
        try:
            model.save(unfinished)
            unfinished.replace(self.evidence / file)
        except Exception as error:
            return {"file": "", "error": f"{type(error).__name__}: {error}"[:MESSAGE]}
        return {"file": file, "error": ""}


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "NoColor"
    shell = InteractiveShell.instance(config=settings)
    for name in ("matplotlib", "pylab", "config"):  # figures are recorded here instead of shown
        shell.magics_manager.magics["line"][name] = lambda line: None
    return shell


def _take_over_show(take: Callable[[], None]) -> None:
    """Make ``plt.show()`` close the open figures, as in a notebook."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].show = lambda *_, **__: take()  # type: ignore[attr-defined]


def _numbers(value: Any) -> dict[str, Any]:
    try:
        values = np.asarray(value, np.float64)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:MESSAGE]}
    shown = values[:ROWS] if values.ndim else values
    return {"shape": list(values.shape), "values": shown.tolist() if shown.size <= 10 * ROWS else None}


def _truth(value: Any) -> bool | None:
    return bool(value) if isinstance(value, bool | np.bool_) else None


def main(folder: Path, missing: list[str]) -> None:
    """Run the notebook of a folder in this isolated process."""
    Session(folder, missing).run(json.loads((folder / "cells.json").read_text(encoding="utf-8")))
    os._exit(0)  # does not wait for threads of the notebook


def collect() -> list[list[list[float]]]:
    """Close all open figures, and give their bars and steps: for each series a list of ``[centre, height]``."""
    from matplotlib import pyplot as plt
    from matplotlib._pylab_helpers import Gcf

    figures = [manager.canvas.figure for manager in Gcf.get_all_fig_managers()]
    found = [one for figure in figures[:FIGURES] for axes in figure.axes for one in _series(axes)]
    plt.close("all")
    return found


def _series(axes: Any) -> list[list[list[float]]]:
    from matplotlib.container import BarContainer, StemContainer
    from matplotlib.patches import Polygon, StepPatch

    found = [_bars(each) for each in axes.containers if isinstance(each, BarContainer)]
    if len(found) > 1:  # also all in one series: each bar may have been drawn by itself
        found.append([bar for bars in found for bar in bars])
    found += [_points(each.markerline) for each in axes.containers if isinstance(each, StemContainer)]
    found += [_points(line) for line in axes.lines if str(line.get_drawstyle()).startswith("steps")]
    found += [_stairs(patch) for patch in axes.patches if isinstance(patch, StepPatch)]
    found += [_outline(patch.get_xy()) for patch in axes.patches if isinstance(patch, Polygon)]
    return [sorted(series) for series in found if 0 < len(series) <= BARS]


def _bars(container: Any) -> list[list[float]]:
    if container.orientation == "horizontal":
        return [[float(bar.get_y() + bar.get_height() / 2), float(bar.get_width())] for bar in container]
    return [[float(bar.get_x() + bar.get_width() / 2), float(bar.get_height())] for bar in container]


def _points(line: Any) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]


def _stairs(patch: Any) -> list[list[float]]:
    values, edges, _ = patch.get_data()
    middles = (edges[:-1] + edges[1:]) / 2
    return [[float(x), float(y)] for x, y in zip(middles, values, strict=True)]


def _outline(corners: Any) -> list[list[float]]:
    """The steps of ``plt.hist(histtype="step")``: its horizontal pieces."""
    return [
        [float((a[0] + b[0]) / 2), float(a[1])]
        for a, b in pairwise(corners)
        if a[1] == b[1] and b[0] > a[0] and a[1] > 0
    ]
