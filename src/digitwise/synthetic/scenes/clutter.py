"""Everything on paper besides handwritten numbers: patterns, rules, frames, print, words, stamps, stray strokes."""

from __future__ import annotations

import itertools
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitwise.images import Float32, Float64
from digitwise.synthetic.glyphs import font
from digitwise.synthetic.scenes.canvas import FINE, SCENE, Canvas, Extent, drawn
from digitwise.synthetic.scenes.writing import Writing, letter, some_writing, stroke, write
from digitwise.synthetic.strokes import cursive, doodle, scribble

OUTSIDE = -5.0, SCENE + 5.0  # pixels: ends of a rule across the whole scene
PRINTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "cmr10", "cmss10", "cmtt10")
LETTERS = "etaoinsrhldcumfpgwybvk"  # of printed words
CAPITALS = 1.35  # a font's size over the height of its digits
ROUND = 6.28  # radians: about 2 pi, as the bundled finder was trained with


def rule(canvas: Canvas, begin: Float64, end: Float64, width: float, level: float, *, dotted: bool = False) -> None:
    """Draw a straight line from ``begin`` to ``end``, each x and y, ``width`` pixels wide; below one it is fainter."""
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
    """Draw the darkness of a rule or frame, in grey levels: mostly similar to the writing."""
    return w.ink * rng.uniform(0.25, 1.2) if rng.random() < 0.7 else math.copysign(rng.uniform(15, 200), w.ink)


def horizontal(canvas: Canvas, y: float, w: Writing, *, x: tuple[float, float] = OUTSIDE) -> None:
    """Draw a rule from left to right, not quite level."""
    rng = canvas.rng
    tilt = rng.normal(0, 0.01) * (x[1] - x[0])
    width, level = rng.uniform(0.6, max(1.0, 0.09 * w.height)), some_level(w, rng=rng)
    rule(canvas, np.array([x[0], y]), np.array([x[1], y + tilt]), width, level, dotted=rng.random() < 0.12)


def vertical(canvas: Canvas, x: float, w: Writing) -> None:
    """Draw a rule from top to bottom, not quite upright."""
    rng = canvas.rng
    tilt = rng.normal(0, 0.01) * (OUTSIDE[1] - OUTSIDE[0])
    width, level = rng.uniform(0.6, max(1.0, 0.09 * w.height)), some_level(w, rng=rng)
    rule(canvas, np.array([x, OUTSIDE[0]]), np.array([x + tilt, OUTSIDE[1]]), width, level, dotted=rng.random() < 0.08)


def frame(canvas: Canvas, box: Extent, w: Writing) -> None:
    """Draw four lines around a box, slightly displaced."""
    left, top, right, bottom = box
    rng = canvas.rng
    level, width = some_level(w, rng=rng), rng.uniform(0.7, max(1.2, 0.1 * w.height))
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    for begin, end in itertools.pairwise(corners + rng.normal(0, 0.6, 2)):
        rule(canvas, begin, end, width, level)


def squares(canvas: Canvas, w: Writing) -> None:
    """Draw the lines of squared or ruled paper."""
    rng = canvas.rng
    pitch = w.height * rng.uniform(0.35, 1.6)
    level, width = some_level(w, rng=rng) * rng.uniform(0.2, 0.8), rng.uniform(0.5, 1.6)
    for axis in (0, 1) if rng.random() < 0.5 else (0,):
        for at in np.arange(rng.uniform(0, pitch), SCENE, max(pitch, 5.0)):
            line = np.array([[OUTSIDE[0], at], [OUTSIDE[1], at]])
            begin, end = line if axis == 0 else line[:, ::-1]
            rule(canvas, begin, end, width, level)


def word(canvas: Canvas, x: float, base: float, w: Writing) -> float:
    """Write a word, cursive or in single letters, from x on; gives its width in pixels."""
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
    """Print text with its top left corner at x, y, in a given or random font; gives its width in pixels."""
    ink = _printed(said, font(name or str(canvas.rng.choice(PRINTS)), max(6, round(size))))
    canvas.lay(ink, round(x), round(y), level)
    return float(ink.shape[1])


def _printed(said: str, face: ImageFont.FreeTypeFont) -> Float32:
    """The ink of printed text, float32 (h, w), 0 to 1, cropped to its box."""
    left, top, right, bottom = face.getbbox(said)
    image = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))), 0)
    ImageDraw.Draw(image).text((-left, -top), said, 255, face)
    return np.asarray(image, np.float32) / np.float32(255)


