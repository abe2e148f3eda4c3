"""Bringing images to one size, to grey, and finding their polarity."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from digitwise.images import UInt8

LARGEST_KEPT = 64  # pixels a side up to which images of one common size stay as they are
COMMON_SIZE = 28  # the side of MNIST's images, for sets of mixed or large sizes


def grey(image: UInt8) -> UInt8:
    """Luma of an RGB image (h, w, 3), uint8 (h, w); a grey one passes unchanged."""
    return image if image.ndim == 2 else np.asarray(Image.fromarray(image).convert("L"))


def common_size(shapes: set[tuple[int, int]]) -> tuple[int, int]:
    """The (height, width) a set of images is brought to: its own if it has one small size, else 28x28."""
    if len(shapes) == 1:
        height, width = next(iter(shapes))
        if max(height, width) <= LARGEST_KEPT:
            return height, width
    return COMMON_SIZE, COMMON_SIZE


def fit_into(image: UInt8, size: tuple[int, int]) -> UInt8:
    """Scale an image into ``size`` (height, width), aspect kept, the rest filled with its own border's shade.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w) or (h, w, 3)
    size : (int, int)

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)
        The image itself where it has that size already.
    """
    if image.shape[:2] == size:
        return image
    shade = tuple(int(v) for v in np.atleast_1d(np.median(border(image), axis=0)))
    pillow = Image.fromarray(image)
    fill = shade if image.ndim == 3 else shade[0]
    return np.asarray(ImageOps.pad(pillow, (size[1], size[0]), Image.Resampling.LANCZOS, color=fill))


def border(image: UInt8) -> UInt8:
    """The outermost pixels, uint8 of shape (k,) or (k, 3)."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def is_dark_on_light(images: UInt8) -> bool:
    """Whether most grey images (n, h, w) have a ground lighter than their ink.

    The ground is what touches the border (its median); the ink is what lies furthest from it.
    """
    flat = images.reshape(len(images), -1).astype(np.int16)
    edge = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    ground = np.median(np.concatenate(edge, axis=1), axis=1)
    darker, lighter = ground - flat.min(axis=1), flat.max(axis=1) - ground
    return bool((darker > lighter).mean() > 0.5)
