"""The review of a label patch: its rows and images, and the app that writes decisions to the file."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from digitwise.data.patches import COLUMNS, Patch, digests, read_patch, rows_of, with_decision
from digitwise.displays import as_png
from digitwise.errors import DataError
from digitwise.files import atomic_write
from digitwise.images import Dataset, ImageSet, UInt8
from digitwise.outputs import waiting_for
from digitwise.server.handlers import file, page
from digitwise.server.refusals import HANDLERS, Guard, Problem

LARGEST = 4_096  # bytes of a decision


class Labels:
    """A label patch under review; read again for every request, since other programs may write to it.

    Parameters
    ----------
    path : str or Path
        The label patch.
    dataset : Dataset
        The data set that it was made for, without the patch applied.

    Raises
    ------
    DataError
        If the file is no patch of this data, has no rows, or is not writable, or a class has an unusable name.
    """

    def __init__(self, path: str | Path, dataset: Dataset) -> None:
        self.path = Path(path)
        self.dataset = dataset
        if odd := [name for name in self.class_names if not _can_be_decided(name)]:
            raise DataError(f"{dataset.name}: expected classes that a decision can name, got {odd[0]!r}; rename it")
        self._places = {
            digest: (split, place)
            for split, images in (("test", dataset.test), ("train", dataset.train))
            for place, digest in enumerate(digests(images.images))
        }
        if not self.read().rows:
            raise DataError(f"{path}: nothing to review: expected a row an image, as digitwise check --review writes")
        if not os.access(self.path, os.W_OK) or not os.access(self.path.resolve().parent, os.W_OK):
            raise DataError(f"{path}: expected a file that can be written to; decisions would be lost")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.dataset.train.class_names

    @property
    def decisions(self) -> tuple[str, ...]:
        """The possible decisions about an image; an empty one means later."""
        return (*self.class_names, "drop", "keep", "")

    def read(self) -> Patch:
        """The file as it is now.

        Raises
        ------
        DataError
            If it cannot be read any more, or is about other images or classes.
        """
        patch = read_patch(self.path)
        patch.require(self._places, self.dataset.name)
        decided = [self.image(digest) for digest in patch.decisions]
        if decided:  # raises an error with the row of a decision that is no class
            patch.of(ImageSet(np.stack(decided), np.zeros(len(decided), np.int64), self.class_names))
        return patch

    def image(self, digest: str) -> UInt8:
        """The image with this sha256, uint8 (h, w) or (h, w, 3).

        Raises
        ------
        KeyError
            If the data has none.
        """
        split, place = self._places[digest]
        image: UInt8 = self._split(split).images[place]
        return image

    def decide(self, digest: str, decision: str) -> tuple[Patch, Patch]:
        """Write one of ``decisions`` about an image; gives the file before and after.

        Raises
        ------
        KeyError
            If the file has no such image.
        DataError
            If the file can no longer be read, or is about other images.
        OSError
            If it cannot be written.
        """
        file = self.path.resolve()  # what a link points to is written, not the link
        with waiting_for(file):
            before = self.read()
            before.rows[digest]
            atomic_write(file, with_decision(file.read_bytes(), digest, decision))
            return before, self.read()

    def state(self, patch: Patch) -> dict[str, Any]:
        """What there is to decide and what was decided, as plain values."""
        commands = [
            ["digitwise", command, *more, self.dataset.name, "--patch", str(self.path)]
            for command, *more in (("check", "--labels"), ("train", "augmented", "--data"))
        ]
        return {
            "path": str(self.path),
            "data": self.dataset.name,
            "class_names": list(self.class_names),
            "version": patch.sha256,
            "progress": progress(patch),
            "rows": [self._row(digest, cells, patch) for digest, cells in rows_of(patch).items()],
            "commands": [shlex.join(command) for command in commands],
        }

    def _row(self, digest: str, cells: dict[str, str], patch: Patch) -> dict[str, Any]:
        split, place = self._places[digest]
        return {
            "sha256": digest,
            "split": split,
            "index": cells.get("index") or None,
            "file": cells.get("file") or None,
            "given": self.class_names[self._split(split).labels[place]],
            "suggested": cells.get("suggested") or None,
            "confidence": _share(cells.get("confidence", "")),
            "decision": patch.decisions.get(digest, ""),
            "more": {name: cell for name, cell in cells.items() if cell and name not in COLUMNS},
        }

    def _split(self, name: str) -> ImageSet:
        return self.dataset.test if name == "test" else self.dataset.train


def progress(patch: Patch) -> dict[str, int]:
    """How many images there are, and how many have a decision."""
    return {"images": len(patch.rows), "decided": len(patch.decisions)}


def _can_be_decided(name: str) -> bool:
    """Whether a patch that has it as a decision is read back as that, not as another one or as none."""
    return bool(name) and name == name.strip() and name.lower() not in ("drop", "keep")


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


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

    def image(request: Request) -> Response:
        try:
            pixels = labels.image(request.path_params["sha256"])
        except KeyError:
            raise _unknown() from None
        forever = {"Cache-Control": "private, max-age=31536000, immutable"}  # the address names the content
        return Response(as_png(pixels), headers=forever, media_type="image/png")

    async def decide(request: Request) -> Response:
        decision = _decision(await _body(request))
        return await run_in_threadpool(_decide, labels, request.path_params["sha256"], decision)

    routes = [
        Route("/", page("review.html")),
        Route("/static/{name:path}", file),
        Route("/v1/review", state),
        Route("/v1/review/images/{sha256}.png", image),
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
    return Problem(404, "expected the sha256 of an image under review, got another")
