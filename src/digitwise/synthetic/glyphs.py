"""Glyphs as fields of distance, which any pen can write at any size in a few microseconds."""

from __future__ import annotations

import functools
import math
import string
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitwise.images import Float32, Float64, Int64, UInt8
from digitwise.synthetic.pens import STROKE, Hand, enlarged
from digitwise.synthetic.strokes import Drawing, form_of
from digitwise.synthetic.thinning import centre_line

SIDE, TALL = 48, 36  # pixels of a field, and of the longer side of the glyph in its middle
FINE = 16  # steps a pixel in which distances are stored
SIGNS = "0123456789.,-=/"  # what is found on a page; a label is a place in here
OTHER = -1  # the label of a letter
FORMS = 1_200  # drawn forms of each digit; a sixth of that of each sign
LETTERS = string.ascii_letters
MARKS = "åäöøæéñçß&$€%#*+?!()[]"
FONTS = ("STIXGeneralItalic", "DejaVuSans", "DejaVuSerif-Italic", "cmmi10", "cmss10", "cmr10")
WIDE_FONTS = 3  # of these have marks too


@dataclass(frozen=True, eq=False)
class Glyphs:
    """Many glyphs.

    Parameters
    ----------
    fields : ndarray of uint8, shape (n, 48, 48)
        The distance to the middle of the stroke, or to 6 pixels within its outline, in sixteenths of a pixel.
    labels : ndarray of int64, shape (n,)
        Places in :data:`SIGNS`, or :data:`OTHER`.
    kinds : ndarray of uint8, shape (n,)
        :data:`OUTLINE` and :data:`MIDDLE` for digits of writers, by what distances are measured from; any pen will do
        for a middle. :data:`DRAWN` for drawn forms and letters, from the middle too.
    """

    fields: UInt8
    labels: Int64
    kinds: UInt8

    @functools.cached_property
    def places(self) -> dict[tuple[int, int], Int64]:
        """Where the glyphs of each label and kind are."""
        pairs = {(int(label), int(kind)) for label, kind in zip(self.labels, self.kinds, strict=True)}
        return {pair: np.flatnonzero((self.labels == pair[0]) & (self.kinds == pair[1])) for pair in pairs}

    @functools.cached_property
    def spans(self) -> Float32:
        """Width and height of each glyph's middle lines, float32 (n, 2), in shares of :data:`TALL`."""
        near = self.fields < np.where(self.kinds == OUTLINE, (INSET + 0.5) * FINE, FINE).astype(np.uint8)[:, None, None]
        counts = [near.any(axis=1).sum(axis=1), near.any(axis=2).sum(axis=1)]
        return np.maximum(np.stack(counts, axis=1) - 1, 1).astype(np.float32) / TALL


OUTLINE, MIDDLE, DRAWN = range(3)
INSET = 6.0  # pixels: how far within the outline the zero of an outline's field lies


