"""What stands on paper beside handwritten numbers: rules and frames, print, words, stamps, strokes from elsewhere."""

from __future__ import annotations

import itertools
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitwise.images import Float32, Float64
from digitwise.synthetic.glyphs import font
from digitwise.synthetic.scenes.canvas import FINE, SCENE, Box, Canvas, drawn
from digitwise.synthetic.scenes.writing import Writing, letter, some_writing, stroke
from digitwise.synthetic.strokes import cursive, doodle, scribble

OUTSIDE = -5.0, SCENE + 5.0  # pixels: from where to where a rule runs across the whole scene
PRINTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "cmr10", "cmss10", "cmtt10")
LETTERS = "etaoinsrhldcumfpgwybvk"  # what words of print are made of
CAPITALS = 1.35  # a font's size over the height of its digits


def rule(canvas: Canvas, begin: Float64, end: Float64, width: float, level: float, *, dotted: bool = False) -> None:
    """Draw a straight line.

    Parameters
    ----------
    canvas : Canvas
    begin, end : ndarray of float64, shape (2,)
        x and y in pixels.
    width : float
        In pixels; a line of less than one is fainter.
    level : float
        Grey levels.
    dotted : bool
    """
    low = np.clip(np.floor(np.minimum(begin, end) - width - 1), 0, SCENE).astype(int)
    high = np.clip(np.ceil(np.maximum(begin, end) + width + 1), 0, SCENE).astype(int)
    if (high <= low).any():
        return
    cuts = np.stack([begin, end])
    if dotted:
        dots = max(2, int(np.hypot(*(end - begin)) / max(3.0, width * 4)))
        cuts = begin + np.linspace(0, 1, 2 * dots)[:, None] * (end - begin)
    lines = list(((cuts - low) * FINE).reshape(-1, 2, 2))
    ink = drawn(lines, (int(high[0] - low[0]), int(high[1] - low[1])), width)
    if width < 1:
        ink = ink * np.float32(canvas.rng.uniform(0.4, 1.0))
    canvas.lay(ink, int(low[0]), int(low[1]), level)


def some_level(w: Writing, *, rng: np.random.Generator) -> float:
    """How dark a rule or frame is, in grey levels: mostly about as dark as the writing."""
    return w.ink * rng.uniform(0.25, 1.2) if rng.random() < 0.7 else math.copysign(rng.uniform(15, 200), w.ink)


def horizontal(canvas: Canvas, y: float, w: Writing, *, x: tuple[float, float] = OUTSIDE) -> None:
    """A rule from left to right, not quite level."""
    rng = canvas.rng
    tilt = rng.normal(0, 0.01) * (x[1] - x[0])
    width, level = rng.uniform(0.6, max(1.0, 0.09 * w.height)), some_level(w, rng=rng)
    rule(canvas, np.array([x[0], y]), np.array([x[1], y + tilt]), width, level, dotted=rng.random() < 0.12)


def vertical(canvas: Canvas, x: float, w: Writing) -> None:
    """A rule from top to bottom, not quite upright."""
    rng = canvas.rng
    tilt = rng.normal(0, 0.01) * (OUTSIDE[1] - OUTSIDE[0])
    width, level = rng.uniform(0.6, max(1.0, 0.09 * w.height)), some_level(w, rng=rng)
    rule(canvas, np.array([x, OUTSIDE[0]]), np.array([x + tilt, OUTSIDE[1]]), width, level, dotted=rng.random() < 0.08)


def frame(canvas: Canvas, box: Box, w: Writing) -> None:
    """Four lines around a box, somewhat out of place."""
    left, top, right, bottom = box
    rng = canvas.rng
    level, width = some_level(w, rng=rng), rng.uniform(0.7, max(1.2, 0.1 * w.height))
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    for begin, end in itertools.pairwise(corners + rng.normal(0, 0.6, 2)):
        rule(canvas, begin, end, width, level)


