"""Forms drawn for tests, as scans and as photos of a sheet on a desk, with the true place of every point."""

from __future__ import annotations

import numpy as np
from PIL import Image

from benchmarks.made_pages import View
from digitwise.planes import mapped
from digitwise.reading.forms.template import Template
from tests.reading.drawing import write

FIELDS = {"amount": (55, 12, 38, 8), "postcode": (8, 30, 40, 8), "date": (8, 60, 40, 8), "meter": (55, 60, 38, 8)}
MARKS = {
    "none": (),
    "three": ((5, 4), (95, 4), (5, 96)),
    "four": ((5, 4), (95, 4), (5, 96), (95, 96)),
    "five": ((5, 4), (95, 4), (5, 96), (95, 96), (20, 4)),
    "uneven": ((5, 4), (95, 4), (5, 96), (95, 70)),
}
TEXTS = {"amount": "1250", "postcode": "31415", "date": "92653", "meter": "5897"}


def template_of(marks: str = "four") -> Template:
    places = f"marks = {[list(mark) for mark in MARKS[marks]]}\n"
    fields = "".join(f"[fields.{name}]\nbox = {list(box)}\n" for name, box in FIELDS.items())
    return Template.from_toml(places + fields, "form.toml")


def form(
    marks: str = "four", *, size: tuple[int, int] = (1000, 720), round_marks: bool = False, frames: bool = True
) -> np.ndarray:
    """A filled form, uint8 (h, w), dark on light."""
    height, width = size
    ink = np.zeros(size, np.float32)
    for name, (left, top, wide, high) in FIELDS.items():
        x, y, w, h = (
            round(part * side / 100) for part, side in zip((left, top, wide, high), (width, height) * 2, strict=True)
        )
        if frames:
            for rows, columns in (
                (slice(y, y + 2), slice(x, x + w)),
                (slice(y + h - 2, y + h), slice(x, x + w)),
                (slice(y, y + h), slice(x, x + 2)),
                (slice(y, y + h), slice(x + w - 2, x + w)),
            ):
                ink[rows, columns] = 0.7
        write(ink, TEXTS[name], x + 16, y + h // 2 - 20, gap=8)
    ink[round(0.45 * height) : round(0.45 * height) + 3, 60 : width - 60] = 0.8  # a printed line
    side, ys, xs = 0.015 * height, *np.mgrid[:height, :width]
    for x, y in MARKS[marks]:
        dx, dy = np.abs(xs + 0.5 - x * width / 100), np.abs(ys + 0.5 - y * height / 100)
        ink[(np.hypot(dx, dy) if round_marks else np.maximum(dx, dy)) < side] = 1
    return np.uint8(232 - 190 * ink)


def photo_of(
    sheet: np.ndarray,
    seed: int,
    *,
    desk: tuple[int, int] = (40, 110),
    shadow: bool = True,
    tilt: float = 8,
    turn: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """A photo, uint8 (h, w, 3), and where each per cent of the form lies in it: a homography.

    ``turn`` quarters counter-clockwise bring the photo upright.
    """
    rng = np.random.default_rng(seed)
    height, width = sheet.shape
    corners = np.array([[0.0, 0], [width, 0], [width, height], [0, height]])
    angle = np.radians(rng.uniform(-tilt, tilt))
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = (corners - corners.mean(axis=0)) @ spin.T * 0.9 + rng.normal(0, 0.025 * width, (4, 2))
    frame = np.ptp(seen, axis=0) * rng.uniform(1.1, 1.4)
    seen += (frame - np.ptp(seen, axis=0)) * rng.uniform(0.3, 0.7, 2) - seen.min(axis=0)
    forth = _homography(corners, seen)
    w, h = (int(side) for side in frame)
    ground = rng.uniform(*desk, 3) + np.cumsum(rng.normal(0, 0.6, (h, w, 1)), axis=1)
    rgb = np.repeat(sheet[..., None], 3, axis=2)
    image = View(forth, (h, w), (0, 0, width, height)).image(rgb, np.float32(ground.clip(0, 255)))
    if shadow:
        edge = (np.mgrid[:h, :w] * rng.normal(0, 1, (2, 1, 1))).sum(axis=0)
        edge = (edge - np.median(edge)) / edge.std()
        image = image * (1 - rng.uniform(0.2, 0.5) / (1 + np.exp(-edge / rng.uniform(0.05, 0.5))))[..., None]
    image = image + rng.normal(0, rng.uniform(1, 6), image.shape)
    to_photo = forth @ np.diag([width / 100, height / 100, 1])
    photo = np.uint8(image.clip(0, 255))
    for _ in range(turn % 4):  # clockwise, which so many quarters counter-clockwise undo
        to_photo = np.array([[0, -1, photo.shape[0]], [1, 0, 0], [0, 0, 1]]) @ to_photo
        photo = np.rot90(photo, -1)
    return np.ascontiguousarray(photo), to_photo


def _homography(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    rows, right = [], []
    for (x, y), (u, v) in zip(points, places, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1).reshape(3, 3)


def corners_of(name: str) -> np.ndarray:
    """Of a field, in per cent, float64 (4, 2)."""
    left, top, wide, high = FIELDS[name]
    return np.array([(left, top), (left + wide, top), (left + wide, top + high), (left, top + high)], float)


def error_of(corners: np.ndarray, name: str, to_photo: np.ndarray) -> float:
    """How far the corners of a field lie from where they are, as a share of the form's size."""
    ends = mapped(to_photo, np.array([[0.0, 0], [100, 0], [100, 100], [0, 100]]))
    size = np.linalg.norm(ends - np.roll(ends, 1, axis=0), axis=1).mean()
    return float(np.linalg.norm(corners - mapped(to_photo, corners_of(name)), axis=1).max() / size)


def scaled(image: np.ndarray, scale: float) -> np.ndarray:
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
