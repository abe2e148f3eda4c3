"""What the images of a set are brought to, one size, one kind, light on dark: decided by the first ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from digitwise.decoding import decode, decode_opened, open_image
from digitwise.errors import DataError
from digitwise.fitting import common_size, fit_into, grey, is_dark_on_light
from digitwise.formats.blocks import Values
from digitwise.formats.values import Pixels, Scale
from digitwise.images import UInt8
from digitwise.progress import each_of

SAMPLE = 2_000  # images, the first of the training set, that decide


@dataclass(frozen=True)
class Form:
    """One size and one kind for all images of a set.

    Parameters
    ----------
    size : (int, int)
        Height and width.
    colour : bool
    encoded : bool
        Whether they are files; else numbers.
    mixed : bool
        Whether files have several sizes, or large ones, and are scaled.
    dark : bool
        Whether files have dark ink on a light ground, and are turned round.
    scale : Scale, optional
        Of numbers.
    """

    size: tuple[int, int]
    colour: bool
    encoded: bool
    mixed: bool = False
    dark: bool = False
    scale: Scale | None = None

    @classmethod
    def of(cls, first: Values, where: str) -> Form:
        """Decide by the first images of a training set, as is done for folders and arrays."""
        if not isinstance(first, list):
            pixels = Pixels(where)
            images = pixels(first)
            return cls(images.shape[1:3], images.ndim == 4, encoded=False, scale=pixels.scale)
        return cls.of_files(decoded(first, where, range(len(first))))

    @classmethod
    def of_files(cls, train: list[UInt8], test: list[UInt8] | None = None) -> Form:
        """Decide by decoded files; the ink of the first training images tells dark from light."""
        everything = [*train, *(test or [])]
        sizes = {image.shape[:2] for image in everything}
        size = common_size(sizes)
        colour = sum(image.ndim == 3 for image in everything) > len(everything) / 2
        dark = not colour and is_dark_on_light(_stack(train[:SAMPLE], size, colour=False))
        return cls(size, colour, encoded=True, mixed=sizes != {size}, dark=dark)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return (*self.size, 3 if self.colour else 1)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done to the images, in words."""
        if not self.encoded:
            return self.scale.notes if self.scale else ()
        kind = "3 channels" if self.colour else "grey"
        ink = "dark on light, inverted" if self.dark else "light on dark, as MNIST"
        return (
            f"images brought to {self.size[0]}x{self.size[1]}, {kind}",
            f"polarity: {'colour, left as it is' if self.colour else ink}",
        )

    def images(self, values: Values, where: str, rows: Iterable[int]) -> UInt8:
        """Images in this form.

        Parameters
        ----------
        values : ndarray or list of bytes
        where : str
            The shard.
        rows : iterable of int
            The row of each image there, for messages.

        Returns
        -------
        ndarray of uint8, shape (n, h, w) or (n, h, w, 3)

        Raises
        ------
        DataError
            If they are of another size or kind than the first ones.
        """
        if isinstance(values, list):
            _check_present(values, where, rows)
        if isinstance(values, list) != self.encoded:
            kinds = ("numbers", "image files")
            raise DataError.wanted(where, f"{kinds[self.encoded]}, as the first shard has", kinds[not self.encoded])
        if isinstance(values, list):
            opened = decoded(values, where, rows)
            for row, image in zip(rows, opened, strict=True) if not self.mixed else ():
                self._check(image.shape[:2], f"{where}, image {row}")
            return self.fitted(opened)
        pixels = Pixels(where)
        pixels.scale = self.scale
        found = pixels(values)
        self._check(found.shape[1:], where)
        return found

    def fitted(self, files: list[UInt8]) -> UInt8:
        """Decoded files in this form, whatever their size."""
        if not files:
            return np.empty((0, *self.size, 3) if self.colour else (0, *self.size), np.uint8)
        images = _stack(files, self.size, colour=self.colour)
        return 255 - images if self.dark else images

    def _check(self, shape: tuple[int, ...], where: str) -> None:
        expected = (*self.size, 3) if self.colour and not self.encoded else self.size
        if shape != expected:
            raise DataError.wanted(
                where,
                f"images of {_sides(expected)}, as the first shard has",
                _sides(shape),
                "bring them to one size first",
            )


def _check_present(images: Sequence[Any], where: str, rows: Iterable[int]) -> None:
    missing = next((row for row, content in zip(rows, images, strict=True) if content is None), None)
    if missing is not None:
        raise DataError.wanted(where, "an image in each row", f"none in row {missing}")


def decoded(files: Sequence[Any], where: str, rows: Iterable[int]) -> list[UInt8]:
    """Image files, by their paths or contents, or PIL images, as values to train on, each (h, w) or (h, w, 3).

    Raises
    ------
    DataError
        If one is missing or damaged.
    """
    _check_present(files, where, rows)
    told = zip(rows, each_of(files, "reading the images"), strict=True)
    return [_decoded(file, f"{where}, image {row}") for row, file in told if file is not None]


def _decoded(file: Any, name: str) -> UInt8:
    if not isinstance(file, Image.Image):
        return open_image(file, name=name if isinstance(file, bytes) else None, decode=decode).image
    return decode_opened(file, decode, name)


def _stack(images: list[UInt8], size: tuple[int, int], *, colour: bool) -> UInt8:
    """Bring images to one size and one kind, uint8 (n, h, w) or (n, h, w, 3)."""
    if colour:
        whole = [image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2) for image in images]
        return np.stack([fit_into(image, size) for image in whole])
    return np.stack([fit_into(grey(image), size) for image in images])


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
