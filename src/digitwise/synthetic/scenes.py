"""Small scenes of numbers among all that paper holds, with exact truth: what the finder is trained on.

A scene is a grey picture of 256x256 pixels. Where the photo or scan that it shows is smaller, the rest is filled as
:func:`padded_with` fills the rim of a picture that is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from digitwise.images import Float32, Float64, Int64, UInt8
from digitwise.synthetic.camera import through_jpeg
from digitwise.synthetic.glyphs import DRAWN, MIDDLE, OTHER, OUTLINE, SIGNS, TALL, Glyphs, font, inked
from digitwise.synthetic.noise import resized, smooth_noise
from digitwise.synthetic.strokes import Drawing, cursive, scribble

SCENE = 256  # pixels a side
MOST = 96  # objects a scene
IGNORED = -2  # the label of what is neither to be found nor wrong to be found: cut, crossed out
HEIGHTS = 10.0, 110.0  # pixels of a digit
VISIBLE = 0.3, 0.8  # share of a digit's box in the picture: below it is no digit, above it is one
PRINTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "cmr10", "cmss10", "cmtt10")
WORDS = "etaoinsrhldcumfpgwybvk"  # letters about as often as words have them


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene and its truth.

    Parameters
    ----------
    picture : ndarray of uint8, shape (256, 256)
    objects : ndarray of float32, shape (n, 5)
        Middle x and y, width and height in pixels, and label: a place in ``SIGNS``, or :data:`IGNORED`.
    turn : {0, 1, 2, 3}
        Quarters counter-clockwise that make it upright.
    frame : (int, int, int, int)
        Left, top, right and bottom of the photo or scan in it.
    """

    picture: UInt8
    objects: Float32
    turn: int
    frame: tuple[int, int, int, int]


@dataclass(frozen=True)
class Writing:
    """How one person with one pen writes one number; lengths in heights of a digit."""

    height: float  # pixels
    pen: float
    slant: float
    aspect: float
    gap: float
    uneven: float
    wobble: float
    slope: float
    bow: float
    forms: float
    ink: float  # grey levels between paper and ink, positive where the ink is darker
    grain: float
    legs: float
    outlined: bool  # whether strokes are as wide as their writers made them


@dataclass(eq=False)
class _Canvas:
    """What is drawn so far."""

    glyphs: Glyphs
    rng: np.random.Generator
    paper: Float32
    tooth: Float32  # how little ink the paper takes, 0 to 1
    found: list[tuple[float, float, float, float, int]] = field(default_factory=list)

    def lay(self, ink: Float32, left: int, top: int, level: float, *, grain: float = 0.0) -> None:
        """Let ink, 0 to 1, darken the paper by ``level`` at most."""
        height, width = self.paper.shape
        l, t = max(left, 0), max(top, 0)
        r, b = min(left + ink.shape[1], width), min(top + ink.shape[0], height)
        if l >= r or t >= b:
            return
        part = self.paper[t:b, l:r]
        shade = ink[t - top : b - top, l - left : r - left] * np.float32(level)
        if grain:
            shade *= 1 - np.float32(grain) * self.tooth[t:b, l:r]
        # Ink on ink gets darker, but not twice as dark.
        np.minimum(part, self.base[t:b, l:r] - shade, out=part) if level > 0 else np.maximum(
            part, self.base[t:b, l:r] - shade, out=part
        )

    def settle(self) -> None:
        """What is there now is what further ink is laid on."""
        self.base = self.paper.copy()


def scene_of(glyphs: Glyphs, *, rng: np.random.Generator) -> Scene:
    """Make a scene.

    Parameters
    ----------
    glyphs : Glyphs
        What is written with.
    rng : numpy.random.Generator
        Decides everything.
    """
    paper = _ground(rng=rng)
    tooth = np.minimum(np.abs(smooth_noise(paper.shape, rng.uniform(1.1, 3), rng=rng)), 1)
    canvas = _Canvas(glyphs, rng, paper, tooth)
    canvas.settle()
    kind = str(rng.choice(list(_KINDS), p=[share for _, share in _KINDS.values()]))
    _KINDS[kind][0](canvas)
    picture = _seen(canvas.paper, canvas.found, rng=rng)
    picture, objects, frame = _cropped(picture, canvas.found, loose=kind in ("page", "nothing"), rng=rng)
    turn = int(rng.integers(1, 4)) if rng.random() < 0.22 else 0
    return _turned(picture, objects, frame, turn)


# What is written, and on what ----------------------------------------------------------------------------------------


def _writing(height: float, *, rng: np.random.Generator, contrast: float | None = None) -> Writing:
    """A hand as it may come."""
    thin = rng.random()
    pen = math.exp(rng.uniform(math.log(0.018), math.log(0.06))) if thin < 0.75 else rng.uniform(0.06, 0.13)
    pencil = rng.random() < 0.25
    close = rng.uniform(-0.12, 0.1) if pen < 0.05 else rng.uniform(0.0, 0.12)
    return Writing(
        height=height,
        pen=max(pen, 0.45 / height),
        slant=rng.normal(0.08, 0.2),
        aspect=math.exp(rng.normal(0, 0.2)),
        gap=rng.choice((close, rng.uniform(0.05, 0.35), rng.uniform(0.3, 1.1)), p=(0.35, 0.45, 0.2)),
        uneven=rng.uniform(0.02, 0.16),
        wobble=rng.uniform(0.0, 0.08),
        slope=rng.normal(0, 0.05),
        bow=rng.normal(0, 0.01),
        forms=rng.choice((0.0, 0.3, 0.8)),
        ink=contrast if contrast is not None else rng.uniform(35, 110) if pencil else rng.uniform(70, 225),
        grain=rng.uniform(0.1, 0.5) if pencil else rng.uniform(0, 0.15),
        legs=rng.choice((0.0, rng.uniform(0.1, 0.6))),
        outlined=bool(rng.random() < 0.3),
    )


