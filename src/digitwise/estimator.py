"""A scikit-learn estimator: images and labels in arrays, trained as every recipe is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from digitwise import outputs
from digitwise.data.prepare import to_input
from digitwise.data.splits import split_validation
from digitwise.errors import DataError, RunError
from digitwise.files import expanded, real, write_json
from digitwise.formats.values import Pixels, Scale
from digitwise.images import SMALLEST, Float32, ImageSet, UInt8, check_fit
from digitwise.outputs import Kind
from digitwise.recipes import Recipe, for_data
from digitwise.training.fit import fit
from digitwise.training.live import LiveWatch, progress_bar
from digitwise.training.options import FitOptions
from digitwise.training.predict import in_batches
from digitwise.training.saving import load_model, save_model
from digitwise.training.train import SPLIT_SEED

FORMAT = 1
ABOUT = "classifier.json"
SAVED = Kind("classifier", "an earlier saved classifier", RunError, "path")


class DigitClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn comes without types
    """A classifier of images for scikit-learn's tools, such as ``cross_val_score``, ``GridSearchCV`` and ``Pipeline``.

    Training splits its own validation images off what it is given, stratified, by a fixed seed.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A name, such as ``flash`` or ``accurate``, gives the recipe adapted to the number of images. One's own, as a
        value or by the path of its TOML file, is taken as it is.
    seed : int
        Decides weights, order, augmentation and dropout, as scikit-learn's ``random_state``.
    budget : float, optional
        Length of the training in seconds, instead of the recipe's number of epochs.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Numbers of an image: height x width x channels.
    image_shape_ : tuple of int
        (height, width), or (height, width, 3).
    recipe_ : Recipe
        The recipe as it was trained.
    model_ : keras.Model
        Images float32 (n, h, w, c) in [0, 1] to probabilities (n, n_classes).
    history_ : list of dict
        A row for each epoch, see :class:`digitwise.training.fit.Fitted`.

    Examples
    --------
    >>> import digitwise
    >>> data = digitwise.load("digits")
    >>> classifier = digitwise.DigitClassifier("flash").fit(data.train.images, data.train.labels)
    >>> bool(classifier.score(data.test.images, data.test.labels) > 0.8)
    True
    """

    def __init__(self, recipe: str | Path | Recipe = "augmented", seed: int = 0, budget: float | None = None) -> None:
        self.recipe = recipe
        self.seed = seed
        self.budget = budget

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, *, progress: bool | None = False) -> Self:  # noqa: N803  # scikit-learn's
        """Train on images.

        Parameters
        ----------
        X : array-like, shape (n, h, w), (n, h, w, 1), (n, 1, h, w), (n, h, w, 3), (n, 3, h, w) or (n, pixels)
            uint8, or numbers 0 to 255 or 0 to 1, light ink on a dark ground; at least 4x4 pixels. Rows of pixels are
            square images, such as 784 for 28x28.
        y : array-like, shape (n,)
            Labels of any type.
        progress : bool, optional
            Whether to show a bar; None shows one on a terminal and in a notebook. By default there is none, since
            ``cross_val_score`` and the like fit many times.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the images or labels are not as above, or too few.
        RecipeError
            If there is no such recipe, or it cannot be trained on these images.
        """
        rows, shape = _rows(X)
        rows, y = validate_data(self, rows, y, ensure_min_samples=2)
        check_classification_targets(y)
        check_non_negative(rows, type(self).__name__)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y: expected two classes or more, got one class, {self.classes_[0]!r}")
        self.image_shape_ = shape or self._shape_of(rows.shape[1])
        with _as_value_error():
            images, self._scale = self._pixels(rows, None)
            train = ImageSet(images, labels.astype(np.int64), tuple(map(str, self.classes_)))
            check_fit("X, y", train, train)
            splits = split_validation(train, seed=SPLIT_SEED)
        self.recipe_ = for_data(self.recipe, len(train))
        with progress_bar(LiveWatch, progress) as bar:
            fitted = fit(self.recipe_, splits, FitOptions(self.seed, self.budget), watch=bar)
        self.model_, self.history_ = fitted.model, fitted.history
        return self

    def predict_proba(self, X: ArrayLike) -> Float32:  # noqa: N803
        """The probability of each class.

        Parameters
        ----------
        X : array-like
            Images of the same size as those trained on, in any of the forms of :meth:`fit`.

        Returns
        -------
        ndarray of float32, shape (n, n_classes)
            In the order of ``classes_``; rows sum to one.

        Raises
        ------
        ValueError
            If the images are others.
        """
        check_is_fitted(self)
        images = self._images(X)
        return in_batches(lambda part: np.asarray(self.model_.predict_on_batch(to_input(part)), np.float32), images)

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """The most probable label of each image; parameters and errors are those of :meth:`predict_proba`."""
        answers = self.predict_proba(X)
        return np.asarray(self.classes_[answers.argmax(axis=1)])

    def save(self, path: str | Path) -> Path:
        """Save the trained classifier as a folder: its model in Keras' forms, and all else as JSON; nothing is pickled.

        Parameters
        ----------
        path : str or Path
            A new folder, or one of an earlier classifier, which is replaced.

        Returns
        -------
        Path

        Raises
        ------
        RunError
            If something else lies there.
        """
        check_is_fitted(self)
        place, recipe = real(path), self.recipe
        about = {
            "format": FORMAT,
            "recipe": recipe.as_dict() if isinstance(recipe, Recipe) else str(recipe),
            "seed": self.seed,
            "budget": self.budget,
            "trained": self.recipe_.as_dict(),
            "classes": self.classes_.tolist(),
            "dtype": self.classes_.dtype.str if self.classes_.dtype != object else "object",
            "image_shape": list(self.image_shape_),
            "scale": None if self._scale is None else vars(self._scale),
            "features": getattr(self, "feature_names_in_", np.array([])).tolist(),
            "history": self.history_,
        }
        with outputs.claimed(place, SAVED), outputs.new_folder(place, SAVED) as made:
            save_model(self.model_, made)
            write_json(made / ABOUT, about)
        return place

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load a classifier that :meth:`save` wrote; no code in it is run.

        Raises
        ------
        RunError
            If there is none.
        """
        folder = expanded(path)
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            if about["format"] != FORMAT:
                raise ValueError(f"format {about['format']}")
            given = about["recipe"]
            made = cls(Recipe.from_dict(given) if isinstance(given, dict) else given, about["seed"], about["budget"])
            made.recipe_ = Recipe.from_dict(about["trained"])
            made.classes_ = np.array(about["classes"], about["dtype"])
            made.image_shape_ = tuple(about["image_shape"])
            made.n_features_in_ = math.prod(made.image_shape_)
            made._scale = None if about["scale"] is None else Scale(**about["scale"])
            if about["features"]:
                made.feature_names_in_ = np.array(about["features"], object)
            made.history_ = about["history"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            saved = "a folder that DigitClassifier.save made"
            told = f"{path}: expected {saved}: {error}"
            raise RunError(told, path=path, expected=saved, got=str(error)) from error
        made.model_ = load_model(folder)
        return made

    def _images(self, values: ArrayLike) -> UInt8:
        """Images to predict, uint8 (n, h, w) or (n, h, w, 3), by the scale of those trained on."""
        rows, shape = _rows(values)
        if shape is not None and shape != self.image_shape_:
            raise ValueError(f"X: expected images of {self.image_shape_}, as in fit, got {shape}")
        rows = validate_data(self, rows, reset=False)
        check_non_negative(rows, type(self).__name__)
        with _as_value_error():
            return self._pixels(rows, self._scale)[0]

    def _pixels(self, rows: NDArray[Any], scale: Scale | None) -> tuple[UInt8, Scale | None]:
        """Images from rows of numbers, by a scale or the one that they tell."""
        pixels = Pixels("X")
        pixels.scale = scale
        return pixels(rows.reshape(len(rows), *self.image_shape_)), pixels.scale

    @staticmethod
    def _shape_of(n: int) -> tuple[int, int]:
        """Height and width of images that come as rows of ``n`` pixels."""
        side = math.isqrt(n)
        if side * side != n or side < SMALLEST:
            raise ValueError(
                f"X: expected images (n, h, w) of 4x4 pixels or more, or rows of a square number of pixels such as 784 "
                f"for 28x28, got rows of {n} feature(s); give images that are not square as (n, h, w)"
            )
        return side, side


def _rows(values: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Images as rows of numbers, and their shape; of what has less than three axes as it is, and None."""
    array = values if hasattr(values, "ndim") else np.asarray(values)
    if array.ndim < 3:
        return values, None
    array = np.asarray(array)
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] not in (1, 3):  # channels first
        array = np.moveaxis(array, 1, 3)
    shape = array.shape[1:-1] if array.ndim == 4 and array.shape[3] == 1 else array.shape[1:]
    if len(shape) > 3 or shape[2:] not in ((), (3,)):
        raise ValueError(f"X: expected images (n, h, w), (n, h, w, 1) or (n, h, w, 3), got an array of {array.shape}")
    return array.reshape(len(array), -1), shape


@contextmanager
def _as_value_error() -> Iterator[None]:
    """Raise what is wrong with the data as scikit-learn's callers expect it."""
    try:
        yield
    except DataError as error:
        raise ValueError(str(error)) from error
