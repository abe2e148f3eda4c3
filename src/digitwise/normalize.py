"""The road from any picture to the form a model is trained on: light ink on a dark ground, one common size.

NumPy and Pillow only, so that whoever reads pictures need not import more.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from digitwise.images import UInt8

LARGEST_KEPT = 64  # pixels a side up to which pictures of one common size stay as they are
COMMON_SIZE = 28  # the side of MNIST's pictures, for sets of mixed or large sizes


def grey(picture: UInt8) -> UInt8:
    """Luma of an RGB picture (h, w, 3), uint8 (h, w); a grey one passes unchanged."""
    return picture if picture.ndim == 2 else np.asarray(Image.fromarray(picture).convert("L"))


def common_size(shapes: set[tuple[int, int]]) -> tuple[int, int]:
    """The (height, width) a set of pictures is brought to: its own if it has one small size, else 28x28."""
    if len(shapes) == 1:
        height, width = next(iter(shapes))
        if max(height, width) <= LARGEST_KEPT:
            return height, width
    return COMMON_SIZE, COMMON_SIZE


def fit_into(picture: UInt8, size: tuple[int, int]) -> UInt8:
    """Scale a picture into ``size`` (height, width), aspect kept, the rest filled with its own border's shade.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
    size : (int, int)

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)
        The picture itself where it has that size already.
    """
    if picture.shape[:2] == size:
        return picture
    shade = tuple(int(v) for v in np.atleast_1d(np.median(border(picture), axis=0)))
    image = Image.fromarray(picture)
    fill = shade if picture.ndim == 3 else shade[0]
    return np.asarray(ImageOps.pad(image, (size[1], size[0]), Image.Resampling.LANCZOS, color=fill))


def border(picture: UInt8) -> UInt8:
    """The outermost pixels, uint8 of shape (k,) or (k, 3)."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def is_dark_on_light(pictures: UInt8) -> bool:
    """Whether most grey pictures (n, h, w) have a ground lighter than their ink.

    The ground is what touches the border (its median); the ink is what lies furthest from it.
    """
    flat = pictures.reshape(len(pictures), -1).astype(np.int16)
    edge = [pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]]
    ground = np.median(np.concatenate(edge, axis=1), axis=1)
    darker, lighter = ground - flat.min(axis=1), flat.max(axis=1) - ground
    return bool((darker > lighter).mean() > 0.5)


# --- the road (being built)
from dataclasses import dataclass

from scipy.ndimage import binary_dilation, find_objects, label, maximum_filter, minimum_filter

from digitwise.ink import find_ink

WORK = 84
SIDE = 28
BOX = 20
EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True, eq=False)
class Normalized:
    image: np.ndarray
    blank: bool


BLANK = Normalized(np.zeros((28, 28), np.uint8), True)


def in_form(images):
    ink = images > 0

    def extent(used):
        first, last = used.argmax(1), used.shape[1] - used[:, ::-1].argmax(1)
        return last - first

    longest = np.maximum(extent(ink.any(2)), extent(ink.any(1)))
    mass = images.reshape(len(images), -1).sum(1, dtype=np.float64)
    mass = np.maximum(mass, 1)
    y = (images.sum(2, dtype=np.float64) * np.arange(28)).sum(1) / mass
    x = (images.sum(1, dtype=np.float64) * np.arange(28)).sum(1) / mass
    return (
        (longest >= 19)
        & (longest <= 20)
        & (np.abs(y - 14) <= 0.6)
        & (np.abs(x - 14) <= 0.6)
        & (images.max((1, 2)) >= 250)
    )


def reduced(picture, side):
    h, w = picture.shape[:2]
    if max(h, w) <= side:
        return picture, 1.0
    f = side / max(h, w)
    im = Image.fromarray(picture)
    return np.asarray(
        im.resize((max(1, round(w * f)), max(1, round(h * f))), Image.Resampling.BOX, reducing_gap=2.0)
    ), f


def normalize(picture):
    if picture.shape == (28, 28) and in_form(picture[None])[0]:
        return Normalized(picture, False)
    small, f = reduced(picture, WORK)
    ink = find_ink(small)
    if ink is None:
        return BLANK
    mask = digit_mask(ink.mask)
    if mask is None:
        return BLANK
    if f < 1:
        ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        m = max(4, round(0.25 * max(np.ptp(ys), np.ptp(xs))))
        box = [
            max(0, ys[0] - m),
            min(mask.shape[0], ys[-1] + 1 + m),
            max(0, xs[0] - m),
            min(mask.shape[1], xs[-1] + 1 + m),
        ]
        if max(box[1] - box[0], box[3] - box[2]) < 0.67 * max(mask.shape):
            t, b, l, r = (round(v / f) for v in box)
            return normalize_close(picture[t:b, l:r])
    return _form(ink, mask)