def _height(low: float = HEIGHTS[0], high: float = HEIGHTS[1], *, rng: np.random.Generator) -> float:
    """Most are as high as a page is brought to before it is read."""
    if rng.random() < 0.6:
        return float(np.clip(rng.lognormal(math.log(32), 0.3), low, high))
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _glyph(canvas: _Canvas, label: int, w: Writing) -> int:
    """A glyph of that label for that writing."""
    glyphs, rng = canvas.glyphs, canvas.rng
    kind = DRAWN if label < 0 or label > 9 or rng.random() < w.forms else OUTLINE if w.outlined else MIDDLE
    places = glyphs.places[label, kind]
    return int(places[rng.integers(len(places))])


def _put(
    canvas: _Canvas,
    place: int,
    x: float,
    base: float,
    size: tuple[float, float],
    w: Writing,
    *,
    level: float | None = None,
    mirrored: bool = False,
) -> tuple[float, float, float, float] | None:
    """Write a glyph in a box of that width and height whose left lower corner lies at x, base; gives the ink's box."""
    rng, glyphs = canvas.rng, canvas.glyphs
    sx, sy = size[0] / TALL, size[1] / TALL
    turn = rng.normal(0, 0.04)
    cos, sin = math.cos(turn), math.sin(turn)
    side = -sx if mirrored else sx
    forth = (cos * side, (sin - w.slant * cos) * sy, x + size[0] / 2, -sin * side, (cos + w.slant * sin) * sy, base - size[1] / 2)
    middle = bool(glyphs.kinds[place] != OUTLINE)
    scale = math.sqrt(abs(sx * sy))
    pen = w.pen * w.height if middle else rng.normal(0.0, 0.6) * scale + (w.pen - 0.035) * w.height * 0.5
    pen = max(pen, 0.35) if middle else max(pen, -1.2 * scale)
    ink, (left, top) = inked(glyphs.fields[place], glyphs.spans[place].tolist(), forth, pen, middle=middle)
    strong = ink > 0.25
    ys, xs = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    if not len(ys):
        return None
    canvas.lay(ink, left, top, w.ink if level is None else level, grain=w.grain)
    return left + int(xs[0]), top + int(ys[0]), left + int(xs[-1]) + 1, top + int(ys[-1]) + 1


def _note(canvas: _Canvas, box: tuple[float, float, float, float] | None, label: int) -> None:
    if box is not None:
        l, t, r, b = box
        canvas.found.append(((l + r) / 2, (t + b) / 2, r - l, b - t, label))


def _digit_at(
    canvas: _Canvas, label: int, x: float, base: float, w: Writing, *, scale: float = 1.0, crossed: bool = False
) -> float:
    """Write a digit with its left edge at x; gives its width."""
    rng = canvas.rng
    place = _glyph(canvas, label, w)
    tall = w.height * scale * float(np.clip(rng.normal(1, w.uneven), 0.6, 1.4))
    if label == 0 and rng.random() < 0.12:
        tall *= rng.uniform(0.5, 0.85)  # a small one, as in the midst of a number
    wide, long = canvas.glyphs.spans[place].tolist()
    unit = tall / max(long, 0.55)  # pixels for TALL: lying glyphs are not blown up
    drop = 0.0
    stretch = 1.0
    if label in (7, 9, 4, 1) and rng.random() < w.legs:
        stretch = rng.uniform(1.0, 1.5)
        drop = rng.uniform(0.0, 0.4) * tall
    sx = unit * w.aspect * math.exp(rng.normal(0, 0.08))
    real = wide * sx
    # The field's frame is square: the glyph's ink lies in its middle.
    left = x + real / 2 - sx / 2
    foot = base + drop + (unit * stretch - unit * stretch * long) / 2
    box = _put(canvas, place, left, foot, (sx, unit * stretch), w)
    _note(canvas, box, IGNORED if crossed else label)
    if crossed and box is not None:
        _crossing(canvas, box, w)
    return real


def _crossing(canvas: _Canvas, box: tuple[float, float, float, float], w: Writing) -> None:
    """Cross out what is there."""
    l, t, r, b = box
    strokes = scribble(rng=canvas.rng)
    if canvas.rng.random() < 0.5:
        strokes = [np.array([[0.0, 0.6], [1.0, 0.4]]), np.array([[0.0, 0.4], [1.0, 0.55]])]
    _stroke(canvas, [s * [r - l, b - t] + [l, t] for s in strokes], w)


def _stroke(canvas: _Canvas, drawing: Drawing, w: Writing, *, level: float | None = None, pen: float = 1.0) -> None:
    """Draw strokes in the picture's pixels."""
    points = np.concatenate(drawing)
    low = np.floor(points.min(axis=0)).astype(int) - 4
    high = np.ceil(points.max(axis=0)).astype(int) + 5
    low, high = np.maximum(low, -64), np.minimum(high, SCENE + 64)
    if (high - low < 2).any():
        return
    fine = 2
    image = Image.new("L", tuple(int(v) for v in (high - low) * fine), 0)
    draw = ImageDraw.Draw(image)
    width = max(1, round(2 * w.pen * w.height * pen * fine))
    for stroke in drawing:
        line = [tuple(p) for p in ((stroke - low) * fine).tolist()]
        draw.line(line, 255, width, joint="curve")
    ink = np.asarray(image.reduce(fine), np.float32) / 255
    canvas.lay(ink, int(low[0]), int(low[1]), w.ink if level is None else level)


