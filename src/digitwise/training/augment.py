"""Augmentation inside the graph: one random affine warp for each image."""

from __future__ import annotations

import math
from typing import Any

from digitwise.recipes import Augmentation
from digitwise.training.backend import keras

ops = keras.ops


def transforms(rotation: Any, shift: Any, shear: Any, zoom: Any, height: int, width: int) -> Any:
    """Compute affine maps from output to input pixels, about the image's centre.

    The matrix is rotation · shift · shear · zoom on (x, y), column first, as in Keras' ``ImageDataGenerator``, so that
    equal parameters give equal images.

    Parameters
    ----------
    rotation, shear : float32 tensor, shape (b,)
        Radians.
    shift : pair of float32 tensors, shape (b,)
        Along x and along y, in pixels.
    zoom : pair of float32 tensors, shape (b,)
        Factors along x and along y; above 1 the digit becomes smaller.
    height, width : int
        Of the images, in pixels.

    Returns
    -------
    float32 tensor, shape (b, 8)
        As :func:`keras.ops.image.affine_transform` takes them: x is the column, y the row.
    """
    cos, sin = ops.cos(rotation), ops.sin(rotation)
    skew, stretch = -ops.sin(shear), ops.cos(shear)
    xx, xy = cos * zoom[0], (cos * skew - sin * stretch) * zoom[1]  # input x by output x, y
    yx, yy = sin * zoom[0], (sin * skew + cos * stretch) * zoom[1]  # input y by output x, y
    x, y = (width - 1) / 2, (height - 1) / 2
    x_offset = cos * shift[0] - sin * shift[1] + x - xx * x - xy * y
    y_offset = sin * shift[0] + cos * shift[1] + y - yx * x - yy * y
    zero = ops.zeros_like(xx)
    return ops.stack([xx, xy, x_offset, yx, yy, y_offset, zero, zero], axis=1)


class RandomWarp(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """Warps each image of a batch by random parameters in training only.

    Parameters
    ----------
    ranges : Augmentation
    seed : int
        Of the parameters.
    """

    def __init__(self, ranges: Augmentation, *, seed: int) -> None:
        super().__init__(dtype="float32", name="random_warp")
        self.ranges = ranges
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        """Map float32 (b, h, w, c) to the same."""
        if not training:
            return images
        height, width = images.shape[1:3]
        ranges = self.ranges
        uniform = keras.random.uniform((6, ops.shape(images)[0]), -1.0, 1.0, seed=self.seed_generator)
        matrices = transforms(
            uniform[0] * math.radians(ranges.rotation_range),
            (
                uniform[1] * _pixels(ranges.width_shift_range, width),
                uniform[2] * _pixels(ranges.height_shift_range, height),
            ),
            uniform[3] * math.radians(ranges.shear_range),
            (1 + uniform[4] * ranges.zoom_range, 1 + uniform[5] * ranges.zoom_range),
            height,
            width,
        )
        return ops.image.affine_transform(images, matrices, interpolation="bilinear", fill_mode="constant")


def _pixels(shift: float, side: int) -> float:
    return shift * side if shift < 1 else shift
