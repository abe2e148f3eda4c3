"""A set's pictures brought to one size and one kind, whatever is on them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from digitwise.images import UInt8

LARGEST_KEPT = 64  # pixels a side up to which pictures of one common size stay as they are
COMMON_SIZE = 28  # the side of MNIST's pictures, for sets of mixed or large sizes


def grey(picture: UInt8) -> UInt8:
    """Luma of an RGB picture (h, w, 3), uint8 (h, w); a grey one passes unchanged."""
    return picture if picture.ndim == 2 else np.asarray(Image.fromarray(picture).convert("L"))


def common_size(shapes: set[tuple[int, int]]) -> tuple[int, int]:
    """The (height, width) a set of pictures is brought to: its own if it has one small size, else 28x28."""
    if len(shapes) == 1:
        height, width = next(iter(shapes))
        if max(height, width) <= LARGEST_KEPT:
            return height, width
    return COMMON_SIZE, COMMON_SIZE


def fit_into(picture: UInt8, size: tuple[int, int]) -> UInt8:
    """Scale a picture into ``size`` (height, width), aspect kept, the rest filled with its own border's shade.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
    size : (int, int)

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)
        The picture itself where it has that size already.
    """
    if picture.shape[:2] == size:
        return picture
    shade = tuple(int(v) for v in np.atleast_1d(np.median(border(picture), axis=0)))
    image = Image.fromarray(picture)
    fill = shade if picture.ndim == 3 else shade[0]
    return np.asarray(ImageOps.pad(image, (size[1], size[0]), Image.Resampling.LANCZOS, color=fill))


def border(picture: UInt8) -> UInt8:
    """The outermost pixels, uint8 of shape (k,) or (k, 3)."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def is_dark_on_light(pictures: UInt8) -> bool:
    """Whether most grey pictures (n, h, w) have a ground lighter than their ink.

    The ground is what touches the border (its median); the ink is what lies furthest from it.
    """
    flat = pictures.reshape(len(pictures), -1).astype(np.int16)
    edge = [pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]]
    ground = np.median(np.concatenate(edge, axis=1), axis=1)
    darker, lighter = ground - flat.min(axis=1), flat.max(axis=1) - ground
    return bool((darker > lighter).mean() > 0.5)
