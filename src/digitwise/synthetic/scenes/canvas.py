"""The paper of a scene, the ink on it, and the truth about that ink."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from digitwise.images import Float32, Float64
from digitwise.synthetic.glyphs import Glyphs
from digitwise.synthetic.noise import smooth_noise
from digitwise.synthetic.strokes import Drawing

SCENE = 256  # pixels a side
MOST = 96  # objects a scene
IGNORED = -2  # the label of objects that may be found or not: cut, crossed out
FINE = 2  # the factor at which lines are drawn, then reduced for smooth edges
BEYOND = 64  # pixels outside the scene up to which a stroke is drawn
Extent = tuple[float, float, float, float]  # left, top, right, bottom in pixels
SceneObject = tuple[float, float, float, float, int]  # middle x and y, width, height in pixels; label


def some_paper(*, rng: np.random.Generator) -> Float32:
    """Draw empty paper with fibres and stains, float32 (256, 256), in grey levels."""
    base = rng.uniform(150, 253) if rng.random() < 0.85 else rng.uniform(90, 160)
    paper = np.full((SCENE, SCENE), base, np.float32)
    if rng.random() < 0.8:
        paper += rng.uniform(0.3, 5) * smooth_noise(paper.shape, rng.uniform(1.2, 6), rng=rng)
    if rng.random() < 0.5:
        paper += rng.uniform(1, 12) * smooth_noise(paper.shape, rng.uniform(12, 90), rng=rng)
    if rng.random() < 0.12:  # stains
        blot = smooth_noise(paper.shape, rng.uniform(15, 60), rng=rng)
        paper -= rng.uniform(5, 40) * np.clip((blot - rng.uniform(0.5, 1.2)) * 4, 0, 1)
    return paper


def some_tooth(*, rng: np.random.Generator) -> Float32:
    """Draw the paper's tooth, which keeps ink off, float32 (256, 256), 0 to 1."""
    return np.minimum(np.abs(smooth_noise((SCENE, SCENE), rng.uniform(1.1, 3), rng=rng)), 1)


@dataclass(eq=False)
class Canvas:
    """The drawing of a scene."""

    glyphs: Glyphs
    rng: np.random.Generator
    paper: Float32  # (256, 256): grey levels, 0 to 255 and a little beyond
    tooth: Float32  # (256, 256): see :func:`some_tooth`
    found: list[SceneObject] = field(default_factory=list)  # the objects that a finder must find
    base: Float32 = field(init=False)  # without the ink since the last settle

    def __post_init__(self) -> None:
        self.settle()

    def settle(self) -> None:
        """Make the present paper the base of further ink."""
        self.base = self.paper.copy()

    def note(self, box: Extent | None, label: int) -> None:
        """Record an object in a box; nothing without a box."""
        if box is not None:
            left, top, right, bottom = box
            self.found.append(((left + right) / 2, (top + bottom) / 2, right - left, bottom - top, label))

    def room_for(self, objects: int) -> bool:
        """Whether more objects can be added."""
        return len(self.found) < MOST - objects

    def lay(self, ink: Float32, left: int, top: int, level: float, *, grain: float = 0.0) -> None:
        """Lay ink on the paper.

        Parameters
        ----------
        ink : ndarray of float32, shape (h, w)
            0 to 1.
        left, top : int
            Of its corner; ink outside the paper is cut off.
        level : float
            Grey levels by which full ink darkens, or lightens if negative.
        grain : float
            Visibility of the paper's tooth, 0 to 1.
        """
        height, width = self.paper.shape
        x, y = max(left, 0), max(top, 0)
        right, bottom = min(left + ink.shape[1], width), min(top + ink.shape[0], height)
        if x >= right or y >= bottom:
            return
        part, place = self.paper[y:bottom, x:right], np.s_[y:bottom, x:right]
        shade = ink[y - top : bottom - top, x - left : right - left] * np.float32(level)
        if grain:
            shade *= 1 - np.float32(grain) * self.tooth[place]
        # Ink on ink gets darker, but not twice as dark.
        (np.minimum if level > 0 else np.maximum)(part, self.base[place] - shade, out=part)

    def draw(self, drawing: Drawing, level: float, width: float) -> None:
        """Draw strokes, points (n, 2) in pixels of the scene, with a pen of ``width`` pixels."""
        points = np.concatenate(drawing)
        low = np.maximum(np.floor(points.min(axis=0)).astype(int) - 4, -BEYOND)
        high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 5, SCENE + BEYOND)
        if (high - low >= 2).all():
            lines = [(stroke - low) * FINE for stroke in drawing]
            ink = drawn(lines, (int(high[0] - low[0]), int(high[1] - low[1])), width)
            self.lay(ink, int(low[0]), int(low[1]), level)


def drawn(lines: list[Float64], size: tuple[int, int], width: float) -> Float32:
    """The ink of lines, float32 (height, width), 0 to 1.

    Parameters
    ----------
    lines : list of ndarray of float64, shape (n, 2)
        x and y in pixels of an image :data:`FINE` times as large.
    size : (int, int)
        Width and height of the ink.
    width : float
        Of the lines, in pixels of the ink.
    """
    image = Image.new("L", (size[0] * FINE, size[1] * FINE), 0)
    pen = ImageDraw.Draw(image)
    for line in lines:
        pen.line([(x, y) for x, y in line.tolist()], 255, max(1, round(width * FINE)), joint="curve")
    return np.asarray(image.reduce(FINE), np.float32) / np.float32(255)
