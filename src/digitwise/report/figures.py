"""The images of the report, drawn by matplotlib: at 150 dpi, with labelled axes, safe for the colour-blind."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.data.balance import ClassBalance
from digitwise.evaluation import confusion_matrix
from digitwise.images import ImageSet, Predictions
from digitwise.outputs import Kind, output_file
from digitwise.report.galleries import Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


FIGURES = Kind("figures", "an earlier one of these figures", option="place")
DPI = 150
BLUE, ORANGE = "#0072b2", "#d55e00"  # Okabe and Ito's palette, safe for the colour-blind
INK, FAINT = "#22272e", "#8a929c"
STYLE: dict[Any, Any] = {
    "font.size": 9,
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
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "digitwise",  # the same drawing gives the same file
}


def sample_sheet(images: ImageSet, path: Path) -> None:
    """Draw the first images with their labels."""
    columns, rows = 5, 3
    figure = new_figure(columns * 1.15, rows * 1.35)
    shown = images.images[: columns * rows]
    for place, image in enumerate(shown):
        axes = figure.add_subplot(rows, columns, place + 1)
        _show(axes, image)
        axes.set_title(images.class_names[images.labels[place]], loc="center")
    _save(figure, path)


def class_histogram(balance: ClassBalance, path: Path) -> None:
    """Draw the shares of the classes in training and test, side by side, counts written on the bars."""
    names, places = balance.class_names, np.arange(len(balance.class_names))
    figure = new_figure(max(7.0, 0.55 * len(names)), 3.4)
    axes = figure.add_subplot()
    parts = (("training", balance.train, BLUE, -0.21), ("test", balance.test, ORANGE, 0.21))
    for name, counts, colour, shift in parts:
        shares = 100 * counts / max(counts.sum(), 1)
        axes.bar(places + shift, shares, 0.4, color=colour, label=f"{name} ({counts.sum():,})")
        for place, share, count in zip(places, shares, counts, strict=True):
            axes.text(place + shift, share, f" {count:,}", rotation=90, ha="center", va="bottom", fontsize=7)
    axes.set_xticks(places, names, rotation=30 if max(map(len, names)) > 3 else 0)
    axes.set(xlabel="class", ylabel="share of the split, %")
    axes.margins(y=0.22)
    axes.legend(ncols=2, loc="upper right")
    _save(figure, path)


def confusion_image(predictions: Predictions, path: Path, *, normalize: bool = False) -> None:
    """Draw the confusion matrix; the diagonal is not coloured, so that the colour scale is for errors."""
    matrix = confusion_matrix(predictions, normalize=normalize)
    errors = matrix.astype(float) * (100 if normalize else 1)
    size = len(matrix)
    shades = errors.copy()
    np.fill_diagonal(shades, np.nan)
    side = max(4.6, 0.46 * size + 1.2)
    figure = new_figure(side + 0.6, side)
    axes = figure.add_subplot()
    top = max(np.nanmax(shades), 1e-9)
    image = axes.imshow(shades, cmap="Blues", vmin=0, vmax=top)
    axes.set_facecolor("#eef1f4")
    for row, column in np.ndindex(size, size):
        if value := errors[row, column]:
            dark = row != column and value > 0.6 * top
            text = f"{value:.1f}" if normalize else f"{value:.0f}"
            weight = "normal" if row == column else "bold"
            axes.text(
                column, row, text, ha="center", va="center", fontsize=7, color="white" if dark else INK, weight=weight
            )
    names = predictions.class_names
    axes.set_xticks(range(size), names, rotation=45 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(range(size), names)
    unit = "% of the given class" if normalize else "number of images"
    axes.set(xlabel="predicted", ylabel="given label")
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.75, label=f"wrong, {unit}")
    _save(figure, path)


def error_gallery(images: ImageSet, predictions: Predictions, path: Path, *, limit: int = 40) -> int:
    """Draw wrong images with given label, prediction and confidence, the most confident mistake first.

    Returns
    -------
    int
        How many are shown.
    """
    names, chosen = predictions.class_names, predictions.wrong[:limit].tolist()
    given, said = ([names[label] for label in labels[chosen]] for labels in (predictions.labels, predictions.predicted))
    words = [f"{a} → {b}, {share:.0%}" for a, b, share in zip(given, said, predictions.confidence[chosen], strict=True)]
    title = "wrong images, the most confident mistakes first: given label → prediction, confidence"
    tiles = tuple(zip(chosen, words, strict=True))
    grouped_gallery(images, [Group(title if tiles else "no errors", tiles)], path)
    return len(chosen)


def grouped_gallery(images: ImageSet, groups: Sequence[Group], path: Path) -> None:
    """Draw groups of images one below the other, each under its title, with the words and index of every image.

    All of it lies in one pair of axes, in inches from the top left: axes of their own for hundreds of images take
    matplotlib seconds.
    """
    columns = 8
    titles = [textwrap.fill(group.title[:1].upper() + group.title[1:], 100) for group in groups]
    heads = [0.25 + 0.17 * (title.count("\n") + 1) for title in titles]
    rows = [max(1, -(-len(group.tiles) // columns)) for group in groups]
    width, height = 1.12 * columns, sum(heads) + 1.5 * sum(rows)
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    sides = images.image_shape[:2]
    tall, wide = (side / max(sides) / 2 for side in sides)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    top = 0.0
    for group, title, head, n in zip(groups, titles, heads, rows, strict=True):
        axes.text(0.06, top + head - 0.12, title, size=10, va="bottom")
        for place, (index, words) in enumerate(group.tiles):
            x, y = 0.06 + 1.12 * (place % columns), top + head + 1.5 * (place // columns)
            axes.text(x + 0.5, y + 0.16, words, ha="center", va="bottom")
            extent = (x + 0.5 - wide, x + 0.5 + wide, y + 0.7 + tall, y + 0.7 - tall)
            axes.imshow(images.images[index], cmap="gray", vmin=0, vmax=255, extent=extent)
            axes.text(x + 0.5, y + 1.24, f"#{index}", size=7, ha="center", va="top", color="#57606a")
        top += head + 1.5 * n
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    _save(figure, path)


def prediction_bars(image: np.ndarray, probabilities: np.ndarray, names: Sequence[str], path: Path) -> None:
    """Draw one image beside the probabilities the network gives it."""
    figure = new_figure(6.6, 2.4)
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 2.4))
    _show(figure.add_subplot(grid[0]), image)
    axes = figure.add_subplot(grid[1])
    best = int(probabilities.argmax())
    axes.bar(range(len(names)), 100 * probabilities, color=[ORANGE if i == best else BLUE for i in range(len(names))])
    axes.set_xticks(range(len(names)), names)
    axes.set(xlabel="class", ylabel="probability, %", ylim=(0, 105))
    _save(figure, path)


def new_figure(width: float, height: float) -> Figure:
    """Give an empty figure in the house's style, ``width`` by ``height`` inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure  # no pyplot: no global state, no display, half the import time

    mpl.rcParams.update(STYLE)
    return Figure((width, height), dpi=DPI, layout="constrained")


def _show(axes: Axes, image: np.ndarray) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    with output_file(path, FIGURES) as temporary:
        figure.savefig(temporary, metadata={"Software": None})
