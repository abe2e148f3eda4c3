"""Listening, serving and shutting down in one or several processes, without losing an accepted request.

Beyond its options and ASGI, this module uses undocumented parts of uvicorn; it was tested with uvicorn 0.54.0 and
httptools 0.9.0. Of its protocol: the parser's callbacks, ``cycle.response_complete`` (whether a request is
being answered), ``send_400_response`` and ``server_state.default_headers``. Of its server: ``handle_exit``,
``shutdown``, ``servers`` and ``server_state.connections``. To move to another version, run tests/server.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import multiprocessing
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from digitwise.errors import ServerError
from digitwise.server.app import ROUTES, application
from digitwise.server.prometheus import Metrics, log_lines, width_of
from digitwise.server.refusals import HEADER_BYTES, RAW_HEADERS, Problem, too_large
from digitwise.server.service import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("digitwise.server")
LAST_PORT = 65_535
BACKLOG = 512  # connections that wait to be accepted
IDLE = 0.5  # seconds in a shutdown for requests that are being sent
KEEP_ALIVE = 15  # seconds that a connection stays open without a request
LEAVING = 60  # seconds in a shutdown for requests to be answered
SWITCH = 0.0005  # seconds: with Python's own 0.005 the thread that reads waits too long for a loop that refuses many
SIGNALS = (signal.SIGINT, signal.SIGTERM)
HEADER_SECONDS = 10.0  # until headers are whole, from the first byte of the request or from the connection
AGAIN = 1.0  # seconds before a process that died is restarted, so that repeated failures do not keep a core busy


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 takes a free one.

    Raises
    ------
    ServerError
        If the address or the port cannot be used.
    """
    if not 0 <= port <= LAST_PORT:  # the system takes the rest of a larger one
        raise ServerError.wanted("port", f"a number from 0 to {LAST_PORT}", port, argument="port")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        sock = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise ServerError.wanted(f"host {host}", "an address of this machine", error, argument="host") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise ServerError(
                f"port {port} is taken: another program listens there; choose another port (--port)"
            ) from error
        raise ServerError(f"{host}, port {port}: cannot be listened on: {error.strerror or error}") from error
    return sock


def url_of(sock: socket.socket) -> str:
    """The URL for a browser on this machine."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Protocol(HttpToolsProtocol):
    """A connection with a time limit for headers and a size limit for incomplete ones.

    Complete headers that are too large are rejected by the app.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit for the first request."""
        super().connection_made(transport)
        self._in_headers, self._received = False, 0  # of headers that came in several parts, bytes after the first
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(HEADER_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time limit."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass data on, and check the limits of incomplete headers."""
        before = self._in_headers
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if before and self._in_headers:
            self._received += len(data)
            if self._received > HEADER_BYTES:
                self.transport.close() if answering else self._refuse(too_large())
        if self._timer is None and not answering:
            self._timer = self.loop.call_later(HEADER_SECONDS, self._too_late)

    def on_message_begin(self) -> None:
        """Start to count bytes of headers."""
        self._in_headers, self._received = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Accept a header, but not a trailer behind a body."""
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the time limit: the headers are complete."""
        self._in_headers = False
        self._stop_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer data that is not HTTP."""
        self._refuse(Problem(400, "expected an HTTP request, got something else"))

    def _too_late(self) -> None:
        self._timer = None
        if self._in_headers:
            self._refuse(Problem(408, f"expected the headers within {HEADER_SECONDS:g} s, got a part of them"))
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        response = problem.response()
        headers = [*self.server_state.default_headers, *response.raw_headers, *RAW_HEADERS, (b"connection", b"close")]
        lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in headers]
        self.transport.write(b"\r\n".join([*lines, b"", response.body]))
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Server(uvicorn.Server):
    """Uvicorn with a shutdown that loses no request and does not raise the signal again."""

    signals: tuple[signal.Signals, ...] = SIGNALS

    def handle_exit(self, sig: int, frame: object) -> None:
        """Shut down; on a second signal, at once."""
        if sig in self.signals:
            self.force_exit = self.should_exit
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, wait for requests that are being sent or answered, then close."""
        until = time.monotonic() + IDLE
        for sock in sockets or ():
            sock.listen(0)  # no new connections
            waits = True
            while waits and time.monotonic() < until:  # accept those already connected, which the system would reset
                await asyncio.sleep(0.001)
                waits = bool(select.select([sock], [], [], 0)[0])
        for server in self.servers:
            server.close()
        while self.server_state.connections and time.monotonic() < until and not self.force_exit:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


