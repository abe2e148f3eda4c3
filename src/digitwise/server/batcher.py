"""Where images wait for the model: what came while it was busy goes to it together, and an idle one waits for nobody.

Small images go through one thread, batch by batch; large ones and pages, which would hold the others up, through
another, one by one, so that the memory of two large photos is never asked for at once. Both queues are bounded: what
does not fit is refused at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

from digitwise.errors import TooLargeError
from digitwise.reading.reader import Reader
from digitwise.server.outcomes import Outcome, Source, read_together
from digitwise.server.problems import busy

A = TypeVar("A")
B = TypeVar("B")

SMALL = 400_000  # pixels of an image that may hold up others: some milliseconds of work
TOGETHER = 64  # images of a batch: from there on more of them take in proportion longer
WAITING = 48  # small images under way: less than a tenth of a second of work, also while many are refused
LARGE = 32  # requests under way that have large ones, or pages
WARM = b"P5 20 20 255\n" + (b"\xff" * 8 + b"\0" * 4 + b"\xff" * 8) * 20  # a bar, as an image of PPM's kind


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """The small images of one request, and who waits for them."""

    sources: Sequence[Source]
    answer: asyncio.Future[list[Outcome]]


class Batcher:
    """Reads for many requests at a time. Its methods are called in the event loop.

    Parameters
    ----------
    reader : Reader
    tell : function of an int
        Is told how much is under way whenever that changes.
    """

    def __init__(self, reader: Reader, tell: Callable[[int], None]) -> None:
        self.reader, self._tell = reader, tell
        self.waiting = self.large = 0  # small images, and requests with large ones
        self._queue: SimpleQueue[Task | None] = SimpleQueue()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="digitwise-large")
        self._thread = threading.Thread(target=self._work, name="digitwise-batch", daemon=True)

    def start(self) -> None:
        """Begin; answers come back to the loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._queue.put(Task([WARM], self._loop.create_future()))  # loads libraries before somebody waits for them
        self._thread.start()

    def stop(self) -> None:
        """End, when nobody waits any more."""
        self._queue.put(None)
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)

    def check_room(self) -> None:
        """Refuse where what waits already is enough.

        Raises
        ------
        Problem
            With status 503, and when to come again.
        """
        if self.waiting >= WAITING or self.large >= LARGE:
            raise busy()

    async def read(self, sources: Sequence[Source]) -> list[Outcome]:
        """Read single digits.

        Parameters
        ----------
        sources : sequence of bytes or ndarray of uint8

        Returns
        -------
        list of Seen or DigitwiseError
            In the same order.
        """
        self.check_room()
        answer: asyncio.Future[list[Outcome]] = self._loop.create_future()
        self._count(small=len(sources))
        try:
            self._queue.put(Task(sources, answer))
            outcomes = await answer
        finally:
            self._count(small=-len(sources))
        large = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, TooLargeError)]
        if large:
            found = await self.each(self._read_one, [sources[place] for place in large])
            for place, outcome in zip(large, found, strict=True):
                outcomes[place] = outcome
        return outcomes

    async def each(self, function: Callable[[A], B], items: Sequence[A]) -> list[B]:
        """Do something that takes its time for each item, in a thread, one after the other of this request."""
        if self.large >= LARGE:
            raise busy()
        self._count(large=1)
        try:
            return [await self._loop.run_in_executor(self._pool, function, item) for item in items]
        finally:
            self._count(large=-1)

    def _count(self, *, small: int = 0, large: int = 0) -> None:
        self.waiting += small
        self.large += large
        self._tell(self.waiting + self.large)

    def _read_one(self, source: Source) -> Outcome:
        return read_together(self.reader, [source], max_pixels=self.reader.max_pixels)[0]

    def _work(self) -> None:
        small = min(SMALL, self.reader.max_pixels)
        while tasks := self._taken():
            wanted = [task for task in tasks if not task.answer.cancelled()]
            try:
                sources = [source for task in wanted for source in task.sources]
                outcomes: list[Outcome] | Exception = read_together(self.reader, sources, max_pixels=small)
            except Exception as error:  # a mistake of ours is told to those who wait, and the others go on
                outcomes = error
            self._loop.call_soon_threadsafe(_deliver, wanted, outcomes)

    def _taken(self) -> list[Task]:
        """What waits, as much of it as goes together; nothing at the end."""
        task = self._queue.get()
        tasks, images = [], 0
        while task is not None:
            tasks.append(task)
            images += len(task.sources)
            if images >= TOGETHER:
                break
            try:
                task = self._queue.get_nowait()
            except Empty:
                break
        if task is None and tasks:
            self._queue.put(None)  # the end is for the next time
        return tasks


def _deliver(tasks: list[Task], outcomes: list[Outcome] | Exception) -> None:
    start = 0
    for task in tasks:
        part, start = slice(start, start + len(task.sources)), start + len(task.sources)
        if task.answer.done():  # who waited has left
            continue
        if isinstance(outcomes, Exception):
            task.answer.set_exception(outcomes)
        else:
            task.answer.set_result(outcomes[part])
