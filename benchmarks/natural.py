"""The kinds of corruption of MNIST-C, made anew at the strength that its authors chose for the published set.

References
----------
N. Mu, J. Gilmer, MNIST-C: A Robustness Benchmark for Computer Vision, arXiv:1906.02337 (2019), with the code at
https://github.com/google-research/mnist-c, whose default severities these are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep
from digitwise.data import load
from digitwise.images import Float32, Float64, UInt8
from digitwise.reading.reader import Reader
from digitwise.synthetic.corruptions import warped
from digitwise.synthetic.noise import plasma

Made = Callable[[Float32, np.random.Generator], Float32]  # images (n, 28, 28) in [0, 1] to the same, before clipping
SIDE = 28
EACH = 1_000  # MNIST's first test digits, of each kind
STRIPE = 7  # columns at either side
LINE = 2.3  # pixels above and below a line's middle, where its ink ends


def _either(n: int, rng: np.random.Generator) -> Float64:
    """1 or -1, float64 (n,)."""
    return np.asarray(rng.integers(0, 2, n) * 2 - 1, np.float64)


def _moved(images: Float32, maps: Float64, shifts: Float64 | None = None) -> Float32:
    maps = np.broadcast_to(maps, (len(images), 2, 2))
    return warped(np.rint(images * 255).astype(np.uint8), maps, shifts).astype(np.float32) / 255


def _shot_noise(images: Float32, rng: np.random.Generator) -> Float32:
    return (rng.poisson(images * 3.0) / 3).astype(np.float32)


def _impulse_noise(images: Float32, rng: np.random.Generator) -> Float32:
    drawn = rng.random(images.shape, np.float32)
    return np.where(drawn < 0.17, (drawn < 0.085).astype(np.float32), images)


def _blurred(images: Float32, sigma: float) -> Float32:
    return np.asarray(gaussian_filter(images, (0, sigma, sigma), mode="nearest"), np.float32)


def _glass_blur(images: Float32, rng: np.random.Generator) -> Float32:
    """Neighbours change places, half of the pixels twice, between two blurs."""
    mixed, every = _blurred(images, 0.7), np.arange(len(images))
    for _ in range(2):
        for row in range(SIDE - 1, 1, -1):
            for column in range(SIDE - 1, 1, -1):
                step = rng.integers(-1, 1, (len(images), 2)) * rng.integers(0, 2, (len(images), 1))
                there = every, row + step[:, 0], column + step[:, 1]
                other = mixed[there].copy()
                mixed[there] = mixed[:, row, column]
                mixed[:, row, column] = other
    return _blurred(mixed, 0.7)


def _motion_blur(images: Float32, rng: np.random.Generator) -> Float32:
    """A Gaussian tail to one side, of a spread of 3 pixels."""
    angle = np.radians(rng.uniform(-45, 45, len(images)))
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    weights = np.exp(-np.square(np.arange(21)) / (2 * 3.0**2))
    still = np.eye(2)
    total = sum(weight * _moved(images, still, step * way) for step, weight in enumerate(weights / weights.sum()))
    return np.asarray(total, np.float32)


def _shear(images: Float32, rng: np.random.Generator) -> Float32:
    maps = np.tile(np.eye(2), (len(images), 1, 1))
    maps[:, 0, 1] = math.sin(0.4) / math.cos(0.4) * _either(len(images), rng)
    return _moved(images, maps)


def _scale(images: Float32, rng: np.random.Generator) -> Float32:
    return _moved(images, 0.7 * np.eye(2))


def _rotate(images: Float32, rng: np.random.Generator) -> Float32:
    angle = 0.4 * _either(len(images), rng)
    cos, sin = np.cos(angle), np.sin(angle)
    return _moved(images, np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2))


def _brightness(images: Float32, rng: np.random.Generator) -> Float32:
    return images + np.float32(0.5)


def _translate(images: Float32, rng: np.random.Generator) -> Float32:
    return _moved(images, np.eye(2), 3.0 * np.stack([_either(len(images), rng) for _ in range(2)], axis=1))


def _stripe(images: Float32, rng: np.random.Generator) -> Float32:
    striped = images.copy()
    striped[:, :, :STRIPE] = 1 - striped[:, :, :STRIPE]
    striped[:, :, -STRIPE:] = 1 - striped[:, :, -STRIPE:]
    return striped


def _fog(images: Float32, rng: np.random.Generator) -> Float32:
    clouds = plasma(len(images), 256, 1.4, rng=rng)[:, :SIDE, :SIDE]  # the corner of a large sky
    most = images.max(axis=(1, 2), keepdims=True)
    return np.asarray((images + 3 * clouds) * most / (most + 3), np.float32)


def _spatter(images: Float32, rng: np.random.Generator) -> Float32:
    liquid = _blurred(rng.normal(0.65, 0.3, images.shape).astype(np.float32), 1)
    mud = _blurred((liquid > 0.65).astype(np.float32), 1.5)
    mud[mud < 0.8] = 0
    return np.asarray(images * (1 - mud) + np.float32(63 / 255) * mud, np.float32)


def _line(begin: Float64, end: Float64) -> Float32:
    """Lines from the left border to the right, between rows (n,) each, float32 (n, 28, 28)."""
    columns = np.arange(SIDE)
    middle = begin[:, None] + (end - begin)[:, None] * columns / (SIDE - 1)
    away = np.abs(columns[None, :, None] - middle[:, None, :])
    return np.clip(1 + np.log(np.maximum(1 - away / LINE, 1e-9)), 0, 1).astype(np.float32)


def _dotted_line(images: Float32, rng: np.random.Generator) -> Float32:
    begin, end = rng.integers(0, SIDE - 1, (2, len(images))).astype(np.float64)
    line = _line(begin, end)
    line[:, :, np.arange(SIDE) // 2 % 2 == 0] = 0
    return images + line


def _zigzag(images: Float32, rng: np.random.Generator) -> Float32:
    """A line that turns every four pixels, two above its middle and two below, from column 2 to 25."""
    begin = rng.integers(0, SIDE - 1, len(images)).astype(np.float64)
    slope = rng.integers(-5, 5, len(images)) / 23
    columns = np.arange(2, 26)
    wave = np.interp(columns, np.arange(0, 29, 4), np.resize([2.0, -2.0], 8))
    middle = begin[:, None] + slope[:, None] * (columns - 2) + wave
    away = np.abs(np.arange(SIDE)[None, :, None] - middle[:, None, :]) / math.sqrt(2)
    marked = images.copy()
    marked[:, :, 2:26] += np.clip(1 + np.log(np.maximum(1 - away / LINE, 1e-9)), 0, 1).astype(np.float32)
    return marked


NATURAL: dict[str, Made] = {
    "shot noise": _shot_noise,
    "impulse noise": _impulse_noise,
    "glass blur": _glass_blur,
    "motion blur": _motion_blur,
    "shear": _shear,
    "scale": _scale,
    "rotate": _rotate,
    "brightness": _brightness,
    "translate": _translate,
    "stripe": _stripe,
    "fog": _fog,
    "spatter": _spatter,
    "dotted line": _dotted_line,
}
APART: dict[str, Made] = {"zigzag": _zigzag}


def made(images: UInt8, kind: str, *, seed: int = 0) -> UInt8:
    """Corrupt images, uint8 (n, 28, 28), by a kind of :data:`NATURAL` or :data:`APART`."""
    rng = np.random.default_rng(seed)
    worse = (NATURAL | APART)[kind](images.astype(np.float32) / 255, rng)
    return np.rint(np.clip(worse, 0, 1) * 255).astype(np.uint8)


def bench_natural(model: str | None = None) -> None:
    """A row a kind: how many are read wrong, how many are called read, and how many of these are wrong."""
    reader, test = Reader(model), load("mnist").test
    labels = test.labels[:EACH]
    rows: list[Row] = []
    for kind in NATURAL | APART:
        found = reader.answers(made(test.images[:EACH], kind))
        wrong = (found.probabilities.argmax(axis=1) != labels) | found.blank
        row: Row = {"kind": kind, "counts": kind in NATURAL, "n": EACH, "wrong": int(wrong.sum())}
        rows.append(row | {"read": int(found.read.sum()), "wrong_read": int((found.read & wrong).sum())})
    print(natural_table([{key: str(value) for key, value in row.items()} for row in rows]))
    if model is None:
        keep("natural", rows)


def natural_table(rows: Sequence[Row]) -> str:
    """A line a kind, the mean, and what is apart."""
    lines = head("corruption", "wrong", "called read", "of these wrong")
    counted = [row for row in rows if row["counts"] == "True"]
    for name, part in [
        *((row["kind"], [row]) for row in counted),
        (f"**mean of the {len(counted)}**", counted),
        *((f"{row['kind']}, apart", [row]) for row in rows if row not in counted),
    ]:
        n, wrong, read, wrong_read = (
            sum(int(row[key]) for row in part) for key in ("n", "wrong", "read", "wrong_read")
        )
        shares = wrong / max(n, 1), read / max(n, 1), wrong_read / max(read, 1)
        lines.append(line(name, *(f"{share:.1%}".replace("%", " %") for share in shares)))
    return "\n".join(lines)
