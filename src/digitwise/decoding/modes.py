"""Conversion of Pillow images of any mode to 8-bit grey or RGB values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from digitwise.errors import DataError, one_line
from digitwise.images import UInt8

ONE_LINE = 0.95  # share of the colour variance along one line: ink of one colour on paper of another
DEPTHS = (8, 10, 12, 14, 16)  # bits that greys come in
LIGHT = 170  # luma from which visible ink would be lost on white
MOSTLY_PAPER = 0.5  # share of see-through pixels from which what is visible is the ink


def decode_opened(image: Image.Image, how: Callable[[Image.Image], UInt8], name: str = "") -> UInt8:
    """Convert an image that Pillow has opened, which it decodes only now; damage in one line.

    Parameters
    ----------
    image : PIL.Image.Image
    how : callable
        :func:`decode` or :func:`decode_colour`.
    name : str, optional
        What the image is called in messages.

    Raises
    ------
    DataError
        If it is damaged.
    """
    try:
        return how(image)
    except Exception as error:  # Pillow raises whatever it meets
        of = f"{name}: " if name else ""
        raise DataError(f"{of}damaged image: {one_line(error, 160)}; replace it") from error


def decode(image: Image.Image) -> UInt8:
    """Convert a Pillow image to values for training: grey, unless that loses information.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode; 16-bit greys are brought to 8 bits, transparency is laid on white, EXIF orientation is applied.

    Returns
    -------
    ndarray of uint8, shape (h, w) or, where there is real colour, (h, w, 3)
    """
    image = _upright(image)
    if _is_deep(image):
        values = np.nan_to_num(np.asarray(image, np.float32))
        scale = 255.0 if values.max() <= 1 and image.mode == "F" else 1 / 257 if values.max() > 255 else 1.0
        return np.asarray(np.clip(values * scale, 0, 255).round(), np.uint8)
    image = _opaque(image, "white")
    if image.mode in ("L", "1"):  # grey as it is: no need to look for colour
        return np.asarray(image.convert("L"))
    rgb = np.asarray(image.convert("RGB"))
    return rgb if _has_colour(rgb) else np.asarray(image.convert("L"))


def decode_colour(image: Image.Image) -> UInt8:
    """Convert a Pillow image to values for reading: colour is kept if there is any.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode; deeper greys are brought to 8 bits by their own range, EXIF orientation is applied, colour profiles
        are left alone. Transparency is laid on white, and on black where that would hide light ink.

    Returns
    -------
    ndarray of uint8, shape (h, w) or, where any pixel's red, green and blue differ, (h, w, 3)
    """
    image = _upright(image)
    if image.mode == "LAB":
        image = image.getchannel(0)
    if _is_deep(image):
        return _eight_bits(np.asarray(image, np.float32))
    if image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))
    rgb = np.asarray(_opaque(image, None).convert("RGB"))
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    colour = bool((red != green).any() or (green != blue).any())
    return np.ascontiguousarray(rgb if colour else red)


def white_of(high: float) -> float:
    """White of whole numbers of which the highest is ``high``: that of the fewest bits which hold it, at most 16."""
    return next((white for white in (2.0**bits - 1 for bits in DEPTHS) if high <= white), 65535.0)


def _upright(image: Image.Image) -> Image.Image:
    return ImageOps.exif_transpose(image)


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith("I;16") or image.mode in ("I", "F")


def _eight_bits(values: NDArray[np.float32]) -> UInt8:
    """Greys of any range as uint8: by the number of bits they need, so that an almost black image stays so."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 2**16 - 1:  # no image's own range: stretched
        values, high = (values - low) / max(high - low, 1e-9), 1.0
    white = 1.0 if high <= 1 else white_of(high)
    return np.asarray(np.clip(values * (255 / white), 0, 255).round(), np.uint8)


def _opaque(image: Image.Image, ground: str | None) -> Image.Image:
    """The image without transparency, laid on ``ground``; None looks for one that hides nothing."""
    if "A" not in image.getbands() and "a" not in image.getbands() and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, ground or _ground(image)), image)


def _ground(image: Image.Image) -> str:
    """White, or black where most is see-through and what is not is light."""
    alpha = np.asarray(image.getchannel("A"), np.float32) / 255
    visible = float(alpha.mean())
    if not 0 < visible < MOSTLY_PAPER:
        return "white"
    luma = np.asarray(image.convert("RGB").convert("L"), np.float32)
    return "black" if float((luma * alpha).mean()) / visible > LIGHT else "white"


def _has_colour(rgb: UInt8) -> bool:
    """Whether grey would lose something: the colours are not all mixtures of two, as ink and paper are."""
    spread = np.linalg.eigvalsh(np.cov(rgb.reshape(-1, 3).T.astype(np.float64)))
    return bool(spread[2] < ONE_LINE * spread.sum())
