"""The report of a run: one file with script and style in it, which its own policy allows by their hashes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digitwise.server.problems import Problem


def route(path: Path) -> Route:
    """The report at ``path``, read anew each time: it may be written anew."""

    async def report(_: Request) -> Response:
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise Problem(404, "expected the report of a run, but it is gone; make it anew") from error
        headers = {"Content-Security-Policy": policy_of(content)}
        return Response(content, headers=headers, media_type="text/html")

    return Route("/report", report)


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
