"""The photo of a scene: light, folds, borders, blur and noise; cropping and turning."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from digitwise.images import Float32, UInt8
from digitwise.maps import padded_with
from digitwise.synthetic.camera import through_jpeg, to_uint8
from digitwise.synthetic.noise import resized
from digitwise.synthetic.scenes.canvas import IGNORED, MOST, SCENE, SceneObject

SMALLEST = 9  # pixels of a digit, below which reducing would make it unreadable
ROOM = 24  # least pixels of visible desk
SHARP = 0.06  # largest standard deviation of the blur, in heights of a digit, that keeps it readable
VISIBLE = 0.8  # visible share of an object's box above which it must be found
REMNANT = 0.05  # visible share above which it is ignored, and below which it counts as paper
NARROWEST = 12  # least pixels of a side of the shown part
Frame = tuple[int, int, int, int]  # left, top, right, bottom in pixels
WHOLE: Frame = (0, 0, SCENE, SCENE)


def seen(paper: Float32, found: list[SceneObject], *, rng: np.random.Generator) -> UInt8:
    """Photograph a scene, float32 (256, 256) to uint8 (256, 256), such that its digits stay readable."""
    heights = [height for *_, height, label in found if 0 <= label < 10]
    if rng.random() < 0.35:
        paper = _lit(paper, rng=rng)
    if rng.random() < 0.06:
        paper = _creased(paper, rng=rng)
    if rng.random() < 0.09:
        paper = _bordered(paper, rng=rng)
    if rng.random() < 0.12:
        paper = _on_a_desk(paper, found, rng=rng)
    if rng.random() < 0.12:
        small = rng.uniform(0.5, 0.9)
        if not heights or min(heights) * small > SMALLEST:
            paper = resized(resized(paper, (round(SCENE * small),) * 2), (SCENE, SCENE))
    values = _blurred(np.clip(paper, 0, 255), heights, rng=rng)
    if rng.random() < 0.6:
        values = values + np.float32(abs(rng.normal(0, 4))) * rng.standard_normal(values.shape, np.float32)
    image = to_uint8(values)
    return through_jpeg(image, int(rng.integers(20, 96))) if rng.random() < 0.35 else image


def _lit(paper: Float32, *, rng: np.random.Generator) -> Float32:
    """Light from one side, sometimes with the edge of a shadow."""
    side = np.linspace(-0.5, 0.5, SCENE, dtype=np.float32)
    angle, slope = rng.uniform(0, 2 * math.pi), abs(rng.normal(0, 0.25))
    ramp = np.float32(math.cos(angle)) * side[None] + np.float32(math.sin(angle)) * side[:, None]
    light = 1 + np.float32(slope) * ramp
    if rng.random() < 0.35:
        depth, at, soft = (np.float32(rng.uniform(*span)) for span in ((0.1, 0.6), (-0.4, 0.4), (0.01, 0.3)))
        light = light * (1 - depth * np.clip(0.5 + (ramp - at) / soft, 0, 1))
    return paper * np.maximum(light, 0.05)


def _creased(paper: Float32, *, rng: np.random.Generator) -> Float32:
    """A fold, light on one side and dark on the other."""
    at, soft = rng.uniform(0, SCENE), rng.uniform(1, 6)
    across = np.arange(SCENE, dtype=np.float32) - np.float32(at)
    fold = np.float32(rng.normal(0, 22)) * across / np.float32(soft) * np.exp(-((across / soft) ** 2) / 2)
    return paper + (fold[None] if rng.random() < 0.5 else fold[:, None])


def _bordered(paper: Float32, *, rng: np.random.Generator) -> Float32:
    """The border of a scan or a gutter, along one side."""
    depth = int(rng.uniform(3, 50))
    shade, soft = rng.uniform(0, 120), rng.uniform(0.3, 12)
    away = np.arange(SCENE, dtype=np.float32)
    amount = 1 / (1 + np.exp(np.clip((away - depth) / np.float32(soft), -20, 20)))
    sides = [amount[:, None], amount[::-1, None], amount[None], amount[None, ::-1]]
    side = sides[int(rng.integers(4))]
    return np.asarray(paper * (1 - side) + np.float32(shade) * side)


def _on_a_desk(paper: Float32, found: list[SceneObject], *, rng: np.random.Generator) -> Float32:
    """Show a desk beyond an edge of the paper, which has any angle, cuts no object, and throws a shadow."""
    angle = rng.uniform(0, 2 * math.pi)
    x, y = math.cos(angle), math.sin(angle)
    reach = SCENE / 2 * (abs(x) + abs(y))  # of the scene's corners from its middle, along the edge's normal
    ends = [
        (middle[0] - SCENE / 2) * x + (middle[1] - SCENE / 2) * y + (abs(x) * width + abs(y) * height) / 2
        for *middle, width, height, _ in found
    ]
    nearest = max(ends, default=-reach / 2)
    if nearest > reach - ROOM:
        return paper
    edge = np.float32(rng.uniform(nearest, reach - ROOM / 2))
    side = np.arange(SCENE, dtype=np.float32) - np.float32(SCENE / 2)
    beyond = np.float32(x) * side[None] + np.float32(y) * side[:, None] - edge
    cells = np.exp(rng.uniform(math.log(1.5), math.log(120), 2))  # long in one direction: wood, cloth
    grain = resized(
        rng.standard_normal((int(SCENE / cells[0]) + 2, int(SCENE / cells[1]) + 2), np.float32), paper.shape
    )
    desk = np.float32(rng.uniform(15, 235)) + np.float32(abs(rng.normal(0, 22))) * grain
    shadow = 1 - np.float32(rng.uniform(0, 0.5)) * np.exp(-np.maximum(beyond, 0) / np.float32(rng.uniform(1, 15)))
    share = np.clip(0.5 + beyond / np.float32(rng.uniform(0.5, 3)), 0, 1)
    return np.asarray(paper * (1 - share) + desk * shadow * share)


def _blurred(paper: Float32, heights: list[float], *, rng: np.random.Generator) -> Float32:
    """Blur, as far as digits of the given heights in pixels stay readable."""
    sigma = abs(rng.normal(0, 0.6)) if rng.random() < 0.8 else rng.uniform(0.6, 1.6)
    if heights:
        sigma = min(sigma, SHARP * float(np.median(heights)))
    image = Image.fromarray(np.asarray(paper, np.uint8))
    if sigma > 0.3:
        image = image.filter(ImageFilter.GaussianBlur(sigma))
    return np.asarray(image, np.float32)


def cropped(
    image: UInt8, found: list[SceneObject], *, chance: float, rng: np.random.Generator
) -> tuple[UInt8, Float32, Frame]:
    """Show the scene, or by a probability ``chance`` a part of it, anywhere in a filled image of the same size.

    Returns
    -------
    (ndarray of uint8, shape (256, 256); ndarray of float32, shape (n, 5); Frame)
        The image, the visible objects, and the frame of the part.
    """
    objects = np.array(found, np.float32).reshape(-1, 5)
    window = _window(objects, rng=rng) if rng.random() < chance else WHOLE
    left, top, right, bottom = window
    part = image[top:bottom, left:right]
    shown = np.full((SCENE, SCENE), padded_with(part), np.uint8)
    x, y = int(rng.integers(0, SCENE - (right - left) + 1)), int(rng.integers(0, SCENE - (bottom - top) + 1))
    frame = x, y, x + right - left, y + bottom - top
    shown[y : frame[3], x : frame[2]] = part
    return shown, _visible(objects, window, (x, y)), frame


def _window(objects: Float32, *, rng: np.random.Generator) -> Frame:
    """Draw a window around the objects, with margins that may cut them."""
    left, top, right, bottom = WHOLE
    if len(objects):
        left, top = (objects[:, :2] - objects[:, 2:4] / 2).min(axis=0)
        right, bottom = (objects[:, :2] + objects[:, 2:4] / 2).max(axis=0)
    tall = float(np.median(objects[:, 3])) if len(objects) else 40.0
    margins = tall * np.abs(rng.normal(0, 0.5, 4)) if rng.random() < 0.7 else rng.uniform(-1, 2, 4)
    left, top = int(max(0, left - margins[0])), int(max(0, top - margins[1]))
    right, bottom = int(min(SCENE, math.ceil(right + margins[2]))), int(min(SCENE, math.ceil(bottom + margins[3])))
    return WHOLE if right - left < NARROWEST or bottom - top < NARROWEST else (left, top, right, bottom)


def _visible(objects: Float32, window: Frame, at: tuple[int, int]) -> Float32:
    """The visible objects (n, 5) of a window whose corner moves to ``at``, with boxes cut to it."""
    centres, sizes, labels = np.split(objects.astype(np.float64), [2, 4], axis=1)  # (n, 2), (n, 2), (n, 1)
    low, high = np.maximum(centres - sizes / 2, window[:2]), np.minimum(centres + sizes / 2, window[2:])
    shares = np.maximum(0, high - low).prod(axis=1) / np.maximum(sizes.prod(axis=1), 1e-6)
    labels = np.where(shares[:, None] > VISIBLE, labels, IGNORED)
    visible = np.concatenate([(low + high) / 2 + at - window[:2], high - low, labels], axis=1)
    return np.asarray(visible[shares > REMNANT][:MOST], np.float32)


def turned(image: UInt8, objects: Float32, frame: Frame, turn: int) -> tuple[UInt8, Float32, Frame]:
    """Turn image, objects and frame clockwise by ``turn`` quarters."""
    objects = objects.copy()
    for _ in range(turn):  # a quarter clockwise: (x, y) becomes (side - y, x)
        objects[:, :2] = np.stack([SCENE - objects[:, 1], objects[:, 0]], axis=1)
        objects[:, 2:4] = objects[:, 3:1:-1]
        left, top, right, bottom = frame
        frame = SCENE - bottom, left, SCENE - top, right
    return np.ascontiguousarray(np.rot90(image, -turn)), objects, frame
