"""The files of the page."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digitwise.server.problems import Problem

FOLDER = Path(__file__).with_name("static")
TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}  # which systems disagree about


def routes(index: str = "index.html") -> list[Route]:
    """``/`` and ``/static/…``: only names that are there now, so that no path can lead anywhere else."""
    known = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}

    async def page(request: Request) -> Response:
        return _file(request, known[index])

    async def file(request: Request) -> Response:
        path = known.get(request.path_params["name"])
        if path is None:
            raise Problem(404, "expected a file of the page, got another name")
        return _file(request, path)

    return [Route("/", page), Route("/static/{name:path}", file)]


def page(name: str) -> Route:
    """One file as a page of its own: ``docs.html`` at ``/docs``."""

    async def answer(request: Request) -> Response:
        return _file(request, FOLDER / name)

    return Route("/" + name.removesuffix(".html"), answer)


def _file(request: Request, path: Path) -> Response:
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Response(content, headers=headers, media_type=kind)
