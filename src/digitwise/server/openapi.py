"""The OpenAPI description of the API, shown by ``/docs``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from digitwise.reading.known import LONGEST
from digitwise.server.service import Service
from digitwise.version import __version__

Document = dict[str, Any]

PROBLEMS = {
    400: "The body is damaged.",
    401: "The token is missing or wrong.",
    403: "Another site's page asks.",
    404: "Nothing is here.",
    408: "The body came too slowly.",
    413: "The body, an image or the number of images or pages is too large.",
    415: "The body is of a kind that is not taken, or a PDF where pypdfium2 is not installed.",
    421: "The server was called by a name that is not its own.",
    422: "Nothing in the request can be read.",
    503: "There is no room; come again after Retry-After.",
    504: "It takes too long.",
    507: "It cannot be written.",
}
ON_READING = (400, 408, 413, 415, 422, 503, 504)
FILES = {"type": "array", "items": {"$ref": "#/components/schemas/File"}, "minItems": 1}
FORM = {"schema": {"type": "object", "properties": {"file": FILES}, "required": ["file"]}}
REGION = r"^(\d{1,6}(\.\d{1,6})?,){3}\d{1,6}(\.\d{1,6})?$|^(\d{1,3}(\.\d{1,6})?%,){3}\d{1,3}(\.\d{1,6})?%$"
FILE = {"schema": {"$ref": "#/components/schemas/File"}}
ALONE = {"image/*": FILE, "application/pdf": FILE}
PDF = (
    "Of a PDF each page is an entry of its own with its number, from 1; what cannot be rendered is the last one, "
    "with status error. "
)


def document(service: Service, paths: Document) -> Document:
    """All paths of the API, its documents and its limits.

    Parameters
    ----------
    service : Service
    paths : dict
        Operations by path and method, made by the functions below.
    """
    settings = service.settings
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "digitwise",
            "version": __version__,
            "description": "Reads handwritten digits, and says where it is not sure. "
            f"A request holds at most {settings.limits.bytes:,} bytes and {settings.limits.files} images "
            f"of {settings.limits.pixels:,} pixels each, or PDFs of {settings.limits.pages} pages.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(service),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}} if settings.token else {},
        },
    }


def with_token(operation: Document) -> Document:
    """An operation that asks for the token."""
    return operation | {"security": [{"token": []}], "responses": operation["responses"] | _problems((401,))}


def read(service: Service) -> Document:
    """``/v1/read``."""
    shape = service.reader.model.image_shape
    flag = _query(
        "input",
        "Whether to send what the model saw of each single digit.",
        {"type": "boolean", "default": False},
    )
    mode = _query(
        "mode",
        "What files are read as: one digit, numbers, or what each turns out to be. Arrays are always "
        "single digits, and so is a file in mode auto where the model knows other classes than the ten digits.",
        {"type": "string", "enum": ["auto", "single", "numbers"], "default": "auto"},
    )
    several = {"type": "array", "items": _array(shape), "minItems": 1, "maxItems": service.settings.limits.files}
    arrays = {"oneOf": [_array(shape), several]}
    body = {
        "required": True,
        "content": {"multipart/form-data": FORM, **ALONE, "application/json": {"schema": arrays}},
    }
    return {
        "operationId": "read",
        "summary": "Read one digit an image, or the numbers on it",
        "description": "One image as it is, several as files of a form, or arrays of the model's own size. "
        f"{PDF}A file that cannot be read among others is a reading with status error. A reading's kind says what it "
        "is: single has a label, numbers has what a page of /v1/read/numbers has.",
        "tags": ["reading"],
        "parameters": [mode, flag, *_asked()],
        "requestBody": body,
        "responses": {"200": _json("Readings", "In the order sent."), **_problems(ON_READING)},
    }


def _query(name: str, description: str, schema: Document) -> Document:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _asked() -> list[Document]:
    """Parameters about the numbers on files."""
    region = _query(
        "region",
        "The part of each file that is read, as left,top,width,height in pixels or each in per cent. "
        "Boxes are in pixels of the whole image all the same. Not with mode single; arrays are read whole.",
        {"type": "string", "pattern": REGION, "examples": ["60%,10%,30%,8%", "640,80,320,60"]},
    )
    expect = _query(
        "expect",
        "How many digits each number has: the most probable reading with so many is taken, and a number "
        "that cannot have them is unsure. Files are read as numbers then, arrays as ever.",
        {"type": "integer", "minimum": 1, "maximum": LONGEST},
    )
    return [region, expect]


def numbers(_: Service) -> Document:
    """``/v1/read/numbers``."""
    return {
        "operationId": "readNumbers",
        "summary": "Read the numbers on a page",
        "description": "Boxes are left, top, right, bottom in pixels of the image upright by its EXIF orientation; "
        "turn is by how many quarters counter-clockwise it was turned further to be read. Numbers stand in the order "
        "of the digits in lines; in a line's text a space stands between two. Text has ? for an unsure digit, "
        "written has signs such as . and - too. "
        f"{PDF}Others are what is not read: what may be a digit, writing and drawings, lines, and ink at the edge.",
        "tags": ["reading"],
        "parameters": _asked(),
        "requestBody": {"required": True, "content": {"multipart/form-data": FORM, **ALONE}},
        "responses": {"200": _json("Pages", "In the order sent."), **_problems(ON_READING)},
    }


def collect(_: Service) -> Document:
    """``/v1/collect``."""
    fields = {"image": {"$ref": "#/components/schemas/File"}, "label": {"$ref": "#/components/schemas/Label"}}
    form = {"schema": {"type": "object", "properties": fields, "required": ["image", "label"]}}
    return {
        "operationId": "collect",
        "summary": "Keep an image under its right label",
        "description": "In the owner's own folders, ready for digitwise train. An image that is there is moved.",
        "tags": ["collecting"],
        "requestBody": {"required": True, "content": {"multipart/form-data": form}},
        "responses": {
            "201": _json("Collected", "It is new."),
            "200": _json("Collected", "It was there."),
            **_problems((*ON_READING, 507)),
        },
    }


def getting(summary: str, schema: str, *, tag: str) -> Callable[[Service], Document]:
    """A path that answers with one document."""
    name = schema[0].lower() + schema[1:]
    operation = {"operationId": name, "summary": summary, "tags": [tag], "responses": {"200": _json(schema, "It.")}}
    return lambda _: operation


def metrics(_: Service) -> Document:
    """``/metrics``."""
    content = {"text/plain": {"schema": TEXT}}
    responses = {"200": {"description": "Prometheus' text format.", "content": content}}
    return {"operationId": "metrics", "summary": "Counts for Prometheus", "tags": ["service"], "responses": responses}


def _json(schema: str, description: str) -> Document:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _problems(statuses: Iterable[int]) -> Document:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": PROBLEMS[status], "content": content} for status in statuses}


def _array(shape: tuple[int, ...]) -> Document:
    """An image as nested lists."""
    inner: Document = {"type": "integer", "minimum": 0, "maximum": 255}
    for side in reversed(shape):
        inner = {"type": "array", "items": inner, "minItems": side, "maxItems": side}
    return inner


def _object(required: Document, **optional: Document) -> Document:
    return {"type": "object", "properties": required | optional, "required": list(required)}


def _or_null(schema: Document) -> Document:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT: Document = {"type": "string"}
WHOLE: Document = {"type": "integer", "minimum": 0}
NUMBER: Document = {"type": "integer", "minimum": 1}
SHARE: Document = {"type": "number", "minimum": 0, "maximum": 1}
OPEN_OBJECT: Document = {"type": "object"}
PNG: Document = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}
STATUS: Document = {"enum": ["read", "unsure", "blank", "error"]}
SURE: Document = {"enum": ["read", "unsure"]}
OTHER: Document = {"enum": ["digit?", "mark", "rule", "border"]}
BOX: Document = {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4}


DIGIT: Document = _object({"label": TEXT, "confidence": SHARE, "status": SURE, "box": BOX})


def _list(items: Document) -> Document:
    return {"type": "array", "items": items}


def _schema(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _reading() -> Document:
    return {
        "name": _or_null(TEXT),
        "page": _or_null(NUMBER),
        "kind": {"const": "single"},
        "label": _or_null(_schema("Label")),
        "confidence": _or_null(SHARE),
        "status": STATUS,
        "probabilities": _or_null({"type": "object", "additionalProperties": SHARE}),
        "error": _or_null(TEXT),
    }


def _page() -> Document:
    return {
        "name": _or_null(TEXT),
        "page": _or_null(NUMBER),
        "kind": {"const": "numbers"},
        "text": _or_null(TEXT),
        "confidence": _or_null(SHARE),
        "status": STATUS,
        "turn": {"type": "integer", "minimum": 0, "maximum": 3},
        "width": _or_null(WHOLE),
        "height": _or_null(WHOLE),
        "numbers": _list(_object({"text": TEXT, "written": TEXT, "confidence": SHARE, "status": SURE, "box": BOX})),
        "lines": _list(_object({"text": TEXT, "digits": _list(DIGIT)})),
        "others": _list(_object({"kind": OTHER, "box": BOX, "confidence": _or_null(SHARE)})),
        "error": _or_null(TEXT),
    }


def _schemas(service: Service) -> Document:
    label = {"type": "string", "enum": list(service.reader.class_names)}
    limits = _object({"bytes": WHOLE, "pixels": WHOLE, "files": WHOLE, "pages": WHOLE, "seconds": {"type": "number"}})
    flag = {"type": "boolean"}
    return {
        "File": {"type": "string", "contentMediaType": "application/octet-stream", "format": "binary"},
        "Label": label,
        "Readings": _object({"readings": _list({"anyOf": [_schema("Reading"), _schema("PageReading")]})}),
        "Pages": _object({"pages": _list(_schema("Page"))}),
        "Reading": _object(_reading(), input=_or_null(PNG)),
        "PageReading": _object(_page() | {"label": _or_null(_schema("Label")), "probabilities": {"type": "null"}}),
        "Page": _object(_page()),
        "Collected": _object({"path": TEXT}),
        "Health": _object({"status": {"const": "ok"}}),
        "Service": _object({"version": TEXT, "collect": flag, "report": flag, "token": flag, "limits": limits}),
        "Model": _object(
            {
                "name": TEXT,
                "classes": _list(TEXT),
                "image_shape": _list(WHOLE),
                "normalization": TEXT,
                "sha256": TEXT,
                "metadata": OPEN_OBJECT,
                "metrics": OPEN_OBJECT,
                "policy": _or_null(OPEN_OBJECT),
                "policies": _list(OPEN_OBJECT),
                "numbers": _or_null(_object({"max_error": {"type": "number"}, "threshold": {"type": "number"}})),
            }
        ),
        "Problem": _object({"type": TEXT, "title": TEXT, "status": WHOLE, "detail": TEXT}, limit={"type": "number"}),
    }
