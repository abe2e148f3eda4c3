"""Listening, and leaving: what was accepted is answered, then the process goes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import uvicorn

from digitwise.errors import ServerError
from digitwise.server.protocol import Protocol
from digitwise.server.watch import keep_stderr, log_lines

if TYPE_CHECKING:
    from starlette.types import ASGIApp

BACKLOG = 512  # connections that wait to be accepted
IDLE = 0.5  # seconds that open connections have, on leaving, for a request that is on its way
KEEP_ALIVE = 15  # seconds that a connection may wait for its next request
LEAVING = 60  # seconds that requests have, on leaving, to be answered
SWITCH = 0.0005  # seconds: with Python's own 0.005 the thread that reads waits too long for a loop that refuses many
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises
    ------
    ServerError
        If nobody can listen there.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        sock = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise ServerError(f"--host {host}: expected an address of this machine, got {error}") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise ServerError(f"port {port} is taken: another program listens there; choose another --port") from error
        raise ServerError(f"{host}, port {port}: cannot be listened on: {error.strerror or error}") from error
    return sock


def url_of(sock: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Uvicorn, which leaves when it is told to without losing a request, and does not pass the signal on."""

    signals: tuple[signal.Signals, ...] = SIGNALS

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as the word to leave, a second one as the word to leave at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in self.signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: object) -> None:
        """Leave."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more; let requests under way be answered and those on their way come; then close."""
        connected = [found for sock in sockets or () for found in _connected(sock)]
        for server in self.servers:
            server.close()
        self.server_state.leaving = True  # type: ignore[attr-defined]  # Protocol looks at it
        loop = asyncio.get_running_loop()
        for found in connected:
            with contextlib.suppress(OSError):  # who has left already
                await loop.connect_accepted_socket(self._protocol, found)
        until = time.monotonic() + IDLE
        while self.server_state.connections and time.monotonic() < until and not self.force_exit:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    def _protocol(self) -> Protocol:
        return Protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _connected(sock: socket.socket) -> Iterator[socket.socket]:
    """Who is connected and was not accepted yet: the system would reset these connections, requests and all."""
    sock.listen(0)  # others have to try again, and find nobody
    with contextlib.suppress(OSError):  # as there is where nobody waits any more
        while True:
            yield sock.accept()[0]


def server_of(app: ASGIApp, *, signals: tuple[signal.Signals, ...] = SIGNALS) -> Server:
    """A server for ``app`` that leaves at ``signals``; ``run(sockets=[…])`` starts it."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",  # what it would log is answered, or logged by us without what was received
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
    """Serve until SIGTERM or Ctrl-C, with a line on stderr for each request where that is wanted."""
    sys.setswitchinterval(SWITCH)
    gc.freeze()  # what has been loaded stays: looking through it for garbage would hold a request up for 20 ms
    keep_stderr()
    if log:
        log_lines()
    server_of(app, signals=signals).run(sockets=[sock])
