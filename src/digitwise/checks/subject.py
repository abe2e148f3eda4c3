"""The data set that is checked, as stored, with measurements computed once for all checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from digitwise.checks.measures import Likeness, Measures, blocks, extents, likeness, measured
from digitwise.checks.thresholds import BLANK_RANGE
from digitwise.data.raw import Raw
from digitwise.escaping import printable
from digitwise.fitting import is_dark_on_light
from digitwise.images import Float32, ImageSet, Int64, Mask, UInt8

SplitName = Literal["train", "test"]
SAMPLE = 2_000  # images that tell a set's polarity


@dataclass(frozen=True, eq=False)
class SplitData:
    """One split.

    Parameters
    ----------
    split : {"train", "test"}
    raw : Raw
    fitted_from : tuple of int
        The size the images had before they were brought to that of the training images; empty if it was the same.
    """

    split: SplitName
    raw: Raw
    fitted_from: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.raw.pixels)

    @property
    def kind(self) -> str:
        """The split in words: training or test."""
        return "training" if self.split == "train" else "test"

    @cached_property
    def stored(self) -> UInt8:
        """The images as uint8, (n, h, w) or (n, h, w, 3), and otherwise as they are stored.

        Floats in [0, 1] are scaled to 255, as :func:`digitwise.load` does; any other range is stretched over 0 to 255,
        NaN becomes 0, so that the images can be shown.
        """
        pixels = self.raw.pixels
        if pixels.dtype == np.uint8:
            return pixels
        low, high = self.scale
        if low < 0 or high > 255:
            scale, start = 255 / max(high - low, 1e-9), low
        else:
            scale, start = 255.0 if high <= 1 and pixels.dtype.kind in "fb" else 1.0, 0.0
        out = np.empty(pixels.shape, np.uint8)
        for place in blocks(len(pixels)):
            values = np.nan_to_num(pixels[place].astype(np.float32), posinf=high, neginf=low)
            out[place] = ((values - start) * scale).round().clip(0, 255)
        return out

    @cached_property
    def extents(self) -> tuple[Float32, Float32, Mask]:
        """The lowest and highest finite stored value of each image, and whether all its values are finite."""
        parts = [extents(np.asarray(self.raw.pixels[place])) for place in blocks(len(self))]
        low, high, finite = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return low, high, finite

    @property
    def scale(self) -> tuple[float, float]:
        """The range that most images are stored in: the medians of their lowest and highest values."""
        low, high, _ = self.extents
        return float(np.median(low)), float(np.median(high))

    @cached_property
    def dark(self) -> bool:
        """Whether the images are dark on light, most of them."""
        return is_dark_on_light(np.asarray(_grey(self.stored[:SAMPLE])))

    @cached_property
    def images(self) -> UInt8:
        """The images grey and light on dark, uint8 (n, h, w); not copied where they are so already."""
        if self.stored.ndim == 3 and not self.dark:
            return self.stored
        out = np.empty(self.stored.shape[:3], np.uint8)
        for place in blocks(len(out)):
            values = _grey(self.stored[place])
            out[place] = 255 - values if self.dark else values
        return out

    @cached_property
    def classes(self) -> Int64:
        """The class of each image, int64 (n,); -1 where the label is no class, or there is none."""
        labels = self.raw.labels
        if labels is None:
            return np.full(len(self), -1, np.int64)
        if labels.dtype.kind not in "buif":
            return _as_numbers(labels, self._most)
        values = np.asarray(labels, np.float64)
        if values.ndim == 2:
            one_hot = np.isin(values, (0, 1)).all(axis=1) & (values.sum(axis=1) == 1)
            return np.where(one_hot, values.argmax(axis=1), -1).astype(np.int64)
        most = self._most
        with np.errstate(invalid="ignore"):
            usable = np.isfinite(values) & (values >= 0) & (values < most) & (values == np.floor(values))
        return np.where(usable, values, -1).astype(np.int64)

    @property
    def _most(self) -> int:
        """The largest possible number of classes; a label from there on is not a class."""
        return len(self.raw.class_names) if self.raw.class_names else max(len(self), 10)

    @property
    def labelled(self) -> bool:
        """Whether there are labels at all."""
        return self.raw.labels is not None

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, numbers where the source has none."""
        if self.raw.class_names:
            return tuple(map(printable, self.raw.class_names))
        return tuple(str(i) for i in range(int(self.classes.max(initial=0)) + 1))

    def name_of(self, index: SupportsIndex) -> str:
        """The class of an image in words."""
        label = int(self.classes[index])
        return self.class_names[label] if 0 <= label < len(self.class_names) else "?" if self.labelled else ""

    def file_of(self, index: SupportsIndex) -> str:
        """The file of an image; empty where the set is not one of files."""
        return self.raw.files[index] if self.raw.files else ""

    def files_at(self, indices: Iterable[int]) -> list[str]:
        """The files of images; empty where the set is not one of files."""
        return [self.file_of(index) for index in indices] if self.raw.files else []

    def blocks(self) -> Iterator[tuple[slice, UInt8]]:
        """Blocks of grey, light-on-dark images, and their places."""
        for place in blocks(len(self)):
            yield place, np.asarray(self.images[place])

    @cached_property
    def measures(self) -> Measures:
        """The plain numbers of every image, of its grey and light-on-dark form."""
        parts = [measured(images) for _, images in self.blocks()]
        return Measures(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    @cached_property
    def blank(self) -> Mask:
        """Images without contrast, which other checks ignore."""
        found = self.measures
        return np.asarray(found.highest.astype(int) - found.lowest < BLANK_RANGE)

    def digest(self, index: int) -> str:
        """The sha256 of an image's uint8 bytes in row order."""
        return hashlib.sha256(np.ascontiguousarray(self.stored[index]).data).hexdigest()

    def labelled_images(self) -> tuple[ImageSet, Int64]:
        """The images whose label is a class, for training, and their indices."""
        kept = np.flatnonzero(self.classes >= 0).astype(np.int64)
        return ImageSet(self.stored[kept], self.classes[kept], self.class_names), kept


@dataclass(frozen=True, eq=False)
class Learned:
    """Outputs of networks trained on the training images.

    Parameters
    ----------
    indices : ndarray of int64, shape (k,)
        Which training images: those whose label is a class.
    features : ndarray of float32, shape (k, d)
        The input of the last layer.
    probabilities : ndarray of float32, shape (k, n_classes), optional
        Out-of-sample: by networks that were not trained on the image.
    """

    indices: Int64
    features: Float32
    probabilities: Float32 | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """A data set to check.

    Parameters
    ----------
    name : str
    train : SplitData
    test : SplitData, optional
    learned : Learned, optional
    why_not_learned : str
        The reason why there is none.
    """

    name: str
    train: SplitData
    test: SplitData | None = None
    learned: Learned | None = None
    why_not_learned: str = "no network was trained; labels=True (--labels) trains some"

    @property
    def parts(self) -> tuple[SplitData, ...]:
        """The splits there are."""
        return (self.train,) if self.test is None else (self.train, self.test)

    @cached_property
    def likeness(self) -> Likeness:
        """Which images are the same, of both splits together."""
        return likeness([part.images for part in self.parts], [part.stored for part in self.parts])


def _grey(images: UInt8) -> UInt8:
    if images.ndim == 3:
        return np.asarray(images)
    return (images @ np.array([0.299, 0.587, 0.114], np.float32)).round().astype(np.uint8)


def _as_numbers(labels: NDArray[Any], most: int) -> Int64:
    """Digits that are stored as text, -1 for what is no class."""
    if labels.ndim != 1:
        return np.full(len(labels), -1, np.int64)
    texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in labels.tolist()]
    numbers = [int(text) if text.isdecimal() and len(text) < 10 else -1 for text in texts]
    return np.array([number if number < most else -1 for number in numbers], np.int64)
