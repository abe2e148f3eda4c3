"""Pages and their files; and a run's report, one file whose script and style its own policy allows by their hashes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import mimetypes
import re
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from digitwise.server.problems import Problem
from digitwise.server.service import service_of

FOLDER = Path(__file__).with_name("static")
TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}  # which systems disagree about


def page(name: str) -> Callable[[Request], Awaitable[Response]]:
    """What answers with one of the files, as a page."""

    async def answer(request: Request) -> Response:
        return _file(request, FOLDER / name)

    return answer


async def file(request: Request) -> Response:
    """One of the files by its name: only names that were there at first, so that no path can lead anywhere else."""
    path = _known().get(request.path_params["name"])
    if path is None:
        raise Problem(404, "expected a file of the page, got another name")
    return _file(request, path)


@cache
def _known() -> dict[str, Path]:
    return {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}


def _file(request: Request, path: Path) -> Response:
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Response(content, headers=headers, media_type=kind)


async def report(request: Request) -> Response:
    """The report of a run, read anew each time: it may be written anew."""
    path = service_of(request).settings.report
    assert path is not None
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise Problem(404, "expected the report of a run, but it is gone; make it anew") from error
    return Response(content, headers={"Content-Security-Policy": policy_of(content)}, media_type="text/html")


def policy_of(page: bytes) -> str:
    """A content security policy for a page without outside requests: what stands in it may run, nothing else."""
    scripts, styles = (" ".join(_hashes(page, element)) for element in (b"script", b"style"))
    return (
        f"default-src 'none'; script-src {scripts or repr('none')}; style-src-elem {styles or repr('none')}; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hashes(page: bytes, element: bytes) -> list[str]:
    pattern = rb"<" + element + rb"(?:\s[^>]*)?>(.*?)</" + element + rb">"
    found = dict.fromkeys(re.findall(pattern, page, re.DOTALL | re.IGNORECASE))
    return [f"'sha256-{base64.b64encode(hashlib.sha256(each).digest()).decode()}'" for each in found]