def glyphs_of(digits: UInt8, labels: Int64, *, seed: int, jobs: int) -> Glyphs:
    """The glyphs of digits (n, 28, 28), light on dark, as they are and as lines, of drawn forms and of letters.

    Parameters
    ----------
    digits : ndarray of uint8, shape (n, h, w)
    labels : ndarray of int64, shape (n,)
    seed : int
        Decides the drawn forms.
    jobs : int
        Processes to share the work.
    """
    from joblib import Parallel, delayed

    blocks = np.array_split(np.arange(len(digits)), max(1, len(digits) // 1_000))
    drawn = [(sign, FORMS if sign.isdigit() else FORMS // 6, (seed, place)) for place, sign in enumerate(SIGNS)]
    tasks = [delayed(_written)(digits[block], bool(k % 3)) for k, block in enumerate(blocks)]
    made = Parallel(n_jobs=jobs)([*tasks, *(delayed(_drawn)(*each) for each in drawn)])
    letters = _letters()
    kinds = [np.full(len(block), MIDDLE if k % 3 else OUTLINE) for k, block in enumerate(blocks)]
    kinds += [np.full(count, DRAWN) for _, count, _ in drawn] + [np.full(len(letters), DRAWN)]
    found = [labels[block] for block in blocks] + [np.full(count, place) for place, (_, count, _) in enumerate(drawn)]
    found.append(np.full(len(letters), OTHER))
    fields = np.concatenate([*made, letters])
    inked = fields.min(axis=(1, 2)) < 255  # a digit whose strokes are too faint leaves nothing
    return Glyphs(fields[inked], np.concatenate(found).astype(np.int64)[inked], np.concatenate(kinds).astype(np.uint8)[inked])


def _written(digits: UInt8, middle: bool) -> UInt8:
    return np.stack([_field_of(digit, middle) for digit in digits])


def _field_of(digit: UInt8, middle: bool) -> UInt8:
    """The field of one picture, light on dark; 255 everywhere where there is no ink."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    empty = np.full((SIDE, SIDE), 255, np.uint8)
    grey = enlarged(digit, TALL, Hand(None))
    if grey is None:
        return empty
    framed = _framed(grey)
    strokes = framed > STROKE
    if not middle:
        outside = distance_transform_edt(~strokes) - distance_transform_edt(strokes)
        return _stored(outside + INSET)
    away = gaussian_filter(distance_transform_edt(~centre_line(strokes)).astype(np.float32), 1.0)
    return _stored(np.sqrt(np.maximum(away**2 - 0.6, 0)))  # smoothing lifts the middle of a line


def _framed(grey: Float32) -> Float32:
    """In the middle of a frame of 48x48."""
    frame = np.zeros((SIDE, SIDE), np.float32)
    grey = grey[: SIDE, : SIDE]
    top, left = (SIDE - grey.shape[0]) // 2, (SIDE - grey.shape[1]) // 2
    frame[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    return frame


def _stored(distance: Float64 | Float32) -> UInt8:
    return np.asarray(np.clip(np.rint(distance * FINE), 0, 255), np.uint8)


def _drawn(sign: str, count: int, seed: tuple[int, int]) -> UInt8:
    rng = np.random.default_rng(seed)
    wide = {"0": (0.35, 1.15), "1": (0.15, 0.7), "-": (1, 1), "=": (1, 1), ".": (0.5, 0.5), ",": (0.2, 0.7)}
    fields = []
    for _ in range(count):
        aspect = rng.uniform(*wide.get(sign, (0.4, 0.95)))
        strokes = [(stroke - 0.5) * [aspect, 1.0] for stroke in form_of(sign, rng=rng)]
        fields.append(field_of_drawing(strokes))
    return np.stack(fields)


def field_of_drawing(drawing: Drawing) -> UInt8:
    """The field of strokes of any size, brought into the frame."""
    points = np.concatenate(drawing)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = TALL / max(float((high - low).max()), 0.3)
    pieces = [(stroke - (low + high) / 2) * scale + SIDE / 2 for stroke in drawing]
    begin = np.concatenate([stroke[:-1] for stroke in pieces])[:, None].astype(np.float32)  # (k, 1, 2)
    along = np.concatenate([np.diff(stroke, axis=0) for stroke in pieces])[:, None].astype(np.float32)
    middles = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)
    x, y = middles[None, None] - begin[..., :1], middles[None, :, None] - begin[..., 1:]  # (k, 1, 48), (k, 48, 1)
    u, v = along[..., :1], along[..., 1:]
    share = np.clip((x * u + y * v) / np.maximum(u**2 + v**2, np.float32(1e-6)), 0, 1)  # (k, 48, 48)
    away = (x - share * u) ** 2 + (y - share * v) ** 2
    return _stored(np.sqrt(away.min(axis=0)))


def _letters() -> UInt8:
    """Fields of letters and marks, from the middles of printed ones."""
    wide = FONTS[:WIDE_FONTS]
    pairs = [(letter, name) for name in FONTS for letter in LETTERS] + [(mark, name) for name in wide for mark in MARKS]
    return np.stack([_field_of(_printed(*pair), True) for pair in pairs])


def _printed(letter: str, name: str) -> UInt8:
    image = Image.new("L", (72, 72), 0)
    ImageDraw.Draw(image).text((36, 36), letter, 255, font(name, 40), anchor="mm")
    return np.asarray(image)


@functools.cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the fonts that matplotlib brings, by its file's name."""
    return ImageFont.truetype(font_folder() / f"{name}.ttf", size)


@functools.cache
def font_folder() -> Path:
    """Where matplotlib's fonts lie: the same everywhere, unlike a system's."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


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
        a, b, c, d, e, f: what lies at (x, y) from the field's middle comes to (ax + by + c, dx + ey + f).
    pen : float
        Half the stroke's width in pixels; for an outline, how far the stroke reaches beyond it.
    middle : bool
        Whether the field holds distances from the middle of the stroke.

    Returns
    -------
    (ndarray of float32, shape (h, w); (int, int))
        The ink, 0 to 1, and where its left upper corner lies: x, y.
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
