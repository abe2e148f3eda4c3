"""The types that all modules share: images and data sets.

Shapes and dtypes are checked here, so that other code can rely on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from digitwise.displays import labelled, listed, sides
from digitwise.drawing import axes_for, bars_width, class_bars
from digitwise.errors import DataError, about
from digitwise.escaping import printable
from digitwise.parts import imported
from digitwise.turns import turn_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from digitwise.data.patches import Patch

UInt8 = NDArray[np.uint8]
Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]
Float16 = NDArray[np.float16]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

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


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images with their labels.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
        Grey values or RGB, 0 to 255; for digits light ink on a dark ground.
    labels : ndarray of int64, shape (n,)
        The class of each image, 0 to ``len(class_names) - 1``; other whole dtypes become int64.
    class_names : tuple of str
        The name of each class, in label order; harmful characters are escaped, see
        :func:`digitwise.escaping.printable`.
    files : tuple of str
        The name of each image's file, where they are files of a folder; else empty.

    Raises
    ------
    DataError
        If a shape, dtype or label is not as above, or there are no images at all.

    Examples
    --------
    >>> images = np.zeros((2, 28, 28), np.uint8)
    >>> ImageSet(images, np.array([0, 1]), ("zero", "one"))
    <ImageSet: 2 images of 28x28, 2 classes: zero, one>
    """

    images: UInt8
    labels: Int64
    class_names: tuple[str, ...]
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(map(printable, self.class_names)))
        if self.labels.dtype.kind in "iu":
            object.__setattr__(self, "labels", self.labels.astype(np.int64, copy=False))
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
            wanted, got = "uint8 of shape (n, height, width) or (n, height, width, 3)", f"{images.dtype} of shape"
            raise DataError.wanted("images", wanted, f"{got} {images.shape}", argument="images")
        if labels.dtype != np.int64 or labels.ndim != 1:
            got = f"{labels.dtype} of shape {labels.shape}"
            raise DataError.wanted("labels", "int64 of shape (n,)", got, argument="labels")
        if len(images) != len(labels):
            raise DataError(
                f"{len(images)} images but {len(labels)} labels: expected one label an image",
                argument="labels",
                expected=len(images),
                got=len(labels),
            )
        if images.size == 0:
            raise DataError(
                "the set is empty: expected at least one image", argument="images", expected="at least one image", got=0
            )
        if self.files and len(self.files) != len(images):
            raise DataError(f"files: expected a name for each of {len(images)} images, got {len(self.files)}")
        if labels.min() < 0 or labels.max() >= len(self.class_names):
            wrong = int(labels.min() if labels.min() < 0 else labels.max())
            place = int(np.flatnonzero(labels == wrong)[0])
            expected, got = f"0 to {len(self.class_names) - 1}", f"{wrong} at index {place}"
            raise DataError.wanted("labels out of range", expected, got, argument="labels")

    def __repr__(self) -> str:
        return f"<ImageSet: {len(self):,} images of {sides(self.image_shape)}, {listed(self.class_names)}>"

    def _repr_html_(self) -> str:
        return labelled(repr(self), self.class_names, {"images": self.class_counts}, self.images, self.labels)

    def frame(self) -> Any:
        """The set as a pandas frame with a row an image, which :func:`digitwise.load` takes.

        Returns
        -------
        pandas.DataFrame
            Columns ``label``, categorical, the class's name; ``image``, uint8 (h, w) or (h, w, 3).
        """
        pd = imported("pandas", "a frame")
        labels = pd.Categorical.from_codes(self.labels, categories=list(self.class_names))
        return pd.DataFrame({"label": labels, "image": list(self.images)})

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
        """All images turned by one of :data:`digitwise.turns.TURNS`.

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
        told = f"training images are {train.image_shape}, test images {test.image_shape}"
        raise DataError(f"{name}: {told}: expected the same height, width and channels")
    if train.class_names != test.class_names:
        raise DataError(f"{name}: training and test classes differ: expected the same names")
    if min(train.image_shape[:2]) < SMALLEST:
        size = "{}x{}".format(*train.image_shape)
        raise DataError.wanted(name, f"images of at least {SMALLEST}x{SMALLEST}", size)
    if train.n_classes < 2:
        raise DataError.wanted(name, "two classes or more", train.n_classes)
    if len(missing := np.flatnonzero(train.class_counts == 0)):
        names = ", ".join(repr(train.class_names[i]) for i in missing[:5])
        wanted = f"expected at least one of each of the {train.n_classes} classes; add images or renumber the labels"
        raise DataError(
            f"{name}: class {names} has no training image: {wanted}",
            argument="labels",
            expected="an image of each class",
            got=f"none of {names}",
        )


@dataclass(frozen=True, eq=False, repr=False)
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

    Examples
    --------
    >>> import digitwise
    >>> digitwise.load("digits").train.images.shape
    (1437, 28, 28)
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

    @classmethod
    def from_arrays(
        cls,
        x_train: Any,
        y_train: Any,
        x_test: Any = None,
        y_test: Any = None,
        *,
        class_names: Sequence[str] | None = None,
        white: float | None = None,
        name: str = "arrays",
    ) -> Dataset:
        """A data set from arrays, tensors or lists in memory; its notes, and its repr, tell what was understood.

        Parameters
        ----------
        x_train, x_test : array, shape (n, h, w), (n, h, w, 1), (n, 1, h, w), (n, h, w, 3), (n, 3, h, w) or (n, square)
            uint8 or other numbers 0 to 255, 0 to 1 or -1 to 1; whole numbers 0 to 16, as ``load_digits`` has them. Or
            a list of images, or of the paths of their files. Without ``x_test`` a fifth is held out, stratified.
        y_train, y_test : array, shape (n,), (n, 1) or one-hot (n, k)
            Class numbers of any dtype, if they are whole, or text.
        class_names : sequence of str, optional
            In label order. By default text gives its own, sorted; numbers are their own names.
        white : float, optional
            The number of a white pixel, if the values do not tell: 255, 1, 65535.
        name : str
            The set's name in runs and reports.

        Raises
        ------
        DataError
            If the arrays cannot be understood or trained on. Where two answers are possible, ``argument`` names what
            settles it.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> Dataset.from_arrays(*load_digits(return_X_y=True))
        <Dataset 'arrays': 1,438 training and 359 test images of 8x8, 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9>
          x: rows of 64 pixels, 8x8
          pixels 0 to 16, brought to 0 to 255
          test: no test images given, 359 of 1797 held out, stratified, seed 0
        """
        from digitwise.data.arrays import labelled_of

        train, test = (x_train, y_train), (x_test, y_test)
        data = train if x_test is None and y_test is None else (train, test)
        with about(argument="y_train"):  # what is wrong with pixels names these
            return labelled_of(data, class_names=class_names, white=white, name=name).split()

    def __repr__(self) -> str:
        train = self.train
        facts = f"{len(train):,} training and {len(self.test):,} test images of {sides(train.image_shape)}"
        head = f"<Dataset {self.name!r}: {facts}, {listed(train.class_names)}>"
        return "\n  ".join(map(printable, (head, *self.notes)))

    def _repr_html_(self) -> str:
        train = self.train
        return labelled(repr(self), train.class_names, self._counts, train.images, train.labels)

    @property
    def _counts(self) -> dict[str, Int64]:
        return {"training": self.train.class_counts, "test": self.test.class_counts}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of each class in training and test, with the number of images on the bars.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        with axes_for(ax, bars_width(self.train.n_classes), 3.4) as axes:
            class_bars(axes, self.train.class_names, self._counts)
        return axes

    def frame(self) -> Any:
        """The images as a pandas frame with a row an image, which :func:`digitwise.load` takes.

        Returns
        -------
        pandas.DataFrame
            Columns ``split``, train or test; ``label``, categorical, the class's name; ``image``, uint8 (h, w) or
            (h, w, 3).
        """
        parts = {"train": self.train.frame(), "test": self.test.frame()}
        for split, part in parts.items():
            part.insert(0, "split", split)
        return imported("pandas", "a frame").concat(parts.values(), ignore_index=True)

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
