"""Images that clients send: a request's body within limits, the images in it, and the folder for labelled ones.

A body is a form, one image, or arrays in JSON. Labelled images are kept as a folder set of the owner:
``DIR/CLASS/START-OF-SHA256.png``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeGuard

import numpy as np
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from digitwise.decoding import MAX_PIXELS, open_image
from digitwise.decoding.opening import is_pdf
from digitwise.errors import DataError
from digitwise.files import whole_file
from digitwise.images import UInt8
from digitwise.outputs import waiting_for
from digitwise.server.outcomes import Source
from digitwise.server.refusals import Problem, busy

logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it would log content of requests

NAME = 200  # characters of a file's name that are returned
FIELDS = 10  # parts of a form without a file
SPACIOUS = 16  # bytes of JSON per pixel, with line breaks and indentation
KINDS = "multipart/form-data with files, image/*, application/pdf or application/json with arrays"
LONG = 2**16  # bytes; a longer body is taken apart in a thread: 20 MB take 0.3 s, in which nobody would be answered
TIMES = 4  # bytes held for all requests together, in largest bodies
DIGITS = 20  # hexadecimal digits of the sha256 that name a file: enough to tell any number of images apart


@dataclass(frozen=True)
class RequestLimits:
    """Limits of one request.

    Parameters
    ----------
    bytes : int
        Of its body.
    pixels : int
        Of one image.
    files : int
        Images in it.
    pages : int
        Of one PDF.
    seconds : float
        For receiving its body, and again for computing the answer.
    """

    bytes: int = 20 * 2**20
    pixels: int = MAX_PIXELS
    files: int = 100
    pages: int = 100
    seconds: float = 30.0


class Intake:
    """Receives bodies in memory, within a limit for all together.

    Parameters
    ----------
    limits : RequestLimits
    """

    def __init__(self, limits: RequestLimits) -> None:
        self.limits = limits
        self.held = 0  # bytes

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """A request's body, which counts as held until the block is left.

        Raises
        ------
        Problem
            413 if it is too large, 408 if it is too slow, 415 if it is compressed, 503 if memory is full.
        ClientDisconnect
            If the client disconnects before it is complete.
        """
        self._check(request)
        taken = bytearray()
        try:
            await self._fill(taken, request)
        except BaseException:
            self.held -= len(taken)
            raise
        size = request.scope["digitwise.bytes"] = len(taken)
        try:
            yield _handed_over(taken)
        finally:
            self.held -= size

    async def _fill(self, taken: bytearray, request: Request) -> None:
        seconds = self.limits.seconds
        try:
            async with asyncio.timeout(seconds):
                async for part in request.stream():
                    taken += part
                    self.held += len(part)
                    self._check_held(len(taken))
        except TimeoutError as error:
            detail = f"expected the body within {seconds:g} s, got a part of it"
            raise Problem(408, detail, headers={"Connection": "close"}, limit=seconds) from error

    def _check(self, request: Request) -> None:
        """Reject a request by its headers."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "expected a body that is not compressed, got one with a Content-Encoding; send it plain")
        length = request.headers.get("content-length", "")
        if length.isdecimal():
            self._check_size(int(length))

    def _check_size(self, size: int) -> None:
        most = self.limits.bytes
        if size > most:
            raise Problem(413, f"expected a body of at most {most:,} bytes, got more; send fewer at a time", limit=most)

    def _check_held(self, size: int) -> None:
        self._check_size(size)
        if self.held > TIMES * self.limits.bytes:
            raise busy()


def _handed_over(taken: bytearray) -> bytes:
    """The content; the buffer is emptied, so that there is one copy."""
    content = bytes(taken)
    taken.clear()
    return content


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """One image of a request.

    Parameters
    ----------
    name : str or None
        The last part of its file's name, for the answer only.
    source : bytes or ndarray of uint8
    """

    name: str | None
    source: Source


async def uploads_of(
    request: Request, body: bytes, limits: RequestLimits, shape: tuple[int, ...] | None = None
) -> list[Upload]:
    """The images in a body.

    Parameters
    ----------
    request : Request
        For its headers.
    body : bytes
    limits : RequestLimits
    shape : tuple of int, optional
        Of an image in JSON; without it there may be none.

    Raises
    ------
    Problem
        415 for another kind of body, 400 for a damaged one, 422 where nothing in it can be read, 413 for too many.
    """
    kind = kind_of(request)
    if is_alone(kind):
        return [Upload(None, body)]
    if kind == "multipart/form-data":
        files, _ = await form_of(request, body, files=limits.files)
        if not files:
            raise Problem(422, "expected a form with a file, got none; give the part a filename")
        return files
    if kind == "application/json" and shape is not None:
        long = len(body) > LONG
        images = await asyncio.to_thread(_arrays, body, limits, shape) if long else _arrays(body, limits, shape)
        return [Upload(None, image) for image in images]
    expected = KINDS if shape is not None else KINDS.rpartition(" or ")[0].replace(", ", " or ")
    raise Problem(415, f"expected {expected}, got another content type; name it in Content-Type")


def is_alone(kind: str) -> bool:
    """Whether a body of this content type is one file."""
    return kind.startswith("image/") or kind == "application/pdf"


def is_document(source: Source) -> TypeGuard[bytes]:
    """Whether an upload is a PDF, by its first bytes."""
    return isinstance(source, bytes) and is_pdf(source)


