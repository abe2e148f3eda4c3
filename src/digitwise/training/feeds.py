"""Which images the network is shown, in which order, and how they reach it: from the graph, or from shards."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from digitwise.data.prepare import NO_CLASS, one_hot
from digitwise.data.sharded import ShardedSet
from digitwise.images import Float32, ImageSet, Int64, Splits, UInt8
from digitwise.recipes import Recipe
from digitwise.training.augment import RandomWarp
from digitwise.training.backend import BACKEND, keras
from digitwise.training.predict import Predict, in_batches
from digitwise.training.streaming import StreamFeed

ALIGNMENT = 64  # bytes: TensorFlow takes memory that begins at a multiple of it as it is


class Feed(Protocol):
    """Gives a :class:`~digitwise.training.trainer.Trainer` its batches."""

    model: Any  # the Keras model to train; the network is inside it
    epoch_steps: int  # batches an epoch
    longest_call: int  # steps whose images may be asked for at once

    def begin(self, epoch: int, class_errors: Int64 | None) -> None:
        """Begin an epoch.

        Parameters
        ----------
        epoch : int
            From 0.
        class_errors : ndarray of int64, shape (n_classes,), optional
            Validation errors of each class so far; None before the first epoch.
        """

    def steps(self, start: int, stop: int) -> tuple[Any, Float32]:
        """Return inputs (steps, batch, ...) and one-hot targets (steps, batch, n_classes) of the epoch's next steps."""

    def end(self) -> None:
        """Release what the epoch holds, whether it is complete or not."""

    def validation(self, predict: Predict) -> Float32:
        """Return probabilities for the validation images, float32 (n, n_classes)."""


class Resident(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """Holds all images as uint8 beside the weights; takes indices, gives images.

    It needs a quarter of the memory of float32, and no batch is copied from Python.

    Parameters
    ----------
    parts : list of ndarray of uint8, shape (n, h, w) or (n, h, w, c)
        One after another.
    """

    def __init__(self, parts: list[UInt8]) -> None:
        super().__init__(dtype="float32", autocast=False, name="resident")
        self.images = keras.Variable(_joined(parts), dtype="uint8", trainable=False, name="images")

    def call(self, indices: Any) -> Any:
        """Int32 (b,) to float32 (b, h, w, c) in [0, 1]; see :func:`digitwise.data.prepare.to_input`."""
        return keras.ops.cast(keras.ops.take(self.images, indices, axis=0), "float32") * (1 / 255)


class ResidentFeed:
    """Training and validation images in the graph: cast, warped and batched there."""

    def __init__(self, network: Any, splits: Splits, recipe: Recipe, *, seed: int) -> None:
        train, validation, others = splits.train, splits.validation, splits.others
        assert isinstance(train, ImageSet)
        images = [train.images, *([] if others is None else [others]), validation.images]
        nameless = np.full(0 if others is None else len(others), NO_CLASS, np.int64)
        self._labels = np.concatenate([train.labels, nameless])
        self._targets = one_hot(self._labels, train.n_classes)
        layers = [keras.Input((), dtype="int32"), Resident(images)]
        if recipe.augmentation is not None:
            layers.append(RandomWarp(recipe.augmentation, seed=seed))
        self.model = keras.Sequential([*layers, network])
        self._validation = len(self._labels) + np.arange(len(validation), dtype=np.int32)
        self._recipe, self._seed = recipe, seed
        self.epoch_steps = self.longest_call = steps_per_epoch(len(self._labels), recipe.batch_size, recipe.focus)

    def begin(self, epoch: int, class_errors: Int64 | None) -> None:
        """Draw an epoch; see :class:`Feed`."""
        recipe = self._recipe
        self._order = epoch_order(
            self._labels,
            batch_size=recipe.batch_size,
            seed=self._seed,
            epoch=epoch,
            focus=recipe.focus,
            class_errors=class_errors,
        ).astype(np.int32)

    def steps(self, start: int, stop: int) -> tuple[Any, Float32]:
        """Return indices and one-hot labels."""
        indices = self._order[start:stop]
        return indices, self._targets[indices]

    def end(self) -> None:
        """Do nothing: the images stay in the graph."""

    def validation(self, predict: Predict) -> Float32:
        """See :class:`Feed`; the warp is off outside training."""
        return in_batches(predict, self._validation)


def _joined(parts: list[UInt8]) -> Any:
    """Copy images of (h, w) or (h, w, c) into one (n, h, w, c), for TensorFlow a tensor.

    From an array TensorFlow would copy them twice more, which takes as long as many steps of ``flash``.
    """
    shape = sum(map(len, parts)), *parts[0].shape[1:]
    memory = np.empty(math.prod(shape) + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    images = np.concatenate(parts, out=memory[start : start + math.prod(shape)].reshape(shape))
    images = images if images.ndim == 4 else images[..., None]
    if BACKEND != "tensorflow":
        return images
    import tensorflow

    return tensorflow.experimental.dlpack.from_dlpack(images.__dlpack__())


def feed_for(recipe: Recipe, network: Any, splits: Splits, *, seed: int) -> Feed:
    """Make the feed for images in memory or in shards.

    Raises
    ------
    RecipeError
        If the images are in shards and the recipe needs them in memory.
    """
    if isinstance(splits.train, ShardedSet):
        return StreamFeed(network, splits.train, splits.validation, recipe, seed=seed)
    return ResidentFeed(network, splits, recipe, seed=seed)


def steps_per_epoch(n: int, batch_size: int, focus: float = 0.0) -> int:
    """Number of batches of an epoch; images are shown again to fill the last one."""
    return math.ceil((n + round(n * focus)) / min(batch_size, n))


def epoch_order(
    labels: Int64,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    focus: float = 0.0,
    class_errors: Int64 | None = None,
) -> Int64:
    """Draw an epoch: every image once, the focus's extra samples, and the first ones again to fill the last batch.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Of the training images; images of no class are never among the extra samples.
    batch_size, seed, epoch : int
        Seed and epoch decide the order, so that a resumed training continues as if it had not stopped.
    focus : float
        Share of extra samples; see :class:`~digitwise.recipes.Recipe`.
    class_errors : ndarray of int64, shape (n_classes,), optional
        Validation errors of each class so far; without them each class gets as many extra samples.

    Returns
    -------
    ndarray of int64, shape (steps, batch)
        Indices of training images.
    """
    rng = np.random.default_rng([seed, epoch])
    n = len(labels)
    batch = min(batch_size, n)
    order = np.concatenate([np.arange(n), _extra(labels, round(n * focus), class_errors, rng)])
    rng.shuffle(order)
    steps = steps_per_epoch(n, batch_size, focus)
    return np.concatenate([order, order[: steps * batch - len(order)]]).reshape(steps, batch)


def _extra(labels: Int64, size: int, class_errors: Int64 | None, rng: np.random.Generator) -> Int64:
    counts = np.bincount(labels[labels != NO_CLASS])
    # One error is added to each class, so that with few errors no class gets none or most of the samples by chance.
    shares = np.ones(len(counts)) if class_errors is None else class_errors[: len(counts)] + 1.0
    weights = np.where(labels == NO_CLASS, 0, (shares / shares.sum() / np.maximum(counts, 1))[labels])
    return rng.choice(len(labels), size, p=weights / weights.sum()).astype(np.int64)
