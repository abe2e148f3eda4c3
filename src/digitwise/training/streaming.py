"""Training from shards: images are mixed and read ahead while those before them are trained on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from queue import Empty, Full, Queue
from typing import Any, Generic, Self, TypeVar

import numpy as np

from digitwise.data.prepare import one_hot
from digitwise.data.sharded import Rows, ShardedSet
from digitwise.images import Float32, ImageSet, Int64, UInt8
from digitwise.recipes import Recipe
from digitwise.training.augment import RandomWarp
from digitwise.training.backend import keras
from digitwise.training.predict import Predict, in_batches

BUFFER = 65_536  # images that wait to be drawn, 51 MB of MNIST's size,
BUFFER_BYTES = 2**26  # and their most bytes
BLOCK = 4_096  # images read at a time; in blocks of 1,024 a table takes a fifth longer,
BLOCK_BYTES = 2**22  # and their most bytes
PATIENCE = 0.1  # seconds between two attempts to put an item into a full queue, to see whether to stop
OPEN = 4  # shards read at the same time, so that the buffer has images of several
CALL_BYTES = 2**23  # of the images of one compiled call, which are in memory a few times

T = TypeVar("T")


class Scaled(keras.layers.Layer):  # type: ignore[misc]  # keras comes without types
    """Scales pixels to [0, 1] inside the graph, which takes a quarter of the bytes of float32."""

    def __init__(self) -> None:
        super().__init__(dtype="float32", autocast=False, name="scaled")

    def call(self, images: Any) -> Any:
        """Uint8 (b, h, w, c) to float32 in [0, 1]; see :func:`digitwise.data.prepare.to_input`."""
        return keras.ops.cast(images, "float32") * (1 / 255)


class StreamFeed:
    """Training images from shards, read ahead by a thread; validation images from memory.

    See :class:`digitwise.training.feeds.Feed`.
    """

    def __init__(self, network: Any, train: ShardedSet, validation: ImageSet, recipe: Recipe, *, seed: int) -> None:
        recipe.require_streamable()
        layers = [keras.Input(train.image_shape, dtype="uint8"), Scaled()]
        if recipe.augmentation is not None:
            layers.append(RandomWarp(recipe.augmentation, seed=seed))
        self.model = keras.Sequential([*layers, network])
        self._train, self._seed = train, seed
        self._validation = validation.images.reshape(len(validation), *validation.image_shape)
        self._batch = min(recipe.batch_size, len(train))
        self._ahead: Ahead[Rows] | None = None
        self.epoch_steps = -(-len(train) // self._batch)
        self.longest_call = max(1, CALL_BYTES // (self._batch * int(np.prod(train.image_shape))))

    def begin(self, epoch: int, class_errors: Int64 | None) -> None:
        """Start reading; see :class:`~digitwise.training.feeds.Feed`."""
        # The images of the next call are read while this one is computed.
        waiting = -(-self.longest_call * self._batch // block_size(self._train.image_shape))
        self._ahead = Ahead(mixed(self._train, seed=self._seed, epoch=epoch), most=waiting)
        self._left: Rows = (np.empty((0, *self._train.image_shape), np.uint8), np.empty(0, np.int64))
        self._first: Rows | None = None
        self._filled = False

    def steps(self, start: int, stop: int) -> tuple[Any, Float32]:
        """Return the next images and their one-hot labels; the epoch's first images fill its last batch."""
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
        if rows is None:  # once an epoch, since less than a batch is missing
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


