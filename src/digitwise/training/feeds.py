"""How images reach the network: resident in the graph, or from shards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from digitwise.data.prepare import NO_CLASS, one_hot
from digitwise.data.sharded import ShardedSet
from digitwise.images import Float32, ImageSet, Int64, Splits, UInt8
from digitwise.recipes import Recipe
from digitwise.training.augment import RandomWarp
from digitwise.training.backend import keras
from digitwise.training.predict import Predict, in_batches
from digitwise.training.sampling import Order
from digitwise.training.streaming import StreamFeed


class Feed(Protocol):
    """What :class:`~digitwise.training.trainer.Trainer` needs of a feed."""

    model: Any  # the Keras model to train; the network is inside it
    epoch_steps: int  # batches an epoch
    longest_call: int  # steps whose images may be asked for at once

    def begin(self, epoch: int, class_errors: Int64 | None) -> None:
        """Draw and begin an epoch, counted from 0.

        ``class_errors`` are the validation errors of each class so far, int64 of shape (n_classes,); None before the
        first epoch.
        """

    def steps(self, start: int, stop: int) -> tuple[Any, Float32]:
        """Inputs (steps, batch, ...) and one-hot targets (steps, batch, n_classes) of the next steps of the epoch."""

    def end(self) -> None:
        """Let go of what an epoch holds, whether it has come to its end or not."""

    def validation(self, predict: Predict) -> Float32:
        """Probabilities for the validation images, float32 (n, n_classes), by the model's own ``predict``."""


class Resident(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """All images, held as uint8 beside the weights; takes indices, gives images.

    A quarter of the memory of float32, and no batch is ever copied from Python.
    """

    def __init__(self, images: UInt8) -> None:
        super().__init__(dtype="float32", autocast=False, name="resident")
        images = images if images.ndim == 4 else images[..., None]
        self.images = keras.Variable(images, dtype="uint8", trainable=False, name="images")

    def call(self, indices: Any) -> Any:
        """Int32 (b,) to float32 (b, h, w, c) in [0, 1]; see :func:`digitwise.data.prepare.to_input`."""
        return keras.ops.cast(keras.ops.take(self.images, indices, axis=0), "float32") * (1 / 255)


@dataclass(frozen=True, eq=False)
class _Shown:
    """The images at hand that are trained on: those with a class, then those of none."""

    images: UInt8
    labels: Int64
    targets: Float32

    @classmethod
    def of(cls, splits: Splits) -> _Shown:
        train = splits.train
        assert isinstance(train, ImageSet)
        images, labels = train.images, train.labels
        if splits.others is not None:
            images = np.concatenate([images, splits.others])
            labels = np.concatenate([labels, np.full(len(splits.others), NO_CLASS, np.int64)])
        return cls(images, labels, one_hot(labels, train.n_classes))


class ResidentFeed:
    """Training and validation images in the graph: cast, warped and batched there."""

    def __init__(self, network: Any, splits: Splits, recipe: Recipe, *, seed: int) -> None:
        shown = _Shown.of(splits)
        everything = np.concatenate([shown.images, splits.validation.images])
        layers = [keras.Input((), dtype="int32"), Resident(everything)]
        if recipe.augmentation is not None:
            layers.append(RandomWarp(recipe.augmentation, seed=seed))
        self.model = keras.Sequential([*layers, network])
        self._labels = shown.targets
        self._validation = np.arange(len(shown.images), len(everything), dtype=np.int32)
        self._draw = Order(shown.labels, recipe, seed)
        self.epoch_steps = self.longest_call = self._draw.steps

    def begin(self, epoch: int, class_errors: Int64 | None) -> None:
        """See :class:`Feed`."""
        self._order = self._draw.of(epoch, class_errors).astype(np.int32)

    def steps(self, start: int, stop: int) -> tuple[Any, Float32]:
        """Indices and one-hot labels."""
        indices = self._order[start:stop]
        return indices, self._labels[indices]

    def end(self) -> None:
        """Nothing: the images stay."""

    def validation(self, predict: Predict) -> Float32:
        """See :class:`Feed`; the warp is off outside training."""
        return in_batches(predict, self._validation)


def feed_for(recipe: Recipe, network: Any, splits: Splits, *, seed: int) -> Feed:
    """The feed for where the images are.

    Raises
    ------
    RecipeError
        If the images are in shards and the recipe needs them all at hand.
    """
    if isinstance(splits.train, ShardedSet):
        return StreamFeed(network, splits.train, splits.validation, recipe, seed=seed)
    return ResidentFeed(network, splits, recipe, seed=seed)
