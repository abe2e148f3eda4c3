"""Groups of images with titles and captions, and sheets that combine many small images into one."""

from __future__ import annotations

import base64
import io
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.evaluation import apart
from digitwise.images import ImageSet, Int64, Predictions

MOST_PIXELS = 8_000_000  # room for the 10,000 test images of MNIST, about 2 MB as PNG
LARGEST_SIDE = 48  # pixels; larger images are scaled down, the page shows them small
SLICE_TILES = 24  # wrong images of a slice that are shown
COMPARED_TILES = 40  # of each kind of a comparison


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


def make_sprite(images: ImageSet, predictions: Predictions, *, seed: int = 0) -> Sprite:
    """Put the wrongly classified images, and as many others as fit, on one sheet.

    Parameters
    ----------
    images : ImageSet
    predictions : Predictions
        About the same images, in the same order.
    seed : int
        Of the random choice, if not all fit.
    """
    height, width = _tile(*images.image_shape[:2])
    return sheet_of(images, _chosen(predictions, MOST_PIXELS // (height * width), seed))


def sheet_of(images: ImageSet, chosen: Int64) -> Sprite:
    """Put some images on one sheet, in the order given.

    Parameters
    ----------
    images : ImageSet
    chosen : ndarray of int64, shape (n,)
        Indices; at least one.
    """
    from PIL import Image

    height, width = _tile(*images.image_shape[:2])
    columns = math.isqrt(len(chosen) - 1) + 1
    rows = -(-len(chosen) // columns)
    colour = images.image_shape[2:] if images.image_shape[2] == 3 else ()
    sheet = np.zeros((rows * height, columns * width, *colour), np.uint8)
    for place, index in enumerate(chosen):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height, left : left + width] = _scaled(images.images[index], height, width)
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", optimize=False, compress_level=9)
    url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return Sprite(chosen, url, columns, width, height)


def _tile(height: int, width: int) -> tuple[int, int]:
    shrink = max(1.0, max(height, width) / LARGEST_SIDE)
    return max(1, round(height / shrink)), max(1, round(width / shrink))


def _chosen(predictions: Predictions, room: int, seed: int) -> Int64:
    n = len(predictions)
    if n <= room:
        return np.arange(n)
    wrong = predictions.wrong[:room]
    right = np.setdiff1d(np.arange(n), predictions.wrong)
    drawn = np.random.default_rng(seed).choice(right, min(len(right), room - len(wrong)), replace=False)
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