class Buffer:
    """Mixes a stream of images: when it is full, each new image replaces one drawn at random.

    Parameters
    ----------
    shape : (int, int, int)
        Shape of an image.
    size : int
        Number of images it holds.
    rng : numpy.random.Generator
    """

    def __init__(self, shape: tuple[int, int, int], size: int, rng: np.random.Generator) -> None:
        self._images = np.empty((size, *shape), np.uint8)
        self._labels = np.empty(size, np.int64)
        self._size, self._filled, self._rng = size, 0, rng

    def exchange(self, images: UInt8, labels: Int64) -> Iterator[Rows]:
        """Add images (n, h, w, c); yield as many as there is no room for."""
        free = min(len(images), self._size - self._filled)
        self._put(np.arange(self._filled, self._filled + free), images[:free], labels[:free])
        self._filled += free
        for start in range(free, len(images), self._size):
            coming = slice(start, start + self._size)
            # Distinct places, so that none of the new images replaces another.
            places = self._rng.choice(self._size, len(images[coming]), replace=False, shuffle=False)
            yield self._images[places], self._labels[places]
            self._put(places, images[coming], labels[coming])

    def rest(self, size: int) -> Iterator[Rows]:
        """Yield all images left, ``size`` at a time."""
        order = self._rng.permutation(self._filled)
        for start in range(0, len(order), size):
            places = order[start : start + size]
            yield self._images[places], self._labels[places]

    def _put(self, places: Int64, images: UInt8, labels: Int64) -> None:
        self._images[places], self._labels[places] = images, labels


def block_size(shape: tuple[int, int, int]) -> int:
    """Number of images of a shape that are read at a time."""
    return max(1, min(BLOCK, BLOCK_BYTES // int(np.prod(shape))))


def mixed(train: ShardedSet, *, seed: int, epoch: int) -> Iterator[Rows]:
    """Yield every image of a set once, mixed.

    Shards are read in an order drawn for each epoch, some at the same time, and go through a buffer. A set no larger
    than the buffer is mixed completely. In a larger one, an image is mixed with those of the few shards read around
    the same time; shards that hold one class each should be rewritten, mixed.

    Parameters
    ----------
    train : ShardedSet
    seed, epoch : int
        Decide the order, so that a resumed training continues as if it had not stopped.

    Yields
    ------
    (ndarray of uint8, ndarray of int64)
        Images (n, h, w, c) and labels (n,), n at most that of :func:`block_size`.
    """
    rng = np.random.default_rng([seed, epoch])
    block = block_size(train.image_shape)
    size = max(1, min(BUFFER, len(train), BUFFER_BYTES // int(np.prod(train.image_shape))))
    buffer = Buffer(train.image_shape, size, rng)
    for images, labels in _interleaved(train, block, rng):
        yield from buffer.exchange(images, labels)
    yield from buffer.rest(block)


def _interleaved(train: ShardedSet, block: int, rng: np.random.Generator) -> Iterator[Rows]:
    parts = iter([train.parts[number] for number in rng.permutation(len(train.parts))])
    opened = [train.rows(part, block) for part in islice(parts, OPEN)]
    while opened:
        place = int(rng.integers(len(opened)))
        rows = next(opened[place], None)
        if rows is not None:
            yield rows
        elif (part := next(parts, None)) is not None:
            opened[place] = train.rows(part, block)
        else:
            del opened[place]


class Ahead(Generic[T]):
    """Iterates over ``items``, in order, while a thread fetches the next ones.

    Parameters
    ----------
    items : iterator
        Runs in the thread, from its first item to its closing. Its errors are raised here.
    most : int
        Number of items that may wait.
    """

    def __init__(self, items: Iterator[T], *, most: int) -> None:
        self._items, self._stopped = items, threading.Event()
        self._queue: Queue[tuple[T | None, BaseException | None]] = Queue(most)
        self._thread = threading.Thread(target=self._fetch, name="digitwise-ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        item, error = self._queue.get()
        if error is not None:
            self._queue.put((None, error))  # for the next call
            raise error
        return item  # type: ignore[return-value]  # None only beside an error

    def close(self) -> None:
        """Stop fetching, and wait for the thread to end."""
        self._stopped.set()
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        self._thread.join()

    def _fetch(self) -> None:
        error: BaseException = StopIteration()
        try:
            for item in self._items:
                if not self._put(item, None):
                    break
        except BaseException as raised:  # any error is raised where the items are used
            error = raised
        with suppress(Exception):
            self._items.close()  # type: ignore[attr-defined]  # of a generator: its files
        self._put(None, error)

    def _put(self, item: T | None, error: BaseException | None) -> bool:
        while not self._stopped.is_set():
            with suppress(Full):
                self._queue.put((item, error), timeout=PATIENCE)
                return True
        return False