def squares(canvas: Canvas, w: Writing) -> None:
    """Squared paper, or lined."""
    rng = canvas.rng
    pitch = w.height * rng.uniform(0.35, 1.6)
    level, width = some_level(w, rng=rng) * rng.uniform(0.2, 0.8), rng.uniform(0.5, 1.6)
    for axis in (0, 1) if rng.random() < 0.5 else (0,):
        for at in np.arange(rng.uniform(0, pitch), SCENE, max(pitch, 5.0)):
            line = np.array([[OUTSIDE[0], at], [OUTSIDE[1], at]])
            begin, end = line if axis == 0 else line[:, ::-1]
            rule(canvas, begin, end, width, level)


def word(canvas: Canvas, x: float, base: float, w: Writing) -> float:
    """Write a word of joined-up or of single letters from x on; gives its width in pixels."""
    rng = canvas.rng
    if rng.random() < 0.6:
        tall = w.height * rng.uniform(0.4, 0.8)
        strokes = [part * [tall, tall] + [x, base - tall / 2] for part in cursive(int(rng.integers(2, 9)), rng=rng)]
        stroke(canvas, strokes, w)
        return float(max(part[:, 0].max() for part in strokes) - x)
    start = x
    for _ in range(int(rng.integers(2, 9))):
        x += letter(canvas, x, base, w, alone=False) + w.height * max(0.02, w.gap * 0.5)
    return x - start


def text(canvas: Canvas, said: str, x: float, y: float, size: float, level: float, *, name: str | None = None) -> float:
    """Print text with its left upper corner at x, y, in the font of that name or in some; gives its width in pixels."""
    ink = _printed(said, font(name or str(canvas.rng.choice(PRINTS)), max(6, round(size))))
    canvas.lay(ink, round(x), round(y), level)
    return float(ink.shape[1])


def _printed(said: str, face: ImageFont.FreeTypeFont) -> Float32:
    """The ink of printed text, float32 (h, w), 0 to 1, as tight as its box."""
    left, top, right, bottom = face.getbbox(said)
    image = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))), 0)
    ImageDraw.Draw(image).text((-left, -top), said, 255, face)
    return np.asarray(image, np.float32) / np.float32(255)


def printed_number(canvas: Canvas, x: float, base: float, height: float, level: float) -> float:
    """Print a number, of which each digit is to be found; gives where it ends, in pixels."""
    rng = canvas.rng
    face = font(str(rng.choice(PRINTS)), max(8, round(height * CAPITALS)))
    spaced = rng.uniform(0.0, 0.25) * height
    for _ in range(int(rng.integers(1, 9))):
        if not canvas.room_for(4):
            break
        label = int(rng.integers(10))
        ink = _printed(str(label), face)
        tall, wide = ink.shape
        left, top = round(x), round(base - tall)
        canvas.lay(ink, left, top, level)
        canvas.note((left, top, left + wide, top + tall), label)
        x += wide + max(1.0, 0.06 * height) + spaced
    return x


def some_text(*, rng: np.random.Generator) -> str:
    """One to three words, in small letters, capitals or both."""
    words = ["".join(rng.choice(list(LETTERS), rng.integers(2, 9))) for _ in range(int(rng.integers(1, 4)))]
    said = " ".join(words)
    kind = rng.random()
    return said.upper() if kind < 0.25 else said.title() if kind < 0.6 else said


def clutter(canvas: Canvas, w: Writing, *, free: list[tuple[float, float]], chance: float) -> None:
    """Words and print where no line of digits stands.

    Parameters
    ----------
    canvas : Canvas
    w : Writing
        Of the digits.
    free : list of (float, float)
        Bands from y to y, in pixels.
    chance : float
        That there is something in a band.
    """
    rng = canvas.rng
    for low, high in free:
        if high - low < 8 or rng.random() > chance:
            continue
        (_printed_line if rng.random() < 0.5 else _written_line)(canvas, w, low, high)