def _number(
    canvas: _Canvas,
    digits: int,
    x: float,
    base: float,
    w: Writing,
    *,
    pitch: float | None = None,
    separators: float = 0.15,
) -> float:
    """Write a number from x on, along a line; with ``pitch`` pixels from middle to middle; gives where it ends."""
    rng = canvas.rng
    start = x
    superscript = rng.random() < 0.06 and digits > 3
    for k in range(digits):
        if x > SCENE + 20 or len(canvas.found) >= MOST - 4:
            break
        along = x - start
        y = base + w.slope * along + w.bow * along**2 / max(w.height, 1) + rng.normal(0, w.wobble) * w.height
        small = superscript and k >= digits - 2
        scale = 0.6 if small else 1.0
        label = int(rng.integers(10)) if rng.random() > 0.15 else int(rng.choice((0, 1, 1, 7)))
        if pitch is not None:
            place_x = start + k * pitch
            mid = place_x + rng.normal(0, 0.06) * w.height
            got = _digit_at(canvas, label, mid - 0.3 * w.height * w.aspect, y, w)
            x = place_x + pitch
            continue
        crossed = rng.random() < 0.01
        got = _digit_at(canvas, label, x, y - (0.45 * w.height if small else 0), w, scale=scale, crossed=crossed)
        gap = w.gap * w.height + rng.normal(0, 0.06) * w.height
        x += max(got + gap, 0.12 * w.height)
        if rng.random() < separators and k < digits - 1:
            x += _separator(canvas, x, y, w)
        elif rng.random() < 0.04:
            x += w.height * rng.uniform(0.4, 1.5)
    if rng.random() < 0.25 * (separators > 0):
        x += _ending(canvas, x, base + w.slope * (x - start), w)
    return x


def _sign_at(canvas: _Canvas, sign: str, x: float, base: float, w: Writing) -> float:
    """Write one of ``. , - = /``; gives its width."""
    rng, label = canvas.rng, SIGNS.index(sign)
    place = _glyph(canvas, label, w)
    if sign in ".,":
        size = w.height * rng.uniform(0.1, 0.22)
        box = _put(canvas, place, x - size * 0.3, base + size * 0.4, (size, size), w)
        _note(canvas, box, label)
        return size * 0.6
    tall = w.height * (rng.uniform(0.7, 1.3) if sign == "/" else rng.uniform(0.4, 0.9))
    lift = -0.1 * w.height if sign == "/" else w.height * rng.uniform(0.3, 0.6) - tall / 2
    box = _put(canvas, place, x, base - lift, (tall * (0.6 if sign == "/" else 1), tall), w)
    _note(canvas, box, label)
    return tall * (0.6 if sign == "/" else 1)


def _separator(canvas: _Canvas, x: float, base: float, w: Writing) -> float:
    sign = str(canvas.rng.choice(list(".,.,-/")))
    return _sign_at(canvas, sign, x, base, w) + w.height * canvas.rng.uniform(0.02, 0.3)


def _ending(canvas: _Canvas, x: float, base: float, w: Writing) -> float:
    """What stands behind an amount: ``=``, ``-``, ``#``, a wavy line."""
    rng = canvas.rng
    x += w.height * rng.uniform(0.1, 0.4)
    kind = rng.random()
    if kind < 0.65:
        return _sign_at(canvas, "=" if kind < 0.4 else "-", x, base, w) + w.height * 0.2
    if kind < 0.8:
        long = w.height * rng.uniform(1, 4)
        t = np.linspace(0, 1, 24)
        wave = np.stack([x + t * long, base - w.height * (0.5 + 0.15 * np.sin(t * rng.uniform(8, 30)))], axis=1)
        _stroke(canvas, [wave], w)
        return long
    return _letter(canvas, x, base, w)


def _letter(canvas: _Canvas, x: float, base: float, w: Writing) -> float:
    place = _glyph(canvas, OTHER, w)
    wide = float(canvas.glyphs.spans[place, 0])
    unit = w.height * canvas.rng.uniform(0.6, 1.2)
    sx = unit * w.aspect
    _put(canvas, place, x + wide * sx / 2 - sx / 2, base, (sx, unit), w)
    return wide * sx


# What is no digit ----------------------------------------------------------------------------------------------------


def _word(canvas: _Canvas, x: float, base: float, w: Writing, *, level: float | None = None) -> float:
    """A word of joined-up or of single letters; gives its width."""
    rng = canvas.rng
    if rng.random() < 0.6:
        tall = w.height * rng.uniform(0.4, 0.8)
        strokes = [s * [tall, tall] + [x, base - tall / 2] for s in cursive(int(rng.integers(2, 9)), rng=rng)]
        _stroke(canvas, strokes, w, level=level)
        return float(max(s[:, 0].max() for s in strokes) - x)
    start = x
    for _ in range(int(rng.integers(2, 9))):
        x += _letter(canvas, x, base, w) + w.height * max(0.02, w.gap * 0.5)
    return x - start


