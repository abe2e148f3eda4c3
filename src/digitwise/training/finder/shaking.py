"""Scenes moved and lit anew each time they are shown, on whatever device trains."""

from __future__ import annotations

from typing import Any

from digitwise.synthetic.scenes import IGNORED, SCENE
from digitwise.synthetic.scenes.scene import NOTHING
from digitwise.training.backend import keras

ops = keras.ops

SHIFT = 30.0  # pixels, at most
ZOOM = -0.4, 0.3  # logarithms
STRETCH, ANGLE, SHEAR = 0.08, 0.07, 0.1  # standard deviations: logarithm of width over height, radians, tangent
CONTRAST, GAMMA, LIGHT, GRAIN = 0.25, 0.25, 0.06, 0.015  # standard deviations; of the first two, of logarithms
STRONGEST = 1.3  # more contrast would only be cut off
INVERTED = 0.12  # share of scenes shown light on dark
INSIDE = 0.3, 0.8  # share of an object's box inside the image, from which it is ignored, and from which it counts


@keras.saving.register_keras_serializable("digitwise")
class Shaken(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """Scenes moved by a random affine map and lit anew, with their truth."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(dtype="float32", **rest)
        self.seed = keras.random.SeedGenerator(0)

    def call(self, inputs: Any) -> Any:
        """Shake scenes.

        Parameters
        ----------
        inputs : (uint8 (n, 256, 256), float32 (n, 96, 5), float32 (n, 2))
            As :func:`digitwise.synthetic.scenes.scene.batches` gives them.

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
        """Random affine maps about the scene's middle: matrices (n, 2, 2) and shifts in pixels (n, 2)."""
        zoom, stretch = ops.exp(self._uniform(n, *ZOOM)), ops.exp(self._normal(n, STRETCH))
        angle, shear = self._normal(n, ANGLE), self._normal(n, SHEAR)
        cos, sin = ops.cos(angle), ops.sin(angle)
        x = ops.stack([zoom * stretch * cos, zoom * (shear * cos - sin) / stretch], -1)
        y = ops.stack([zoom * stretch * sin, zoom * (shear * sin + cos) / stretch], -1)
        shift = ops.stack([self._uniform(n, -SHIFT, SHIFT), self._uniform(n, -SHIFT, SHIFT)], -1)
        return ops.stack([x, y], 1), shift

    def _lit(self, images: Any) -> Any:
        """Another contrast, gamma and light, grain, now and then inverted: float32 (n, 256, 256), 0 to 1."""
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
    """Objects, float32 (n, k, 5), through affine maps; what leaves the image is dropped or ignored."""
    half = SCENE / 2
    middle = ops.matmul(objects[..., :2] - half, ops.transpose(forth, (0, 2, 1))) + half + shift[:, None]
    # The box around a turned ellipse, which ink fills as digits do: that around a turned box would be too large.
    size = ops.sqrt(ops.matmul(objects[..., 2:4] ** 2, ops.transpose(forth**2, (0, 2, 1))))
    low, high = ops.clip(middle - size / 2, 0.0, SCENE), ops.clip(middle + size / 2, 0.0, SCENE)
    inside = ops.prod(high - low, axis=-1) / ops.maximum(ops.prod(size, axis=-1), 1e-6)
    label = objects[..., 4]
    label = ops.where((inside < INSIDE[1]) & (label >= 0), float(IGNORED), label)
    label = ops.where(inside < INSIDE[0], float(NOTHING), label)
    return ops.concatenate([(low + high) / 2, high - low, label[..., None]], -1)


def warped(images: Any, forth: Any, shift: Any) -> Any:
    """Images, float32 (n, 256, 256), through affine maps; 0 comes in from outside."""
    (a, b), (c, d) = (ops.unstack(row, axis=1) for row in ops.unstack(forth, axis=1))
    det = a * d - b * c
    p, q, r, s = d / det, -b / det, -c / det, a / det  # the way back, as Keras wants it
    half = (SCENE - 1) / 2  # the middle as counted from the middle of the first pixel
    x, y = half + shift[:, 0], half + shift[:, 1]
    zero = ops.zeros_like(a)
    maps = ops.stack([p, q, half - p * x - q * y, r, s, half - r * x - s * y, zero, zero], -1)
    moved = ops.image.affine_transform(images[..., None], maps, interpolation="bilinear", fill_mode="constant")
    return moved[..., 0]
