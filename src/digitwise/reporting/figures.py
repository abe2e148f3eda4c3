"""Images in reports: figures drawn by matplotlib at 150 dpi, groups of images with captions, and sheets of tiles."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise import displays
from digitwise.data.balance import ClassBalance
from digitwise.drawing import BLUE, INK, ORANGE, bars_width, class_bars, new_figure
from digitwise.evaluation import apart, confusion_matrix
from digitwise.images import ImageSet, Int64, UInt8
from digitwise.outputs import Kind, output_file
from digitwise.predictions import Predictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURES = Kind("figures", "an earlier one of these figures", option="place")
MOST_PIXELS = 8_000_000  # room for the 10,000 test images of MNIST, about 2 MB as PNG
LARGEST_SIDE = 48  # pixels; larger images are scaled down, the page shows them small
SLICE_TILES = 24  # wrong images of a slice that are shown
COMPARED_TILES = 40  # of each kind of a comparison


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
    figure = new_figure(bars_width(len(balance.class_names)), 3.4)
    both = {"training": balance.train, "test": balance.test}
    counts = both if balance.test.any() else {"all images": balance.train}
    class_bars(figure.add_subplot(), balance.class_names, counts)
    _save(figure, path)


def confusion_image(predictions: Predictions, path: Path, *, normalize: bool = False) -> None:
    """Draw the confusion matrix; the diagonal is not coloured, so that the colour scale is for errors."""
    side = confusion_side(len(predictions.class_names))
    figure = new_figure(side + 0.6, side)
    confusion_on(figure.add_subplot(), predictions, normalize=normalize)
    _save(figure, path)


def confusion_side(classes: int) -> float:
    """The height of a confusion matrix, in inches."""
    return max(4.6, 0.46 * classes + 1.2)


def confusion_on(axes: Axes, predictions: Predictions, *, normalize: bool = False) -> None:
    """Draw the confusion matrix on axes; see :func:`confusion_image`."""
    matrix = confusion_matrix(predictions, normalize=normalize)
    errors = matrix.astype(float) * (100 if normalize else 1)
    size = len(matrix)
    shades = errors.copy()
    np.fill_diagonal(shades, np.nan)
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
    axes.figure.colorbar(image, ax=axes, shrink=0.75, label=f"wrong, {unit}")


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


def _show(axes: Axes, image: np.ndarray) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    with output_file(path, FIGURES) as temporary:
        figure.savefig(temporary, metadata={"Software": None})


@dataclass(frozen=True, eq=False)
class Sprite:
    """A sheet of tiles, row by row.

    Parameters
    ----------
    indices : ndarray of int64, shape (n,)
        Which image each tile shows.
    url : str
        The sheet as a PNG in a data URL.
    columns, width, height : int
        Tiles a row, and their size in pixels.
    """

    indices: Int64
    url: str
    columns: int
    width: int
    height: int

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-len(self.indices) // self.columns)


def make_sprite(images: ImageSet, predictions: Predictions) -> Sprite:
    """Put the wrongly classified images, and as many others as fit, on one sheet.

    Parameters
    ----------
    images : ImageSet
    predictions : Predictions
        About the same images, in the same order.
    """
    height, width = _tile(*images.image_shape[:2])
    return sheet_of(images, _chosen(predictions, MOST_PIXELS // (height * width)))


def sheet_of(images: ImageSet, chosen: Int64) -> Sprite:
    """Put some images on one sheet, in the order given.

    Parameters
    ----------
    images : ImageSet
    chosen : ndarray of int64, shape (n,)
        Indices; at least one.
    """
    height, width = _tile(*images.image_shape[:2])
    columns = math.isqrt(len(chosen) - 1) + 1
    rows = -(-len(chosen) // columns)
    colour = images.image_shape[2:] if images.image_shape[2] == 3 else ()
    sheet = np.zeros((rows * height, columns * width, *colour), np.uint8)
    for place, index in enumerate(chosen):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height, left : left + width] = _scaled(images.images[index], height, width)
    return Sprite(chosen, data_url(sheet), columns, width, height)


def data_url(image: UInt8) -> str:
    """An image, uint8 (h, w) or (h, w, 3), as a PNG in a data URL."""
    return displays.data_url(displays.as_png(image, compress_level=9))


def _tile(height: int, width: int) -> tuple[int, int]:
    shrink = max(1.0, max(height, width) / LARGEST_SIDE)
    return max(1, round(height / shrink)), max(1, round(width / shrink))


def _chosen(predictions: Predictions, room: int) -> Int64:
    n = len(predictions)
    if n <= room:
        return np.arange(n)
    wrong = predictions.wrong[:room]
    right = np.setdiff1d(np.arange(n), predictions.wrong)
    drawn = np.random.default_rng(0).choice(right, min(len(right), room - len(wrong)), replace=False)
    return np.sort(np.concatenate([wrong, drawn])).astype(np.int64)


def _scaled(image: np.ndarray, height: int, width: int) -> np.ndarray:
    from PIL import Image

    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


@dataclass(frozen=True)
class Group:
    """Some images that belong together.

    Parameters
    ----------
    title : str
    tiles : tuple of (int, str)
        Index of an image, and its caption.
    """

    title: str
    tiles: tuple[tuple[int, str], ...]


def slice_groups(found: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Group]:
    """The wrong images of each slice, as :func:`~digitwise.evaluation.fixes.gatherings` has them."""
    groups = []
    for each in found:
        wrong = each["wrong"]
        rows = itertools.islice(zip(wrong["index"], wrong["given"], wrong["predicted"], strict=True), SLICE_TILES)
        tiles = tuple((index, f"{names[given]} → {names[predicted]}") for index, given, predicted in rows)
        groups.append(Group(each["words"], tiles))
    return groups


def compared_groups(answers: Sequence[Predictions], names: Sequence[str]) -> list[Group]:
    """The images that both runs, only the first, or only the second get wrong; empty groups are left out.

    Parameters
    ----------
    answers : sequence of two Predictions
    names : sequence of two str
        Of the runs.
    """
    a, b = answers
    classes = a.class_names
    titles = ("both wrong", f"only {names[0]} wrong", f"only {names[1]} wrong")
    groups = []
    for title, indices in zip(titles, apart(a, b).values(), strict=True):
        tiles = tuple(
            (int(i), f"{classes[a.labels[i]]} → {classes[a.predicted[i]]}, {classes[b.predicted[i]]}")
            for i in indices[:COMPARED_TILES]
        )
        if tiles:
            groups.append(Group(f"{title}: {len(indices)}", tiles))
    return groups


def on_a_sheet(images: ImageSet, groups: Sequence[Group]) -> dict[str, Any] | None:
    """The groups for a page: one sheet of all images, and for each tile its place on the sheet and its caption."""
    indices = [index for group in groups for index, _ in group.tiles]
    if not indices:
        return None
    places = itertools.count()
    shown = [(group.title, [(next(places), words) for _, words in group.tiles]) for group in groups]
    return {"sheet": sheet_of(images, np.array(indices, np.int64)), "groups": shown}