def server_of(app: ASGIApp, *, signals: tuple[signal.Signals, ...] = SIGNALS) -> Server:
    """A server for ``app`` that shuts down on ``signals``; ``run(sockets=[…])`` starts it."""

    async def until_told(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; during a shutdown with ``Connection: close``."""

        async def last(message: Message) -> None:
            if server.should_exit and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await app(scope, receive, last)

    config = uvicorn.Config(
        until_told,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",  # its messages may contain content of requests
        access_log=False,
        backlog=BACKLOG,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=LEAVING,
    )
    server = Server(config)
    server.signals = signals
    return server


def serve(
    app: ASGIApp, sock: socket.socket, *, log: bool = False, signals: tuple[signal.Signals, ...] = SIGNALS
) -> None:
    """Serve until SIGTERM or Ctrl-C; with ``log``, write a line per request to stderr.

    Raises
    ------
    ServerError
        If it is called where an event loop runs, as in a notebook.
    """
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise ServerError("serve: expected no running event loop, got a notebook's; run digitwise serve in a terminal")
    sys.setswitchinterval(SWITCH)
    gc.freeze()  # collecting garbage among loaded modules would delay a request by 20 ms
    _keep_stderr()
    if log:
        log_lines()
    server_of(app, signals=signals).run(sockets=[sock])


def _keep_stderr() -> None:
    """Silence libraries in C, which report damaged images on stderr; Python keeps a stderr of its own."""
    sys.stderr.flush()
    sys.stderr = open(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")  # noqa: SIM115
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def serve_in_processes(settings: Settings, sock: socket.socket, workers: int) -> None:
    """Serve in several processes until SIGTERM or Ctrl-C; accepted requests are answered first."""
    # Not forked: onnxruntime has threads, which a fork would leave behind in the middle of something.
    context = multiprocessing.get_context("spawn")
    numbers = context.RawArray("d", width_of(ROUTES) * workers)

    def started(place: int) -> SpawnProcess:
        process = context.Process(target=_work, args=(settings, sock, numbers, place), daemon=True)
        process.start()
        return process

    with _signals() as told:
        processes = [started(place) for place in range(workers)]
        while not told:
            wait([process.sentinel for process in processes], timeout=0.2)
            for place, process in enumerate(processes):
                if not told and not process.is_alive():
                    LOG.error("worker %d ended with %s; starting it anew", place, process.exitcode)
                    time.sleep(AGAIN)
                    processes[place] = started(place)
        sock.close()
        _end(processes, told)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """A list that collects signals to shut down."""
    told: list[int] = []
    before = {number: signal.signal(number, lambda number, _: told.append(number)) for number in SIGNALS}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(processes: list[SpawnProcess], told: list[int]) -> None:
    """Pass each signal on to all processes until they have ended; a second one means at once."""
    passed = 0
    while any(process.is_alive() for process in processes):
        for process in processes if passed < len(told) else ():
            process.terminate()
        passed = len(told)
        time.sleep(0.02)


def _work(settings: Settings, sock: socket.socket, numbers: Any, place: int) -> None:
    """Serve in this process, as one of several."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    app = application(settings, Metrics(ROUTES, numbers, place))
    serve(app, sock, log=settings.log, signals=(signal.SIGTERM,))


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
