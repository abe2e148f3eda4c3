"""``digitwise serve`` with two workers under mixed traffic: every answer is compared with the library's own.

Single digits, arrays, sheets and PDFs must be answered as ``Reader`` reads the same bytes; bombs, damaged files, wrong
tokens, slow and half-closed connections must be refused as the API says, and the workers' memory must stay flat.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.attack import mutated
from benchmarks.measure import Row, keep
from benchmarks.server import is_right
from digitwise.errors import DigitwiseError, TooLargeError
from digitwise.images import UInt8

SECONDS = 600
CLIENTS = 12  # threads, each with a connection of its own
WARM = 0.15  # share of the time after which memory is looked at
TOKEN = "soak"
BUSY = (503, 504)  # no room, or not in time: an answer under load, but no reading
PNG, JSON, JPEG, PDF = "image/png", "application/json", "image/jpeg", "application/pdf"
SINGLE, NUMBERS = "/v1/read?mode=single", "/v1/read/numbers"
WEIGHTS = {  # of the kinds in the traffic
    "single digits": 6,
    "arrays": 30,
    "sheets": 1,
    "damaged images": 20,
    "bombs": 20,
    "wrong tokens": 20,
    "half-closed connections": 3,
}
OF_PDFS = {"PDFs": 1, "wrong tokens": 20}  # of a client of its own: PDFs wait for each other, endless ones among them
SLOW = "slow connections"  # by threads of their own
ENDLESS = "endless PDFs"


@dataclass(frozen=True)
class Case:
    """A request, and what must come.

    Parameters
    ----------
    path, kind : str
        Where it goes, and its content type.
    body : bytes
    due : int or callable
        The status of a refusal; or whether a document of status 200 says what the library says.
    token : str
    """

    path: str
    kind: str
    body: bytes
    due: int | Callable[[Any], bool]
    token: str = TOKEN


@dataclass
class Counts:
    """The answers to the requests of each kind, and examples of what is broken."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, what: str, status: int, told: str = "") -> None:
        """Count a request."""
        with self.lock:
            self.counts.setdefault(kind, Counter()).update(("sent", what))
            self.statuses[status] += 1
            if what == "broken":
                self.broken.append(f"{kind}: {status} {told[:300]}")


