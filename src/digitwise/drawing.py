"""The style of all figures, drawn by matplotlib without its global state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150
BLUE, ORANGE = "#0072b2", "#d55e00"  # Okabe and Ito's palette, safe for the colour-blind
INK, FAINT = "#22272e", "#8a929c"
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "text.parse_math": False,  # a class may be called $
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "digitwise",  # the same drawing gives the same file
}


def new_figure(width: float, height: float) -> Figure:
    """Give an empty figure in the house's style, ``width`` by ``height`` inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure  # no pyplot: no global state, no display, half the import time

    mpl.rcParams.update(STYLE)
    return Figure((width, height), dpi=DPI, layout="constrained")


@contextmanager
def axes_for(ax: Axes | None, width: float, height: float) -> Iterator[Axes]:
    """Give axes to draw on in the house's style: those given, or new ones of pyplot, which a notebook shows.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
    width, height : float
        Of a new figure, in inches.
    """
    import matplotlib.pyplot as plt

    with plt.rc_context(STYLE):
        yield plt.subplots(figsize=(width, height), layout="constrained")[1] if ax is None else ax


def class_bars(axes: Axes, names: Sequence[str], counts: Mapping[str, NDArray[np.int64]]) -> None:
    """Draw the shares of the classes in one or two splits, side by side, counts written on the bars.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    names : sequence of str
        Of the classes.
    counts : mapping of str to ndarray of int64, shape (classes,)
        Images of each class in a split.
    """
    places = np.arange(len(names))
    shifts = (0.0,) if len(counts) == 1 else (-0.21, 0.21)
    for (split, own), colour, shift in zip(counts.items(), (BLUE, ORANGE), shifts, strict=False):
        shares = 100 * own / max(own.sum(), 1)
        axes.bar(places + shift, shares, 0.4, color=colour, label=f"{split} ({own.sum():,})")
        for place, share, count in zip(places, shares, own, strict=True):
            axes.text(place + shift, share, f" {count:,}", rotation=90, ha="center", va="bottom", fontsize=7)
    axes.set_xticks(places, names, rotation=30 if max(map(len, names)) > 3 else 0)
    axes.set(xlabel="class", ylabel="share of the split, %")
    axes.margins(y=0.22)
    axes.legend(ncols=2, loc="upper right")


def bars_width(classes: int) -> float:
    """The width of :func:`class_bars`, in inches."""
    return max(7.0, 0.55 * classes)
