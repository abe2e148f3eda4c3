"""What is refused, and how: problems as in RFC 9457, the token, the host name, and the headers of every answer."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("digitwise.server")
RETRY_SECONDS = 1  # after which a rejected client may try again
Handler = Callable[[Request, Exception], Awaitable[Response]]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
SAFE = ("GET", "HEAD", "OPTIONS")
HEADER_BYTES = 16 * 1024  # of a request's line and headers together


class Problem(Exception):  # noqa: N818  # RFC 9457's own word
    """A request that is rejected, as an exception.

    Parameters
    ----------
    status : int
    detail : str
        One line: what was expected, what was given, what to do.
    headers : dict of str to str, optional
        Of the answer.
    **more
        More members of the document, beside ``type``, ``title``, ``status`` and ``detail``, as ``limit``.
    """

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, headers, more

    def response(self) -> Response:
        """The answer to send."""
        document = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        return Response(json.dumps(document), self.status, self.headers, "application/problem+json")


def busy() -> Problem:
    """The answer if the queue is full."""
    detail = f"expected to be asked less at a time; come again in {RETRY_SECONDS} s"
    return Problem(503, detail, headers={"Retry-After": str(RETRY_SECONDS)})


async def _of_ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _of_routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    told = "; see /docs" if any(route.path == "/docs" for route in request.app.routes) else ""
    said = {
        404: f"expected a path that is here, got another{told}",
        405: f"expected {headers.get('Allow', 'another method')}, got {request.method}{told}",
    }
    return Problem(error.status_code, said.get(error.status_code, error.detail), headers=headers).response()


async def _of_left(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody receives it, but it is counted


def mistake(error: Exception) -> Problem:
    """The answer to a bug: its place is logged, but not its message, which may contain the request."""
    LOG.error("%s in\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return Problem(500, "expected to answer, but something broke; the server's log says where")


HANDLERS: dict[Any, Handler] = {Problem: _of_ours, HTTPException: _of_routing, ClientDisconnect: _of_left}


class Guard:
    """The outermost middleware; plain ASGI for speed, since each request passes it.

    Parameters
    ----------
    app : ASGI application
    token : str, optional
        Required as a bearer token, and on ``/report`` as a password, which a browser can ask for.
    loopback : bool
        Whether the server listens on this machine only. Then another host name is that of a site whose name was made to
        resolve to this machine.
    needs_token : function of a path to bool
        Whether the path needs the token, if there is one; by default all do.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None = None,
        loopback: bool = True,
        needs_token: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.app, self.loopback, self.needs_token = app, loopback, needs_token
        self.token = token.encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = False

        async def sealed(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                named = {name for name, _ in headers}
                headers += [header for header in RAW_HEADERS if header[0] not in named]
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, receive, sealed)
        except Problem as problem:
            await problem.response()(scope, receive, sealed)
        except Exception as error:
            response = mistake(error).response()
            if started:
                raise
            await response(scope, receive, sealed)

    def _check(self, scope: Scope) -> None:
        if _size_of(scope) > HEADER_BYTES:
            raise too_large()
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) > 1:  # which of them a proxy went by is not known
            raise Problem(400, "expected one Host header, got several; send one")
        if self.loopback and not is_local(headers.get("host", "")):
            raise Problem(421, "expected localhost or 127.0.0.1 as the host, got another name; use http://localhost")
        if scope["method"] not in SAFE and _from_elsewhere(headers):
            raise Problem(403, "expected a request of this site's own page, got one of another site; none may ask here")
        if self.token is not None and self.needs_token(scope["path"]):
            self._check_token(headers.get("authorization", ""), asks_person=scope["path"] == "/report")

    def _check_token(self, authorization: str, *, asks_person: bool) -> None:
        assert self.token is not None
        if not hmac.compare_digest(_given(authorization, asks_person=asks_person), self.token):
            challenge = 'Basic realm="digitwise", charset="UTF-8"' if asks_person else "Bearer"
            detail = "expected the token of this server in the header Authorization: Bearer …, got none or another"
            raise Problem(401, detail, headers={"WWW-Authenticate": challenge})


def is_local(host: str) -> bool:
    """Whether a ``Host`` header, or an address to listen on, names this machine and nothing else."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def too_large() -> Problem:
    """The answer to a request with too large headers; the connection is closed after it."""
    detail = f"expected at most {HEADER_BYTES:,} bytes of headers, got more"
    return Problem(431, detail, headers={"Connection": "close"}, limit=HEADER_BYTES)


def _size_of(scope: Scope) -> int:
    """Bytes of a request's line and headers."""
    line = len(scope.get("raw_path", b"")) + len(scope["query_string"])
    return line + sum(len(name) + len(value) + 4 for name, value in scope["headers"])


def _from_elsewhere(headers: Headers) -> bool:
    """Whether a browser reports that a page of another site made the request; other clients send no such header."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def _given(authorization: str, *, asks_person: bool) -> bytes:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("utf-8", "replace")
    if asks_person and scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""
