"""Each request timed and counted, and a line about it where lines are wanted."""

from __future__ import annotations

import logging
import os
import sys
import time
from datetime import UTC, datetime

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digitwise.server.metrics import Metrics

LOG = logging.getLogger("digitwise.server.access")  # its lines tell sizes and outcomes, nothing of what was received
LEFT = 499  # the status of a request whose client did not wait for the answer


def keep_stderr() -> None:
    """Keep stderr for Python's own words: libraries in C write there what they find in a damaged picture."""
    sys.stderr.flush()
    sys.stderr = open(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")  # noqa: SIM115
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def log_lines() -> None:
    """Write a line a request to stderr from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


class Watch:
    """Sees when a request comes and when its answer is sent.

    Parameters
    ----------
    app : ASGI application
    routes : list of Route
        Requests are counted by route, since paths are the client's own words.
    metrics : Metrics
    """

    def __init__(self, app: ASGIApp, *, routes: list[Route], metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics
        self.paths: dict[object, str] = {route.endpoint: route.path_format for route in routes}
        self.logs = LOG.isEnabledFor(logging.INFO)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, then count."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), LEFT

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            seconds = time.perf_counter() - started
            route = self.paths.get(scope.get("endpoint"), "other")
            self.metrics.request(route, status, seconds)
            if self.logs:
                size, now = scope.get("digitwise.bytes", 0), datetime.now(UTC).isoformat(timespec="milliseconds")
                LOG.info("%s %s %s %d %d B %.1f ms", now, scope["method"], route, status, size, seconds * 1000)
