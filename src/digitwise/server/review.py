"""The review of a label patch, as an app of its own: a page, its pictures, and decisions that reach the file."""

from __future__ import annotations

import io
import json
from typing import Any

from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from digitwise.errors import DataError
from digitwise.server import static
from digitwise.server.labels import Labels, progress
from digitwise.server.problems import HANDLERS, Problem
from digitwise.server.security import Guard

LARGEST = 4_096  # bytes of a decision


def review_app(labels: Labels, *, loopback: bool = True) -> ASGIApp:
    """The app.

    Parameters
    ----------
    labels : Labels
        Those under review.
    loopback : bool
        Whether only this machine can ask.
    """

    def state(_: Request) -> Response:
        try:
            return JSONResponse(labels.state(labels.read()))
        except DataError as error:
            raise Problem(409, str(error)) from error

    def picture(request: Request) -> Response:
        try:
            pixels = labels.picture(request.path_params["sha256"])
        except KeyError:
            raise _unknown() from None
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        forever = {"Cache-Control": "private, max-age=31536000, immutable"}  # the address names the content
        return Response(file.getvalue(), headers=forever, media_type="image/png")

    async def decide(request: Request) -> Response:
        decision = _decision(await _body(request))
        return await run_in_threadpool(_decide, labels, request.path_params["sha256"], decision)

    routes = [
        *static.routes("review.html"),
        Route("/v1/review", state),
        Route("/v1/review/pictures/{sha256}.png", picture),
        Route("/v1/review/{sha256}", decide, methods=["PUT"]),
    ]
    return Guard(Starlette(routes=routes, exception_handlers=HANDLERS), loopback=loopback)


def _decide(labels: Labels, digest: str, decision: str) -> Response:
    if decision not in labels.decisions:
        expected = f"one of {', '.join(labels.class_names[:20])}, drop, keep or nothing"
        raise Problem(422, f"decision: expected {expected}, got {decision[:40]!r}")
    try:
        before, after = labels.decide(digest, decision)
    except KeyError:
        raise _unknown() from None
    except DataError as error:
        raise Problem(409, str(error)) from error
    except OSError as error:
        raise Problem(507, f"{labels.path}: cannot be written: {error.strerror}; nothing was changed") from error
    return JSONResponse(
        {
            "sha256": digest,
            "decision": decision,
            "before": before.sha256,
            "version": after.sha256,
            "progress": progress(after),
        }
    )


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                raise Problem(413, f"expected at most {LARGEST:,} bytes, got more", limit=LARGEST)
    except ClientDisconnect:
        raise Problem(400, "expected a whole request, got a part of it") from None
    return body


def _decision(body: bytes) -> str:
    try:
        document: Any = json.loads(body)
        decision = document["decision"]
    except (ValueError, TypeError, KeyError, RecursionError):
        decision = None
    if not isinstance(decision, str):
        raise Problem(400, 'expected JSON like {"decision": "7"}, got something else')
    return decision


def _unknown() -> Problem:
    return Problem(404, "expected the sha256 of a picture under review, got another")
