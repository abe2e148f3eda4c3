"""Glyphs as distance fields: digits of MNIST's writers, forms that MNIST lacks, signs and letters.

A field, uint8 (48, 48), holds the distance to the centre line of the stroke, or to :data:`INSET` pixels within its
outline, in sixteenths of a pixel; 255 stands for 16 pixels and more. Any pen writes it at any size in microseconds.

References
----------
C. Green, Improved Alpha-Tested Magnification for Vector Textures and Special Effects (SIGGRAPH 2007 courses).
"""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitwise.images import Float32, Float64, Int64, UInt8
from digitwise.maps import SIGNS
from digitwise.synthetic.pens import STROKE, Writer, centre_line, enlarged
from digitwise.synthetic.strokes import Drawing, form_of

SIDE, TALL = 48, 36  # pixels of a field, and of the longer side of the glyph in its centre
FINE = 16  # steps of distance in a pixel
EMPTY = 255  # all values of a field without ink
PEN = 2.0  # pixels: half the width of a stroke like MNIST's
INSET = 6.0  # pixels inside the outline where an outline's field is zero
LEAST = 0.3  # side of a drawing that fills the field; smaller ones, as a point, stay smaller
SMOOTHED = 0.6  # square pixels that smoothing adds on the centre line
FRAME, SIZE = 72, 40  # pixels: side of a printed letter's image, and size of its font
OTHER = -1  # the label of a letter
OUTLINE, MIDDLE, DRAWN = range(3)  # kinds
FORMS = 1_200  # drawn forms of each digit
LETTERS = string.ascii_letters
LOOKALIKES = "OoQDlIiSsZzBbgqPph()!"  # letters and marks that alone cannot be told from digits
MARKS = "åäöøæéñçß&$€%#*+?!()[]"
FONTS = ("STIXGeneralItalic", "DejaVuSans", "DejaVuSerif-Italic", "cmmi10", "cmss10", "cmr10")
WIDE_FONTS = 3  # the first ones have marks too
ASPECTS = {"0": (0.35, 1.5), "1": (0.15, 0.7), "-": (1, 1), "=": (1, 1), ".": (0.5, 0.5), ",": (0.2, 0.7)}
USUAL = 0.4, 0.95  # width over height of the other drawn forms
BLOCK = 1_000  # digits in one job, where there are enough for three jobs


def field_of_digit(digit: UInt8, *, middle: bool) -> UInt8:
    """The field of a handwritten or printed glyph.

    Parameters
    ----------
    digit : ndarray of uint8, shape (h, w)
        Light on dark.
    middle : bool
        Whether distances are measured from the centre line, or from the outline.

    Returns
    -------
    ndarray of uint8, shape (48, 48)
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    grey = enlarged(digit, TALL, Writer(None))
    if grey is None:
        return np.full((SIDE, SIDE), EMPTY, np.uint8)
    strokes = _framed(grey) > STROKE
    if not middle:
        outside = distance_transform_edt(~strokes) - distance_transform_edt(strokes)
        return _stored(outside + INSET)
    away = gaussian_filter(distance_transform_edt(~centre_line(strokes)).astype(np.float32), 1.0)
    return _stored(np.sqrt(np.maximum(away**2 - SMOOTHED, 0)))


def _framed(grey: Float32) -> Float32:
    """An image (h, w) in the centre of a frame of 48x48."""
    frame = np.zeros((SIDE, SIDE), np.float32)
    grey = grey[:SIDE, :SIDE]
    top, left = (SIDE - grey.shape[0]) // 2, (SIDE - grey.shape[1]) // 2
    frame[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    return frame


def _stored(distance: Float64 | Float32) -> UInt8:
    """Distances in pixels as values of a field."""
    return np.asarray(np.clip(np.rint(distance * FINE), 0, EMPTY), np.uint8)


def field_of_drawing(drawing: Drawing) -> UInt8:
    """The field, uint8 (48, 48), of strokes of any size, from their centre lines."""
    points = np.concatenate(drawing)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = TALL / max(float((high - low).max()), LEAST)
    pieces = [(stroke - (low + high) / 2) * scale + SIDE / 2 for stroke in drawing]
    begin = np.concatenate([stroke[:-1] for stroke in pieces])[:, None].astype(np.float32)  # (k, 1, 2)
    along = np.concatenate([np.diff(stroke, axis=0) for stroke in pieces])[:, None].astype(np.float32)
    middles = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)
    x, y = middles[None, None] - begin[..., :1], middles[None, :, None] - begin[..., 1:]  # (k, 1, 48), (k, 48, 1)
    u, v = along[..., :1], along[..., 1:]
    share = np.clip((x * u + y * v) / np.maximum(u**2 + v**2, np.float32(1e-6)), 0, 1)  # (k, 48, 48)
    away = (x - share * u) ** 2 + (y - share * v) ** 2
    return _stored(np.sqrt(away.min(axis=0)))


def drawn(drawing: Drawing) -> UInt8:
    """Strokes as an image, uint8 (48, 48), light on dark, with a pen like MNIST's."""
    field = field_of_drawing(drawing)
    return np.asarray(np.clip(PEN + 0.5 - field / np.float32(FINE), 0, 1) * 255, np.uint8)