def _print(
    canvas: _Canvas, text: str, x: float, y: float, size: float, level: float, *, name: str | None = None
) -> float:
    """Printed text with its left upper corner at x, y; gives its width."""
    rng = canvas.rng
    face = font(name or str(rng.choice(PRINTS)), max(6, round(size)))
    l, t, r, b = face.getbbox(text)
    image = Image.new("L", (max(1, round(r - l)), max(1, round(b - t))), 0)
    ImageDraw.Draw(image).text((-l, -t), text, 255, face)
    canvas.lay(np.asarray(image, np.float32) / 255, round(x), round(y), level)
    return float(r - l)


def _printed_number(canvas: _Canvas, x: float, base: float, height: float, level: float) -> float:
    """A number in print, of which each digit is found."""
    rng = canvas.rng
    name = str(rng.choice(PRINTS))
    face = font(name, max(8, round(height * 1.35)))
    spaced = rng.uniform(0.0, 0.25) * height
    for _ in range(int(rng.integers(1, 9))):
        if len(canvas.found) >= MOST - 4:
            break
        label = int(rng.integers(10))
        l, t, r, b = face.getbbox(str(label))
        image = Image.new("L", (max(1, round(r - l)), max(1, round(b - t))), 0)
        ImageDraw.Draw(image).text((-l, -t), str(label), 255, face)
        top = round(base - (b - t))
        canvas.lay(np.asarray(image, np.float32) / 255, round(x), top, level)
        _note(canvas, (round(x), top, round(x) + image.width, top + image.height), label)
        x += image.width + max(1.0, 0.06 * height) + spaced
    return x


def _random_text(rng: np.random.Generator) -> str:
    words = ["".join(rng.choice(list(WORDS), rng.integers(2, 9))) for _ in range(int(rng.integers(1, 4)))]
    text = " ".join(words)
    kind = rng.random()
    return text.upper() if kind < 0.25 else text.title() if kind < 0.6 else text


def _clutter(canvas: _Canvas, w: Writing, *, free: list[tuple[float, float]], chance: float) -> None:
    """Words and print where no line of digits stands: ``free`` are bands from y to y."""
    rng = canvas.rng
    for low, high in free:
        if high - low < 8 or rng.random() > chance:
            continue
        room = high - low
        if rng.random() < 0.5:
            size = min(room * 0.8, w.height * rng.uniform(0.25, 1.3), 60)
            if size >= 6:
                x = rng.uniform(-30, 160)
                for _ in range(int(rng.integers(1, 4))):
                    x += _print(canvas, _random_text(rng), x, low, size, abs(w.ink) * rng.uniform(0.3, 1.1)
                                * (1 if w.ink > 0 else -1)) + size
        else:
            other = _writing(min(w.height * rng.uniform(0.6, 1.3), room), rng=rng, contrast=w.ink * rng.uniform(0.5, 1))
            x = rng.uniform(-40, 150)
            for _ in range(int(rng.integers(1, 4))):
                x += _word(canvas, x, high - 0.2 * room, other) + other.height
                if x > SCENE:
                    break


def _rule_line(canvas: _Canvas, begin: Float64, end: Float64, width: float, level: float, *, dotted: bool = False) -> None:
    """A printed or drawn straight line."""
    rng = canvas.rng
    fine = 2
    low = np.clip(np.floor(np.minimum(begin, end) - width - 1), 0, SCENE).astype(int)
    high = np.clip(np.ceil(np.maximum(begin, end) + width + 1), 0, SCENE).astype(int)
    if (high <= low).any():
        return
    image = Image.new("L", (int(high[0] - low[0]) * fine, int(high[1] - low[1]) * fine), 0)
    draw = ImageDraw.Draw(image)
    cuts = np.stack([begin, end])
    if dotted:
        steps = max(2, int(np.hypot(*(end - begin)) / max(3.0, width * 4)))
        cuts = begin + np.linspace(0, 1, 2 * steps)[:, None] * (end - begin)
    for a, b in zip((cuts[::2] - low) * fine, (cuts[1::2] - low) * fine, strict=True):
        draw.line([*a, *b], 255, max(1, round(width * fine)))
    ink = np.asarray(image.reduce(fine), np.float32) / 255
    if width < 1:
        ink = ink * np.float32(rng.uniform(0.4, 1.0))
    canvas.lay(ink, int(low[0]), int(low[1]), level)


def _level(w: Writing, rng: np.random.Generator) -> float:
    """How dark a rule or frame is."""
    return w.ink * rng.uniform(0.25, 1.2) if rng.random() < 0.7 else math.copysign(rng.uniform(15, 200), w.ink)


def _horizontal(canvas: _Canvas, y: float, w: Writing, *, x: tuple[float, float] = (-5, SCENE + 5)) -> None:
    rng = canvas.rng
    tilt = rng.normal(0, 0.01) * (x[1] - x[0])
    _rule_line(canvas, np.array([x[0], y]), np.array([x[1], y + tilt]), rng.uniform(0.6, max(1.0, 0.09 * w.height)),
               _level(w, rng), dotted=rng.random() < 0.12)


def _vertical(canvas: _Canvas, x: float, w: Writing, *, y: tuple[float, float] = (-5, SCENE + 5)) -> None:
    rng = canvas.rng
    tilt = rng.normal(0, 0.01) * (y[1] - y[0])
    _rule_line(canvas, np.array([x, y[0]]), np.array([x + tilt, y[1]]), rng.uniform(0.6, max(1.0, 0.09 * w.height)),
               _level(w, rng), dotted=rng.random() < 0.08)


