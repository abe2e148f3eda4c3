"""HTTP on one connection: uvicorn's, with limits for what comes before there is a request to answer."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from digitwise.server.problems import Problem
from digitwise.server.security import RAW_HEADERS

HEADER_BYTES = 16 * 1024  # of a request's line and headers together
HEADER_SECONDS = 10.0  # until they are whole, from the first byte of the request or from the connection


class Protocol(HttpToolsProtocol):
    """A connection whose headers must be small and come soon; while the server leaves, each request is its last."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, but not for long."""
        super().connection_made(transport)
        self._in_headers, self._received = False, 0  # of headers that came in several parts, bytes after the first
        self._refused = Problem(400, "expected an HTTP request, got something else")
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(HEADER_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what came, and look at what is not a request yet, or none any more."""
        before = self._in_headers
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if before and self._in_headers:
            self._received += len(data)
            if self._received > HEADER_BYTES:
                self.transport.close() if answering else self._refuse(_too_large())
        if self._timer is None and not answering:
            self._timer = self.loop.call_later(HEADER_SECONDS, self._too_late)

    def on_message_begin(self) -> None:
        """Count from here."""
        self._in_headers, self._received = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, but not what comes under that name behind a body."""
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._in_headers = False
        self._stop_timer()
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEADER_BYTES:
            self._refused = _too_large()
            raise ValueError  # which the parser makes an error of, and that one is answered
        super().on_headers_complete()
        if getattr(self.server_state, "leaving", False):
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with what is no request."""
        self._refuse(self._refused)

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


def _too_large() -> Problem:
    return Problem(431, f"expected at most {HEADER_BYTES:,} bytes of headers, got more", limit=HEADER_BYTES)
