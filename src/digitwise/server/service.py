"""What all requests share: the reader, the places where they wait, the counts."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.resources
from array import array
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from digitwise.files import expanded
from digitwise.reading.model import BUNDLED
from digitwise.reading.reader import Reader
from digitwise.server.batcher import Batcher
from digitwise.server.collection import Collection
from digitwise.server.intake import Intake
from digitwise.server.metrics import WIDTH, Metrics
from digitwise.server.problems import Problem
from digitwise.server.settings import Settings

T = TypeVar("T")


class Service:
    """One process's share of a server.

    Parameters
    ----------
    settings : Settings
    metrics : Metrics, optional
        Of this process, where there are several.

    Raises
    ------
    ModelError
        If the model cannot be used.
    DataError
        If nothing can be collected where it should be.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self.settings, self.metrics = settings, metrics or Metrics(array("d", bytes(8 * WIDTH)))
        limits = settings.limits
        self.reader = Reader(settings.model, max_error=settings.max_error, threads=1, max_pixels=limits.pixels)
        self.sha256 = _sha256_of(settings)
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
            raise Problem(
                504, f"expected to read it within {seconds:g} s, but it takes longer; send less", limit=seconds
            )
        finally:
            task.cancel()
            left.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _sha256_of(settings: Settings) -> str:
    if settings.model is None:
        content = (importlib.resources.files("digitwise.reading") / BUNDLED).read_bytes()
    else:
        content = expanded(settings.model).read_bytes()
    return hashlib.sha256(content).hexdigest()
