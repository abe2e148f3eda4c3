"""The settings of a server, and what its requests share: the reader, the queue for it, the metrics.

Small images go to the model batch by batch in one thread: those that came while it was busy go together. Large images
and pages, which would delay the others, go through another thread one by one, so that the memory of two large photos is
never needed at once. Both queues are bounded; a request that does not fit is refused at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from digitwise.errors import TooLargeError
from digitwise.reading.model import model_content
from digitwise.reading.reader import Reader
from digitwise.server.outcomes import Outcome, Source, read_together
from digitwise.server.prometheus import Metrics
from digitwise.server.refusals import Problem, busy
from digitwise.server.uploads import Collection, Intake, RequestLimits

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
SMALL = 400_000  # pixels: images up to this size are read together, in some milliseconds
TOGETHER = 64  # images of a batch: larger ones are not faster per image
WAITING = 48  # small images in the queue: less than a tenth of a second of work
LARGE = 32  # requests in the queue with large images or pages
WARM = b"P5 20 20 255\n" + (b"\xff" * 8 + b"\0" * 4 + b"\xff" * 8) * 20  # a bar, as an image of PPM's kind


@dataclass(frozen=True)
class Settings:
    """The settings of an app; picklable, for other processes.

    Parameters
    ----------
    model, max_error
        As for :class:`digitwise.reading.reader.Reader`.
    token : str, optional
        Required by all paths that give data.
    loopback : bool
        Whether it listens on this machine only.
    collect : Path, optional
        A folder set that labelled images are added to.
    report : Path, optional
        The page of a run's report.
    log : bool
        Whether a line is written for each request.
    limits : RequestLimits
    """

    model: Path | None = None
    max_error: float | None = None
    token: str | None = field(default=None, repr=False)
    loopback: bool = True
    collect: Path | None = None
    report: Path | None = None
    log: bool = False
    limits: RequestLimits = field(default_factory=RequestLimits)


class Service:
    """What the requests of one process share.

    Parameters
    ----------
    settings : Settings
    metrics : Metrics
        Of this process.

    Raises
    ------
    ModelError
        If the model cannot be used.
    DataError
        If the folder for labelled images cannot be used.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings, self.metrics = settings, metrics
        limits = settings.limits
        self.reader = Reader(settings.model, max_error=settings.max_error, threads=1, max_pixels=limits.pixels)
        self.sha256 = hashlib.sha256(model_content(settings.model)[0]).hexdigest()
        self.collection: Collection | None = None
        if settings.collect is not None:
            self.collection = Collection(settings.collect, self.reader.class_names, max_pixels=limits.pixels)
        self.batcher = Batcher(self.reader, self.metrics.waiting)
        self.intake = Intake(limits)

    @asynccontextmanager
    async def running(self, _: Any) -> AsyncIterator[None]:
        """Start and stop the queue with the app."""
        self.batcher.start()
        try:
            yield
        finally:
            self.batcher.stop()

    async def in_time(self, request: Request, work: Awaitable[T]) -> T:
        """The result of ``work``, which is cancelled if it takes too long or the client disconnects.

        Raises
        ------
        Problem
            With status 504, if the time is over.
        ClientDisconnect
            If the client disconnects.
        """
        task, left = asyncio.ensure_future(work), asyncio.ensure_future(_left(request.receive))
        seconds = self.settings.limits.seconds
        try:
            await asyncio.wait((task, left), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if left.done():
                raise ClientDisconnect
            detail = f"expected to read it within {seconds:g} s, but it takes longer; send less"
            raise Problem(504, detail, limit=seconds)
        finally:
            task.cancel()
            left.cancel()


def service_of(request: Request) -> Service:
    """The service of the app of a request."""
    service: Service = request.app.state.service
    return service


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(frozen=True, slots=True, eq=False)
class Queued:
    """The small images of one request, and the future of their results."""

    sources: Sequence[Source]
    answer: asyncio.Future[list[Outcome]]


class Batcher:
    """Reads for many requests at a time. Its methods are called in the event loop.

    Parameters
    ----------
    reader : Reader
    tell : function of an int
        Called with the number of queued items whenever it changes.
    """

    def __init__(self, reader: Reader, tell: Callable[[int], None]) -> None:
        self.reader, self._tell = reader, tell
        self.waiting = self.large = 0  # small images, and requests with large ones
        self._queue: SimpleQueue[Queued | None] = SimpleQueue()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="digitwise-large")
        self._thread = threading.Thread(target=self._work, name="digitwise-batch", daemon=True)

    def start(self) -> None:
        """Begin; answers come back to the loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._queue.put(Queued([WARM], self._loop.create_future()))  # loads libraries before somebody waits for them
        self._thread.start()

    def stop(self) -> None:
        """End, when the queue is empty."""
        self._queue.put(None)
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)

    def check_room(self) -> None:
        """Reject a request if the queue is full.

        Raises
        ------
        Problem
            With status 503 and Retry-After.
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
            self._queue.put(Queued(sources, answer))
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
        """Apply a slow function to each item in the thread for large images, one after the other."""
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
            except Exception as error:  # a bug is raised in the waiting requests only
                outcomes = error
            self._loop.call_soon_threadsafe(_deliver, wanted, outcomes)

    def _taken(self) -> list[Queued]:
        """The waiting tasks of the next batch; empty at the end."""
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
            self._queue.put(None)  # keep the end for the next batch
        return tasks


def _deliver(tasks: list[Queued], outcomes: list[Outcome] | Exception) -> None:
    start = 0
    for task in tasks:
        part, start = slice(start, start + len(task.sources)), start + len(task.sources)
        if task.answer.done():  # the client has disconnected
            continue
        if isinstance(outcomes, Exception):
            task.answer.set_exception(outcomes)
        else:
            task.answer.set_result(outcomes[part])