def kind_of(request: Request) -> str:
    """The content type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def base_name(name: str | None) -> str:
    """The last part of a name on any system, cut to :data:`NAME`; it is only returned, never opened."""
    return re.split(r"[\\/]", name or "")[-1][:NAME]


async def form_of(request: Request, body: bytes, *, files: int) -> tuple[list[Upload], dict[str, str]]:
    """The files of a form, and its other fields.

    Raises
    ------
    Problem
        400 where the form is damaged, 413 where there are more files.
    """

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=files, max_fields=FIELDS)
    parser.spool_max_size = len(body) + 1  # so that nothing is written to disk
    try:
        form = await (parser.parse() if len(body) <= LONG else asyncio.to_thread(asyncio.run, parser.parse()))
    except (MultiPartException, ValueError) as error:
        reason = str(getattr(error, "message", "damaged"))
        if reason.startswith("Too many files"):
            raise Problem(
                413, f"expected at most {files} files, got more; send fewer at a time", limit=files
            ) from error
        raise Problem(400, f"expected a whole form, got one that cannot be read: {reason.rstrip('.')}") from error
    parts = form.multi_items()
    found = [Upload(base_name(each.filename), await each.read()) for _, each in parts if isinstance(each, UploadFile)]
    await form.close()
    return found, {name: each for name, each in parts if isinstance(each, str)}


def _arrays(body: bytes, limits: RequestLimits, shape: tuple[int, ...]) -> list[Any]:
    most = limits.files * math.prod(shape) * SPACIOUS
    if len(body) > most:
        raise Problem(413, f"expected at most {most:,} bytes of JSON, got {len(body):,}; send fewer", limit=most)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "expected JSON, got what is none") from error
    sides = "x".join(map(str, shape))
    expected = f"expected one image [[…]] or several [[[…]]] of {sides} whole numbers from 0 to 255"
    try:
        array = np.asarray(document)
    except ValueError as error:
        raise Problem(422, f"{expected}, got rows of different lengths") from error
    whole = array.dtype.kind == "i" or (array.dtype.kind == "f" and np.array_equal(array, np.rint(array)))
    if not whole or b"t" in body or b"f" in body:  # true and false would count as 1 and 0
        raise Problem(422, f"{expected}, got other values")
    if array.shape[-len(shape) :] != shape or array.ndim > len(shape) + 1:
        raise Problem(422, f"{expected}, got an array of shape {array.shape}")
    images = array.reshape(-1, *shape)
    if len(images) > limits.files:
        raise Problem(413, f"expected at most {limits.files} images, got {len(images)}; send fewer", limit=limits.files)
    if images.min() < 0 or images.max() > 255:
        raise Problem(422, f"{expected}, got {images.min()} to {images.max()}")
    return list(images.astype(np.uint8))


@dataclass(frozen=True)
class Collected:
    """The result of storing an image.

    Parameters
    ----------
    path : str
        Below the folder, with ``/``.
    outcome : {"new", "known", "moved"}
        Whether it was there already under this label, or was moved from another one.
    """

    path: str
    outcome: Literal["new", "known", "moved"]


class Collection:
    """A folder set that grows image by image; threads and processes may add to it at the same time.

    Images are stored as decoded: upright, and without metadata such as place and time.

    Parameters
    ----------
    folder : str or Path
        Created if it does not exist.
    class_names : sequence of str
        The labels; each gets a folder with its first image.
    max_pixels : int
        Larger images are refused.

    Raises
    ------
    DataError
        If the folder cannot be written to or holds ``train`` and ``test``, or a class cannot name a folder.
    """

    def __init__(self, folder: str | Path, class_names: Sequence[str], *, max_pixels: int = MAX_PIXELS) -> None:
        self.folder = Path(folder)
        self.class_names = tuple(class_names)
        self.max_pixels = max_pixels
        if odd := [name for name in self.class_names if not _names_a_folder(name)]:
            raise DataError(f"{self.folder}: expected classes whose names can be folders, got {odd[0]!r}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self.folder}: expected a folder to collect in, got: {error.strerror}") from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise DataError(f"{self.folder}: expected a folder that can be written to; choose another")
        if (self.folder / "train").is_dir() and (self.folder / "test").is_dir():
            raise DataError(
                f"{self.folder}: expected one folder a class, got train and test; collect in {self.folder / 'train'}"
            )

    def add(self, image: bytes | UInt8, label: str) -> Collected:
        """Store an image under a label; the same image under another one is moved.

        Parameters
        ----------
        image : bytes or ndarray of uint8, shape (h, w) or (h, w, 3)
            A file's content, or pixels.
        label : str
            A class name.

        Returns
        -------
        Collected

        Raises
        ------
        DataError
            If the label is no class, or the image cannot be read.
        OSError
            If it cannot be written.
        """
        if label not in self.class_names:
            raise DataError(f"label: expected one of {', '.join(self.class_names[:20])}, got {label[:40]!r}")
        pixels = open_image(image, max_pixels=self.max_pixels).image if isinstance(image, bytes) else image
        file = f"{_digest(pixels)[:DIGITS]}.png"
        place = self.folder / label / file
        with waiting_for(self.folder / "images"):
            if place.exists():
                return Collected(f"{label}/{file}", "known")
            earlier = [path for name in self.class_names if (path := self.folder / name / file).exists()]
            if earlier:
                place.parent.mkdir(exist_ok=True)
                earlier[0].replace(place)
                with suppress(OSError):  # an empty folder would be a class without images; others hold more
                    earlier[0].parent.rmdir()
            else:
                with whole_file(place) as temporary:
                    Image.fromarray(pixels).save(temporary)
        return Collected(f"{label}/{file}", "moved" if earlier else "new")


def _digest(pixels: UInt8) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def _names_a_folder(name: str) -> bool:
    """Whether a folder of this name would be read as this class: hidden ones are passed over."""
    plain = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    return plain and 0 < len(name.encode()) <= 200 and name == name.strip() and not name.startswith(".")
