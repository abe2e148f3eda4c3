"""From whatever a caller has, a path, bytes, an image, an array, to a model's input: normalized, or only fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitwise.decoding import Decoded, decode_colour, open_image
from digitwise.decoding.values import white_of
from digitwise.errors import DataError, one_line
from digitwise.files import expanded
from digitwise.fitting import fit_into, grey, is_dark_on_light
from digitwise.formats.values import as_pixels
from digitwise.images import Float32, Mask, UInt8
from digitwise.normalize import SIDE, in_form, normalize, normalize_all
from digitwise.reading.results import Box

KINDS = "a path, bytes, a PIL image or an array (h, w), (h, w, 3) or (n, h, w)"
BLOCK = 4_096  # images looked at together: what is reckoned about them on the way stays small


def path_of(source: Any) -> str | None:
    """The file's name, where the source is one."""
    return str(source) if isinstance(source, str | Path) else None


def stack_of(source: Any) -> UInt8 | None:
    """Several images in one array: uint8 (n, h, w) or (n, h, w, 3); None for whatever else it is.

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


def image_of(source: Any, *, max_pixels: int, at_least: int | None = None) -> Decoded:
    """One image.

    Parameters
    ----------
    source : str, Path, bytes, PIL image, or array (h, w), (h, w, 1), (h, w, 3) or, with transparency, (h, w, 4)
        Arrays of uint8, of whole numbers to 255, of 16 bits, or of floats from 0 to 1.
    max_pixels : int
    at_least : int, optional
        As for :func:`digitwise.decoding.open_image`.

    Raises
    ------
    DataError
        If it is none of these, or cannot be read.
    """
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if isinstance(source, bytes) or (hasattr(source, "read") and not hasattr(source, "__array__")):
        return open_image(source, max_pixels=max_pixels, at_least=at_least)
    if isinstance(source, str | Path):
        return open_image(expanded(source), max_pixels=max_pixels, at_least=at_least, name=str(source))
    if isinstance(source, Image.Image):
        return Decoded(_of_image(source))
    if not hasattr(source, "__array__"):
        raise DataError(f"expected {KINDS}, got {type(source).__name__}")
    return Decoded(_of_array(np.asarray(source)))


def _of_image(image: Image.Image) -> UInt8:
    if not image.width * image.height:
        raise DataError(f"expected an image with pixels, got an image of {image.width}x{image.height}")
    try:
        return decode_colour(image)
    except Exception as error:  # an image from an open file is decoded only now
        raise DataError(f"damaged image: {one_line(error, 160)}; replace it") from error


def _of_array(array: NDArray[Any]) -> UInt8:
    one = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not one or not array.size:
        raise DataError(f"expected {KINDS}, got an array of shape {array.shape}")
    array = _eight_bits(array)
    if array.shape[2:] == (4,):
        layers = [as_pixels(array[..., i][None], "the array")[0] for i in range(4)]
        return decode_colour(Image.fromarray(np.stack(layers, axis=2), "RGBA"))
    image: UInt8 = as_pixels(array[None], "the array")[0]
    return image


def _eight_bits(array: NDArray[Any]) -> NDArray[Any]:
    """Unsigned numbers of 16 bits that need more than 8, as a scanner gives them, brought to 8."""
    if array.dtype == np.uint16 and array.size and array.max() > 255:
        return np.asarray((array * (255 / white_of(float(array.max())))).round(), np.uint8)
    return array


@dataclass(frozen=True, eq=False)
class Prepared:
    """Images as the model takes them.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
    blank : ndarray of bool, shape (n,)
        Where no ink is found, so that the model is not asked.
    strange : ndarray of bool, shape (n,), optional
        Which were brought to the model's form, but for images of a single value; none where it is not given.
    opinions : ndarray of float32, shape (n, k), optional
        What else is known of each: probabilities of the classes.
    several : ndarray of bool, shape (n,), optional
        Which show more digits than one.
    """

    images: UInt8
    blank: Mask
    strange: Mask | None = None
    opinions: Float32 | None = None
    several: Mask | None = None

    def one(self, place: int) -> Prepared:
        """One of them."""
        here = slice(place, place + 1)
        opinions = None if self.opinions is None else self.opinions[here]
        several = None if self.several is None else self.several[here]
        return Prepared(self.images[here], self.blank[here], opinions=opinions, several=several)

    @classmethod
    def joined(cls, parts: Sequence[Prepared], *, classes: int) -> Prepared:
        """All of several, at least one; of some nothing else may be known."""
        images, blank = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "blank"))
        if all(part.opinions is None for part in parts):
            return cls(images, blank)
        each = [even(len(part.blank), classes) if part.opinions is None else part.opinions for part in parts]
        several = [np.zeros(len(part.blank), bool) if part.several is None else part.several for part in parts]
        return cls(images, blank, opinions=np.concatenate(each), several=np.concatenate(several))


def even(n: int, classes: int) -> Float32:
    """Probabilities where nothing is known, float32 (n, classes)."""
    return np.full((n, classes), 1 / classes, np.float32)


def normalized(image: UInt8) -> Prepared:
    """One image of any size in MNIST's form."""
    found = normalize(image)
    strange = image.min() < image.max() and (image.shape != (SIDE, SIDE) or not in_form(image[None])[0])
    return Prepared(found.image[None], np.array([found.blank]), np.array([strange]))


