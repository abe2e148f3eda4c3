"""What answers each path: the API, the pages and their files, and a run's report."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
import mimetypes
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from digitwise.errors import DataError, DigitwiseError, MissingPartError, TooLargeError
from digitwise.reading import trust
from digitwise.reading.known import Known, Region
from digitwise.server.outcomes import (
    Asked,
    Outcome,
    Sheet,
    Source,
    digit_of,
    page_document,
    reading_document,
    reason_of,
    sheet_of,
    sheet_or_digit_of,
    statuses_of,
)
from digitwise.server.refusals import Problem
from digitwise.server.rendering import TooManyPagesError
from digitwise.server.service import LARGE, Service, service_of
from digitwise.server.uploads import RequestLimits, form_of, is_alone, is_document, kind_of, uploads_of
from digitwise.version import __version__

T = TypeVar("T")
PageResult = tuple[int | None, T]  # the number of a page of a PDF, from 1, or None; and what was found there
MODES = ("auto", "single", "numbers")
TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}  # which systems disagree about


def answer(document: Any, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(json.dumps(document, separators=(",", ":")), status, media_type="application/json")


async def read(request: Request) -> Response:
    """Read images, each as one digit or as numbers."""
    service, with_input = service_of(request), _word(request, "input", ("true", "false"), "false") == "true"
    work = partial(outcomes_of, service, _word(request, "mode", MODES, "auto"), _asked(request))
    documents = []
    for name, page, outcome in await _named(request, work, service.reader.model.image_shape):
        document = reading_document(name, page, outcome, with_input=with_input)
        service.metrics.readings(statuses_of(outcome))
        if document["kind"] == "single" and document["status"] == "read":
            service.metrics.single(document["confidence"])
        documents.append(document)
    return answer({"readings": documents})


async def numbers(request: Request) -> Response:
    """Read images as pages of numbers."""
    service, asked = service_of(request), _asked(request)
    work = partial(_each, service, partial(sheet_of, service.reader, asked))
    documents = []
    for name, page, sheet in await _named(request, work):
        service.metrics.readings(statuses_of(sheet))
        documents.append(page_document(name, page, sheet))
    return answer({"pages": documents})


async def collect(request: Request) -> Response:
    """Store a labelled image."""
    service = service_of(request)
    if service.collection is None:
        raise Problem(404, "expected a server that collects, got one that does not; start it with --collect DIR")
    service.batcher.check_room()
    async with service.intake.body(request) as body:
        image, label = await _labelled(request, body)
        del body
        try:
            added = service.batcher.run(LARGE.name, partial(service.collection.add, label=label), image)
            found = await service.in_time(request, added)
        except DataError as error:
            raise _refusal(error, service.settings.limits) from error
        except OSError as error:
            raise Problem(507, "expected room for the image, but it cannot be written") from error
    return answer({"path": found.path}, 201 if found.outcome == "new" else 200)


async def model(request: Request) -> Response:
    """The model's metadata, policies and guarantees."""
    service = service_of(request)
    reader, document = service.reader, service.reader.model.card.document
    policy, guarantee = reader.policy, trust.bundled().guarantee(reader.max_error)
    chosen = [each for each in document["policies"] if policy and float(each["max_error"]) == policy.max_error]
    return answer(
        {
            "name": reader.model.name,
            "classes": list(reader.class_names),
            "image_shape": list(reader.model.image_shape),
            "normalization": reader.model.card.normalization,
            "sha256": service.sha256,
            "metadata": document,
            "metrics": document.get("metrics", {}),
            "policy": chosen[0] if chosen else None,
            "policies": document["policies"],
            "numbers": None if guarantee is None else {"max_error": guarantee[0], "threshold": guarantee[1]},
        }
    )


async def about(request: Request) -> Response:
    """What this server offers, and its limits."""
    settings = service_of(request).settings
    return answer(
        {
            "version": __version__,
            "collect": settings.collect is not None,
            "report": settings.report is not None,
            "token": settings.token is not None,
            "limits": dataclasses.asdict(settings.limits),
        }
    )


async def health(_: Request) -> Response:
    """Whether the server answers."""
    return answer({"status": "ok"})


async def metrics(request: Request) -> Response:
    """All counts, for Prometheus."""
    service = service_of(request)
    return Response(service.metrics.text(service.sha256), media_type="text/plain; version=0.0.4")


async def _named(
    request: Request,
    work: Callable[[list[Source]], Awaitable[Sequence[Sequence[PageResult[T]]]]],
    shape: tuple[int, ...] | None = None,
) -> list[tuple[str | None, int | None, T]]:
    """Apply ``work`` to the files of a request; results with their names and pages. For ``shape`` see uploads_of."""
    service = service_of(request)
    limits = service.settings.limits
    service.batcher.check_room()
    async with service.intake.body(request) as body:
        uploads = await uploads_of(request, body, limits, shape)
        del body  # a form's files are copies of it
        outcomes = await service.in_time(request, work([upload.source for upload in uploads]))
    _, first = outcomes[0][0]
    if isinstance(first, DigitwiseError) and is_alone(kind_of(request)):
        raise _refusal(first, limits)  # the body is one file, so the error is the request's
    named = zip(uploads, outcomes, strict=True)
    return [(upload.name, page, outcome) for upload, parts in named for page, outcome in parts]


