"""Corrupted test images, each kind in several severities, to measure the robustness of a reader.

References
----------
N. Mu, J. Gilmer, MNIST-C: A Robustness Benchmark for Computer Vision, arXiv:1906.02337 (2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digitwise.errors import DataError
from digitwise.images import Float32, Float64, UInt8
from digitwise.synthetic.camera import through_jpeg, to_uint8
from digitwise.synthetic.noise import plasma
from digitwise.synthetic.pens import with_stroke

Corrupt = Callable[[UInt8, float, np.random.Generator], UInt8]
BLOCK = 500  # images at a time, whose floats fit a processor's cache


@dataclass(frozen=True)
class Corruption:
    """A kind of corruption."""

    name: str
    unit: str  # of a severity
    severities: tuple[float, ...]  # in the robustness table, the mildest first
    apply: Corrupt  # from images (n, h, w), a severity and a generator to images


def corrupted(images: UInt8, kind: str, severity: float, *, rng: np.random.Generator) -> UInt8:
    """Corrupt images.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w)
        Light ink on a dark ground.
    kind : str
        A name of :data:`CORRUPTIONS`.
    severity : float
        In the kind's unit; any value, not only those of its table.
    rng : numpy.random.Generator
        Draws signs, directions and noise for each image.

    Returns
    -------
    ndarray of uint8, shape (n, h, w)

    Raises
    ------
    DataError
        If there is no such kind.
    """
    if kind not in CORRUPTIONS:
        raise DataError(f"kind: expected one of {', '.join(CORRUPTIONS)}, got {kind!r}")
    apply = CORRUPTIONS[kind].apply
    parts = [apply(images[start : start + BLOCK], severity, rng) for start in range(0, len(images), BLOCK)]
    return np.concatenate(parts) if parts else images.copy()


def _signs(n: int, rng: np.random.Generator) -> Float64:
    """1 or -1, float64 of shape (n,)."""
    return np.asarray(rng.integers(0, 2, n) * 2 - 1, np.float64)


def _rotated(images: UInt8, degrees: float, rng: np.random.Generator) -> UInt8:
    """Rotate to either side."""
    angle = np.radians(degrees) * _signs(len(images), rng)
    cos, sin = np.cos(angle), np.sin(angle)
    return warped(images, np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2))


def _shifted(images: UInt8, pixels: float, rng: np.random.Generator) -> UInt8:
    """Shift in any direction."""
    angle = rng.uniform(0, 2 * np.pi, len(images))
    shifts = pixels * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return warped(images, np.broadcast_to(np.eye(2), (len(images), 2, 2)), shifts)


def _scaled(images: UInt8, factor: float, rng: np.random.Generator) -> UInt8:
    return warped(images, np.broadcast_to(np.eye(2) * factor, (len(images), 2, 2)))


def _sheared(images: UInt8, degrees: float, rng: np.random.Generator) -> UInt8:
    """Shear to either side."""
    maps = np.tile(np.eye(2), (len(images), 1, 1))
    maps[:, 0, 1] = math.tan(math.radians(degrees)) * _signs(len(images), rng)
    return warped(images, maps)


def _gaussian_noise(images: UInt8, spread: float, rng: np.random.Generator) -> UInt8:
    return to_uint8(images + np.float32(255 * spread) * rng.standard_normal(images.shape, np.float32))


def _impulse_noise(images: UInt8, share: float, rng: np.random.Generator) -> UInt8:
    """Add salt and pepper in equal parts."""
    drawn = rng.random(images.shape, np.float32)
    noisy = np.where(drawn < share / 2, np.uint8(0), images)
    return np.where(drawn > 1 - share / 2, np.uint8(255), noisy)


def _gaussian_blur(images: UInt8, pixels: float, rng: np.random.Generator) -> UInt8:
    from scipy.ndimage import gaussian_filter

    return to_uint8(gaussian_filter(images.astype(np.float32), (0, pixels, pixels), mode="nearest"))


def _motion_blur(images: UInt8, pixels: float, rng: np.random.Generator) -> UInt8:
    """Average along any direction, in steps of half a pixel."""
    angle = rng.uniform(0, np.pi, len(images))
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    steps = np.linspace(-pixels / 2, pixels / 2, math.ceil(2 * pixels) + 1)
    still = np.broadcast_to(np.eye(2), (len(images), 2, 2))
    total = np.zeros(images.shape, np.float32)
    for step in steps:
        total += warped(images, still, step * way)
    return to_uint8(total / np.float32(len(steps)))


def _jpeg(images: UInt8, quality: float, rng: np.random.Generator) -> UInt8:
    return np.stack([through_jpeg(image, int(quality)) for image in images])


def _brighter(images: UInt8, share: float, rng: np.random.Generator) -> UInt8:
    return to_uint8(images + np.float32(255 * share))


def _fog(images: UInt8, amount: float, rng: np.random.Generator) -> UInt8:
    """Add clouds, then rescale to the image's range."""
    height, width = images.shape[1:]
    side = 1 << (max(height, width) - 1).bit_length()
    clouds = plasma(len(images), side, 2.0, rng=rng)[:, :height, :width] * np.float32(amount)
    light = images.astype(np.float32) / 255
    most = light.max(axis=(1, 2), keepdims=True)
    return to_uint8((light + clouds) * (most / (most + np.float32(amount))) * 255)