def inked(
    field: UInt8, span: tuple[float, float], forth: tuple[float, ...], pen: float, *, middle: bool
) -> tuple[Float32, tuple[int, int]]:
    """Write a glyph.

    Parameters
    ----------
    field : ndarray of uint8, shape (48, 48)
    span : (float, float)
        Its width and height, as in ``Glyphs.spans``.
    forth : (float, float, float, float, float, float)
        a, b, c, d, e, f: maps (x, y) from the field's centre to (ax + by + c, dx + ey + f).
    pen : float
        Half the stroke's width in pixels; for an outline, the stroke's reach beyond it.
    middle : bool
        Whether the field holds distances from the centre line.

    Returns
    -------
    (ndarray of float32, shape (h, w); (int, int))
        The ink, 0 to 1, and the position x, y of its top left corner.
    """
    a, b, c, d, e, f = forth
    det = a * e - b * d
    scale = math.sqrt(abs(det))
    reach = max(pen, 0.0) + 2
    half_x, half_y = span[0] * TALL / 2, span[1] * TALL / 2
    wide, high = abs(a) * half_x + abs(b) * half_y + reach, abs(d) * half_x + abs(e) * half_y + reach
    left, top = math.floor(c - wide), math.floor(f - high)
    size = max(1, math.ceil(c + wide) - left), max(1, math.ceil(f + high) - top)
    x, y = left - c, top - f
    back = (e / det, -b / det, (e * x - b * y) / det + SIDE / 2, -d / det, a / det, (a * y - d * x) / det + SIDE / 2)
    image = Image.fromarray(field).transform(
        size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR, fillcolor=255
    )
    ink = np.asarray(image, np.float32)
    ink *= np.float32(-scale / FINE)
    ink += np.float32(pen + 0.5 + (0.0 if middle else INSET * scale))
    np.clip(ink, 0, 1, out=ink)
    return ink, (left, top)


@dataclass(frozen=True, eq=False)
class Glyphs:
    """A collection of glyphs.

    Parameters
    ----------
    fields : ndarray of uint8, shape (n, 48, 48)
        See the module.
    labels : ndarray of int64, shape (n,)
        Places in :data:`~digitwise.maps.SIGNS`, or :data:`OTHER`.
    kinds : ndarray of uint8, shape (n,)
        :data:`OUTLINE` and :data:`MIDDLE` for digits of writers, by the origin of distances; :data:`MIDDLE` suits any
        pen. :data:`DRAWN` for drawn forms and letters, measured from the centre line.
    """

    fields: UInt8
    labels: Int64
    kinds: UInt8

    @functools.cached_property
    def places(self) -> dict[tuple[int, int], Int64]:
        """The indices of the glyphs by label and kind."""
        pairs = {(int(label), int(kind)) for label, kind in zip(self.labels, self.kinds, strict=True)}
        return {pair: np.flatnonzero((self.labels == pair[0]) & (self.kinds == pair[1])) for pair in pairs}

    @functools.cached_property
    def spans(self) -> Float32:
        """Width and height of each glyph's centre lines, float32 (n, 2), in shares of :data:`TALL`."""
        reach = np.where(self.kinds == OUTLINE, (INSET + 0.5) * FINE, FINE).astype(np.uint8)
        near = self.fields < reach[:, None, None]
        counts = np.stack([near.any(axis=1).sum(axis=1), near.any(axis=2).sum(axis=1)], axis=1)
        return np.asarray(np.maximum(counts - 1, 1).astype(np.float32) / TALL)


