"""The types that all modules share: images, data sets, predictions.

Shapes and dtypes are checked here, so that other code can rely on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError
from digitwise.escaping import printable

if TYPE_CHECKING:
    from digitwise.data.patches import Patch

UInt8 = NDArray[np.uint8]
Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]
Float16 = NDArray[np.float16]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# What can be done to images that lie wrong, in Pillow's words; rotations are counter-clockwise.
TURNS: dict[str, Callable[[UInt8], UInt8]] = {
    "rotate-90": lambda images: np.rot90(images, 1, axes=(1, 2)),
    "rotate-180": lambda images: images[:, ::-1, ::-1],
    "rotate-270": lambda images: np.rot90(images, -1, axes=(1, 2)),
    "mirror": lambda images: images[:, :, ::-1],
    "flip": lambda images: images[:, ::-1],
    "transpose": lambda images: images.swapaxes(1, 2),
    "transverse": lambda images: images[:, ::-1, ::-1].swapaxes(1, 2),
}


def turn_of(name: str) -> Callable[[UInt8], UInt8]:
    """One of :data:`TURNS`.

    Raises
    ------
    DataError
        If there is none of this name.
    """
    if name not in TURNS:
        raise DataError(f"turn: expected one of {', '.join(TURNS)}, got {name!r}")
    return TURNS[name]


SMALLEST = 4  # pixels a side: below this a convolution and a pooling leave nothing


class TrainingImages(Protocol):
    """Training images, in memory or in shards on disk."""

    def __len__(self) -> int: ...

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels (1 or 3) of each image."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class, in label order."""

    @property
    def n_classes(self) -> int:
        """How many classes there are."""

    @property
    def class_counts(self) -> Int64:
        """Images of each class, int64 of shape (n_classes,)."""

    @property
    def fingerprint(self) -> str:
        """A sha256 of the images and labels."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
        Grey values or RGB, 0 to 255; for digits light ink on a dark ground.
    labels : ndarray of int64, shape (n,)
        The class of each image, 0 to ``len(class_names) - 1``.
    class_names : tuple of str
        The name of each class, in label order; harmful characters are escaped, see
        :func:`digitwise.escaping.printable`.
    files : tuple of str
        The name of each image's file, where they are files of a folder; else empty.

    Raises
    ------
    DataError
        If a shape, dtype or label is not as above, or there are no images at all.
    """

    images: UInt8
    labels: Int64
    class_names: tuple[str, ...]
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(map(printable, self.class_names)))
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
            raise DataError(
                f"images: expected uint8 of shape (n, height, width) or (n, height, width, 3), "
                f"got {images.dtype} of shape {images.shape}"
            )
        if labels.dtype != np.int64 or labels.ndim != 1:
            raise DataError(f"labels: expected int64 of shape (n,), got {labels.dtype} of shape {labels.shape}")
        if len(images) != len(labels):
            raise DataError(f"{len(images)} images but {len(labels)} labels: expected one label an image")
        if images.size == 0:
            raise DataError("the set is empty: expected at least one image")
        if self.files and len(self.files) != len(images):
            raise DataError(f"files: expected a name for each of {len(images)} images, got {len(self.files)}")
        if labels.min() < 0 or labels.max() >= len(self.class_names):
            wrong = labels.min() if labels.min() < 0 else labels.max()
            raise DataError(
                f"labels out of range: expected 0 to {len(self.class_names) - 1}, got {wrong} "
                f"at index {int(np.flatnonzero(labels == wrong)[0])}"
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels (1 or 3) of each image."""
        height, width = self.images.shape[1:3]
        return int(height), int(width), 1 if self.images.ndim == 3 else 3

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @property
    def class_counts(self) -> Int64:
        """Images of each class, int64 of shape (n_classes,)."""
        return np.bincount(self.labels, minlength=self.n_classes).astype(np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 over shape, images, labels and class names: equal for equal content, whatever the file."""
        digest = hashlib.sha256(repr((self.images.shape, self.class_names)).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()

    def take(self, indices: Int64) -> ImageSet:
        """The images at ``indices`` (int64, shape (k,)), in that order."""
        files = tuple(self.files[index] for index in indices) if self.files else ()
        return ImageSet(self.images[indices], self.labels[indices], self.class_names, files)

    def turned(self, turn: str) -> ImageSet:
        """All images turned by one of :data:`TURNS`.

        Raises
        ------
        DataError
            If there is no such turn.
        """
        return replace(self, images=np.ascontiguousarray(turn_of(turn)(self.images)))


def check_fit(name: str, train: TrainingImages, test: ImageSet) -> None:
    """Make sure that training and test images are of one kind, and fit to be trained with.

    Raises
    ------
    DataError
        If size or classes differ, the images are tiny, or a class has no training image.
    """
    if train.image_shape != test.image_shape:
        raise DataError(
            f"{name}: training images are {train.image_shape}, test images "
            f"{test.image_shape}: expected the same height, width and channels"
        )
    if train.class_names != test.class_names:
        raise DataError(f"{name}: training and test classes differ: expected the same names")
    if min(train.image_shape[:2]) < SMALLEST:
        raise DataError(
            f"{name}: expected images of at least {SMALLEST}x{SMALLEST}, got "
            f"{train.image_shape[0]}x{train.image_shape[1]}"
        )
    if train.n_classes < 2:
        raise DataError(f"{name}: expected two classes or more, got {train.n_classes}")
    missing = np.flatnonzero(train.class_counts == 0)
    if len(missing):
        names = ", ".join(repr(train.class_names[i]) for i in missing[:5])
        raise DataError(
            f"{name}: class {names} has no training image: expected at least one of each of the "
            f"{train.n_classes} classes; add images or renumber the labels"
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training set and a test set of the same kind, and their source.

    Parameters
    ----------
    name : str
        The set's name, or its path where it is the user's own.
    source : str
        Where this copy was read from, in words.
    train, test : ImageSet
        Same image shape and class names.
    notes : tuple of str
        Facts that matter for results: a test split held out here, an inverted polarity, a substitute.
    embedded : bool
        Whether this is the small set inside the package, as a substitute for one that was not found.
    patch : Patch, optional
        The label patch applied to the training images.
    loaded : dict of str to str
        What :func:`digitwise.load` was given beside the source, to load the set again: ``label_column``, ``turn``.
    """

    name: str
    source: str
    train: ImageSet
    test: ImageSet
    notes: tuple[str, ...] = ()
    embedded: bool = False
    patch: Patch | None = None
    loaded: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fit(self.name, self.train, self.test)

    @property
    def fingerprint(self) -> dict[str, str]:
        """The sha256 of each split."""
        return {"train": self.train.fingerprint, "test": self.test.fingerprint}


@dataclass(frozen=True, eq=False)
class Splits:
    """The images that training may use; without the test set, which must not influence it.

    Parameters
    ----------
    train : TrainingImages
        An :class:`ImageSet`, or what stays in shards.
    validation : ImageSet
        Disjoint from these, and of the same data set's training images.
    others : ndarray of uint8, shape (k, h, w), optional
        Images of no class, used in training so that the network is unsure about such images.
    """

    train: TrainingImages
    validation: ImageSet
    others: UInt8 | None = None


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model answered about labelled images.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        The given classes.
    probabilities : ndarray of float32, shape (n, n_classes)
        Rows sum to one.
    class_names : tuple of str
        The name of each class.

    Raises
    ------
    DataError
        If a shape or dtype is not as above, a label is no class, a row is no distribution, or there are none at all.
    """

    labels: Int64
    probabilities: Float32
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        labels, classes = self.labels, len(self.class_names)
        if labels.dtype != np.int64 or labels.ndim != 1 or not len(labels):
            raise DataError(f"labels: expected int64 of shape (n,), n from 1, got {labels.dtype} of {labels.shape}")
        if labels.min() < 0 or labels.max() >= classes:
            wrong = labels.min() if labels.min() < 0 else labels.max()
            raise DataError(f"labels: expected 0 to {classes - 1}, got {wrong}")
        expected = (len(labels), classes)
        if self.probabilities.shape != expected:
            raise DataError(f"probabilities: expected shape {expected}, got {self.probabilities.shape}")
        if (low := self.probabilities.min()) < 0:
            raise DataError(f"probabilities: expected 0 to 1, got {low:.4g}")
        sums = self.probabilities.sum(axis=1)
        if not np.all(np.abs(sums - 1) < 1e-3):  # NaN fails this too
            row = int(np.flatnonzero(~(np.abs(sums - 1) < 1e-3))[0])
            raise DataError(f"probabilities: expected rows that sum to 1, row {row} sums to {sums[row]:.4g}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> Int64:
        """The most probable class of each image, int64 of shape (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> Float32:
        """The probability of the predicted class, float32 of shape (n,)."""
        return np.asarray(self.probabilities.max(axis=1), np.float32)

    @property
    def missed(self) -> Mask:
        """Whether each image is classified wrongly, bool of shape (n,)."""
        return np.asarray(self.predicted != self.labels)

    @property
    def wrong(self) -> Int64:
        """Indices of the wrongly classified images, most confident mistake first, int64 of shape (errors,)."""
        indices = np.flatnonzero(self.missed)
        return indices[np.argsort(-self.confidence[indices], kind="stable")].astype(np.int64)

    @property
    def errors(self) -> int:
        """How many images are classified wrongly."""
        return int(self.missed.sum())