def printed_number(canvas: Canvas, x: float, base: float, height: float, level: float) -> float:
    """Print a number, whose digits are objects to find; gives its end in pixels."""
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
    """Draw one to three words in lower case, upper case or both."""
    words = ["".join(rng.choice(list(LETTERS), rng.integers(2, 9))) for _ in range(int(rng.integers(1, 4)))]
    said = " ".join(words)
    kind = rng.random()
    return said.upper() if kind < 0.25 else said.title() if kind < 0.6 else said


def clutter(canvas: Canvas, w: Writing, *, free: list[tuple[float, float]], chance: float) -> None:
    """Fill each free band, from y to y in pixels, with words or print by a probability ``chance``."""
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
    """Add stray rules, strokes, doodles, stamps and specks, which may lie on digits, and bars, which may not."""
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
    """Print a bar or a small block, unless it lies on an object."""
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
    """Add a round stamp with print."""
    rng = canvas.rng
    level = w.ink * rng.uniform(0.2, 0.7)
    x, y, radius = rng.uniform(0, SCENE), rng.uniform(0, SCENE), rng.uniform(20, 90)
    t = np.linspace(0, 2 * math.pi, 40)
    ring = np.stack([x + radius * np.cos(t), y + radius * np.sin(t)], axis=1)
    stroke(canvas, [ring, (ring - [x, y]) * 0.85 + [x, y]], w, level=level, pen=0.7)
    text(canvas, some_text(rng=rng).upper(), x - radius * 0.6, y - 6, radius / 3, level)


def prepare(canvas: Canvas, w: Writing) -> None:
    """Draw patterns, squares and writing that shines through, as the base of all further ink."""
    rng = canvas.rng
    kind = rng.random()
    if kind < 0.14:
        pattern(canvas)
    elif kind < 0.24:
        squares(canvas, w)
    if rng.random() < 0.1:
        _shine_through(canvas, w)
    canvas.settle()


def _shine_through(canvas: Canvas, w: Writing) -> None:
    """Add faint, mirrored glyphs, as from the back of thin paper."""
    rng = canvas.rng
    faint = some_writing(w.height, rng=rng, contrast=w.ink * rng.uniform(0.1, 0.3))
    for _ in range(int(rng.integers(1, 12))):
        place = int(rng.integers(len(canvas.glyphs.labels)))
        side = w.height * rng.uniform(0.6, 1.2)
        x, base = rng.uniform(-10, SCENE), rng.uniform(0, SCENE + 20)
        write(canvas, place, x, base, (side, side), faint, mirrored=True)


def pattern(canvas: Canvas) -> None:
    """Add the security print of cheques and certificates: guilloches, a halftone, or small type."""
    rng = canvas.rng
    level = rng.uniform(4, 45)
    kind = rng.random()
    if kind < 0.55:
        canvas.paper -= np.float32(level) * _guilloche(rng=rng)
    elif kind < 0.75:
        canvas.paper -= np.float32(level) * _halftone(rng=rng)
    else:
        _small_type(canvas, level)


def _turned(angle: float) -> tuple[Float32, Float32]:
    """Coordinates of the scene's pixels along rotated axes, float32 (256, 256) each."""
    y, x = np.mgrid[:SCENE, :SCENE].astype(np.float32)
    return x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)


def _guilloche(*, rng: np.random.Generator) -> Float32:
    """One or two families of waves, float32 (256, 256), 0 to 1."""
    period, amount, swing = rng.uniform(3, 14), rng.uniform(0, 12), rng.uniform(15, 90)
    u, v = _turned(rng.uniform(0, math.pi))
    wave = np.cos((u + amount * np.sin(v * (ROUND / swing))) * (ROUND / period))
    if rng.random() < 0.4:
        wave = np.maximum(wave, np.cos((u - amount * np.sin(v * (ROUND / swing))) * (ROUND / period)))
    return np.asarray(np.clip((wave - rng.uniform(-0.5, 0.6)) * 2, 0, 1))


def _halftone(*, rng: np.random.Generator) -> Float32:
    """Dots in a square lattice, float32 (256, 256), 0 to 1."""
    period = rng.uniform(3, 9)
    u, v = _turned(rng.uniform(0, math.pi))
    dots = np.cos(u * (ROUND / period)) * np.cos(v * (ROUND / period))
    return np.asarray(np.clip((dots - rng.uniform(0.1, 0.6)) * 3, 0, 1))


def _small_type(canvas: Canvas, level: float) -> None:
    """Repeat one row of words."""
    rng = canvas.rng
    size = rng.uniform(6, 12)
    row = " ".join(some_text(rng=rng) for _ in range(6))
    pitch = size * rng.uniform(1.1, 2)
    for top in np.arange(rng.uniform(-5, 0), SCENE, pitch):
        text(canvas, row, rng.uniform(-60, 0), top, size, level, name="DejaVuSans")
