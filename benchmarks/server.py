"""``digitwise serve`` under load from another process on the same two cores, each answer held against the reader's own.

    python -m benchmarks.server URL REQUESTS closed|open SECONDS [RATE]

is the load: it prints the results as JSON; ``bench.py server`` starts servers and loads.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep

IMAGES = 1_000
CONNECTIONS = 32
OPEN_CONNECTIONS = 256  # of a load that does not wait for answers
CLOSED_SECONDS, OPEN_SECONDS = 20.0, 60.0
OVERLOAD = 3  # times what the closed loop got
STARTS = 5
AFTER = 2.0  # seconds that answers under way have
TICK = 0.002  # seconds between two looks at what is due
CLOSE = 2e-6  # confidences that are the same but for the rounding of another batch


@dataclass(frozen=True)
class Case:
    """A request, whole as it goes out, and the reading that must come."""

    request: bytes
    reading: dict[str, Any]


@dataclass
class Outcome:
    """The results of a load.

    ``statuses`` counts answers; ``wrong`` are those of 200 that say something else than the reader; ``lost`` were sent
    and never answered; ``unsent`` were due while no connection was free. Seconds are from when a request was due.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    lost: int = 0
    unsent: int = 0
    without_retry: int = 0


def bench_server(workers: tuple[int, ...] = (1, 2)) -> None:
    """Start to first answer; 32 connections; three times as much as can be answered."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.pickle"
        file.write_bytes(pickle.dumps(cases()))
        rows += [_row(1, "start to first answer", _first_answer(file), "s") for _ in range(STARTS)]
        for number in workers:
            rows += _under_load(number, file)
    for row in rows:
        print(*row.values())
    keep("server", rows)


def _row(workers: int, what: str, value: float, unit: str) -> Row:
    return {"workers": workers, "what": what, "value": round(value, 5), "unit": unit}


def server_table(rows: Sequence[Row]) -> str:
    """The medians, a column for each number of workers."""
    if not rows:
        return ""
    workers = sorted({row["workers"] for row in rows})
    where = rows[-1]
    lines = head(f"{where['cores']} cores of an {where['cpu']}", "unit", *(f"workers: {number}" for number in workers))
    for what, unit in dict.fromkeys((row["what"], row["unit"]) for row in rows):
        found = [row for row in rows if (row["what"], row["unit"]) == (what, unit)]
        cells = [[row["value"] for row in found if row["workers"] == number] for number in workers]
        lines.append(
            line(what, unit, *(f"{statistics.median(map(float, cell)):.4g}" if cell else "–" for cell in cells))
        )
    return "\n".join(lines)


def serving_summary(rows: Sequence[Row]) -> str:
    """The results' table: what one worker on the two cores of the load itself was measured at."""
    closed, overload = f"{CONNECTIONS} connections", f"{OVERLOAD}x overload"
    wanted = (
        ("start to first answer, s", "start to first answer", "s", "1.5"),
        (f"{closed}: single digits read a second", closed, "reads/s", "800"),
        (f"{closed}: 99 % answered within, ms", closed, "ms, p99", "50"),
        (f"{overload}, a minute: 99 % answered within, ms", overload, "ms, p99", "200"),
        ("and memory of the worker at most, MiB", overload, "MiB a worker, most", "300"),
        ("answers that differ from the reader's", overload, "wrong answers", "0"),
        ("answers lost", overload, "lost answers", "0"),
    )
    lines = head("one worker, two cores shared with the load", "measured", "aimed at")
    for told, what, unit, aim in wanted:
        own = [row["value"] for row in rows if (row["what"], row["unit"]) == (what, unit) and row["workers"] == "1"]
        if own:
            lines.append(line(told, f"{float(f'{statistics.median(map(float, own)):.3g}'):,g}", aim))
    return "\n".join(lines)


