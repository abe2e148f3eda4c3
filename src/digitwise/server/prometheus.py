"""The metrics of a server, over all its processes, in Prometheus' text format; processes share an array of numbers.

Each request is timed and counted when its answer is sent, and logged if that is wanted.
"""

from __future__ import annotations

import bisect
import logging
import os
import time
from array import array
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from datetime import UTC, datetime
from pathlib import Path

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digitwise.version import __version__

LOG = logging.getLogger("digitwise.server.access")  # sizes and outcomes, no content of requests
LEFT = 499  # the status of a request whose client disconnected
OTHER = "other"  # the name of unknown routes
STATUSES = (200, 201, 304, 400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 431, 499, 500, 503, 504, 507)
READINGS = ("read", "unsure", "blank", "error")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
OWN = ("pid", "waiting")  # of a process
SINGLE = ("read", "expected_errors")  # of single digits: the number read, and the expected errors among these
ROUTES = len(OWN) + len(READINGS) + len(SINGLE)  # where the numbers of routes begin
A_ROUTE = len(STATUSES) + len(BUCKETS) + 2  # counts by status, then seconds: each bucket, those beyond, and their sum

STATUS = {status: place for place, status in enumerate(STATUSES)}
READING = {status: len(OWN) + place for place, status in enumerate(READINGS)}


def width_of(routes: Sequence[str]) -> int:
    """The number of numbers per process."""
    return ROUTES + A_ROUTE * (len(routes) + 1)


class Metrics:
    """The metrics of one process, and the sums over all.

    Parameters
    ----------
    routes : sequence of str
        Names of routes; all others are counted as ``OTHER``.
    numbers : mutable sequence of float, optional
        ``width_of(routes)`` for each process, in shared memory; each process writes only its own, without locks. By
        default for this process alone.
    place : int
        Of this process.
    """

    def __init__(self, routes: Sequence[str], numbers: MutableSequence[float] | None = None, place: int = 0) -> None:
        self.width = width_of(routes)
        self.routes = {route: ROUTES + A_ROUTE * at for at, route in enumerate((*routes, OTHER))}
        self.numbers = array("d", bytes(8 * self.width)) if numbers is None else numbers
        self.start = place * self.width
        self.numbers[self.start] = os.getpid()
        self.waiting(0)  # a restarted process takes the place of one that ended

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        start = self.start + self.routes.get(route, self.routes[OTHER])
        if status in STATUS:
            self.numbers[start + STATUS[status]] += 1
        self.numbers[start + len(STATUSES) + bisect.bisect_left(BUCKETS, seconds)] += 1
        self.numbers[start + A_ROUTE - 1] += seconds

    def readings(self, statuses: Iterable[str]) -> None:
        """Count digits by status."""
        for status in statuses:
            self.numbers[self.start + READING[status]] += 1

    def single(self, confidence: float) -> None:
        """Count a single digit that was read."""
        start = self.start + len(OWN) + len(READINGS)
        self.numbers[start] += 1
        self.numbers[start + 1] += 1 - confidence

    def waiting(self, images: int) -> None:
        """Set the number of images in the queue."""
        self.numbers[self.start + 1] = images

    def text(self, sha256: str) -> str:
        """All counts in Prometheus' text format."""
        return "\n".join(self._lines(sha256)) + "\n"

    def _lines(self, sha256: str) -> Iterator[str]:
        starts = range(0, len(self.numbers), self.width)
        workers = [self.numbers[start : start + self.width] for start in starts]
        total = [sum(column) for column in zip(*workers, strict=True)]
        yield from _head("requests_total", "counter", "Requests answered.")
        for route, start in self.routes.items():
            for status, count in zip(STATUSES, total[start:], strict=False):
                if count:
                    yield f'digitwise_requests_total{{route="{route}",status="{status}"}} {count:.0f}'
        yield from _head("request_seconds", "histogram", "From a request's headers to the end of its answer.")
        for route, start in self.routes.items():
            yield from _times(route, total[start + len(STATUSES) : start + A_ROUTE])
        yield from _head("readings_total", "counter", "Digits by what became of them; unsure are the abstentions.")
        for reading in READINGS:
            yield f'digitwise_readings_total{{status="{reading}"}} {total[READING[reading]]:.0f}'
        read, errors = total[len(OWN) + len(READINGS) : ROUTES]
        yield from _head("single_read_total", "counter", "Single digits called read.")
        yield f"digitwise_single_read_total {read:.0f}"
        yield from _head(
            "single_expected_errors_total", "counter", "Of these, how many may be wrong; no label is known."
        )
        yield f"digitwise_single_expected_errors_total {max(errors, 0):.3f}"
        yield from _head("waiting", "gauge", "Images under way.")
        yield f"digitwise_waiting {total[1]:.0f}"
        yield from _head("model_info", "gauge", "The model that reads, and the version of digitwise.")
        yield f'digitwise_model_info{{sha256="{sha256}",version="{__version__}"}} 1'
        yield from _head("memory_bytes", "gauge", "Resident memory of each process.")
        for place, numbers in enumerate(workers):
            if (resident := memory_of(int(numbers[0]))) is not None:
                yield f'digitwise_memory_bytes{{worker="{place}"}} {resident}'


def _head(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP digitwise_{name} {words}"
    yield f"# TYPE digitwise_{name} {kind}"


def _times(route: str, numbers: list[float]) -> Iterator[str]:
    *counts, seconds = numbers
    if not any(counts):
        return
    below = 0.0
    for bound, count in zip((*BUCKETS, "+Inf"), counts, strict=True):
        below += count
        yield f'digitwise_request_seconds_bucket{{route="{route}",le="{bound}"}} {below:.0f}'
    yield f'digitwise_request_seconds_sum{{route="{route}"}} {seconds:.6f}'
    yield f'digitwise_request_seconds_count{{route="{route}"}} {below:.0f}'


def memory_of(pid: int) -> int | None:
    """Resident bytes of a process; None if unknown."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def log_lines() -> None:
    """Log a line per request to stderr from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


class RequestCounter:
    """Middleware that times, counts and logs requests.

    Parameters
    ----------
    app : ASGI application
    routes : list of Route
        Requests are counted by route, since clients choose the paths.
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
            route = self.paths.get(scope.get("endpoint"), OTHER)
            self.metrics.request(route, status, seconds)
            if self.logs:
                size, now = scope.get("digitwise.bytes", 0), datetime.now(UTC).isoformat(timespec="milliseconds")
                LOG.info("%s %s %s %d %d B %.1f ms", now, scope["method"], route, status, size, seconds * 1000)