def _stripes(images: UInt8, share: float, rng: np.random.Generator) -> UInt8:
    """Invert the outer columns of both sides."""
    wide = round(share * images.shape[2])
    striped = images.copy()
    if wide:
        striped[:, :, :wide] = 255 - striped[:, :, :wide]
        striped[:, :, -wide:] = 255 - striped[:, :, -wide:]
    return striped


def _low_contrast(images: UInt8, share: float, rng: np.random.Generator) -> UInt8:
    """Reduce the contrast about middle grey."""
    return to_uint8((images.astype(np.float32) - 127.5) * np.float32(share) + 127.5)


def _inverted(images: UInt8, severity: float, rng: np.random.Generator) -> UInt8:
    return 255 - images


def _thinner(images: UInt8, share: float, rng: np.random.Generator) -> UInt8:
    return np.stack([with_stroke(image, 1 - share) for image in images])


def _thicker(images: UInt8, share: float, rng: np.random.Generator) -> UInt8:
    return np.stack([with_stroke(image, 1 + share) for image in images])


CORRUPTIONS = {
    kind.name: kind
    for kind in (
        Corruption("rotation", "degrees", (5, 10, 15, 20, 30), _rotated),
        Corruption("shift", "pixels", (1, 2, 4), _shifted),
        Corruption("scale", "factor", (0.85, 1.2, 0.7, 0.5), _scaled),
        Corruption("shear", "degrees", (10, 20, 30), _sheared),
        Corruption("gaussian noise", "spread, share of white", (0.1, 0.2, 0.3), _gaussian_noise),
        Corruption("impulse noise", "share of pixels", (0.05, 0.1, 0.2), _impulse_noise),
        Corruption("gaussian blur", "pixels", (1, 1.5, 2), _gaussian_blur),
        Corruption("motion blur", "pixels", (3, 5, 7), _motion_blur),
        Corruption("jpeg", "quality", (30, 15, 5), _jpeg),
        Corruption("brightness", "share of white", (0.2, 0.4, 0.6), _brighter),
        Corruption("fog", "clouds over white", (0.5, 1, 1.5, 2), _fog),
        Corruption("stripes", "share of the width, a side", (0.25,), _stripes),
        Corruption("low contrast", "share kept", (0.5, 0.3, 0.1), _low_contrast),
        Corruption("inverted", "", (1,), _inverted),
        Corruption("thinning", "share of the stroke", (0.3, 0.5, 0.7), _thinner),
        Corruption("thickening", "share of the stroke", (0.3, 0.6, 1), _thicker),
    )
}


def warped(images: UInt8, maps: Float64, shifts: Float64 | None = None) -> UInt8:
    """Transform images about their centre with bilinear interpolation; outside is 0.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w)
    maps : ndarray of float64, shape (n, 2, 2)
        Matrices for coordinates (x, y) from the centre.
    shifts : ndarray of float64, shape (n, 2), optional
        Added after the matrix, in pixels.

    Returns
    -------
    ndarray of uint8, shape (n, h, w)
    """
    n, height, width = images.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    y, x = np.mgrid[:height, :width]
    places = np.stack([x.ravel(), y.ravel()]) - middle[:, None]  # (2, h * w)
    if shifts is not None:
        places = places[None] - shifts[:, :, None]
    source = np.linalg.inv(maps) @ places + middle[:, None] + 1  # (n, 2, h * w), in images with a border of 0
    source = np.clip(source, 0, [[width + 1 - 1e-6], [height + 1 - 1e-6]])
    whole = source.astype(np.intp)
    right, down = np.moveaxis((source - whole).astype(np.float32), 1, 0)  # (n, h * w)
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2))).reshape(-1)
    stride = width + 3
    start = (np.arange(n) * (height + 3) * stride)[:, None] + whole[:, 1] * stride + whole[:, 0]

    def at(step: int) -> Float32:
        return np.asarray(padded[start + step], np.float32)

    upper = at(0) * (1 - right) + at(1) * right
    lower = at(stride) * (1 - right) + at(stride + 1) * right
    mixed = np.rint(upper * (1 - down) + lower * down)
    return np.asarray(mixed, np.uint8).reshape(images.shape)
