"""What was drawn: the bars in matplotlib's open figures, as numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

FIGURES = 200
BARS = 1_000  # a series


def collect() -> list[dict[str, Any]]:
    """Take down and close all open figures.

    Returns
    -------
    list of dict
        One a figure: ``series``, each a list of ``[middle, height]``, and ``pictures``, how many are shown in it.
    """
    from matplotlib import pyplot as plt
    from matplotlib._pylab_helpers import Gcf

    figures = [manager.canvas.figure for manager in Gcf.get_all_fig_managers()]
    found = [
        {
            "series": [one for axes in figure.axes for one in _series(axes)],
            "pictures": sum(len(axes.images) for axes in figure.axes),
        }
        for figure in figures[:FIGURES]
    ]
    plt.close("all")
    return found


def _series(axes: Any) -> list[list[list[float]]]:
    from matplotlib.container import BarContainer, StemContainer
    from matplotlib.patches import Polygon, StepPatch

    found = [_bars(each) for each in axes.containers if isinstance(each, BarContainer)]
    if len(found) > 1:  # also as one, since each bar may have been drawn by itself
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
    """The steps of ``plt.hist(histtype="step")``: level pieces between two corners."""
    return [
        [float((a[0] + b[0]) / 2), float(a[1])]
        for a, b in pairwise(corners)
        if a[1] == b[1] and b[0] > a[0] and a[1] > 0
    ]