def bench_soak(seconds: float = SECONDS) -> None:
    """Mixed traffic for so long; print and keep the results, and the workers' memory."""
    cases = all_cases()
    counts, memory = Counts(), list[tuple[float, float]]()
    with server() as (port, pid):
        until = time.monotonic() + seconds
        work: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
            *((_client, (port, cases, WEIGHTS, seed)) for seed in range(CLIENTS)),
            (_client, (port, cases, OF_PDFS, CLIENTS)),
            *[(_slow, (port,))] * 2,
            (_endless, (port, endless_pdf())),
        ]
        threads = [threading.Thread(target=target, args=(*given, until, counts)) for target, given in work]
        threads.append(threading.Thread(target=_watch, args=(pid, until, memory)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = rows_of(counts, memory, seconds)
    for row in rows:
        print(*row.values())
    print(dict(sorted(counts.statuses.items())), *counts.broken[:20], sep="\n")
    keep("soak", rows)


def rows_of(counts: Counts, memory: Sequence[tuple[float, float]], seconds: float) -> list[Row]:
    """A row for each kind, and one for all with the memory of both workers together."""
    names = {"sent": "sent", "answered": "answered as the library", "refused": "refused as expected"}
    names |= {"busy": "told to come again", "broken": "broken"}
    every = sum(counts.counts.values(), Counter[str]())
    rows: list[Row] = []
    for kind, found in [*sorted(counts.counts.items()), ("all", every)]:
        rows.append({"kind": kind, **{name: found[key] for key, name in names.items()}})
        for share in (0.5, 0.99) if kind in counts.seconds else ():
            rows[-1][f"ms, {100 * share:.0f} %"] = round(1e3 * float(np.quantile(counts.seconds[kind], share)), 1)
    late = np.array([each for each in memory if each[0] > WARM * seconds])  # (n, 2) seconds, MiB
    tenth = max(1, len(late) // 10)
    rows[-1] |= {
        "seconds": round(seconds),
        "MiB after warm-up": round(float(late[:tenth, 1].mean()), 1),
        "MiB at the end": round(float(late[-tenth:, 1].mean()), 1),
        "MiB at most": round(float(late[:, 1].max()), 1),
        "MiB a minute": round(60 * float(np.polyfit(late[:, 0], late[:, 1], 1)[0]), 2),
    }
    return rows


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """A server with two workers as a process: its port and number."""
    command = [sys.executable, "-m", "digitwise", "serve", "--port", "0", "--workers", "2"]
    environment = {**os.environ, "DIGITWISE_TOKEN": TOKEN}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        url = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
        yield int(url.rpartition(":")[2]), process.pid
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def all_cases() -> dict[str, list[Case]]:
    """The cases of each kind, with what the library says of the same bytes."""
    from digitwise.data import load
    from digitwise.reading.reader import Reader

    reader, digits, rng = Reader(threads=1), load("mnist").test.images, np.random.default_rng(0)
    scans = [as_file(np.clip(230 - 0.8 * image + rng.normal(0, 6, image.shape), 0, 255)) for image in digits[:300]]
    sheets = [sheet_of(digits[20 * place : 20 * place + 20]) for place in range(20)]
    damaged = [mutated(scan, case) for case, scan in enumerate(scans)]
    whole = [*scans[:20], *(as_file(sheet) for sheet in sheets[:5])]
    return {
        "single digits": [Case(SINGLE, PNG, scan, _reads(reader, scan)) for scan in scans],
        "arrays": [_array(reader, image) for image in digits[:300]],
        "sheets": [Case(NUMBERS, PNG, file, _numbers(reader, file)) for file in map(as_file, sheets)],
        "PDFs": [
            *(_pdf(reader, sheets[start : start + 2]) for start in range(0, 10, 2)),
            Case(NUMBERS, PDF, b"%PDF-1.7 " + b"<<" * 9_000, 422),
        ],
        "damaged images": [Case(SINGLE, PNG, file, _reads(reader, file)) for file in damaged],
        "bombs": bombs(),
        "wrong tokens": [Case(SINGLE, PNG, file, 401, token) for file in whole for token in ("", "wrong", TOKEN * 9)],
        "half-closed connections": [Case(SINGLE, PNG, scan, 0) for scan in scans[:20]],
    }


def as_file(image: Any, kind: str = "PNG", **how: Any) -> bytes:
    """An image as a file."""
    file = io.BytesIO()
    Image.fromarray(np.asarray(image, np.uint8)).save(file, kind, **how)
    return file.getvalue()


def sheet_of(digits: UInt8) -> UInt8:
    """Four numbers of five digits, dark on light."""
    sheet = np.full((240, 240), 240, np.uint8)
    for place, digit in enumerate(digits):
        top, left = 16 + 56 * (place // 5), 24 + 32 * (place % 5)
        sheet[top : top + 28, left : left + 28] = 240 - (digit * 0.9).astype(np.uint8)
    return sheet


def _reads(reader: Any, file: bytes) -> int | Callable[[Any], bool]:
    try:
        found = reader.read(file)
    except TooLargeError:
        return 413
    except DigitwiseError:
        return 422
    due = {"label": found.label, "confidence": found.confidence, "status": found.status}
    return lambda document: is_right(document["readings"][0], due)


def _array(reader: Any, image: UInt8) -> Case:
    found = reader.read(image)
    due = {"label": found.label, "confidence": found.confidence, "status": found.status}
    body = json.dumps(image.tolist()).encode()
    return Case("/v1/read", JSON, body, lambda document: is_right(document["readings"][0], due))


def _numbers(reader: Any, file: bytes) -> Callable[[Any], bool]:
    due = [_told(reader.read_numbers(file))]
    return lambda document: [_said(page) for page in document["pages"]] == due


def _pdf(reader: Any, sheets: Sequence[UInt8]) -> Case:
    from digitwise.decoding import open_pages

    file = io.BytesIO()
    first, *others = map(Image.fromarray, sheets)
    first.save(file, "PDF", save_all=True, append_images=others, resolution=200)
    due = [_told(reader.page_of(page)) for page in open_pages(file.getvalue())]
    return Case(NUMBERS, PDF, file.getvalue(), lambda document: [_said(page) for page in document["pages"]] == due)


def _told(page: Any) -> list[Any]:
    return [(each.text, each.written, each.status, tuple(each.box)) for each in page.numbers]


def _said(page: Any) -> list[Any]:
    return [(each["text"], each["written"], each["status"], tuple(each["box"])) for each in page["numbers"]]


def bombs() -> list[Case]:
    """Requests that would cost much more than their bytes."""
    small = as_file(np.zeros((9, 9)))
    huge = small[:16] + (60_000).to_bytes(4, "big") * 2 + small[24:29]
    huge += zlib.crc32(huge[12:]).to_bytes(4, "big") + small[33:]
    head, last = as_file(np.full((99, 99), 99), "JPEG", progressive=True)[:-2].rsplit(b"\xff\xda", 1)
    profile = b"iCCPx\0\0" + zlib.compress(bytes(10**8))
    chunk = (len(profile) - 4).to_bytes(4, "big") + profile + zlib.crc32(profile).to_bytes(4, "big")
    return [
        Case(SINGLE, PNG, huge, 413),
        Case(NUMBERS, PNG, huge, 413),
        Case("/v1/read", JSON, b"[" * 100_000, 400),
        Case("/v1/read", JSON, b"[" * 900 + b"]" * 900, 422),
        Case("/v1/read", JSON, b"[" + b"[]," * 9_000 + b"0]", 422),
        Case(SINGLE, JPEG, head + (b"\xff\xda" + last) * 20_000 + b"\xff\xd9", 422),
        Case(SINGLE, PNG, small[:33] + chunk + small[33:], 422),
        Case("/v1/read", "text/plain", b"x" * 9, 415),
    ]


def endless_pdf() -> bytes:
    """A PDF of a few kilobytes that is rendered for an hour: one page with many large paths."""
    content = zlib.compress(b"0 0 500 500 re f\n" * 3_000_000)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page]
    objects.append(b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(content), content))
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, each) for number, each in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF"  # without a table, which every renderer makes anew


def _client(
    port: int, cases: dict[str, list[Case]], weights: dict[str, int], seed: int, until: float, counts: Counts
) -> None:
    rng, shares = np.random.default_rng(seed), np.array(list(weights.values())) / sum(weights.values())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    while time.monotonic() < until:
        kind = str(rng.choice(list(weights), p=shares))
        case = cases[kind][int(rng.integers(len(cases[kind])))]
        if kind == "half-closed connections":
            _half_closed(port, case, counts)
            continue
        begun = time.monotonic()
        try:
            status, body = _asked(connection, case)
        except OSError as error:
            counts.add(kind, "broken", 0, repr(error))
            connection.close()
            continue
        counts.add(kind, *_judged(case, status, body))
        counts.seconds.setdefault(kind, []).append(time.monotonic() - begun)
    connection.close()


def _asked(connection: http.client.HTTPConnection, case: Case) -> tuple[int, bytes]:
    headers = {"Content-Type": case.kind, "Authorization": f"Bearer {case.token}"}
    try:
        connection.request("POST", case.path, case.body, headers)
        answer = connection.getresponse()
    except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):  # it was idle for too long
        connection.close()
        connection.request("POST", case.path, case.body, headers)
        answer = connection.getresponse()
    return answer.status, answer.read()


