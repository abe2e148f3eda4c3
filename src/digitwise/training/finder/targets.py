"""What the network should say of a scene.

References
----------
X. Zhou, D. Wang, P. Krähenbühl, Objects as Points (2019), arXiv:1904.07850, section 3.
"""

from __future__ import annotations

from typing import Any

from digitwise.maps import STRIDE, UNIT
from digitwise.synthetic.scenes import IGNORED, SCENE
from digitwise.training.backend import keras

ops = keras.ops

CELLS = SCENE // STRIDE
SPREAD, NARROWEST = 0.1, 0.45  # of a peak, standard deviations: in sizes of the object; in cells, at least
AROUND = 2.0  # pixels around the box of an ignored object that do not count either
PEAK = 0.999  # nearness above which a cell holds an object's middle: it is 1 there but for rounding


@keras.saving.register_keras_serializable("digitwise")
class Targets(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """The truth about each cell.

    Planes: how near an object's middle is, 0 to 1, and 1 in its cell; whether the cell counts; the label of the nearest
    object, its middle's x and y from the cell's in cells, logarithms of its width and height in :data:`UNIT`; whether
    the scene is upright, since the class of a turned digit is not asked for; the scene's turn.
    """

    def __init__(self, **rest: Any) -> None:
        super().__init__(dtype="float32", **rest)

    def call(self, inputs: Any) -> Any:
        """Objects, float32 (n, 96, 5), and turn and fill, float32 (n, 2), to float32 (n, 64, 64, 9)."""
        objects, about = inputs
        near = _nearness(objects)  # (n, 96, 64, 64)
        heat = ops.max(near, axis=1)
        nearest = ops.reshape(ops.argmax(near, axis=1), (-1, CELLS * CELLS, 1))
        chosen = ops.reshape(ops.take_along_axis(objects, nearest, axis=1), (-1, CELLS, CELLS, 5))
        x, y, width, height, label = ops.unstack(chosen, axis=-1)  # (n, 64, 64) each
        cells = ops.arange(CELLS, dtype="float32")
        dx, dy = x / STRIDE - cells[None, None] - 0.5, y / STRIDE - cells[None, :, None] - 0.5
        sizes = [ops.log(ops.maximum(side, 1.0) / UNIT) for side in (width, height)]
        turn = ops.broadcast_to(about[:, :1, None], ops.shape(dx))
        upright = ops.cast(turn == 0, "float32")
        return ops.stack([heat, _counting(objects, heat), label, dx, dy, *sizes, upright, turn], axis=-1)


def _nearness(objects: Any) -> Any:
    """A Gaussian about the cell of each object that is to be found: float32 (n, 96, 64, 64), 0 to 1."""
    x, y, width, height, label = ops.unstack(objects, axis=-1)  # (n, 96) each
    across, down = _bell(x, width), _bell(y, height)
    return down[..., :, None] * across[..., None, :] * ops.cast(label >= 0, "float32")[..., None, None]


def _bell(middle: Any, size: Any) -> Any:
    """A Gaussian along one axis, float32 (n, 96, 64), about the cell of a middle, of objects so large, in pixels."""
    cells = ops.arange(CELLS, dtype="float32")
    cell = ops.clip(ops.floor(middle / STRIDE), 0, CELLS - 1)
    spread = ops.maximum(SPREAD * size / STRIDE, NARROWEST)
    return ops.exp(-((cells - cell[..., None]) ** 2) / (2 * spread[..., None] ** 2))


def _counting(objects: Any, heat: Any) -> Any:
    """1 where a cell counts, 0 where an ignored object covers it and no other has its middle: float32 (n, 64, 64)."""
    x, y, width, height, label = ops.unstack(objects, axis=-1)
    across, down = _covered(x, width), _covered(y, height)
    ignored = ops.cast(label == IGNORED, "float32")
    covered = ops.max(down[..., :, None] * across[..., None, :] * ignored[..., None, None], axis=1)
    return ops.maximum(1 - covered, ops.cast(heat > PEAK, "float32"))


def _covered(middle: Any, size: Any) -> Any:
    """1 where an object, so large in pixels, covers a cell along one axis: float32 (n, 96, 64)."""
    places = (ops.arange(CELLS, dtype="float32") + 0.5) * STRIDE
    return ops.cast(ops.abs(places - middle[..., None]) < size[..., None] / 2 + AROUND, "float32")
