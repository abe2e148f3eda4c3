"""From a page to the image that a camera or scanner stores: view, exposure, lens, sensor, file."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from digitwise.images import Float32, Float64, UInt8
from digitwise.planes import mapped, seen_through, shift
from digitwise.synthetic.noise import smooth_noise

DESKS = ((62, 42, 28), (104, 72, 46), (34, 34, 38), (40, 46, 66), (84, 84, 82))  # RGB: woods, black, cloth, stone
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, eq=False)
class View:
    """A part of a plane as a camera sees it."""

    forth: Float64  # (3, 3): the homography from the page's pixels to the image's
    size: tuple[int, int]  # height and width of the image
    paper: Box  # left, top, right and bottom of the paper, in the page's pixels; it may reach beyond the image

    def seen(self, points: Float64) -> Float64:
        """Map points (n, 2), x and y, of the page to the image."""
        return mapped(self.forth, points)

    def image(self, page: UInt8, desk: Float32) -> Float32:
        """Show the page's raster (k, l, 3), which begins at the paper's corner, on a desk (h, w, 3)."""
        back = shift(-self.paper[0], -self.paper[1]) @ np.linalg.inv(self.forth)
        lit = seen_through(page, back, self.size, fill=0)
        there = seen_through(np.full(page.shape[:2], 255, np.uint8), back, self.size, fill=0)
        amount = there.astype(np.float32)[..., None] / 255
        if amount.min() == 1:
            return lit.astype(np.float32)
        return np.asarray(desk + (lit.astype(np.float32) - desk) * amount, np.float32)


def some_view(
    content: Box,
    height: float,
    *,
    tilt: float,
    edges: tuple[bool, ...],
    smallest: tuple[int, int],
    rng: np.random.Generator,
) -> View:
    """Draw a view of a page.

    Parameters
    ----------
    content : (float, float, float, float)
        Left, top, right and bottom of what must be in view.
    height : float
        Of a digit, in pixels.
    tilt : float
        Degrees, counter-clockwise.
    edges : tuple of bool
        At the left, top, right and bottom: whether the paper ends in the image.
    smallest : (int, int)
        The least height and width.
    rng : numpy.random.Generator
    """
    sign = np.array([-1, -1, 1, 1])
    paper: Float64 = np.array(content, np.float64) + sign * height * rng.uniform(0.5, 1.8, 4)
    missing = np.maximum(0, np.array(smallest)[::-1] - (paper[2:] - paper[:2]))  # width, height
    split = rng.uniform(0.3, 0.7, 2)
    paper += np.concatenate([-missing * split, missing * (1 - split)])
    forth = _tilted(paper, tilt) @ _from_the_side(paper, rng=rng)
    window = _bounds(forth, paper)
    window += sign * np.where(edges, rng.uniform(0.02, 0.1, 4) * (window[2:] - window[:2]).mean(), 0)
    window = np.asarray(np.where(sign < 0, np.floor(window), np.ceil(window)), np.float64)
    reach = _bounds(np.linalg.inv(forth).astype(np.float64), window) + sign * 2
    paper = np.where(edges, paper, np.where(sign < 0, np.minimum(reach, paper), np.maximum(reach, paper)))
    paper = np.asarray(np.where(sign < 0, np.floor(paper), np.ceil(paper)), np.float64)
    forth = shift(-window[0], -window[1]) @ forth
    size = int(window[3] - window[1]), int(window[2] - window[0])
    left, top, right, bottom = (float(v) for v in paper)
    return View(forth, size, (left, top, right, bottom))


def some_desk(shape: tuple[int, int], *, rng: np.random.Generator) -> Float32:
    """Draw the surface under the paper, float32 of shape (h, w, 3): grained wood, cloth or stone."""
    desk = np.empty((*shape, 3), np.float32)
    desk[:] = np.array(DESKS[rng.integers(len(DESKS))]) + rng.normal(0, 8)
    lying = rng.random() < 0.5
    rows = smooth_noise((shape[0], 1) if lying else (1, shape[1]), rng.uniform(3, 12), rng=rng)  # along the grain
    desk += (rng.uniform(0, 10) * rows + rng.uniform(1, 5) * smooth_noise(shape, rng.uniform(2, 6), rng=rng))[..., None]
    return desk


def _bounds(homography: Float64, box: Float64) -> Float64:
    """The bounding box of a mapped box."""
    corners = mapped(homography, np.array([[x, y] for x in box[::2] for y in box[1::2]]))
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _tilted(box: Float64, degrees: float) -> Float64:
    """A rotation about the centre of a box, as a homography."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    x, y = (box[:2] + box[2:]) / 2
    return np.asarray(turn @ shift(-x, -y), np.float64)


def _from_the_side(box: Float64, *, rng: np.random.Generator) -> Float64:
    """A slight perspective about the centre of a box, as a homography."""
    x, y = (box[:2] + box[2:]) / 2
    width, height = box[2:] - box[:2]
    far = rng.normal(0, 0.03, 2) / np.array([width, height])
    there = shift(-x, -y)
    return np.asarray(np.linalg.inv(there) @ np.array([[1, 0, 0], [0, 1, 0], [*far, 1]]) @ there, np.float64)


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
