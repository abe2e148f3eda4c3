"""Many small pictures as one: what a page needs to show any of them without a request."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass

import numpy as np

from digitwise.images import ImageSet, Int64, Predictions

MOST_PIXELS = 8_000_000  # all 10,000 test pictures of MNIST, about 2 MB as PNG
LARGEST_SIDE = 48  # pixels; larger pictures are scaled down, the page shows them small


@dataclass(frozen=True, eq=False)
class Sprite:
    """A sheet of tiles, row by row.

    Parameters
    ----------
    indices : ndarray of int64, shape (n,)
        Which picture each tile shows.
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


def make_sprite(pictures: ImageSet, predictions: Predictions, *, seed: int = 0) -> Sprite:
    """Put the wrongly classified pictures, and of the others as many as there is room for, on one sheet.

    Parameters
    ----------
    pictures : ImageSet
    predictions : Predictions
        About the same pictures, in the same order.
    seed : int
        Of the draw where there is no room for all.
    """
    height, width = _tile(*pictures.image_shape[:2])
    return sheet_of(pictures, _chosen(predictions, MOST_PIXELS // (height * width), seed))


def sheet_of(pictures: ImageSet, chosen: Int64) -> Sprite:
    """Put some pictures on one sheet, in the order given.

    Parameters
    ----------
    pictures : ImageSet
    chosen : ndarray of int64, shape (n,)
        Indices; at least one.
    """
    from PIL import Image

    height, width = _tile(*pictures.image_shape[:2])
    columns = math.isqrt(len(chosen) - 1) + 1
    rows = -(-len(chosen) // columns)
    colour = pictures.image_shape[2:] if pictures.image_shape[2] == 3 else ()
    sheet = np.zeros((rows * height, columns * width, *colour), np.uint8)
    for place, index in enumerate(chosen):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height, left : left + width] = _scaled(pictures.images[index], height, width)
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