def _printed_line(canvas: Canvas, w: Writing, low: float, high: float) -> None:
    rng = canvas.rng
    size = min((high - low) * 0.8, w.height * rng.uniform(0.25, 1.3), 60)
    if size < 6:
        return
    x = rng.uniform(-30, 160)
    for _ in range(int(rng.integers(1, 4))):
        said = some_text(rng=rng)
        x += text(canvas, said, x, low, size, w.ink * rng.uniform(0.3, 1.1)) + size


def _written_line(canvas: Canvas, w: Writing, low: float, high: float) -> None:
    rng = canvas.rng
    room = high - low
    other = some_writing(min(w.height * rng.uniform(0.6, 1.3), room), rng=rng, contrast=w.ink * rng.uniform(0.5, 1))
    x = rng.uniform(-40, 150)
    for _ in range(int(rng.integers(1, 4))):
        x += word(canvas, x, high - 0.2 * room, other) + other.height
        if x > SCENE:
            break


def intruders(canvas: Canvas, w: Writing) -> None:
    """Strokes, rules, doodles, stamps, specks and bars that come in from elsewhere and may lie on digits."""
    rng = canvas.rng
    if rng.random() < 0.12:
        vertical(canvas, rng.uniform(0, SCENE), w)
    if rng.random() < 0.12:
        horizontal(canvas, rng.uniform(0, SCENE), w)
    if rng.random() < 0.06:
        size = rng.uniform(15, 160)
        at = rng.uniform(0, SCENE, 2)
        stroke(canvas, [part * size + at for part in scribble(rng=rng)], w)
    if rng.random() < 0.05:
        size, at = w.height * rng.uniform(0.5, 2.5), rng.uniform(-10, SCENE, 2)
        stroke(canvas, [part * size + at for part in doodle(rng=rng)], w)
    if rng.random() < 0.04:
        _stamp(canvas, w)
    if rng.random() < 0.12:
        _specks(canvas, w)
    if rng.random() < 0.06:
        _bar(canvas, w)


def _specks(canvas: Canvas, w: Writing) -> None:
    rng = canvas.rng
    for _ in range(int(rng.integers(1, 25))):
        x, y = rng.uniform(0, SCENE, 2)
        dx, dy = rng.normal(0, 0.03, 2) * w.height
        stroke(canvas, [np.array([[x, y], [x + dx, y + dy + 0.1]])], w, pen=rng.uniform(0.2, 1))


def _bar(canvas: Canvas, w: Writing) -> None:
    """A printed bar, or a small block, where it lies on nothing that is to be found."""
    rng = canvas.rng
    size = w.height * rng.uniform(0.3, 1.5, 2)
    size[int(rng.integers(2))] *= rng.uniform(1, 8)
    wide, tall = (max(2, round(float(side))) for side in size)
    left, top = (int(at) for at in rng.uniform(-20, SCENE, 2))
    apart = (
        abs(x - left - wide / 2) > (width + wide) / 2 or abs(y - top - tall / 2) > (height + tall) / 2
        for x, y, width, height, _ in canvas.found
    )
    if all(apart):
        canvas.lay(np.ones((tall, wide), np.float32), left, top, w.ink * rng.uniform(0.3, 1.3))


def _stamp(canvas: Canvas, w: Writing) -> None:
    """A round stamp with print in it."""
    rng = canvas.rng
    level = w.ink * rng.uniform(0.2, 0.7)
    x, y, radius = rng.uniform(0, SCENE), rng.uniform(0, SCENE), rng.uniform(20, 90)
    t = np.linspace(0, 2 * math.pi, 40)
    ring = np.stack([x + radius * np.cos(t), y + radius * np.sin(t)], axis=1)
    stroke(canvas, [ring, (ring - [x, y]) * 0.85 + [x, y]], w, level=level, pen=0.7)
    text(canvas, some_text(rng=rng).upper(), x - radius * 0.6, y - 6, radius / 3, level)
