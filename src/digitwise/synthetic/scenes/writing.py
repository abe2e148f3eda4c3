"""Writes digits, signs, letters and numbers on a canvas, in the writing of one person with one pen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from digitwise.maps import SIGNS
from digitwise.synthetic.glyphs import DRAWN, MIDDLE, OTHER, OUTLINE, TALL, inked, is_lookalike, letters_of
from digitwise.synthetic.pens import frame_of
from digitwise.synthetic.scenes.canvas import IGNORED, SCENE, Canvas, Extent
from digitwise.synthetic.strokes import Drawing, curve, scribble

HEIGHTS = 10.0, 110.0  # pixels of a digit
USUAL = 32.0  # pixels: about the height of digits when a page is read
INKED = 0.25  # ink from which a pixel belongs to an object's box
LEGGED = 7, 9, 4, 1  # digits that may reach below the line
LYING = 0.55  # share of the field's height below which a glyph is flat, and is not enlarged
OFTEN = 0, 1, 1, 7  # more frequent digits: amounts end in 0, and 1 and 7 are similar


@dataclass(frozen=True)
class Writing:
    """The writing of one person with one pen; lengths in heights of a digit unless stated otherwise."""

    height: float  # of a digit, in pixels
    pen: float  # half the width of the stroke
    slant: float  # shear to the right, as a tangent
    aspect: float  # factor on width over height
    gap: float  # between two digits; they touch below 0
    uneven: float  # spread of the digits' heights
    wobble: float  # spread of the digits' feet about their line
    slope: float  # of the line, as a tangent
    bow: float  # curvature of the line
    forms: float  # share of digits in drawn forms instead of those of MNIST's writers
    ink: float  # grey levels between paper and ink, positive if the ink is darker
    grain: float  # visibility of the paper's tooth in the ink, 0 to 1
    legs: float  # share of the digits 1, 4, 7 and 9 that reach below the line
    zeros: float  # height of a 0 over that of other digits
    outlined: bool  # whether strokes keep their writers' widths
    alike: float  # share of digits that repeat the writer's one glyph of their label
    joined: float  # share of neighbours that a stroke joins
    writer: int  # says which glyphs are the writer's


def some_writing(height: float, *, rng: np.random.Generator, contrast: float | None = None) -> Writing:
    """Draw a writing with digits ``height`` pixels high; ``contrast`` sets its ink."""
    thin = rng.random() < 0.75
    pen = math.exp(rng.uniform(math.log(0.018), math.log(0.06))) if thin else rng.uniform(0.06, 0.13)
    pencil = rng.random() < 0.25
    close = rng.uniform(-0.12, 0.1) if pen < 0.05 else rng.uniform(0.0, 0.12)
    return Writing(
        height=height,
        pen=max(pen, 0.45 / height),
        slant=rng.normal(0.1, 0.23),
        aspect=math.exp(rng.normal(0, 0.2)),
        gap=float(rng.choice((close, rng.uniform(0.05, 0.35), rng.uniform(0.3, 1.1)), p=(0.35, 0.45, 0.2))),
        uneven=rng.uniform(0.02, 0.16),
        wobble=rng.uniform(0.0, 0.08),
        slope=rng.normal(0, 0.05),
        bow=rng.normal(0, 0.01),
        forms=float(rng.choice((0.0, 0.3, 0.8))),
        ink=contrast if contrast is not None else rng.uniform(35, 110) if pencil else rng.uniform(70, 225),
        grain=rng.uniform(0.1, 0.5) if pencil else rng.uniform(0, 0.15),
        legs=float(rng.choice((0.0, rng.uniform(0.1, 0.6)))),
        zeros=float(rng.choice((1.0, rng.uniform(0.4, 0.9)), p=(0.75, 0.25))),
        outlined=bool(rng.random() < 0.3),
        alike=float(rng.choice((0.0, 0.9), p=(0.6, 0.4))),
        joined=float(rng.choice((0.0, rng.uniform(0.1, 0.6)), p=(0.85, 0.15))),
        writer=int(rng.integers(2**31)),
    )


def some_height(low: float = HEIGHTS[0], high: float = HEIGHTS[1], *, rng: np.random.Generator) -> float:
    """Draw a digit's height in pixels, mostly near the height at which pages are read."""
    if rng.random() < 0.6:
        return float(np.clip(rng.lognormal(math.log(USUAL), 0.3), low, high))
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def stroke(canvas: Canvas, drawing: Drawing, w: Writing, *, level: float | None = None, pen: float = 1.0) -> None:
    """Draw strokes, points (n, 2) in pixels of the scene, ``pen`` times as wide as the writing's pen."""
    canvas.draw(drawing, w.ink if level is None else level, 2 * w.pen * w.height * pen)