def _frame(canvas: _Canvas, box: tuple[float, float, float, float], w: Writing) -> None:
    """Four lines around a box; corners round now and then."""
    l, t, r, b = box
    rng = canvas.rng
    level, width = _level(w, rng), rng.uniform(0.7, max(1.2, 0.1 * w.height))
    corners = np.array([[l, t], [r, t], [r, b], [l, b], [l, t]]) + np.repeat(rng.normal(0, 0.6, (1, 2)), 5, axis=0)
    for a, c in zip(corners[:-1], corners[1:], strict=True):
        _rule_line(canvas, a, c, width, level)


def _pattern(canvas: _Canvas) -> None:
    """The security print of cheques and certificates: waves, guilloches, small type, dots."""
    rng = canvas.rng
    height, width = canvas.paper.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    level = np.float32(rng.uniform(4, 45))
    kind = rng.random()
    if kind < 0.55:
        period, amount, swing = rng.uniform(3, 14), rng.uniform(0, 12), rng.uniform(15, 90)
        angle = rng.uniform(0, math.pi)
        u, v = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
        wave = np.cos((u + amount * np.sin(v * (6.28 / swing))) * (6.28 / period))
        if rng.random() < 0.4:
            wave = np.maximum(wave, np.cos((u - amount * np.sin(v * (6.28 / swing))) * (6.28 / period)))
        canvas.paper -= level * np.clip((wave - rng.uniform(-0.5, 0.6)) * 2, 0, 1)
    elif kind < 0.75:  # halftone
        period, angle = rng.uniform(3, 9), rng.uniform(0, math.pi)
        u, v = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
        dots = np.cos(u * (6.28 / period)) * np.cos(v * (6.28 / period))
        canvas.paper -= level * np.clip((dots - rng.uniform(0.1, 0.6)) * 3, 0, 1)
    else:  # small type
        size = rng.uniform(6, 12)
        row = " ".join(_random_text(rng) for _ in range(6))
        step = size * rng.uniform(1.1, 2)
        for top in np.arange(rng.uniform(-5, 0), height, step):
            _print(canvas, row, rng.uniform(-60, 0), top, size, float(level), name="DejaVuSans")


def _ground(*, rng: np.random.Generator) -> Float32:
    """Empty paper: its shade, its fibres, its stains."""
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


# Kinds of scenes -----------------------------------------------------------------------------------------------------


def _behind(canvas: _Canvas, w: Writing) -> None:
    """What was on the paper before: patterns, squares, rules, writing that shines through."""
    rng = canvas.rng
    kind = rng.random()
    if kind < 0.14:
        _pattern(canvas)
    elif kind < 0.24:
        step = w.height * rng.uniform(0.35, 1.6)
        level, width = _level(w, rng) * rng.uniform(0.2, 0.8), rng.uniform(0.5, 1.6)
        for axis in (0, 1) if rng.random() < 0.5 else (0,):
            for at in np.arange(rng.uniform(0, step), SCENE, max(step, 5.0)):
                line = np.array([[-5.0, at], [SCENE + 5.0, at]])
                line = line if axis == 0 else line[:, ::-1]
                _rule_line(canvas, line[0], line[1], width, level)
    if rng.random() < 0.1:  # shining through from the back
        ghost = _writing(w.height, rng=rng, contrast=w.ink * rng.uniform(0.1, 0.3))
        for _ in range(int(rng.integers(1, 12))):
            place = int(rng.integers(len(canvas.glyphs.labels)))
            size = w.height * rng.uniform(0.6, 1.2)
            _put(canvas, place, rng.uniform(-10, SCENE), rng.uniform(0, SCENE + 20), (size, size), ghost, mirrored=True)
    canvas.settle()


def _single(canvas: _Canvas) -> None:
    """One digit, of any size."""
    rng = canvas.rng
    w = _writing(_height(rng=rng), rng=rng)
    _behind(canvas, w)
    label = int(rng.integers(10))
    x, base = rng.uniform(30, 190 - min(w.height, 100) / 2), rng.uniform(w.height + 10, 250)
    if rng.random() < 0.06:
        _printed_number(canvas, x, base, w.height, w.ink)
    else:
        _digit_at(canvas, label, x, base, w)
    if rng.random() < 0.25:
        bands = [(0.0, base - w.height * 1.3), (base + w.height * 0.4, float(SCENE))]
        _clutter(canvas, w, free=bands, chance=0.6)
    _intruders(canvas, w, base)


def _row(canvas: _Canvas) -> None:
    """One number in the middle of the picture, with what lies around it."""
    rng = canvas.rng
    w = _writing(_height(high=90, rng=rng), rng=rng)
    _behind(canvas, w)
    digits = int(rng.integers(1, 13))
    base = rng.uniform(w.height + 8, SCENE - 8)
    start = rng.uniform(4, 60)
    if rng.random() < 0.12:
        start += _word(canvas, start, base, w) + w.height * rng.uniform(0.2, 1)
    elif rng.random() < 0.08:
        start += _letter(canvas, start, base, w) + w.height * rng.uniform(0.05, 0.4)
    if rng.random() < 0.05:
        end = _printed_number(canvas, start, base, w.height, w.ink)
    else:
        end = _number(canvas, digits, start, base, w)
    under = rng.random()
    if under < 0.3:
        y = base + w.height * rng.normal(0.05, 0.08)
        where = (-5.0, SCENE + 5.0) if rng.random() < 0.5 else (start - 5, end + 5)
        _horizontal(canvas, y, w, x=where)
        if rng.random() < 0.3:
            _horizontal(canvas, y + w.height * rng.uniform(0.08, 0.2), w, x=where)
    if under > 0.8:
        _frame(canvas, (start - w.height * rng.uniform(0.05, 0.5), base - w.height * rng.uniform(1.05, 1.6),
                        end + w.height * rng.uniform(0.05, 0.5), base + w.height * rng.uniform(0.05, 0.4)), w)
    _clutter(canvas, w, free=[(0.0, base - w.height * 1.6), (base + w.height * 0.7, float(SCENE))],
             chance=0.35)
    _intruders(canvas, w, base)


