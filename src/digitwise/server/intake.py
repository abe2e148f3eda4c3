"""Bodies of requests: so many bytes each, so many at a time, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from digitwise.server.batcher import busy
from digitwise.server.problems import Problem
from digitwise.server.settings import Limits

TIMES = 4  # the largest body fits so many times into what is held for all requests together


class Intake:
    """Takes bodies into memory, and never more than it may hold.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.held = 0  # bytes

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """A request's body, which counts as held until the block is left.

        Raises
        ------
        Problem
            413 where it is too large, 408 where it is too slow, 415 where it is compressed, 503 without room for it.
        ClientDisconnect
            If the client leaves before it is whole.
        """
        self._check(request)
        taken = bytearray()
        try:
            await self._fill(taken, request)
        except BaseException:
            self.held -= len(taken)
            raise
        size = request.scope["digitwise.bytes"] = len(taken)
        try:
            yield _handed_over(taken)
        finally:
            self.held -= size

    async def _fill(self, taken: bytearray, request: Request) -> None:
        seconds = self.limits.seconds
        try:
            async with asyncio.timeout(seconds):
                async for part in request.stream():
                    taken += part
                    self.held += len(part)
                    self._check_held(len(taken))
        except TimeoutError as error:
            detail = f"expected the body within {seconds:g} s, got a part of it"
            raise Problem(408, detail, headers={"Connection": "close"}, limit=seconds) from error

    def _check(self, request: Request) -> None:
        """Refuse what its headers say already."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "expected a body that is not compressed, got one with a Content-Encoding; send it plain")
        length = request.headers.get("content-length", "")
        if length.isdecimal():
            self._check_size(int(length))

    def _check_size(self, size: int) -> None:
        most = self.limits.bytes
        if size > most:
            raise Problem(413, f"expected a body of at most {most:,} bytes, got more; send fewer at a time", limit=most)

    def _check_held(self, size: int) -> None:
        self._check_size(size)
        if self.held > TIMES * self.limits.bytes:
            raise busy()


def _handed_over(taken: bytearray) -> bytes:
    """The content, which is held by nobody else from here on."""
    content = bytes(taken)
    taken.clear()
    return content
