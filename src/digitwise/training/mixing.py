"""The order in which images come out of shards, each once an epoch, mixed as far as memory allows; reading ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from queue import Empty, Full, Queue
from typing import Generic, Self, TypeVar

import numpy as np

from digitwise.data.sharded import Rows, ShardedSet
from digitwise.images import Int64, UInt8

BUFFER = 65_536  # images that wait to be drawn: 51 MB of MNIST's size
BUFFER_BYTES = 2**26  # of them, where images are large
BLOCK = 4_096  # images read, and given, at a time; a table costs a fifth more in blocks of 1,024
BLOCK_BYTES = 2**22  # of them, where images are large
PATIENCE = 0.1  # seconds after which a full queue is tried again, to see whether to stop
OPEN = 4  # shards read from at once, so that a buffer has images of several

T = TypeVar("T")


class Buffer:
    """Images that wait: when full, each one that comes takes the place of one drawn at random.

    Parameters
    ----------
    shape : (int, int, int)
        Of an image.
    size : int
        Images it holds.
    rng : numpy.random.Generator
    """

    def __init__(self, shape: tuple[int, int, int], size: int, rng: np.random.Generator) -> None:
        self._images = np.empty((size, *shape), np.uint8)
        self._labels = np.empty(size, np.int64)
        self._size, self._filled, self._rng = size, 0, rng

    def exchange(self, images: UInt8, labels: Int64) -> Iterator[Rows]:
        """Take images (n, h, w, c); give as many as there is no room for any more."""
        free = min(len(images), self._size - self._filled)
        self._put(np.arange(self._filled, self._filled + free), images[:free], labels[:free])
        self._filled += free
        for start in range(free, len(images), self._size):
            coming = slice(start, start + self._size)
            # Distinct places: what has just come must not be lost to what comes with it.
            places = self._rng.choice(self._size, len(images[coming]), replace=False, shuffle=False)
            yield self._images[places], self._labels[places]
            self._put(places, images[coming], labels[coming])

    def rest(self, size: int) -> Iterator[Rows]:
        """Give all that still wait, ``size`` at a time."""
        order = self._rng.permutation(self._filled)
        for start in range(0, len(order), size):
            places = order[start : start + size]
            yield self._images[places], self._labels[places]

    def _put(self, places: Int64, images: UInt8, labels: Int64) -> None:
        self._images[places], self._labels[places] = images, labels


def block_size(shape: tuple[int, int, int]) -> int:
    """How many images of a shape are read at a time."""
    return max(1, min(BLOCK, BLOCK_BYTES // int(np.prod(shape))))


def mixed(train: ShardedSet, *, seed: int, epoch: int) -> Iterator[Rows]:
    """An epoch of a set: every image once.

    Shards come in an order drawn anew each epoch, some at once, and go through a buffer. A set no larger than the
    buffer is mixed wholly. In a larger one, an image meets those of the few shards that are read around the same
    time; shards that hold one class each want to be written anew, mixed.

    Parameters
    ----------
    train : ShardedSet
    seed, epoch : int
        Decide the order, so that a resumed training goes on as it would have.

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
    """Gives what ``items`` gives, in its order, while a thread fetches what comes next.

    Parameters
    ----------
    items : iterator
        Runs in the thread, from its first item to its closing. What it raises is raised here.
    most : int
        Items that may wait.
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
            self._queue.put((None, error))  # for whoever asks again
            raise error
        return item  # type: ignore[return-value]  # None only beside an error

    def close(self) -> None:
        """Stop fetching, and wait until the thread is gone."""
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
        except BaseException as raised:  # whatever it is, it is raised where the items are wanted
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