def _intruders(canvas: _Canvas, w: Writing, base: float) -> None:
    """Strokes and rules that come in from elsewhere."""
    rng = canvas.rng
    if rng.random() < 0.12:
        _vertical(canvas, rng.uniform(0, SCENE), w)
    if rng.random() < 0.12:
        _horizontal(canvas, rng.uniform(0, SCENE), w)
    if rng.random() < 0.06:
        size = rng.uniform(15, 160)
        at = rng.uniform(0, SCENE, 2)
        _stroke(canvas, [s * size + at for s in scribble(rng=rng)], w)
    if rng.random() < 0.04:
        _stamp(canvas, w)
    if rng.random() < 0.12:  # specks
        for _ in range(int(rng.integers(1, 25))):
            x, y = rng.uniform(0, SCENE, 2)
            step = rng.normal(0, 0.03, 2) * w.height
            _stroke(canvas, [np.array([[x, y], [x + step[0], y + step[1] + 0.1]])], w, pen=rng.uniform(0.2, 1))


def _stamp(canvas: _Canvas, w: Writing) -> None:
    """A round or square stamp with print in it."""
    rng = canvas.rng
    level = w.ink * rng.uniform(0.2, 0.7)
    x, y, radius = rng.uniform(0, SCENE), rng.uniform(0, SCENE), rng.uniform(20, 90)
    t = np.linspace(0, 2 * math.pi, 40)
    ring = np.stack([x + radius * np.cos(t), y + radius * np.sin(t)], axis=1)
    _stroke(canvas, [ring, (ring - [x, y]) * 0.85 + [x, y]], w, level=level, pen=0.7)
    _print(canvas, _random_text(rng).upper(), x - radius * 0.6, y - 6, radius / 3, level)


def _rows(canvas: _Canvas) -> None:
    """A page full of numbers, in lines."""
    rng = canvas.rng
    w = _writing(_height(high=60, rng=rng), rng=rng)
    _behind(canvas, w)
    pitch = w.height * rng.uniform(1.25, 2.6)
    base = rng.uniform(0.2, 1.2) * w.height
    left = rng.uniform(-20, 60)
    words = rng.random() < 0.3
    ruled = rng.random() < 0.25
    while base < SCENE + w.height and len(canvas.found) < MOST - 12:
        x = left + rng.normal(0, 0.5) * w.height
        if words and rng.random() < 0.5:
            x += _word(canvas, x, base, w) + w.height
        while x < SCENE and len(canvas.found) < MOST - 12:
            x = _number(canvas, int(rng.integers(1, 12)), x, base, w, separators=0.06) + w.height * rng.uniform(0.6, 3)
        if ruled:
            _horizontal(canvas, base + w.height * rng.normal(0.06, 0.04), w)
        base += pitch
    _intruders(canvas, w, base)


def _boxes(canvas: _Canvas) -> None:
    """A form: a box a digit, or combs."""
    rng = canvas.rng
    w = _writing(_height(high=80, rng=rng), rng=rng)
    _behind(canvas, w)
    pitch = w.height * rng.uniform(0.9, 1.8)
    tall = w.height * rng.uniform(1.05, 1.8)
    level, width = _level(w, rng), rng.uniform(0.6, max(1.0, 0.09 * w.height))
    y = rng.uniform(5, 60)
    comb = rng.random() < 0.15
    gapped = rng.uniform(0.02, 0.3) * pitch if rng.random() < 0.3 else 0.0
    while y + tall < SCENE + 30 and len(canvas.found) < MOST - 14:
        x = rng.uniform(-10, 50)
        count = int(rng.integers(2, 12))
        base = y + tall / 2 + w.height / 2 + rng.normal(0, 0.05) * w.height
        for k in range(count):
            l, r = x + k * pitch, x + (k + 1) * pitch - gapped
            top = y if not comb else y + tall * 0.6
            for a, c in (((l, top), (l, y + tall)), ((r, top), (r, y + tall)), ((l, y + tall), (r, y + tall)),
                         *((((l, y), (r, y)),) if not comb else ())):
                _rule_line(canvas, np.array(a), np.array(c), width, level)
            if rng.random() < 0.88:
                wide = 0.55 * w.height * w.aspect
                _digit_at(canvas, int(rng.integers(10)), (l + r) / 2 - wide / 2 + rng.normal(0, 0.07) * w.height, base, w)
        if rng.random() < 0.4:
            size = w.height * rng.uniform(0.3, 0.6)
            if size > 6:
                _print(canvas, _random_text(rng), x, y - size * 1.3, size, level)
        y += tall + w.height * rng.uniform(0.4, 2.5)


