"""From whatever a caller has, a path, bytes, an image, an array, to pixels of 8 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitwise.decoding import Decoded, decode_colour, open_picture
from digitwise.decoding.values import white_of
from digitwise.errors import DataError, one_line
from digitwise.files import expanded
from digitwise.formats.values import as_pixels
from digitwise.images import UInt8

KINDS = "a path, bytes, a PIL image or an array (h, w), (h, w, 3) or (n, h, w)"


def path_of(source: Any) -> str | None:
    """The file's name, where the source is one."""
    return str(source) if isinstance(source, str | Path) else None


def stack_of(source: Any) -> UInt8 | None:
    """Several pictures in one array: uint8 (n, h, w) or (n, h, w, 3); None for whatever else it is.

    Raises
    ------
    DataError
        If the array's values are no pixels.
    """
    if isinstance(source, str | Path | bytes | Image.Image | list | tuple) or not hasattr(source, "__array__"):
        return None
    array = np.asarray(source)
    several = array.ndim == 4 or (array.ndim == 3 and array.shape[2] not in (1, 3, 4))
    return as_pixels(_eight_bits(array), "the array") if several else None


def picture_of(source: Any, *, max_pixels: int, at_least: int | None = None) -> Decoded:
    """One picture.

    Parameters
    ----------
    source : str, Path, bytes, PIL image, or array (h, w), (h, w, 1), (h, w, 3) or, with transparency, (h, w, 4)
        Arrays of uint8, of whole numbers to 255, of 16 bits, or of floats from 0 to 1.
    max_pixels : int
    at_least : int, optional
        As for :func:`digitwise.decoding.open_picture`.

    Raises
    ------
    DataError
        If it is none of these, or cannot be read.
    """
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if isinstance(source, bytes) or (hasattr(source, "read") and not hasattr(source, "__array__")):
        return open_picture(source, max_pixels=max_pixels, at_least=at_least)
    if isinstance(source, str | Path):
        return open_picture(expanded(source), max_pixels=max_pixels, at_least=at_least, name=str(source))
    if isinstance(source, Image.Image):
        return Decoded(_of_image(source))
    if not hasattr(source, "__array__"):
        raise DataError(f"expected {KINDS}, got {type(source).__name__}")
    return Decoded(_of_array(np.asarray(source)))


def _of_image(image: Image.Image) -> UInt8:
    if not image.width * image.height:
        raise DataError(f"expected a picture with pixels, got an image of {image.width}x{image.height}")
    try:
        return decode_colour(image)
    except Exception as error:  # an image from an open file is decoded only now
        raise DataError(f"damaged picture: {one_line(error, 160)}; replace it") from error


def _of_array(array: NDArray[Any]) -> UInt8:
    one = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not one or not array.size:
        raise DataError(f"expected {KINDS}, got an array of shape {array.shape}")
    array = _eight_bits(array)
    if array.shape[2:] == (4,):
        layers = [as_pixels(array[..., i][None], "the array")[0] for i in range(4)]
        return decode_colour(Image.fromarray(np.stack(layers, axis=2), "RGBA"))
    picture: UInt8 = as_pixels(array[None], "the array")[0]
    return picture


def _eight_bits(array: NDArray[Any]) -> NDArray[Any]:
    """Unsigned numbers of 16 bits that need more than 8, as a scanner gives them, brought to 8."""
    if array.dtype == np.uint16 and array.size and array.max() > 255:
        return np.asarray((array * (255 / white_of(float(array.max())))).round(), np.uint8)
    return array
