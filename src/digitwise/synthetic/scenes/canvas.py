"""The paper of a scene while ink is laid on it, and the truth about that ink."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from digitwise.images import Float32, Float64
from digitwise.synthetic.glyphs import Glyphs
from digitwise.synthetic.strokes import Drawing

SCENE = 256  # pixels a side
MOST = 96  # objects a scene
IGNORED = -2  # the label of what is neither to be found nor wrong to be found: cut, crossed out
FINE = 2  # lines are drawn at so many times the size, then reduced, which smooths their edges
BEYOND = 64  # pixels outside the scene up to which a stroke is drawn
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Mark = tuple[float, float, float, float, int]  # middle x and y, width, height in pixels; label


@dataclass(eq=False)
class Canvas:
    """What is drawn so far.

    Parameters
    ----------
    glyphs : Glyphs
        What is written with.
    rng : numpy.random.Generator
        Decides everything.
    paper : ndarray of float32, shape (256, 256)
        Grey levels, 0 to 255 and a little beyond.
    tooth : ndarray of float32, shape (256, 256)
        How little ink the paper takes, 0 to 1.
    found : list of Mark
        The truth.
    """

    glyphs: Glyphs
    rng: np.random.Generator
    paper: Float32
    tooth: Float32
    found: list[Mark] = field(default_factory=list)
    base: Float32 = field(init=False)  # what ink is laid on

    def __post_init__(self) -> None:
        self.settle()

    def settle(self) -> None:
        """What is there now is what further ink is laid on."""
        self.base = self.paper.copy()

    def note(self, box: Box | None, label: int) -> None:
        """Write down that an object of that label lies in a box, if there is one."""
        if box is not None:
            left, top, right, bottom = box
            self.found.append(((left + right) / 2, (top + bottom) / 2, right - left, bottom - top, label))

    def room_for(self, objects: int) -> bool:
        """Whether so many objects can be added."""
        return len(self.found) < MOST - objects

    def lay(self, ink: Float32, left: int, top: int, level: float, *, grain: float = 0.0) -> None:
        """Let ink change the paper.

        Parameters
        ----------
        ink : ndarray of float32, shape (h, w)
            0 to 1.
        left, top : int
            Where its corner lies; what is outside the paper is left out.
        level : float
            Grey levels by which full ink darkens, or lightens where it is negative.
        grain : float
            How much the paper's tooth shows, 0 to 1.
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
    """The ink of lines.

    Parameters
    ----------
    lines : list of ndarray of float64, shape (n, 2)
        x and y in pixels of an image :data:`FINE` times as large.
    size : (int, int)
        Width and height of the ink.
    width : float
        Of the lines, in pixels of the ink.

    Returns
    -------
    ndarray of float32, shape (height, width)
        0 to 1.
    """
    image = Image.new("L", (size[0] * FINE, size[1] * FINE), 0)
    pen = ImageDraw.Draw(image)
    for line in lines:
        pen.line([(x, y) for x, y in line.tolist()], 255, max(1, round(width * FINE)), joint="curve")
    return np.asarray(image.reduce(FINE), np.float32) / np.float32(255)
