"""What went wrong, as RFC 9457 has it: one JSON document for whatever is no answer."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

LOG = logging.getLogger("digitwise.server")
RETRY_SECONDS = 1  # after which a client that was refused may come again
Handler = Callable[[Request, Exception], Awaitable[Response]]


class Problem(Exception):  # noqa: N818  # RFC 9457's own word
    """A request that is not answered as it was meant.

    Parameters
    ----------
    status : int
    detail : str
        One line: what is wrong, what was expected, what came, what to do.
    headers : dict of str to str, optional
        That go with the answer.
    **more
        Members of the document beside ``type``, ``title``, ``status`` and ``detail``, as ``limit``.
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
    """The answer where there is no room."""
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
    return Response(status_code=499)  # which nobody receives; it is counted


def mistake(error: Exception) -> Problem:
    """A mistake of ours: where it happened is logged, not its message, in which there may be what was received."""
    LOG.error("%s in\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return Problem(500, "expected to answer, but something broke; the server's log says where")


HANDLERS: dict[Any, Handler] = {Problem: _of_ours, HTTPException: _of_routing, ClientDisconnect: _of_left}