def glyphs_of(digits: UInt8, labels: Int64, *, seed: int, jobs: int, forms: int = FORMS) -> Glyphs:
    """Make the glyphs of digits, drawn forms and letters.

    Parameters
    ----------
    digits : ndarray of uint8, shape (n, h, w)
        Light on dark. Every third block of about a thousand gives outlines, the others centre lines; digits with too
        faint strokes are left out.
    labels : ndarray of int64, shape (n,)
        0 to 9.
    seed : int
        Of the drawn forms.
    jobs : int
        Processes.
    forms : int
        Drawn forms of each digit; each sign has a sixth as many.
    """
    from joblib import Parallel, delayed

    blocks = np.array_split(np.arange(len(digits)), max(3, len(digits) // BLOCK))
    written = [
        delayed(_written)(digits[block], labels[block], MIDDLE if k % 3 else OUTLINE) for k, block in enumerate(blocks)
    ]
    drawn = [
        delayed(_drawn)(place, forms if sign.isdigit() else forms // 6, seed=(seed, place))
        for place, sign in enumerate(SIGNS)
    ]
    return _joined([*Parallel(n_jobs=jobs)([*written, *drawn]), _letters()])


def _joined(parts: Iterable[Glyphs]) -> Glyphs:
    """Join the glyphs that have ink."""
    each = [(part.fields, part.labels, part.kinds) for part in parts]
    fields, labels, kinds = (np.concatenate(arrays) for arrays in zip(*each, strict=True))
    inked = fields.min(axis=(1, 2)) < EMPTY
    return Glyphs(fields[inked], labels[inked], kinds[inked])


def _alike(fields: list[UInt8], label: int, kind: int) -> Glyphs:
    n = len(fields)
    return Glyphs(np.stack(fields), np.full(n, label, np.int64), np.full(n, kind, np.uint8))


def _written(digits: UInt8, labels: Int64, kind: int) -> Glyphs:
    fields = np.stack([field_of_digit(digit, middle=kind == MIDDLE) for digit in digits])
    return Glyphs(fields, labels, np.full(len(labels), kind, np.uint8))


def _drawn(label: int, count: int, *, seed: tuple[int, int]) -> Glyphs:
    """Make ``count`` drawn forms of a digit or sign, narrow and wide."""
    rng = np.random.default_rng(seed)
    return _alike([field_of_drawing(_some_form(SIGNS[label], rng=rng)) for _ in range(count)], label, DRAWN)


def _some_form(sign: str, *, rng: np.random.Generator) -> Drawing:
    aspect = rng.uniform(*ASPECTS.get(sign, USUAL))
    return [(stroke - 0.5) * [aspect, 1.0] for stroke in form_of(sign, rng=rng)]


def drawn_digit(label: int, *, rng: np.random.Generator) -> UInt8:
    """Draw a form of a digit that MNIST may lack, uint8 (48, 48), light on dark, with a pen like MNIST's."""
    return drawn(_some_form(str(label), rng=rng))


def _letters() -> Glyphs:
    """Letters and marks, from the centre lines of printed ones."""
    return _alike([field_of_digit(printed(*pair), middle=True) for pair in _pairs()], OTHER, DRAWN)


@functools.cache
def _pairs() -> list[tuple[str, str]]:
    """The letters and marks with their fonts, in the order of their glyphs, which come last in :class:`Glyphs`."""
    wide = FONTS[:WIDE_FONTS]
    return [(letter, name) for name in FONTS for letter in LETTERS] + [(mark, name) for name in wide for mark in MARKS]


def letters_of(glyphs: Glyphs, wanted: str) -> Int64:
    """The indices of the letters and marks in ``wanted``."""
    pairs = _pairs()
    among = np.flatnonzero([letter in wanted for letter, _ in pairs])
    return np.asarray(len(glyphs.labels) - len(pairs) + among)


def is_lookalike(glyphs: Glyphs, place: int) -> bool:
    """Whether the letter at an index looks like a digit where it stands alone."""
    return _pairs()[place - len(glyphs.labels)][0] in LOOKALIKES


@functools.cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font by the name of its file, in a size in pixels."""
    return ImageFont.truetype(font_folder() / f"{name}.ttf", size)


@functools.cache
def font_folder() -> Path:
    """The folder of matplotlib's fonts, which are the same on every system."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def printed(letter: str, name: str) -> UInt8:
    """A letter in the centre of an image, uint8 (72, 72), light on dark."""
    image = Image.new("L", (FRAME, FRAME), 0)
    ImageDraw.Draw(image).text((FRAME // 2, FRAME // 2), letter, 255, font(name, SIZE), anchor="mm")
    return np.asarray(image)
