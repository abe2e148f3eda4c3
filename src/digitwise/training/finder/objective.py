"""What the finder learns from: scenes shaken anew each time, the targets of each cell, and the loss.

References
----------
X. Zhou, D. Wang, P. Krähenbühl, Objects as Points (2019), arXiv:1904.07850, section 3: targets, and the focal loss for
peaks with soft edges. T.-Y. Lin et al., Focal Loss for Dense Object Detection (ICCV 2017), arXiv:1708.02002.
R. Girshick, Fast R-CNN (ICCV 2015), arXiv:1504.08083, for the smooth L1 loss. C. Szegedy et al., arXiv:1512.00567,
section 7, for soft labels.
"""

from __future__ import annotations

from typing import Any

from digitwise.maps import CLASSES, PLANES, STRIDE, TURNS, UNIT
from digitwise.synthetic.scenes import IGNORED, SCENE
from digitwise.synthetic.scenes.scene import NOTHING
from digitwise.training.backend import keras

ops = keras.ops

SHIFT = 30.0  # largest, in pixels
ZOOM = -0.4, 0.3  # logarithms
STRETCH, ANGLE, SHEAR = 0.08, 0.07, 0.1  # standard deviations: logarithm of width over height, radians, tangent
CONTRAST, GAMMA, LIGHT, GRAIN = 0.25, 0.25, 0.06, 0.015  # standard deviations; of the first two, of logarithms
STRONGEST = 1.3  # more contrast would only be clipped
INVERTED = 0.12  # share of scenes shown light on dark
INSIDE = 0.3, 0.8  # share of an object's box inside the image, from which it is ignored, and from which it counts
CELLS = SCENE // STRIDE
SPREAD, NARROWEST = 0.1, 0.45  # standard deviation of a peak: share of the object's size; at least, in cells
AROUND = 2.0  # pixels around the box of an ignored object that are ignored too
PEAK = 0.999  # nearness above which a cell has an object's centre: it is 1 there up to rounding
FOCUS, FADED = 2, 4  # exponents that lower the loss of cells that are right already, and of cells near a peak
CROWD = 8  # objects in a scene; of more, each weighs less, so that pages do not outweigh single digits
BELONGING = 0.4  # nearness from which a cell predicts class, turn and box of its object
SOFT = 0.02  # share of a label spread over all classes
TURNING = 0.3  # weight of the turns
BEND = 0.3  # cells, or logarithms: the loss of a box is quadratic for errors below it