async def outcomes_of(
    service: Service, mode: str, asked: Asked, sources: list[Source]
) -> list[list[PageResult[Sheet | Outcome]]]:
    """Read images by mode; arrays are always single digits in the model's own form."""
    reader, batcher = service.reader, service.batcher
    if not isinstance(sources[0], bytes):
        return [[(None, outcome)] for outcome in await batcher.read(sources)]
    if mode == "single":
        if asked != Asked():
            detail = "expected mode=auto or mode=numbers where region or expect is asked for, got mode=single"
            raise Problem(422, detail)
        images = [source for source in sources if not is_document(source)]
        read = iter(await batcher.read(images))
        digit = partial(digit_of, reader)
        return [
            await _pages(service, digit, source) if is_document(source) else [(None, next(read))] for source in sources
        ]
    as_numbers = mode == "numbers" or asked.known is not None
    return await _each(service, partial(sheet_of if as_numbers else sheet_or_digit_of, reader, asked), sources)


async def _each(
    service: Service, function: Callable[[Any, int], T], sources: list[Source]
) -> list[list[PageResult[T]]]:
    """Apply a function of an image and the most pixels it may have to each file, and to each page of a PDF."""
    found: list[list[PageResult[T]]] = []
    for source in sources:
        if is_document(source):
            found.append(await _pages(service, function, source))
        else:
            found.append([(None, await service.batcher.each(function, source, begun=bool(found)))])
    return found


async def _pages(service: Service, function: Callable[[Any, int], T], source: bytes) -> list[PageResult[Any]]:
    """Apply a function to the pages of a PDF; what ends them too early is the last outcome."""
    limits, found = service.settings.limits, list[PageResult[Any]]()
    try:
        async with aclosing(service.batcher.pages(source, limits)) as pages:
            async for page in pages:
                outcome = await service.batcher.run(LARGE.name, function, page, limits.pixels, begun=True)
                found.append((len(found) + 1, outcome))
    except DigitwiseError as error:
        found.append((len(found) + 1 if found else None, error))
    return found


def _word(request: Request, name: str, words: Sequence[str], default: str) -> str:
    """The value of a parameter that is one of a few words."""
    said = request.query_params.get(name, default)
    if said not in words:
        *others, last = (f"{name}={word}" for word in words)
        raise Problem(422, f"expected {', '.join(others)} or {last}, got another word")
    return said


def _asked(request: Request) -> Asked:
    """Region and number of digits in the query; no pattern, since a regular expression may run for ever."""
    region, expect = request.query_params.get("region"), request.query_params.get("expect")
    try:
        digits = None if expect is None else int(expect)
    except ValueError:
        raise Problem(422, "expected expect=N, a number of digits, got no whole number") from None
    try:
        return Asked(None if region is None else Region.parsed(region), Known.of(expect=digits))
    except DataError as error:
        raise Problem(422, reason_of(error)) from error


def _refusal(error: DigitwiseError, limits: RequestLimits) -> Problem:
    if isinstance(error, MissingPartError):
        return Problem(415, reason_of(error))
    if isinstance(error, TooManyPagesError):
        return Problem(413, reason_of(error), limit=limits.pages)
    if isinstance(error, TooLargeError):
        return Problem(413, reason_of(error), limit=limits.pixels)
    return Problem(422, reason_of(error))


async def _labelled(request: Request, body: bytes) -> tuple[Source, str]:
    """The image and the label in a form."""
    if kind_of(request) != "multipart/form-data":
        raise Problem(415, "expected multipart/form-data with image and label, got another content type")
    files, fields = await form_of(request, body, files=1)
    if not files or "label" not in fields:
        raise Problem(422, "expected a form with a file and the field label, got one without")
    return files[0].source, fields["label"]


FOLDER = Path(__file__).with_name("static")


def page(name: str) -> Callable[[Request], Awaitable[Response]]:
    """A handler that answers with one of the static files."""

    async def answer(request: Request) -> Response:
        return _file(request, FOLDER / name)

    return answer


async def file(request: Request) -> Response:
    """A static file by its name, which must be on the list made at the start, so that no path leads elsewhere."""
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
    """The report of a run, read for each request, since it may be rewritten."""
    path = service_of(request).settings.report
    assert path is not None
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise Problem(404, "expected the report of a run, but it is gone; make it anew") from error
    return Response(content, headers={"Content-Security-Policy": policy_of(content)}, media_type="text/html")


def policy_of(page: bytes) -> str:
    """A content security policy for a self-contained page: only its own scripts and styles, by their hashes."""
    scripts, styles = (" ".join(_hashes(page, element)) for element in (b"script", b"style"))
    return (
        f"default-src 'none'; script-src {scripts or repr('none')}; style-src-elem {styles or repr('none')}; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hashes(page: bytes, element: bytes) -> list[str]:
    pattern = rb"<" + element + rb"(?:\s[^>]*)?>(.*?)</" + element + rb">"
    found = dict.fromkeys(re.findall(pattern, page, re.DOTALL | re.IGNORECASE))
    return [f"'sha256-{base64.b64encode(hashlib.sha256(each).digest()).decode()}'" for each in found]