def _judged(case: Case, status: int, body: bytes) -> tuple[str, int, str]:
    told = body.decode("utf-8", "replace")
    if status in BUSY:
        return "busy", status, told
    if not callable(case.due):
        return ("refused" if status == case.due else "broken"), status, told
    return ("answered" if status == 200 and case.due(json.loads(body)) else "broken"), status, told


def _head(case: Case) -> bytes:
    lines = [f"POST {case.path} HTTP/1.1", "Host: localhost", f"Content-Type: {case.kind}"]
    lines += [f"Authorization: Bearer {case.token}", f"Content-Length: {len(case.body)}", "", ""]
    return "\r\n".join(lines).encode()


def _half_closed(port: int, case: Case, counts: Counts) -> None:
    """Send a request, whole or a half, and no more: the server closes, after an answer or without one."""
    half = len(case.body) % 2
    with socket.create_connection(("127.0.0.1", port), timeout=90) as sock:
        try:
            sock.sendall(_head(case) + case.body[: len(case.body) // (1 + half)])
            sock.shutdown(socket.SHUT_WR)
            answer = sock.recv(65536)
        except ConnectionResetError:
            answer = b""
        except OSError as error:
            return counts.add("half-closed connections", "broken", 0, repr(error))
    status = int(answer[9:12] or 0)
    return counts.add("half-closed connections", "refused" if status in (0, 200, *BUSY) else "broken", status)


def _slow(port: int, until: float, counts: Counts) -> None:
    """Connections that send a byte now and then: each must be told 408 and closed."""
    case = Case(SINGLE, PNG, bytes(1_000), 408)
    while time.monotonic() < until - 35:  # the limits are 10 s for headers and 30 s for a body
        for content in (_head(case)[:60], _head(case) + bytes(20)):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
                sock.sendall(content[:-10])
                sock.settimeout(1.0)
                answer, begun = b"", time.monotonic()
                for byte in (*content[-10:], *bytes(50)):
                    with suppress(OSError):
                        sock.sendall(bytes([byte]) if byte else b"")
                    try:
                        answer = sock.recv(65536)
                        break
                    except TimeoutError:
                        continue
                    except OSError as error:
                        answer = repr(error).encode()
                        break
                told = f"{answer[:60]!r} after {time.monotonic() - begun:.0f} s"
                is_408 = answer.startswith(b"HTTP/1.1 408")
                counts.add(SLOW, "refused" if is_408 else "broken", 408 if is_408 else 0, told)


def _endless(port: int, pdf: bytes, until: float, counts: Counts) -> None:
    """One every two minutes: each must be given up in time."""
    while time.monotonic() < until - 35:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
        status, body = _asked(connection, Case(NUMBERS, PDF, pdf, 504))
        connection.close()
        counts.add(ENDLESS, "refused" if status in (422, 504) else "broken", status, body.decode())
        time.sleep(max(0.0, min(90.0, until - 35 - time.monotonic())))


def _watch(pid: int, until: float, memory: list[tuple[float, float]]) -> None:
    """The resident MiB of both workers together, each second."""
    import psutil

    started, process = time.monotonic(), psutil.Process(pid)
    while time.monotonic() < until:
        with suppress(psutil.Error):
            workers = [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]
            resident = sum(worker.memory_info().rss for worker in workers)
            memory.append((time.monotonic() - started, resident / 2**20))
        time.sleep(1.0)


def soak_table(rows: Sequence[Row]) -> str:
    """What was sent, and how it was answered."""
    columns = ("sent", "answered as the library", "refused as expected", "broken")
    kinds = [row for row in rows if row["sent"]]
    lines = ["", f"| to the server | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    lines += [f"| {row['kind']} | {' | '.join(f'{int(row[column]):,}' for column in columns)} |" for row in kinds]
    return "\n".join([*lines, ""])
