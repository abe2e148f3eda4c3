"""Glyphs as fields of distance, which any pen can write at any size in a few microseconds.

A field, uint8 (48, 48), holds the distance to the middle of the stroke, or to :data:`INSET` pixels within its outline,
in sixteenths of a pixel; what is farther than 16 pixels is 255.

References
----------
C. Green, Improved Alpha-Tested Magnification for Vector Textures and Special Effects (SIGGRAPH 2007 courses).
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from digitwise.images import Float32, Float64, UInt8
from digitwise.synthetic.pens import STROKE, Hand, enlarged
from digitwise.synthetic.strokes import Drawing
from digitwise.synthetic.thinning import centre_line

SIDE, TALL = 48, 36  # pixels of a field, and of the longer side of the glyph in its middle
FINE = 16  # steps a pixel in which distances are kept
EMPTY = 255  # everywhere in the field of a glyph without ink
PEN = 2.0  # pixels: half the width of a stroke like MNIST's
INSET = 6.0  # pixels: how far within the outline the zero of an outline's field lies
LEAST = 0.3  # of a drawing's box: a smaller one, as a point, is not blown up to the whole field
SMOOTHED = 0.6  # square pixels by which smoothing lifts the middle of a line


def field_of_digit(digit: UInt8, *, middle: bool) -> UInt8:
    """The field of a handwritten or printed glyph.

    Parameters
    ----------
    digit : ndarray of uint8, shape (h, w)
        Light on dark.
    middle : bool
        Whether distances are measured from the middle of the strokes, or from their outline.

    Returns
    -------
    ndarray of uint8, shape (48, 48)
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    grey = enlarged(digit, TALL, Hand(None))
    if grey is None:
        return np.full((SIDE, SIDE), EMPTY, np.uint8)
    strokes = _framed(grey) > STROKE
    if not middle:
        outside = distance_transform_edt(~strokes) - distance_transform_edt(strokes)
        return _stored(outside + INSET)
    away = gaussian_filter(distance_transform_edt(~centre_line(strokes)).astype(np.float32), 1.0)
    return _stored(np.sqrt(np.maximum(away**2 - SMOOTHED, 0)))


def _framed(grey: Float32) -> Float32:
    """An image (h, w) in the middle of a frame of 48x48."""
    frame = np.zeros((SIDE, SIDE), np.float32)
    grey = grey[:SIDE, :SIDE]
    top, left = (SIDE - grey.shape[0]) // 2, (SIDE - grey.shape[1]) // 2
    frame[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    return frame


def _stored(distance: Float64 | Float32) -> UInt8:
    """Distances in pixels as a field keeps them."""
    return np.asarray(np.clip(np.rint(distance * FINE), 0, EMPTY), np.uint8)


def field_of_drawing(drawing: Drawing) -> UInt8:
    """The field, uint8 (48, 48), of strokes of any size, from their middle."""
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
    """Strokes as an image, uint8 (48, 48), light on dark, written with a pen like MNIST's."""
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