@keras.saving.register_keras_serializable("digitwise")
class Shaken(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """Moves scenes and their objects by a random affine map, and changes the scenes' light."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(dtype="float32", **rest)
        self.seed = keras.random.SeedGenerator(0)

    def call(self, inputs: Any) -> Any:
        """Shake scenes.

        Parameters
        ----------
        inputs : (uint8 (n, 256, 256), float32 (n, 96, 5), float32 (n, 2))
            From :func:`digitwise.synthetic.scenes.scene.batches`.

        Returns
        -------
        (float32 (n, 256, 256, 1), float32 (n, 96, 5))
            Images in steps of 1/255, 0 to 1; objects.
        """
        images, objects, about = inputs
        images, fill = ops.cast(images, "float32") / 255, about[:, 1:, None] / 255
        forth, shift = self._maps(ops.shape(images)[0])
        shaken = warped(images - fill, forth, shift) + fill
        return self._lit(shaken)[..., None], moved(objects, forth, shift)

    def _normal(self, n: Any, spread: float) -> Any:
        return keras.random.normal((n,), 0, spread, seed=self.seed)

    def _uniform(self, n: Any, low: float, high: float) -> Any:
        return keras.random.uniform((n,), low, high, seed=self.seed)

    def _maps(self, n: Any) -> tuple[Any, Any]:
        """Draw affine maps about the scene's centre: matrices (n, 2, 2) and shifts in pixels (n, 2)."""
        zoom, stretch = ops.exp(self._uniform(n, *ZOOM)), ops.exp(self._normal(n, STRETCH))
        angle, shear = self._normal(n, ANGLE), self._normal(n, SHEAR)
        cos, sin = ops.cos(angle), ops.sin(angle)
        x = ops.stack([zoom * stretch * cos, zoom * (shear * cos - sin) / stretch], -1)
        y = ops.stack([zoom * stretch * sin, zoom * (shear * sin + cos) / stretch], -1)
        shift = ops.stack([self._uniform(n, -SHIFT, SHIFT), self._uniform(n, -SHIFT, SHIFT)], -1)
        return ops.stack([x, y], 1), shift

    def _lit(self, images: Any) -> Any:
        """Change contrast, gamma and light, add grain, invert some scenes: float32 (n, 256, 256), 0 to 1."""
        n = ops.shape(images)[0]
        contrast, light = ops.exp(self._normal(n, CONTRAST)), self._normal(n, LIGHT)
        images = ops.power(ops.clip(images, 1e-3, 1.0), ops.exp(self._normal(n, GAMMA))[:, None, None])
        images = (images - 0.5) * ops.minimum(contrast, STRONGEST)[:, None, None] + 0.5 + light[:, None, None]
        grain = ops.abs(self._normal(n, GRAIN))[:, None, None]
        images = images + grain * keras.random.normal(ops.shape(images), seed=self.seed)
        inverted = ops.cast(self._uniform(n, 0, 1) < INVERTED, "float32")[:, None, None]
        images = ops.clip(images * (1 - 2 * inverted) + inverted, 0.0, 1.0)
        return ops.round(images * 255) / 255


def moved(objects: Any, forth: Any, shift: Any) -> Any:
    """Apply affine maps to objects, float32 (n, k, 5); those that leave the image are dropped or ignored."""
    half = SCENE / 2
    middle = ops.matmul(objects[..., :2] - half, ops.transpose(forth, (0, 2, 1))) + half + shift[:, None]
    # The box around a turned ellipse, since digits fill a box as ellipses do; that around a turned box is too large.
    size = ops.sqrt(ops.matmul(objects[..., 2:4] ** 2, ops.transpose(forth**2, (0, 2, 1))))
    low, high = ops.clip(middle - size / 2, 0.0, SCENE), ops.clip(middle + size / 2, 0.0, SCENE)
    inside = ops.prod(high - low, axis=-1) / ops.maximum(ops.prod(size, axis=-1), 1e-6)
    label = objects[..., 4]
    label = ops.where((inside < INSIDE[1]) & (label >= 0), float(IGNORED), label)
    label = ops.where(inside < INSIDE[0], float(NOTHING), label)
    return ops.concatenate([(low + high) / 2, high - low, label[..., None]], -1)


def warped(images: Any, forth: Any, shift: Any) -> Any:
    """Apply affine maps to images, float32 (n, 256, 256), with 0 outside."""
    (a, b), (c, d) = (ops.unstack(row, axis=1) for row in ops.unstack(forth, axis=1))
    det = a * d - b * c
    p, q, r, s = d / det, -b / det, -c / det, a / det  # from output to input, as Keras takes it
    half = (SCENE - 1) / 2  # the centre, from the centre of the first pixel
    x, y = half + shift[:, 0], half + shift[:, 1]
    zero = ops.zeros_like(a)
    maps = ops.stack([p, q, half - p * x - q * y, r, s, half - r * x - s * y, zero, zero], -1)
    moved = ops.image.affine_transform(images[..., None], maps, interpolation="bilinear", fill_mode="constant")
    return moved[..., 0]


@keras.saving.register_keras_serializable("digitwise")
class Targets(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """Computes the target of each cell.

    Planes: nearness of an object's centre, 0 to 1, and 1 in its cell; whether the cell counts; the label of the nearest
    object, x and y of its centre from the cell's in cells, logarithms of its width and height in :data:`UNIT`; whether
    the scene is upright, since a turned digit has no class; the scene's turn.
    """

    def __init__(self, **rest: Any) -> None:
        super().__init__(dtype="float32", **rest)

    def call(self, inputs: Any) -> Any:
        """Map objects, float32 (n, 96, 5), and turn and fill, float32 (n, 2), to float32 (n, 64, 64, 9)."""
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
    """A Gaussian around the cell of each object to find: float32 (n, 96, 64, 64), 0 to 1."""
    x, y, width, height, label = ops.unstack(objects, axis=-1)  # (n, 96) each
    across, down = _bell(x, width), _bell(y, height)
    return down[..., :, None] * across[..., None, :] * ops.cast(label >= 0, "float32")[..., None, None]


def _bell(middle: Any, size: Any) -> Any:
    """A Gaussian along one axis, float32 (n, 96, 64), around the cell of each centre; sizes are in pixels."""
    cells = ops.arange(CELLS, dtype="float32")
    cell = ops.clip(ops.floor(middle / STRIDE), 0, CELLS - 1)
    spread = ops.maximum(SPREAD * size / STRIDE, NARROWEST)
    return ops.exp(-((cells - cell[..., None]) ** 2) / (2 * spread[..., None] ** 2))


def _counting(objects: Any, heat: Any) -> Any:
    """1 where a cell counts, 0 where an ignored object covers it and no other is centred: float32 (n, 64, 64)."""
    x, y, width, height, label = ops.unstack(objects, axis=-1)
    across, down = _covered(x, width), _covered(y, height)
    ignored = ops.cast(label == IGNORED, "float32")
    covered = ops.max(down[..., :, None] * across[..., None, :] * ignored[..., None, None], axis=1)
    return ops.maximum(1 - covered, ops.cast(heat > PEAK, "float32"))


def _covered(middle: Any, size: Any) -> Any:
    """1 where an object covers a cell along one axis, float32 (n, 96, 64); sizes are in pixels."""
    places = (ops.arange(CELLS, dtype="float32") + 0.5) * STRIDE
    return ops.cast(ops.abs(places - middle[..., None]) < size[..., None] / 2 + AROUND, "float32")


def loss_of(_: Any, maps: Any) -> Any:
    """Compute the loss of a batch: focal loss of objects, cross-entropy of classes and turns, smooth L1 of boxes.

    Parameters
    ----------
    _ : array
        Keras' labels, which are not used.
    maps : float32 (n, 64, 64, 33)
        The network's output, then the planes of :class:`Targets`.
    """
    predicted, wanted = maps[..., :PLANES], maps[..., PLANES:]
    heat, counts, label, upright, turn = (wanted[..., k] for k in (0, 1, 2, 7, 8))
    number = ops.sum(ops.cast(heat > PEAK, "float32"), axis=(1, 2), keepdims=True)
    share = ops.minimum(1.0, ops.sqrt(CROWD / ops.maximum(number, 1.0)))  # (n, 1, 1): weight of a scene's objects
    objects = ops.sum(share * counts * _focal(predicted[..., 0], heat)) / ops.maximum(ops.sum(share * number), 1.0)
    weight = share * ops.where(heat > BELONGING, heat, 0.0) * counts
    names = ops.one_hot(ops.cast(ops.maximum(label, 0), "int32"), CLASSES) * (1 - SOFT) + SOFT / CLASSES
    classes = _mean(_cross_entropy(predicted[..., 1 : 1 + CLASSES], names), weight * upright)
    quarters = ops.one_hot(ops.cast(turn, "int32"), TURNS)
    digit = ops.cast(label < 10, "float32")  # a point or dash shows no turn
    turns = _mean(_cross_entropy(predicted[..., 1 + CLASSES : 1 + CLASSES + TURNS], quarters), weight * digit)
    boxes = _mean(_smooth(predicted[..., -4:] - wanted[..., 3:7]), weight)
    return objects + classes + TURNING * turns + boxes


def _focal(logit: Any, heat: Any) -> Any:
    """Penalty-reduced focal loss of each cell (n, 64, 64)."""
    middle = ops.cast(heat > PEAK, "float32")
    found, yes, no = ops.sigmoid(logit), ops.log_sigmoid(logit), ops.log_sigmoid(-logit)
    return -middle * (1 - found) ** FOCUS * yes - (1 - middle) * (1 - heat) ** FADED * found**FOCUS * no


def _cross_entropy(logits: Any, target: Any) -> Any:
    """Of each cell, from (n, 64, 64, k)."""
    return -ops.sum(target * ops.log_softmax(logits), axis=-1)


def _smooth(error: Any) -> Any:
    """Smooth L1 loss of each cell's box, from (n, 64, 64, 4)."""
    off = ops.abs(error)
    return ops.sum(ops.where(off < BEND, off**2 / (2 * BEND), off - BEND / 2), axis=-1)


def _mean(values: Any, weight: Any) -> Any:
    """The weighted mean, with a sum of weights below 1 taken as 1."""
    return ops.sum(weight * values) / ops.maximum(ops.sum(weight), 1.0)
