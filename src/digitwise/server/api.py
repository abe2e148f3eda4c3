"""The paths under ``/v1``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digitwise import __version__
from digitwise.errors import DataError, DigitwiseError, TooLargeError
from digitwise.reading import trust
from digitwise.reading.known import Known, Region
from digitwise.server.batch import Outcome, Source
from digitwise.server.documents import page_document, reading_document, reason_of
from digitwise.server.problems import Problem
from digitwise.server.service import Service
from digitwise.server.settings import Limits
from digitwise.server.sheets import Asked, Sheet, sheet_of, sheet_or_digit_of, statuses_of
from digitwise.server.uploads import form_of, kind_of, uploads_of

Mode = Literal["auto", "single", "numbers"]
MODES: tuple[Mode, ...] = get_args(Mode)


def answer(document: Any, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(json.dumps(document, separators=(",", ":")), status, media_type="application/json")


def routes(service: Service) -> list[Route]:
    """All of them, answered by ``service``."""
    reader, batcher, limits = service.reader, service.batcher, service.settings.limits

    async def read(request: Request) -> Response:
        with_input, mode, asked = _flag(request, "input"), _mode(request), _asked(request)
        batcher.check_room()
        async with service.intake.body(request) as body:
            uploads = await uploads_of(request, body, limits, reader.model.image_shape)
            del body  # of which a form's files are copies
            work = outcomes_of(service, [upload.source for upload in uploads], mode, asked)
            outcomes = await service.in_time(request, work)
            _refuse_single(request, outcomes[0], limits)
        named = zip(uploads, outcomes, strict=True)
        documents = [reading_document(upload.name, outcome, with_input=with_input) for upload, outcome in named]
        for outcome, document in zip(outcomes, documents, strict=True):
            statuses = statuses_of(outcome) if isinstance(outcome, Sheet) else [document["status"]]
            service.metrics.readings(statuses)
            if not isinstance(outcome, Sheet) and document["status"] == "read":
                service.metrics.single(document["confidence"])
        return answer({"readings": documents})

    async def numbers(request: Request) -> Response:
        asked = _asked(request)
        batcher.check_room()
        async with service.intake.body(request) as body:
            uploads = await uploads_of(request, body, limits)
            del body
            sources = [upload.source for upload in uploads]
            pages = await service.in_time(request, batcher.each(partial(sheet_of, reader, asked), sources))
            _refuse_single(request, pages[0], limits)
        for page in pages:
            service.metrics.readings(statuses_of(page))
        named = zip(uploads, pages, strict=True)
        return answer({"pages": [page_document(upload.name, page) for upload, page in named]})

    async def collect(request: Request) -> Response:
        if service.collection is None:
            raise Problem(404, "expected a server that collects, got one that does not; start it with --collect DIR")
        batcher.check_room()
        async with service.intake.body(request) as body:
            picture, label = await _labelled(request, body)
            del body
            try:
                add = partial(service.collection.add, label=label)
                [found] = await service.in_time(request, batcher.each(add, [picture]))
            except DataError as error:
                raise _refusal(error, limits) from error
            except OSError as error:
                raise Problem(507, "expected room for the picture, but it cannot be written") from error
        return answer({"path": found.path}, 201 if found.outcome == "new" else 200)

    async def model(_: Request) -> Response:
        return answer(described(service))

    async def about(_: Request) -> Response:
        settings = service.settings
        return answer(
            {
                "version": __version__,
                "collect": settings.collect is not None,
                "report": settings.report is not None,
                "token": settings.token is not None,
                "limits": dataclasses.asdict(limits),
            }
        )

    return [
        Route("/v1/read", read, methods=["POST"]),
        Route("/v1/read/numbers", numbers, methods=["POST"]),
        Route("/v1/collect", collect, methods=["POST"]),
        Route("/v1/model", model),
        Route("/v1/service", about),
    ]


async def outcomes_of(service: Service, sources: list[Source], mode: Mode, asked: Asked) -> Sequence[Sheet | Outcome]:
    """What images are read as; arrays are single digits in the model's own form, whatever is asked."""
    reader, batcher = service.reader, service.batcher
    if not isinstance(sources[0], bytes):
        return await batcher.read(sources)
    if mode == "single":
        if asked != Asked():
            raise Problem(
                422, "expected mode=auto or mode=numbers where region or expect is asked for, got mode=single"
            )
        return await batcher.read(sources)
    if mode == "numbers" or asked.known is not None:
        return await batcher.each(partial(sheet_of, reader, asked), sources)
    return await batcher.each(partial(sheet_or_digit_of, reader, asked), sources)


def described(service: Service) -> dict[str, Any]:
    """What the model says of itself."""
    reader, document = service.reader, service.reader.model.card.document
    policy, numbers = reader.policy, trust.bundled().guarantee(reader.max_error)
    chosen = [each for each in document["policies"] if policy and float(each["max_error"]) == policy.max_error]
    return {
        "name": reader.model.name,
        "classes": list(reader.class_names),
        "image_shape": list(reader.model.image_shape),
        "normalization": reader.model.card.normalization,
        "sha256": service.sha256,
        "metadata": document,
        "metrics": document.get("metrics", {}),
        "policy": chosen[0] if chosen else None,
        "policies": document["policies"],
        "numbers": None if numbers is None else {"max_error": numbers[0], "threshold": numbers[1]},
    }


def _flag(request: Request, name: str) -> bool:
    said = request.query_params.get(name, "false")
    if said not in ("true", "false"):
        raise Problem(422, f"expected {name}=true or {name}=false, got another word")
    return said == "true"


def _mode(request: Request) -> Mode:
    said = request.query_params.get("mode", "auto")
    for mode in MODES:
        if said == mode:
            return mode
    raise Problem(422, "expected mode=auto, mode=single or mode=numbers, got another word")


def _asked(request: Request) -> Asked:
    """What the request says of numbers; no pattern, since a stranger's regular expression may take for ever."""
    region, expect = request.query_params.get("region"), request.query_params.get("expect")
    try:
        digits = None if expect is None else int(expect)
    except ValueError:
        raise Problem(422, "expected expect=N, a number of digits, got no whole number") from None
    try:
        return Asked(None if region is None else Region.parsed(region), Known.of(expect=digits))
    except DataError as error:
        raise Problem(422, reason_of(error)) from error


def _refuse_single(request: Request, outcome: object, limits: Limits) -> None:
    """Where the body is one picture that cannot be read, the request is what is wrong."""
    if isinstance(outcome, DigitwiseError) and kind_of(request).startswith("image/"):
        raise _refusal(outcome, limits)


def _refusal(error: DigitwiseError, limits: Limits) -> Problem:
    if isinstance(error, TooLargeError):
        return Problem(413, reason_of(error), limit=limits.pixels)
    return Problem(422, reason_of(error))


async def _labelled(request: Request, body: bytes) -> tuple[Source, str]:
    """The picture and the label in a form."""
    if kind_of(request) != "multipart/form-data":
        raise Problem(415, "expected multipart/form-data with picture and label, got another content type")
    files, fields = await form_of(request, body, files=1)
    if not files or "label" not in fields:
        raise Problem(422, "expected a form with a file and the field label, got one without")
    return files[0].source, fields["label"]
