"""Grounds and inks: paper, blackboards, screens, with rulings, specks and light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32
from digitwise.synthetic.noise import smooth_noise

PAPERS = {  # RGB and frequency
    "white": ((246, 246, 244), 0.42),
    "grey": ((206, 208, 209), 0.14),
    "cream": ((240, 232, 206), 0.1),
    "recycled": ((205, 198, 182), 0.1),
    "yellow": ((240, 226, 110), 0.12),
    "pink": ((240, 190, 200), 0.04),
    "green": ((190, 226, 180), 0.04),
    "blue": ((186, 210, 236), 0.04),
}
INKS = {
    "black": ((28, 28, 32), 0.34),
    "blue": ((32, 48, 140), 0.34),
    "pencil": ((96, 96, 100), 0.18),
    "red": ((178, 36, 44), 0.08),
    "green": ((24, 100, 60), 0.06),
}
BOARDS = ((30, 32, 34), (34, 62, 48), (24, 34, 62))  # RGB of black, green and blue boards
CHALKS = ((236, 236, 230), (240, 226, 130), (240, 190, 200))


@dataclass(frozen=True)
class Stock:
    """A ground and an ink."""

    paper: tuple[float, ...]  # RGB, 0 to 255, in even light
    ink: tuple[float, ...]  # RGB as well
    texture: float  # spread of the ground's shade, in grey levels; 0 for a screen
    grain: float = 0.0  # visibility of the texture in the ink, see :class:`~digitwise.synthetic.pens.Writer`
    strength: float = 1.0  # largest opacity of the ink, 0 to 1
    screen: bool = False  # whether it is a screenshot: without light, lens and noise


def some_stock(*, rng: np.random.Generator) -> Stock:
    """Draw a stock: mostly paper, sometimes a blackboard or a screen."""
    kind = rng.random()
    if kind < 0.06:
        board, chalk = BOARDS[rng.integers(len(BOARDS))], CHALKS[int(rng.integers(6)) % 4 % 3]
        return Stock(_varied(board, 8, rng), _varied(chalk, 8, rng), rng.uniform(2, 7), rng.uniform(0.1, 0.35), 0.95)
    if kind < 0.14:
        light, dark = (tuple(float(v) for v in shade) for shade in (rng.uniform(225, 255, 3), rng.uniform(0, 60, 3)))
        if rng.random() < 0.6:
            light, dark = (255.0,) * 3, (0.0,) * 3
        return Stock(*((light, dark) if rng.random() < 0.5 else (dark, light)), texture=0.0, screen=True)
    paper = _drawn(PAPERS, rng)
    ink = _drawn(INKS, rng)
    pencil = ink == "pencil"
    rough = 2.0 if paper == "recycled" else 1.0
    return Stock(
        _varied(PAPERS[paper][0], 8, rng),
        _varied(INKS[ink][0], 12, rng),
        texture=rough * rng.uniform(0.5, 2.5),
        grain=rng.uniform(0.1, 0.3) if pencil else rng.uniform(0, 0.08),
        strength=rng.uniform(0.6, 0.95) if pencil else rng.uniform(0.75, 1.0),
    )


def ground(stock: Stock, shape: tuple[int, int], height: float, *, rng: np.random.Generator) -> Float32:
    """The empty ground, float32 of shape (h, w, 3); ``height`` is that of a digit on it, in pixels."""
    image = np.empty((*shape, 3), np.float32)
    image[:] = stock.paper
    if stock.texture:
        fibres = smooth_noise(shape, max(1.5, height / 30), rng=rng) + smooth_noise(shape, height / 2 + 4, rng=rng)
        image += stock.texture * fibres[..., None]
    return image


def rule(image: Float32, height: float, *, top: float, squared: bool, rng: np.random.Generator) -> None:
    """Draw the lines of ruled or squared paper in place, ``height`` pixels apart, the first one at ``top``."""
    colour = np.array([(120, 150, 200), (150, 150, 155), (200, 140, 150)][rng.integers(3)], np.float32)
    strength = rng.uniform(0.2, 0.6)
    width = max(0.6, height * rng.uniform(0.01, 0.03))
    left = rng.uniform(0, height)
    for axis, start in ((0, top), (1, left)) if squared else ((0, top),):
        places = np.arange(image.shape[axis]) + 0.5
        away = np.abs((places - start + height / 2) % height - height / 2)
        amount = strength * np.clip(width / 2 + 0.5 - away, 0, min(1, width)).astype(np.float32)
        amount = amount[:, None, None] if axis == 0 else amount[None, :, None]
        image += (colour - image) * amount


def specks(image: Float32, height: float, count: int, *, rng: np.random.Generator) -> None:
    """Add small dark or light spots in place."""
    rows, columns = image.shape[:2]
    shade = 60.0 if image[..., 1].mean() > 110 else 200.0
    for _ in range(count):
        radius = max(0.6, height * rng.uniform(0.006, 0.03))
        y, x = rng.uniform(0, rows), rng.uniform(0, columns)
        t, left = max(0, int(y - radius - 1)), max(0, int(x - radius - 1))
        patch = image[t : int(y + radius + 2), left : int(x + radius + 2)]
        ys, xs = np.ogrid[t : t + patch.shape[0], left : left + patch.shape[1]]
        amount = np.clip(radius + 0.5 - np.hypot(ys + 0.5 - y, xs + 0.5 - x), 0, 1) * rng.uniform(0.3, 1)
        patch += (shade - patch) * amount[..., None].astype(np.float32)


def light(shape: tuple[int, int], *, shadow: bool, rng: np.random.Generator) -> Float32:
    """The light on each pixel, float32 of shape (h, w), about 1: a slope, and the soft edge of a shadow."""
    rows, columns = shape
    y = np.linspace(-0.5, 0.5, rows, dtype=np.float32)[:, None]
    x = np.linspace(-0.5, 0.5, columns, dtype=np.float32)[None]
    slope = np.abs(rng.normal(0, 0.12))
    angle = rng.uniform(0, 2 * np.pi)
    lit = 1 + slope * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y)
    if shadow:
        angle, depth, soft = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.5), rng.uniform(0.03, 0.3)
        bend = rng.uniform(-0.5, 0.5)
        across = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
        along = np.float32(np.cos(angle)) * y - np.float32(np.sin(angle)) * x
        edge = across + np.float32(bend) * along**2 - np.float32(rng.uniform(-0.35, 0.35))
        lit = lit * (1 - np.float32(depth) * np.clip(0.5 + edge / np.float32(soft), 0, 1))
    return np.asarray(lit, np.float32)


def _drawn(table: dict[str, tuple[tuple[int, int, int], float]], rng: np.random.Generator) -> str:
    """Draw a name by the frequencies of the table."""
    shares = np.cumsum([share for _, share in table.values()])
    return list(table)[int(np.searchsorted(shares, rng.random() * shares[-1]))]


def _varied(colour: tuple[int, ...], by: float, rng: np.random.Generator) -> tuple[float, ...]:
    """The colour with small changes of lightness and hue."""
    return tuple(float(v) for v in np.array(colour) + rng.normal(0, by) + rng.normal(0, by / 3, 3))