def digit(
    canvas: Canvas, label: int, x: float, base: float, w: Writing, *, scale: float = 1.0, crossed: bool = False
) -> float:
    """Write a digit with its left edge at x and its foot at base; gives its width in pixels."""
    rng = canvas.rng
    place = glyph_for(canvas, label, w)
    tall = w.height * scale * float(np.clip(rng.normal(1, w.uneven), 0.6, 1.4))
    if label == 0:
        tall *= min(w.zeros, rng.uniform(0.5, 0.85) if rng.random() < 0.12 else 1.0)  # a small one amid others
    width, height = canvas.glyphs.spans[place].tolist()
    unit = tall / max(height, LYING)  # pixels for the longer side of a field
    stretch, drop = 1.0, 0.0
    if label in LEGGED and rng.random() < w.legs:
        stretch = rng.uniform(1.0, 1.5)
        drop = rng.uniform(0.0, 0.4) * tall
    across = unit * w.aspect * math.exp(rng.normal(0, 0.08))
    real = float(width * across)
    # The field is square, with the glyph's ink in its centre.
    foot = base + drop + (unit * stretch - unit * stretch * height) / 2
    box = write(canvas, place, x + real / 2 - across / 2, foot, (across, unit * stretch), w)
    canvas.note(box, IGNORED if crossed else label)
    if crossed and box is not None:
        _cross_out(canvas, box, w)
    return real


def glyph_for(canvas: Canvas, label: int, w: Writing) -> int:
    """Draw the index of a glyph of a label for a writing."""
    glyphs, rng = canvas.glyphs, canvas.rng
    if 0 <= label < len(SIGNS) and rng.random() < w.alike:
        rng = np.random.default_rng([w.writer, label])
    kind = DRAWN if label < 0 or label > 9 or rng.random() < w.forms else OUTLINE if w.outlined else MIDDLE
    places = glyphs.places[label, kind]
    return int(places[rng.integers(len(places))])


def write(
    canvas: Canvas,
    place: int,
    x: float,
    base: float,
    size: tuple[float, float],
    w: Writing,
    *,
    mirrored: bool = False,
) -> Extent | None:
    """Write a glyph.

    Parameters
    ----------
    canvas : Canvas
    place : int
        The index of the glyph.
    x, base : float
        The bottom left corner of its field's inner square, in pixels.
    size : (float, float)
        Width and height of that square, in pixels.
    w : Writing
    mirrored : bool
        Whether it shines through from the back.

    Returns
    -------
    Extent or None
        Of its ink, before the paper's tooth; None without ink.
    """
    rng, glyphs = canvas.rng, canvas.glyphs
    wide, tall = size[0] / TALL, size[1] / TALL
    turn = rng.normal(0, 0.04)
    cos, sin = math.cos(turn), math.sin(turn)
    side = -wide if mirrored else wide
    middle_x, middle_y = x + size[0] / 2, base - size[1] / 2
    forth = (
        *(cos * side, (sin - w.slant * cos) * tall, middle_x),
        *(-sin * side, (cos + w.slant * sin) * tall, middle_y),
    )
    middle = bool(glyphs.kinds[place] != OUTLINE)
    pen = _pen(w, math.sqrt(abs(wide * tall)), middle=middle, rng=rng)
    ink, (left, top) = inked(glyphs.fields[place], glyphs.spans[place].tolist(), forth, pen, middle=middle)
    frame = frame_of(ink > INKED)
    if frame is None:
        return None
    canvas.lay(ink, left, top, w.ink, grain=w.grain)
    return left + frame[1], top + frame[0], left + frame[3], top + frame[2]


def _pen(w: Writing, scale: float, *, middle: bool, rng: np.random.Generator) -> float:
    """Half the width of a stroke, or without ``middle`` its reach beyond the outline, in pixels.

    ``scale`` is the size of the field's pixels in the scene.
    """
    if middle:
        return max(w.pen * w.height, 0.35)
    return max(rng.normal(0.0, 0.6) * scale + (w.pen - 0.035) * w.height * 0.5, -1.2 * scale)


def _cross_out(canvas: Canvas, box: Extent, w: Writing) -> None:
    left, top, right, bottom = box
    strokes = scribble(rng=canvas.rng)
    if canvas.rng.random() < 0.5:
        strokes = [np.array([[0.0, 0.6], [1.0, 0.4]]), np.array([[0.0, 0.4], [1.0, 0.55]])]
    stroke(canvas, [part * [right - left, bottom - top] + [left, top] for part in strokes], w)


def _join(canvas: Canvas, w: Writing) -> None:
    """Join the last two digits with a stroke, at the top as in rows of zeros, or at the foot."""
    if len(canvas.found) < 2:
        return
    rng = canvas.rng
    (ax, ay, wide, tall, _), (bx, by, width, height, _) = canvas.found[-2:]
    if not -0.4 < (bx - width / 2 - ax - wide / 2) / w.height < 0.5:
        return
    at = rng.uniform(-0.5, -0.25) if rng.random() < 0.6 else rng.uniform(0.3, 0.5)
    begin = np.array([ax + wide * rng.uniform(0.2, 0.5), ay + tall * at])
    end = np.array([bx - width * rng.uniform(0.2, 0.5), by + height * rng.uniform(-0.5, 0.5)])
    middle = (begin + end) / 2 + rng.normal(0, 0.08, 2) * w.height
    stroke(canvas, [curve(np.stack([begin, middle, end]))], w, pen=rng.uniform(0.6, 1))


