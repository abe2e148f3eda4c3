"""What a server counts, over all its processes: Prometheus' text, from numbers in memory that they share."""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterable, Iterator, MutableSequence
from pathlib import Path

from digitwise import __version__

ROUTES = (
    "/",
    "/static/{name}",
    "/docs",
    "/openapi.json",
    "/healthz",
    "/metrics",
    "/report",
    "/v1/read",
    "/v1/read/numbers",
    "/v1/model",
    "/v1/service",
    "/v1/collect",
    "other",
)
STATUSES = (200, 201, 304, 400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 499, 500, 503, 504, 507)
READINGS = ("read", "unsure", "blank", "error")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
OWN = ("pid", "waiting")  # of a process
SINGLE = ("read", "expected_errors")  # of single digits: how many were read, and how many of these may be wrong
REQUESTS = len(OWN) + len(READINGS) + len(SINGLE)  # where the counts of requests begin
TIMES = REQUESTS + len(ROUTES) * len(STATUSES)  # where those of seconds do: each bucket, those beyond, and their sum
A_ROUTE = len(BUCKETS) + 2
WIDTH = TIMES + len(ROUTES) * A_ROUTE

ROUTE = {route: place for place, route in enumerate(ROUTES)}
STATUS = {status: place for place, status in enumerate(STATUSES)}
READING = {status: len(OWN) + place for place, status in enumerate(READINGS)}


class Metrics:
    """The counts of one process, and the sums over all.

    Parameters
    ----------
    numbers : mutable sequence of float
        ``WIDTH`` for each process, shared by them; each writes its own only, so that nobody waits for anybody.
    place : int
        Of this process.
    """

    def __init__(self, numbers: MutableSequence[float], place: int = 0) -> None:
        self.numbers, self.start = numbers, place * WIDTH
        numbers[self.start] = os.getpid()
        self.waiting(0)  # whatever the process did whose place it takes

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        place = ROUTE.get(route, len(ROUTES) - 1)
        if status in STATUS:
            self.numbers[self.start + REQUESTS + place * len(STATUSES) + STATUS[status]] += 1
        times = self.start + TIMES + place * A_ROUTE
        self.numbers[times + bisect.bisect_left(BUCKETS, seconds)] += 1
        self.numbers[times + A_ROUTE - 1] += seconds

    def readings(self, statuses: Iterable[str]) -> None:
        """Count digits by what became of them."""
        for status in statuses:
            self.numbers[self.start + READING[status]] += 1

    def single(self, confidence: float) -> None:
        """Count a single digit that was called read."""
        start = self.start + len(OWN) + len(READINGS)
        self.numbers[start] += 1
        self.numbers[start + 1] += 1 - confidence

    def waiting(self, pictures: int) -> None:
        """Say how many are under way."""
        self.numbers[self.start + 1] = pictures

    def text(self, sha256: str) -> str:
        """All counts in Prometheus' text format."""
        return "\n".join(self._lines(sha256)) + "\n"

    def _lines(self, sha256: str) -> Iterator[str]:
        workers = [self.numbers[start : start + WIDTH] for start in range(0, len(self.numbers), WIDTH)]
        total = [sum(column) for column in zip(*workers, strict=True)]
        yield from _head("requests_total", "counter", "Requests answered.")
        for route, status, count in _by_route(total):
            yield f'digitwise_requests_total{{route="{route}",status="{status}"}} {count:.0f}'
        yield from _head("request_seconds", "histogram", "From a request's headers to the end of its answer.")
        yield from _times(total)
        yield from _head("readings_total", "counter", "Digits by what became of them; unsure are the abstentions.")
        for reading in READINGS:
            yield f'digitwise_readings_total{{status="{reading}"}} {total[READING[reading]]:.0f}'
        read, errors = total[len(OWN) + len(READINGS) : REQUESTS]
        yield from _head("single_read_total", "counter", "Single digits called read.")
        yield f"digitwise_single_read_total {read:.0f}"
        yield from _head(
            "single_expected_errors_total", "counter", "Of these, how many may be wrong; no label is known."
        )
        yield f"digitwise_single_expected_errors_total {max(errors, 0):.3f}"
        yield from _head("waiting", "gauge", "Pictures under way.")
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


def _by_route(total: list[float]) -> Iterator[tuple[str, int, float]]:
    for i, route in enumerate(ROUTES):
        for j, status in enumerate(STATUSES):
            if count := total[REQUESTS + i * len(STATUSES) + j]:
                yield route, status, count


def _times(total: list[float]) -> Iterator[str]:
    for i, route in enumerate(ROUTES):
        start = TIMES + i * A_ROUTE
        *counts, seconds = total[start : start + A_ROUTE]
        if not any(counts):
            continue
        below = 0.0
        for bound, count in zip((*BUCKETS, "+Inf"), counts, strict=True):
            below += count
            yield f'digitwise_request_seconds_bucket{{route="{route}",le="{bound}"}} {below:.0f}'
        yield f'digitwise_request_seconds_sum{{route="{route}"}} {seconds:.6f}'
        yield f'digitwise_request_seconds_count{{route="{route}"}} {below:.0f}'


def memory_of(pid: int) -> int | None:
    """Resident bytes of a process; None where the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
