"""Training from shards: images are read while those before them are trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from digitwise.data.prepare import one_hot
from digitwise.data.sharded import Rows, ShardedSet
from digitwise.images import Float32, ImageSet, Int64
from digitwise.recipes import Recipe
from digitwise.training.augment import RandomWarp
from digitwise.training.backend import keras
from digitwise.training.mixing import Ahead, block_size, mixed
from digitwise.training.predict import Predict, in_batches
from digitwise.training.sampling import steps_per_epoch

CALL_BYTES = 2**23  # of the images of one compiled call, which lie in memory a few times over


class Shares(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """From pixels to shares of white, inside the graph: a quarter of the bytes of float32 have to come to it."""

    def __init__(self) -> None:
        super().__init__(dtype="float32", autocast=False, name="shares")

    def call(self, images: Any) -> Any:
        """Uint8 (b, h, w, c) to float32 in [0, 1]; see :func:`digitwise.data.prepare.to_input`."""
        return keras.ops.cast(images, "float32") * (1 / 255)


class StreamFeed:
    """Training images out of shards, read ahead by a thread; those to validate with from memory.

    See :class:`digitwise.training.feeds.Feed`.
    """

    def __init__(self, network: Any, train: ShardedSet, validation: ImageSet, recipe: Recipe, *, seed: int) -> None:
        recipe.require_streamable()
        layers = [keras.Input(train.image_shape, dtype="uint8"), Shares()]
        if recipe.augmentation is not None:
            layers.append(RandomWarp(recipe.augmentation, seed=seed))
        self.model = keras.Sequential([*layers, network])
        self._train, self._seed = train, seed
        self._validation = validation.images.reshape(len(validation), *validation.image_shape)
        self._batch = min(recipe.batch_size, len(train))
        self._ahead: Ahead[Rows] | None = None
        self.epoch_steps = steps_per_epoch(len(train), recipe.batch_size, 0.0)
        self.longest_call = max(1, CALL_BYTES // (self._batch * int(np.prod(train.image_shape))))

    def begin(self, epoch: int, class_errors: Int64 | None) -> None:
        """Begin to read; see :class:`~digitwise.training.feeds.Feed`."""
        # The next call's images, while this one is computed.
        waiting = -(-self.longest_call * self._batch // block_size(self._train.image_shape))
        self._ahead = Ahead(mixed(self._train, seed=self._seed, epoch=epoch), most=waiting)
        self._left: Rows = (np.empty((0, *self._train.image_shape), np.uint8), np.empty(0, np.int64))
        self._first: Rows | None = None
        self._filled = False

    def steps(self, start: int, stop: int) -> tuple[Any, Float32]:
        """The next images and their one-hot labels; the epoch's first ones again fill its last batch."""
        images = np.empty(((stop - start) * self._batch, *self._train.image_shape), np.uint8)
        labels = np.empty(len(images), np.int64)
        done = 0
        while done < len(images):
            more, classes = self._next()
            size = min(len(more), len(images) - done)
            images[done : done + size], labels[done : done + size] = more[:size], classes[:size]
            self._left = more[size:], classes[size:]
            done += size
            if self._first is None and done >= self._batch:
                self._first = images[: self._batch].copy(), labels[: self._batch].copy()
        shape = stop - start, self._batch
        targets = one_hot(labels, self._train.n_classes)
        return images.reshape(*shape, *self._train.image_shape), targets.reshape(*shape, self._train.n_classes)

    def _next(self) -> Rows:
        assert self._ahead is not None
        if len(self._left[1]):
            return self._left
        rows = next(self._ahead, None)
        if rows is None:  # once an epoch: more than a batch is never wanting
            assert self._first is not None
            assert not self._filled
            rows, self._filled = self._first, True
        return rows

    def end(self) -> None:
        """Stop reading."""
        if self._ahead is not None:
            self._ahead.close()
        self._ahead = None

    def validation(self, predict: Predict) -> Float32:
        """See :class:`~digitwise.training.feeds.Feed`; the warp is off outside training."""
        return in_batches(predict, self._validation)
