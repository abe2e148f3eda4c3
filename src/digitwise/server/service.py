"""The settings of a server, and what its requests share: the reader, the queue for it, the metrics.

Quick images, which are small in pixels and in bytes, go to the model batch by batch in one thread as single digits, and
one by one in another if they may hold numbers. Medium and large ones have a thread each, so that no slow image delays a
quick one, and the memory of two large photos is never needed at once. All queues are bounded; a request that does not
fit is refused at once. A request of many images stands in a queue with a few at a time, so that others come between.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from digitwise.decoding import Decoded
from digitwise.errors import TooLargeError
from digitwise.reading.model import model_content
from digitwise.reading.reader import Reader
from digitwise.server.outcomes import Outcome, Source, read_together
from digitwise.server.prometheus import Metrics
from digitwise.server.refusals import Problem, busy
from digitwise.server.rendering import Pages
from digitwise.server.uploads import Collection, Intake, RequestLimits

T = TypeVar("T")
TOGETHER = 16  # images of a batch: larger ones are not faster per image
PART = 8  # images of one request that stand in the queue at a time
WAITING = 48  # quick images in the queue: about half a second of work
REQUESTS = 32  # that wait in each of the other queues
PDF = "pdf"  # the queue of pages to render
RENDERING = 2  # pages at a time, so that one that takes very long does not hold up all others
WARM = b"P5 20 20 255\n" + (b"\xff" * 8 + b"\0" * 4 + b"\xff" * 8) * 20  # a bar, as an image of PPM's kind


@dataclass(frozen=True)
class Class:
    """A class of images by how long they may take.

    Parameters
    ----------
    name : str
    pixels, bytes : int
        Of the largest image in it.
    """

    name: str
    pixels: int
    bytes: int


# Measured on one core: 10 to 30 ms; 20 to 200 ms, on noise up to 1 s; and seconds. Pixels alone do not tell: a PNG of
# 28x28 with 18 MB of empty chunks takes 3 s.
QUICK = Class("quick", 64 * 64, 16 * 2**10)
MEDIUM = Class("medium", 400_000, 2**20)
LARGE = Class("large", 2**62, 2**62)
CLASSES = (QUICK, MEDIUM, LARGE)


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
    """A few small images of one request, and the future of their results."""

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
        self.waiting = 0  # quick images to be read as single digits
        self.alone = dict.fromkeys((*(each.name for each in CLASSES), PDF), 0)  # requests in the other queues
        self._queue: SimpleQueue[Queued | None] = SimpleQueue()
        self._pools = {
            name: ThreadPoolExecutor(RENDERING if name == PDF else 1, thread_name_prefix=f"digitwise-{name}")
            for name in self.alone
        }
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
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def check_room(self) -> None:
        """Reject a request if a queue for quick images is full; others find out when their class is known.

        Raises
        ------
        Problem
            With status 503 and Retry-After.
        """
        if self.waiting >= WAITING or self.alone[QUICK.name] >= REQUESTS:
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
        quick = [place for place, source in enumerate(sources) if not _is_larger(source, QUICK)]
        outcomes: dict[int, Outcome] = {}
        for start in range(0, len(quick), PART):
            part = quick[start : start + PART]
            found = await self._queued([sources[place] for place in part])
            outcomes.update(zip(part, found, strict=True))
        for place, source in enumerate(sources):
            if isinstance(outcomes.get(place, TooLargeError()), TooLargeError):
                outcomes[place] = await self.each(self._read_one, source, CLASSES[1:], begun=bool(place))
        return [outcomes[place] for place in range(len(sources))]

    async def each(
        self,
        function: Callable[[Any, int], T],
        source: Source,
        classes: Sequence[Class] = CLASSES,
        *,
        begun: bool = False,
    ) -> T:
        """Apply a function of an image and the most pixels it may have, in the thread of the image's class.

        Which that is turns out by its bytes and, when it is opened, by its pixels. For ``begun`` see :meth:`run`.
        """
        most = self.reader.max_pixels
        for each in classes:
            if not _is_larger(source, each):
                found = await self.run(each.name, function, source, min(each.pixels, most), begun=begun)
                if each.pixels >= most or not isinstance(found, TooLargeError):
                    break
        return found

    async def run(self, queue: str, function: Callable[..., T], *arguments: Any, begun: bool = False) -> T:
        """Apply a function in the thread of a queue; ``begun`` is a request of which something was read already.

        Raises
        ------
        Problem
            With status 503, if too many requests wait there; those that have begun are not refused.
        """
        if self.alone[queue] >= REQUESTS and not begun:
            raise busy()
        self._count(queue, 1)
        try:
            return await self._loop.run_in_executor(self._pools[queue], function, *arguments)
        finally:
            self._count(queue, -1)

    async def pages(self, content: bytes, limits: RequestLimits) -> AsyncGenerator[Decoded]:
        """The pages of a PDF; a process renders them, which ends with this generator.

        Raises
        ------
        DigitwiseError
            As :class:`Pages` raises them.
        """
        pages, begun = Pages(content, max_pixels=limits.pixels, most=limits.pages, seconds=limits.seconds), False
        try:
            while (page := await self.run(PDF, pages.following, begun=begun)) is not None:
                yield page
                begun = True
        finally:
            pages.kill()
            self._pools[PDF].submit(pages.close)

    async def _queued(self, sources: Sequence[Source]) -> list[Outcome]:
        answer: asyncio.Future[list[Outcome]] = self._loop.create_future()
        self._count(None, len(sources))
        try:
            self._queue.put(Queued(sources, answer))
            return await answer
        finally:
            self._count(None, -len(sources))

    def _count(self, queue: str | None, more: int) -> None:
        if queue is None:
            self.waiting += more
        else:
            self.alone[queue] += more
        self._tell(self.waiting + sum(self.alone.values()))

    def _read_one(self, source: Source, max_pixels: int) -> Outcome:
        return read_together(self.reader, [source], max_pixels=max_pixels)[0]

    def _work(self) -> None:
        small = min(QUICK.pixels, self.reader.max_pixels)
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


def _is_larger(source: Source, each: Class) -> bool:
    """Whether an image has too many bytes for a class; arrays are of the model's own size."""
    return isinstance(source, bytes) and len(source) > each.bytes


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