def normalize_close(picture):
    small, f = reduced(picture, WORK)
    ink = find_ink(small)
    if ink is None:
        return BLANK
    mask = digit_mask(ink.mask)
    if mask is None:
        return BLANK
    return _form(ink, mask)


def digit_mask(mask):
    names, n = label(mask, EIGHT)
    if n == 0:
        return None
    sizes = np.bincount(names.ravel(), minlength=n + 1)[1:]
    boxes = find_objects(names)
    h, w = mask.shape
    top = np.array([b[0].start for b in boxes])
    bottom = np.array([b[0].stop for b in boxes])
    left = np.array([b[1].start for b in boxes])
    right = np.array([b[1].stop for b in boxes])
    cy, cx = (top + bottom) / 2, (left + right) / 2
    side = (left == 0) | (right == w)
    ends = (top == 0) | (bottom == h)
    central = np.exp(-((cx / w - 0.5) ** 2 / 0.08 + (cy / h - 0.5) ** 2 / 0.16))
    extent = np.maximum(bottom - top, right - left)
    score = extent * np.sqrt(sizes) * central * np.where(side, 0.35, 1) * np.where(ends, 0.8, 1)
    main = int(score.argmax())
    mh, mw = bottom[main] - top[main], right[main] - left[main]
    ext = max(mh, mw)
    if ext < 3 or sizes[main] < 4:
        return None
    keep = np.zeros(n + 1, bool)
    keep[main + 1] = True
    for i in range(n):
        if i == main or sizes[i] < 0.02 * sizes[main] or extent[i] < 0.08 * ext:
            continue
        gx = max(left[i] - right[main], left[main] - right[i], 0)
        gy = max(top[i] - bottom[main], top[main] - bottom[i], 0)
        ov = min(right[i], right[main]) - max(left[i], left[main])
        touches = side[i] or ends[i]
        if touches and not (side[main] or ends[main]):
            continue
        if side[i] and ov < 0.5 * (right[i] - left[i]):
            continue
        # beside, not above: another digit
        if ov <= 0.3 * (right[i] - left[i]) and (bottom[i] - top[i]) > 0.7 * mh:
            continue
        if np.hypot(gx, gy) > 0.25 * ext:
            continue
        if ov <= 0 and gx > 0.12 * ext:
            continue
        keep[i + 1] = True
    return keep[names]


def _form(ink, mask):
    amount = np.where(binary_dilation(mask, EIGHT), ink.amount, 0)
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, y1, x0, x1 = (
        max(0, ys[0] - 1),
        min(mask.shape[0], ys[-1] + 2),
        max(0, xs[0] - 1),
        min(mask.shape[1], xs[-1] + 2),
    )
    return Normalized(centred(amount[y0:y1, x0:x1]), False)


def stroke_width(a):
    p = np.pad(a, 1)
    outline = np.abs(np.diff(p, axis=0)).sum() + np.abs(np.diff(p, axis=1)).sum()
    return 2 * a.sum() / max(outline * np.pi / 4, 1e-6)


THIN, THICK = 2.0, 5.0


def centred(a):
    h, w = a.shape
    used_y, used_x = np.flatnonzero(a.max(1) > 0.1), np.flatnonzero(a.max(0) > 0.1)
    a = a[used_y[0] : used_y[-1] + 1, used_x[0] : used_x[-1] + 1]
    h, w = a.shape
    scale = BOX / max(h, w)
    width = stroke_width(a) * scale
    if width < THIN:
        grow = (THIN + 0.3 - width) / scale
        r = int(round(grow))
        if r >= 1:
            a = np.pad(a, r)
            a = maximum_filter(a, size=r + 1)
            uy, ux = np.flatnonzero(a.max(1) > 0.1), np.flatnonzero(a.max(0) > 0.1)
            a = a[uy[0] : uy[-1] + 1, ux[0] : ux[-1] + 1]
            h, w = a.shape
            scale = BOX / max(h, w)
    elif width > THICK:
        r = int(round((width - THICK) / scale))
        if r >= 1:
            a = minimum_filter(a, size=r + 1)
    nh, nw = max(1, round(h * scale)), max(1, round(w * scale))
    im = Image.fromarray(np.ascontiguousarray(a), mode="F") if False else Image.fromarray((a * 255).astype(np.uint8))
    b = np.asarray(im.resize((nw, nh), Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.HAMMING)).astype(
        np.float32
    )
    peak = np.quantile(b[b > 25], 0.9) if (b > 25).any() else 255
    b = np.clip(b * (255 / max(peak, 60)), 0, 255)
    out = np.zeros((28, 28), np.float32)
    s = b.sum()
    y = (b.sum(1) * np.arange(nh)).sum() / s
    x = (b.sum(0) * np.arange(nw)).sum() / s
    t = min(max(round(14 - y), 0), 28 - nh)
    l = min(max(round(14 - x), 0), 28 - nw)
    out[t : t + nh, l : l + nw] = b
    return out.round().astype(np.uint8)