def number(
    canvas: Canvas,
    digits: int,
    x: float,
    base: float,
    w: Writing,
    *,
    separators: float = 0.15,
    crossed: float = 0.01,
) -> float:
    """Write a number from x on; gives its end in pixels.

    Parameters
    ----------
    canvas : Canvas
    digits : int
        Fewer are written where the scene ends or is full.
    x, base : float
        The bottom left corner in pixels.
    w : Writing
    separators : float
        Probability of a sign after each digit; with 0 the number has no ending either.
    crossed : float
        Probability of each digit to be crossed out.
    """
    rng = canvas.rng
    start = x
    follows = False  # whether a digit stands just before
    superscript = rng.random() < 0.06 and digits > 3  # as the cents of an amount
    for k in range(digits):
        if x > SCENE + 20 or not canvas.room_for(4):
            break
        y = _line(base, x - start, w) + rng.normal(0, w.wobble) * w.height
        small = superscript and k >= digits - 2
        label = int(rng.integers(10)) if rng.random() > 0.15 else int(rng.choice(OFTEN))
        lift, scale = (0.45 * w.height, 0.6) if small else (0, 1.0)
        width = digit(canvas, label, x, y - lift, w, scale=scale, crossed=rng.random() < crossed)
        if follows and rng.random() < w.joined:
            _join(canvas, w)
        follows = True
        x += max(width + (w.gap * w.height + rng.normal(0, 0.06) * w.height), 0.12 * w.height)
        if rng.random() < separators and k < digits - 1:
            drawn = str(rng.choice(list(".,.,-/")))
            x += sign(canvas, drawn, x, y, w) + w.height * rng.uniform(0.02, 0.3)
            follows = False
        elif rng.random() < 0.04:
            x += w.height * rng.uniform(0.4, 1.5)
    if rng.random() < 0.25 * (separators > 0):
        x += ending(canvas, x, base + w.slope * (x - start), w)
    return x


def _line(base: float, along: float, w: Writing) -> float:
    """The y of a written line, ``along`` pixels from its start."""
    return base + w.slope * along + w.bow * along**2 / max(w.height, 1)


def sign(canvas: Canvas, drawn: str, x: float, base: float, w: Writing) -> float:
    """Write one of ``. , - = /`` with its left edge at x; gives its width in pixels."""
    rng, label = canvas.rng, SIGNS.index(drawn)
    place = glyph_for(canvas, label, w)
    if drawn in ".,":
        size = w.height * rng.uniform(0.1, 0.22)
        canvas.note(write(canvas, place, x - size * 0.3, base + size * 0.4, (size, size), w), label)
        return size * 0.6
    slash = drawn == "/"
    tall = w.height * (rng.uniform(0.7, 1.3) if slash else rng.uniform(0.4, 0.9))
    lift = -0.1 * w.height if slash else w.height * rng.uniform(0.3, 0.6) - tall / 2
    wide = tall * (0.6 if slash else 1)
    canvas.note(write(canvas, place, x, base - lift, (wide, tall), w), label)
    return wide


def ending(canvas: Canvas, x: float, base: float, w: Writing) -> float:
    """Write the end of an amount: ``=``, ``-``, a wavy line, a letter or mark; gives its width in pixels."""
    rng = canvas.rng
    x += w.height * rng.uniform(0.1, 0.4)
    kind = rng.random()
    if kind < 0.65:
        return sign(canvas, "=" if kind < 0.4 else "-", x, base, w) + w.height * 0.2
    if kind < 0.8:
        length = w.height * rng.uniform(1, 4)
        t = np.linspace(0, 1, 24)
        wave = base - w.height * (0.5 + 0.15 * np.sin(t * rng.uniform(8, 30)))
        stroke(canvas, [np.stack([x + t * length, wave], axis=1)], w)
        return length
    return letter(canvas, x, base, w)


def letter(canvas: Canvas, x: float, base: float, w: Writing, *, alone: bool = True, among: str = "") -> float:
    """Write a letter or mark, one of ``among`` if given, with its left edge at x; gives its width in pixels.

    One that stands alone and looks like a digit is ignored: a finder may find it or not.
    """
    place = int(canvas.rng.choice(letters_of(canvas.glyphs, among))) if among else glyph_for(canvas, OTHER, w)
    width = float(canvas.glyphs.spans[place, 0])
    tall = w.height * canvas.rng.uniform(0.6, 1.2)
    across = tall * w.aspect
    box = write(canvas, place, x + width * across / 2 - across / 2, base, (across, tall), w)
    if alone and is_lookalike(canvas.glyphs, place):
        canvas.note(box, IGNORED)
    return width * across