def _under_load(workers: int, file: Path) -> list[Row]:
    with _server(workers) as (url, pid), _memory(pid) as memory:
        load(url, file, "closed", 2.0)  # warms up
        memory.clear()
        closed = load(url, file, "closed", CLOSED_SECONDS)
        rate = closed["statuses"].get("200", 0) / CLOSED_SECONDS
        rows = [_row(workers, f"{CONNECTIONS} connections", rate, "reads/s")]
        rows += _told(workers, f"{CONNECTIONS} connections", closed)
        overload = load(url, file, "open", OPEN_SECONDS, OVERLOAD * rate)
        name = f"{OVERLOAD}x overload"
        rows.append(_row(workers, name, OVERLOAD * rate, "requests/s offered"))
        rows.append(_row(workers, name, overload["statuses"].get("200", 0) / OPEN_SECONDS, "reads/s"))
        rows.append(_row(workers, name, overload["statuses"].get("503", 0) / OPEN_SECONDS, "refused/s"))
        rows += _told(workers, name, overload)
        rows.append(_row(workers, name, max(memory), "MiB a worker, most"))
        late = len(memory) // 3
        rows.append(_row(workers, name, np.mean(memory[-late:]) - np.mean(memory[late:-late]), "MiB a worker, growth"))
    return rows


def _told(workers: int, name: str, outcome: dict[str, Any]) -> list[Row]:
    other = sum(count for status, count in outcome["statuses"].items() if status not in ("200", "503"))
    return [
        _row(workers, name, outcome["p50"] * 1e3, "ms, p50"),
        _row(workers, name, outcome["p99"] * 1e3, "ms, p99"),
        _row(workers, name, outcome["wrong"] + other, "wrong answers"),
        _row(workers, name, outcome["lost"], "lost answers"),
        _row(workers, name, outcome["without_retry"], "refusals without Retry-After"),
        _row(workers, name, outcome["unsent"], "not sent by the load itself"),
    ]


def cases() -> list[Case]:
    """Scans of one digit each, dark on light with grain, so that each has to be normalised."""
    from digitwise.data import load as load_set
    from digitwise.reading.reader import Reader

    images = load_set("mnist").test.images[:IMAGES]
    grain = np.random.default_rng(0).normal(0, 6, images.shape)
    scans = np.clip(230 - 0.8 * images + grain, 0, 255).astype(np.uint8)
    return [Case(request_of(scan), reading) for scan, reading in zip(scans, expected(Reader(), scans), strict=True)]


def request_of(image: np.ndarray[Any, Any]) -> bytes:
    """``POST /v1/read`` of an image of one digit as PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    body = file.getvalue()
    fields = ("Host: localhost", "Content-Type: image/png", f"Content-Length: {len(body)}")
    head = "\r\n".join(("POST /v1/read?mode=single HTTP/1.1", *fields, "", ""))
    return head.encode() + body


def expected(reader: Any, images: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """What the reader says when it is called directly, one by one."""
    found = [reader.read(image) for image in images]
    return [{"label": each.label, "confidence": each.confidence, "status": each.status} for each in found]


def is_right(reading: dict[str, Any], due: dict[str, Any]) -> bool:
    """Whether an answer says what the reader says."""
    same = reading["label"] == due["label"] and reading["status"] == due["status"]
    shares = reading["confidence"], due["confidence"]
    return same and (shares == (None, None) or (None not in shares and abs(shares[0] - shares[1]) < CLOSE))


def whole_answer(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """Status, headers and body of an answer with a length, once it is whole."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = buffer[:end].lower()
    start = head.index(b"content-length:") + 15
    length = int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else None])
    body = buffer[end + 4 : end + 4 + length]
    return None if len(body) < length else (int(buffer[9:12]), head, body)


class Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, load: Load) -> None:
        self.load, self.buffer, self.case, self.due = load, b"", None, 0.0

    def connection_made(self, transport: Any) -> None:
        """Be ready."""
        self.transport = transport
        self.load.is_free(self)

    def ask(self, case: Case, due: float) -> None:
        """Send a request that was due then."""
        self.case, self.due = case, due
        self.transport.write(case.request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer, and be ready again when it is whole."""
        self.buffer += data
        answer = whole_answer(self.buffer)
        if answer is not None and self.case is not None:
            self.buffer, case, self.case = b"", self.case, None
            self.load.answered(case, self.due, *answer)
            self.load.is_free(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Be no more."""
        self.load.is_lost(self)


class Load:
    """Requests in turn, as fast as answers come or at a rate of their own."""

    def __init__(self, cases: list[Case], seconds: float, rate: float | None) -> None:
        self.cases, self.rate, self.outcome = cases, rate, Outcome()
        self.seconds, self.sent, self.end = seconds, 0, float("inf")
        self.free: deque[Connection] = deque()

    async def run(self, host: str, port: int) -> Outcome:
        """Load a server, and give the results."""
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        self.end = started + self.seconds
        connections = CONNECTIONS if self.rate is None else OPEN_CONNECTIONS
        opened = [await loop.create_connection(lambda: Connection(self), host, port) for _ in range(connections)]
        while (now := time.perf_counter()) < self.end:
            if self.rate is not None:
                self._send_due(now, started)
            await asyncio.sleep(TICK if self.rate is not None else 0.05)
        await asyncio.sleep(AFTER)
        for transport, _ in opened:
            transport.close()
        await asyncio.sleep(0)  # in which they are closed
        self.outcome.lost += self.sent - sum(self.outcome.statuses.values())
        return self.outcome

    def _send_due(self, now: float, started: float) -> None:
        assert self.rate is not None
        while (due := started + (self.sent + self.outcome.unsent) / self.rate) <= now:
            if self.free:
                self._ask(self.free.popleft(), due)
            else:
                self.outcome.unsent += 1

    def _ask(self, connection: Connection, due: float) -> None:
        connection.ask(self.cases[self.sent % len(self.cases)], due)
        self.sent += 1

    def is_free(self, connection: Connection) -> None:
        """Use a connection again, now or when something is due."""
        if self.rate is not None:
            self.free.append(connection)
        elif (now := time.perf_counter()) < self.end:
            self._ask(connection, now)

    def is_lost(self, connection: Connection) -> None:
        """Use it no more."""
        if connection in self.free:
            self.free.remove(connection)

    def answered(self, case: Case, due: float, status: int, head: bytes, body: bytes) -> None:
        """Hold an answer against what must come."""
        self.outcome.statuses[status] += 1
        if status == 200:
            self.outcome.seconds.append(time.perf_counter() - due)
            self.outcome.wrong += not is_right(json.loads(body)["readings"][0], case.reading)
        elif status == 503:
            self.outcome.without_retry += b"retry-after:" not in head


def told(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain values."""
    p50, p99 = np.quantile(outcome.seconds or [np.nan], (0.5, 0.99))
    counts = {name: getattr(outcome, name) for name in ("wrong", "lost", "unsent", "without_retry")}
    return {"p50": float(p50), "p99": float(p99), "statuses": dict(outcome.statuses), **counts}


def load(url: str, file: Path, kind: str, seconds: float, rate: float | None = None) -> dict[str, Any]:
    """A load in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.server", url, str(file), kind, str(seconds)]
    command += [] if rate is None else [str(rate)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextlib.contextmanager
def _server(workers: int) -> Iterator[tuple[str, int]]:
    """A server as a process: its address and number."""
    command = [sys.executable, "-m", "digitwise", "serve", "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        words = process.stdout.readline().split()
        yield next(word for word in words if word.startswith("http://")), process.pid
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _memory(pid: int) -> Iterator[list[float]]:
    """The resident MiB of the largest worker, each second."""
    import psutil

    found: list[float] = []
    stop = threading.Event()

    def look() -> None:
        process = psutil.Process(pid)
        while not stop.wait(1.0):
            every = process.children(recursive=True) or [process]
            found.append(max(each.memory_info().rss for each in every) / 2**20)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def _first_answer(file: Path) -> float:
    """Seconds from starting the command to its first reading."""
    body = pickle.loads(file.read_bytes())[0].request.partition(b"\r\n\r\n")[2]
    started = time.perf_counter()
    with _server(1) as (url, _):
        request = urllib.request.Request(f"{url}/v1/read?mode=single", body, {"Content-Type": "image/png"})
        with urllib.request.urlopen(request) as answer:
            answer.read()
        return time.perf_counter() - started


def _main(url: str, file: str, kind: str, seconds: str, rate: str | None = None) -> None:
    import uvloop

    found = pickle.loads(Path(file).read_bytes())
    host, _, port = url.removeprefix("http://").partition(":")
    loop = Load(found, float(seconds), float(rate) if kind == "open" and rate else None)
    print(json.dumps(told(uvloop.run(loop.run(host, int(port))))))


if __name__ == "__main__":
    from benchmarks.server import _main as main  # so that what is unpickled has the name it was pickled by

    main(*sys.argv[1:])