def _table(canvas: _Canvas) -> None:
    """Cells with rules around them, and a number, a word or nothing in each."""
    rng = canvas.rng
    w = _writing(_height(high=60, rng=rng), rng=rng)
    _behind(canvas, w)
    tall = w.height * rng.uniform(1.15, 3.5)
    first = rng.uniform(-0.8, 0.3) * tall
    columns = np.cumsum(rng.uniform(1.2, 6.0, 12) * w.height) + rng.uniform(-60, 20)
    every = rng.random() < 0.7  # rules between the rows
    for x in columns:
        if -5 < x < SCENE + 5:
            _vertical(canvas, x, w)
            if rng.random() < 0.1:
                _vertical(canvas, x + rng.uniform(2, 5), w)
    y = first
    while y < SCENE + tall:
        if every:
            _horizontal(canvas, y, w)
        base = y + tall * rng.uniform(0.6, 0.98)
        for l, r in zip(columns[:-1], columns[1:], strict=True):
            if l > SCENE or r < 0 or len(canvas.found) >= MOST - 10:
                continue
            kind = rng.random()
            if kind < 0.7:
                digits = max(1, int(rng.integers(1, 2 + int((r - l) / (0.65 * w.height)))))
                _number(canvas, min(digits, 6), l + rng.uniform(0.0, 0.6) * w.height, base, w, separators=0.05)
            elif kind < 0.85:
                _word(canvas, l + rng.uniform(0, 0.5) * w.height, base, w)
        y += tall
    _intruders(canvas, w, y)


def _cheque(canvas: _Canvas) -> None:
    """An amount: security print, currency, points, what closes it, print around it."""
    rng = canvas.rng
    w = _writing(_height(low=14, high=90, rng=rng), rng=rng)
    if rng.random() < 0.75:
        _pattern(canvas)
    canvas.settle()
    base = rng.uniform(w.height + 15, SCENE - 15)
    x = rng.uniform(0, 40)
    before = rng.random()
    if before < 0.3:
        size = w.height * rng.uniform(0.4, 1.0)
        x += _print(canvas, str(rng.choice(["$", "US$", "€", "Kr.", "R$", "£", "U$S", "Fr."])), x, base - size, size,
                    w.ink * rng.uniform(0.4, 1)) + w.height * rng.uniform(0.1, 0.6)
    elif before < 0.45:
        x += _letter(canvas, x, base, w) + w.height * 0.2
    elif before < 0.6:
        x += _sign_at(canvas, str(rng.choice(list("=-"))), x, base, w) + w.height * 0.2
    groups = int(rng.integers(1, 4))
    for k in range(groups):
        x = _number(canvas, 3 if k else int(rng.integers(1, 5)), x, base, w, separators=0.0)
        if k < groups - 1:
            x += _sign_at(canvas, str(rng.choice(list("...,,-"))), x, base, w) + w.height * rng.uniform(0.0, 0.25)
    if rng.random() < 0.7:
        _ending(canvas, x, base, w)
    if rng.random() < 0.4:
        _horizontal(canvas, base + w.height * rng.uniform(0.0, 0.4), w)
    if rng.random() < 0.3:
        _horizontal(canvas, base - w.height * rng.uniform(1.0, 1.6), w)
    _clutter(canvas, w, free=[(0.0, base - w.height * 1.5), (base + w.height * 0.5, float(SCENE))], chance=0.4)
    _intruders(canvas, w, base)


def _nothing(canvas: _Canvas) -> None:
    """Everything but digits."""
    rng = canvas.rng
    w = _writing(_height(high=70, rng=rng), rng=rng)
    _behind(canvas, w)
    y = rng.uniform(0, 30)
    while y < SCENE:
        tall = w.height * rng.uniform(0.8, 2)
        _clutter(canvas, w, free=[(y, y + tall)], chance=0.8)
        y += tall
    for _ in range(int(rng.integers(0, 5))):
        (_horizontal if rng.random() < 0.5 else _vertical)(canvas, rng.uniform(0, SCENE), w)
    _intruders(canvas, w, y)


_KINDS = {
    "single": (_single, 0.12),
    "row": (_row, 0.3),
    "page": (_rows, 0.2),
    "boxes": (_boxes, 0.1),
    "table": (_table, 0.12),
    "cheque": (_cheque, 0.11),
    "nothing": (_nothing, 0.05),
}


# How it is seen ------------------------------------------------------------------------------------------------------


