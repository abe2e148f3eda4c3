"""A camera or scanner: exposure, lens, sensor, file."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from digitwise.images import Float32, UInt8


@dataclass(frozen=True)
class Camera:
    """The properties of a camera."""

    exposure: tuple[float, float, float]  # factors on red, green and blue: brightness and white balance
    defocus: float  # standard deviation of the blur, in pixels
    motion: float  # length of the motion blur, in pixels
    direction: float  # of the motion, in radians
    noise: float  # standard deviation of the sensor's noise, in grey levels
    quality: int | None  # of the JPEG file; None for a file without loss


def some_camera(height: float, *, rng: np.random.Generator) -> Camera:
    """Draw a camera that keeps digits of ``height`` pixels readable."""
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
    """Take an image.

    Parameters
    ----------
    scene : ndarray of float32, shape (h, w, 3)
        Colours in even light, 0 to 255; changed in place.
    lit : ndarray of float32, shape (h, w)
        The light, about 1.
    camera : Camera
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    scene *= lit[..., None]
    scene *= np.array(camera.exposure, np.float32)
    pillow = Image.fromarray(to_uint8(scene))
    if camera.defocus > 0.35:
        pillow = pillow.filter(ImageFilter.GaussianBlur(camera.defocus))
    image = np.asarray(pillow)
    if camera.motion >= 2:
        image = _moved(image, camera.motion, camera.direction)
    if camera.noise:
        # The colours share one field, shifted by a pixel: as good as three fields, in a third of the time.
        height, width = image.shape[:2]
        field = rng.standard_normal((height, width + 2), np.float32) * np.float32(camera.noise)
        noise = np.lib.stride_tricks.sliding_window_view(field, 3, axis=1)  # (h, w, 3)
        image = to_uint8(image + noise)
    return image if camera.quality is None else through_jpeg(image, camera.quality)


def through_jpeg(image: UInt8, quality: int) -> UInt8:
    """Compress an image (h, w) or (h, w, 3) to JPEG at a quality of 1 to 95, and decode it."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def to_uint8(values: Float32) -> UInt8:
    """Rounded and clipped to 0 to 255."""
    return np.asarray(np.clip(values + np.float32(0.5), 0, 255).astype(np.uint8))


def _moved(image: UInt8, length: float, direction: float) -> UInt8:
    """Average the image along a short way."""
    steps = math.ceil(length)
    pad = steps // 2 + 1
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    total = np.zeros(image.shape, np.float32)
    for along in np.linspace(-length / 2, length / 2, steps):
        y, x = pad + round(along * math.sin(direction)), pad + round(along * math.cos(direction))
        total += padded[y : y + height, x : x + width]
    return to_uint8(total / np.float32(steps))
