"""What the owner of a server decides, and what all requests share: the reader, where they wait, the counts."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from digitwise.reading.model import model_content
from digitwise.reading.reader import Reader
from digitwise.server.batcher import Batcher
from digitwise.server.collection import Collection
from digitwise.server.metrics import Metrics
from digitwise.server.problems import Problem
from digitwise.server.uploads import Intake, Limits

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """All that an app is made from; it is sent to other processes.

    Parameters
    ----------
    model, max_error
        As for :class:`digitwise.reading.reader.Reader`.
    token : str, optional
        Asked for by whatever reads or tells something.
    loopback : bool
        Whether it listens on this machine only.
    collect : Path, optional
        A folder set that labelled images are added to.
    report : Path, optional
        The page of a run's report.
    log : bool
        Whether a line is written for each request.
    limits : Limits
    """

    model: Path | None = None
    max_error: float | None = None
    token: str | None = field(default=None, repr=False)
    loopback: bool = True
    collect: Path | None = None
    report: Path | None = None
    log: bool = False
    limits: Limits = field(default_factory=Limits)


class Service:
    """One process's share of a server.

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
        If nothing can be collected where it should be.
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
        """Work while the app is up."""
        self.batcher.start()
        try:
            yield
        finally:
            self.batcher.stop()

    async def in_time(self, request: Request, work: Awaitable[T]) -> T:
        """What ``work`` gives, unless it takes too long or the client leaves; then it is not begun, or forgotten.

        Raises
        ------
        Problem
            With status 504, where the time is over.
        ClientDisconnect
            If the client leaves.
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
    """What the app was made with that was asked."""
    service: Service = request.app.state.service
    return service


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