def normalized_stack(images: UInt8) -> Prepared:
    """Images (n, h, w) or (n, h, w, 3) in MNIST's form; those that have it already are not touched.

    Where all of them have it the array itself comes back, not a copy.
    """
    strange, blank = _looked_at(images)
    if not strange.any():
        return Prepared(images, blank)
    if images.shape[1:] == (SIDE, SIDE):
        formed = images.copy()
        formed[blank] = 0
    else:
        formed = np.zeros((len(images), SIDE, SIDE), np.uint8)
    strange &= ~blank
    others = np.flatnonzero(strange)
    formed[others], blank[others] = normalize_all(images[others])
    return Prepared(formed, blank, strange)


def _looked_at(images: UInt8) -> tuple[Mask, Mask]:
    """Which images are not in form, and which of those have but one value, bool (n,) each."""
    strange, even = np.ones(len(images), bool), np.zeros(len(images), bool)
    for start in range(0, len(images), BLOCK):
        here = slice(start, start + BLOCK)
        if images.shape[1:] == (SIDE, SIDE):
            strange[here] = ~in_form(images[here])
            places = start + np.flatnonzero(strange[here])
            even[places] = _are_even(images[places])
        else:
            even[here] = _are_even(images[here])
    return strange, even


def cut_out(decoded: Decoded, box: Box) -> UInt8:
    """A digit cut out with a quarter of its height around it."""
    x, y = decoded.origin
    left, top, right, bottom = (edge / decoded.scale for edge in (box[0] - x, box[1] - y, box[2] - x, box[3] - y))
    rim = 0.25 * (bottom - top)
    rows, columns = (
        slice(max(0, int(top - rim)), int(bottom + rim) + 1),
        slice(max(0, int(left - rim)), int(right + rim) + 1),
    )
    part: UInt8 = decoded.image[rows, columns]
    return part


def fitted(image: UInt8, shape: tuple[int, ...]) -> Prepared:
    """One image scaled into a model's own size, light on dark where that is grey, and otherwise as it is."""
    if len(shape) == 2:
        scaled = fit_into(grey(image), (shape[0], shape[1]))
        scaled = 255 - scaled if is_dark_on_light(scaled[None]) else scaled
    else:
        colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        scaled = fit_into(colour, (shape[0], shape[1]))
    return Prepared(scaled[None], _are_even(scaled[None]))


def as_they_are(images: UInt8, shape: tuple[int, ...]) -> Prepared:
    """Images that must have a model's own size.

    Raises
    ------
    DataError
        If they have another.
    """
    if images.shape[1:] != shape:
        expected, got = ("x".join(map(str, sides)) for sides in (shape, images.shape[1:]))
        raise DataError(f"the array: expected images of the model's own size {expected}, got {got}; bring them to it")
    return Prepared(images, _are_even(images))


def _are_even(images: UInt8) -> Mask:
    """Whether each image has but one value, bool (n,)."""
    axes = tuple(range(1, images.ndim))
    return np.asarray(images.min(axis=axes, initial=255) == images.max(axis=axes, initial=0))