def _seen(paper: Float32, found: list[tuple[float, float, float, float, int]], *, rng: np.random.Generator) -> UInt8:
    """What a camera or scanner makes of it."""
    if rng.random() < 0.35:
        y, x = np.linspace(-0.5, 0.5, SCENE, dtype=np.float32)[:, None], np.linspace(-0.5, 0.5, SCENE, dtype=np.float32)
        angle, slope = rng.uniform(0, 2 * math.pi), abs(rng.normal(0, 0.25))
        ramp = np.float32(math.cos(angle)) * x[None] + np.float32(math.sin(angle)) * y
        lit = 1 + np.float32(slope) * ramp
        if rng.random() < 0.35:  # a shadow's edge
            lit = lit * (1 - np.float32(rng.uniform(0.1, 0.6)) * np.clip(
                0.5 + (ramp - np.float32(rng.uniform(-0.4, 0.4))) / np.float32(rng.uniform(0.01, 0.3)), 0, 1))
        paper = paper * np.maximum(lit, 0.05)
    if rng.random() < 0.06:  # a crease
        at, soft = rng.uniform(0, SCENE), rng.uniform(1, 6)
        across = np.arange(SCENE, dtype=np.float32) - np.float32(at)
        fold = np.float32(rng.normal(0, 22)) * across / np.float32(soft) * np.exp(-((across / soft) ** 2) / 2)
        paper = paper + (fold[None] if rng.random() < 0.5 else fold[:, None])
    if rng.random() < 0.09:  # a border of a scan, a gutter, a desk
        depth = int(rng.uniform(3, 50))
        shade, soft = rng.uniform(0, 120), rng.uniform(0.3, 12)
        away = np.arange(SCENE, dtype=np.float32)
        amount = 1 / (1 + np.exp(np.clip((away - depth) / np.float32(soft), -20, 20)))
        sides = [amount[:, None], amount[::-1, None], amount[None], amount[None, ::-1]]
        side = sides[int(rng.integers(4))]
        paper = paper * (1 - side) + np.float32(shade) * side
    if rng.random() < 0.12:  # a smaller file: lost detail
        small = rng.uniform(0.5, 0.9)
        heights = [height for *_, height, label in found if 0 <= label < 10]
        if not heights or min(heights) * small > 9:
            paper = resized(resized(paper, (round(SCENE * small),) * 2), (SCENE, SCENE))
    paper = np.clip(paper, 0, 255)
    sigma = abs(rng.normal(0, 0.6)) if rng.random() < 0.8 else rng.uniform(0.6, 1.6)
    heights = [height for *_, height, label in found if 0 <= label < 10]
    if heights:
        sigma = min(sigma, 0.06 * float(np.median(heights)))
    image = Image.fromarray(np.asarray(paper, np.uint8))
    if sigma > 0.3:
        image = image.filter(ImageFilter.GaussianBlur(sigma))
    values = np.asarray(image, np.float32)
    if rng.random() < 0.6:
        values = values + np.float32(abs(rng.normal(0, 4))) * rng.standard_normal(values.shape, np.float32)
    picture = np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)
    return through_jpeg(picture, int(rng.integers(20, 96))) if rng.random() < 0.35 else picture


def _cropped(
    picture: UInt8,
    found: list[tuple[float, float, float, float, int]],
    *,
    loose: bool,
    rng: np.random.Generator,
) -> tuple[UInt8, Float32, tuple[int, int, int, int]]:
    """A part of the scene, the rest filled as when reading; what of the truth is in it; and where it lies."""
    objects = np.array(found, np.float32).reshape(-1, 5)
    l, t, r, b = 0, 0, SCENE, SCENE
    if rng.random() < (0.15 if loose else 0.5):
        if len(objects):
            l, t = (objects[:, :2] - objects[:, 2:4] / 2).min(axis=0)
            r, b = (objects[:, :2] + objects[:, 2:4] / 2).max(axis=0)
        tall = float(np.median(objects[:, 3])) if len(objects) else 40.0
        margins = tall * np.abs(rng.normal(0, 0.5, 4)) if rng.random() < 0.7 else rng.uniform(-1, 2, 4)
        l, t = int(max(0, l - margins[0])), int(max(0, t - margins[1]))
        r, b = int(min(SCENE, math.ceil(r + margins[2]))), int(min(SCENE, math.ceil(b + margins[3])))
        if r - l < 12 or b - t < 12:
            l, t, r, b = 0, 0, SCENE, SCENE
    part = picture[t:b, l:r]
    whole = np.full((SCENE, SCENE), padded_with(part), np.uint8)
    dx, dy = int(rng.integers(0, SCENE - (r - l) + 1)), int(rng.integers(0, SCENE - (b - t) + 1))
    whole[dy : dy + b - t, dx : dx + r - l] = part
    kept = []
    for x, y, w, h, label in objects.tolist():
        x0, x1 = max(x - w / 2, l), min(x + w / 2, r)
        y0, y1 = max(y - h / 2, t), min(y + h / 2, b)
        share = max(0.0, x1 - x0) * max(0.0, y1 - y0) / max(w * h, 1e-6)
        if share < VISIBLE[0]:
            if share > 0.05:
                kept.append(((x0 + x1) / 2 + dx - l, (y0 + y1) / 2 + dy - t, x1 - x0, y1 - y0, IGNORED))
            continue
        label = label if share > VISIBLE[1] else IGNORED
        kept.append(((x0 + x1) / 2 + dx - l, (y0 + y1) / 2 + dy - t, x1 - x0, y1 - y0, label))
    return whole, np.array(kept, np.float32).reshape(-1, 5)[:MOST], (dx, dy, dx + r - l, dy + b - t)


def padded_with(picture: UInt8) -> int:
    """The grey value with which the rim of a picture, uint8 (h, w), is filled: its middle one."""
    step = max(1, int(math.sqrt(picture.size / 20_000)))
    return int(np.median(picture[::step, ::step]))


def _turned(picture: UInt8, objects: Float32, frame: tuple[int, int, int, int], turn: int) -> Scene:
    """The scene turned clockwise by quarters."""
    objects = objects.copy()
    for _ in range(turn):  # a quarter clockwise: (x, y) becomes (side - y, x)
        objects[:, :2] = np.stack([SCENE - objects[:, 1], objects[:, 0]], axis=1)
        objects[:, 2:4] = objects[:, 3:1:-1]
        left, top, right, bottom = frame
        frame = SCENE - bottom, left, SCENE - top, right
    return Scene(np.ascontiguousarray(np.rot90(picture, -turn)), objects, turn, frame)

