"""Reading ahead: what an iterator gives, fetched by a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Generic, Self, TypeVar

T = TypeVar("T")

PATIENCE = 0.1  # seconds after which a full queue is tried again, to see whether to stop


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
