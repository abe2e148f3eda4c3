"""From what lies on the table to what a camera or scanner stores: exposure, lens, sensor, file."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from digitwise.images import Float32, UInt8


@dataclass(frozen=True)
class Camera:
    """What a camera does to a picture.

    Parameters
    ----------
    exposure : (float, float, float)
        What red, green and blue are multiplied by: brightness and white balance.
    defocus, motion : float
        Blur: standard deviation, and length in one direction, in pixels.
    direction : float
        Of the motion, in radians.
    noise : float
        Standard deviation of the sensor's noise, in grey levels.
    quality : int, optional
        Of the JPEG file; None for a file without loss.
    """

    exposure: tuple[float, float, float]
    defocus: float
    motion: float
    direction: float
    noise: float
    quality: int | None


def some_camera(height: float, *, rng: np.random.Generator) -> Camera:
    """A camera as it may come; digits ``height`` pixels high stay readable."""
    gain = rng.uniform(0.78, 1.05) if rng.random() < 0.82 else rng.uniform(0.4, 0.78)
    defocus = height * abs(rng.normal(0, 0.01)) if rng.random() < 0.88 else height * rng.uniform(0.015, 0.045)
    return Camera(
        exposure=tuple(gain * (1 + rng.normal(0, 0.03, 3))),
        defocus=max(defocus, 0.3 * rng.random()),
        motion=height * rng.uniform(0.04, 0.12) if rng.random() < 0.08 else 0.0,
        direction=rng.uniform(0, math.pi),
        noise=abs(rng.normal(0, 2.5)) if rng.random() < 0.9 else rng.uniform(4, 12),
        quality=int(rng.integers(35, 96)) if rng.random() < 0.7 else None,
    )


def photographed(scene: Float32, lit: Float32, camera: Camera, *, rng: np.random.Generator) -> UInt8:
    """Take a picture.

    Parameters
    ----------
    scene : ndarray of float32, shape (h, w, 3)
        Colours in even light, 0 to 255; used up.
    lit : ndarray of float32, shape (h, w)
        The light on it, about 1.
    camera : Camera
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    scene *= lit[..., None]
    scene *= np.array(camera.exposure, np.float32)
    image = Image.fromarray(to_uint8(scene))
    if camera.defocus > 0.35:
        image = image.filter(ImageFilter.GaussianBlur(camera.defocus))
    picture = np.asarray(image)
    if camera.motion >= 2:
        picture = _moved(picture, camera.motion, camera.direction)
    if camera.noise:
        # The colours share one field, moved by a pixel: as good as three, and a third of the time.
        height, width = picture.shape[:2]
        field = rng.standard_normal((height, width + 2), np.float32) * np.float32(camera.noise)
        noise = np.lib.stride_tricks.sliding_window_view(field, 3, axis=1)  # (h, w, 3)
        picture = to_uint8(picture + noise)
    return picture if camera.quality is None else through_jpeg(picture, camera.quality)


def through_jpeg(picture: UInt8, quality: int) -> UInt8:
    """What is left of a picture (h, w) or (h, w, 3) after a JPEG file of that quality, 1 to 95."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def to_uint8(values: Float32) -> UInt8:
    """Rounded and clipped to 0 to 255."""
    return np.asarray(np.clip(values + np.float32(0.5), 0, 255).astype(np.uint8))


def _moved(picture: UInt8, length: float, direction: float) -> UInt8:
    """The mean of the picture along a short way."""
    steps = math.ceil(length)
    pad = steps // 2 + 1
    padded = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    height, width = picture.shape[:2]
    total = np.zeros(picture.shape, np.float32)
    for along in np.linspace(-length / 2, length / 2, steps):
        y, x = pad + round(along * math.sin(direction)), pad + round(along * math.cos(direction))
        total += padded[y : y + height, x : x + width]
    return to_uint8(total / np.float32(steps))
