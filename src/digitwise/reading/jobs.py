"""Reading many files: each as one digit, as a page, page by page or block by block, in the order they came in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from digitwise.decoding import Decoded, open_pages, open_picture
from digitwise.decoding.content import LONGEST, is_pdf
from digitwise.errors import DataError, DigitwiseError
from digitwise.files import expanded
from digitwise.images import UInt8
from digitwise.reading.reader import PAGE, Reader
from digitwise.reading.results import Page, Reading
from digitwise.reading.sources import STDIN, printable

Mode = Literal["single", "numbers"]
SMALL = 300  # pixels: a picture no larger, and
SQUARISH = 1.5  # not so many times wider than high, is taken for one digit
AHEAD = 4  # pictures for each thread that are decoded before they are asked for

Source = TypeVar("Source")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Found:
    """What was read from one picture.

    Parameters
    ----------
    path : str
        The file, printable.
    result : Reading or Page
        A reading of status ``error`` where it could not be read.
    page : int, optional
        Of a PDF, from 1.
    row : int, optional
        Of a set, from 0.
    notes : tuple of str
        What was done with the file.
    image : ndarray of uint8, shape (28, 28), optional
        What the model saw of one digit.
    picture : Decoded, optional
        For drawing on it; only where asked for.
    """

    path: str
    result: Reading | Page
    page: int | None = None
    row: int | None = None
    notes: tuple[str, ...] = ()
    image: UInt8 | None = None
    picture: Decoded | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """How pictures are read.

    Parameters
    ----------
    reader : Reader
    mode : {"single", "numbers"}, optional
        By default as :func:`is_single` says, picture by picture.
    keep_pictures : bool
        Whether pictures are wanted for drawing.
    stdin : binary stream, optional
        What ``-`` stands for.
    """

    reader: Reader
    mode: Mode | None = None
    keep_pictures: bool = False
    stdin: BinaryIO | None = None

    def run(self, sources: Sequence[str]) -> Iterator[Found]:
        """Read files, those of several pages page by page, in order, some ahead of what is asked for."""
        threads = self.reader.model.threads
        if threads == 1 or len(sources) == 1:
            yield from (found() for found in self._tasks(sources))
        else:
            yield from ahead(lambda task: task(), self._tasks(sources), threads)

    def _tasks(self, sources: Sequence[str]) -> Iterator[Callable[[], Found]]:
        """One for each picture, to be run in any thread; pages of a PDF are rendered here, one by one."""
        for source in sources:
            try:
                content = self._content(source)
                if _begins_as_pdf(content):
                    pages = open_pages(content, max_pixels=self.reader.max_pixels, name=source)
                    for number, page in enumerate(pages, 1):
                        yield partial(self._read, source, partial(_itself, page), number)
                else:
                    yield partial(self._read, source, partial(self._decoded, source, content))
            except DigitwiseError as error:
                yield partial(failed, source, error)

    def _content(self, source: str) -> bytes | Path:
        if source != STDIN:
            return expanded(source)
        if self.stdin is None:
            raise DataError("-: expected a picture on the standard input, got none")
        return self.stdin.read(self.reader.max_pixels * 8 + 2**20)

    def _decoded(self, source: str, content: bytes | Path) -> Decoded:
        return open_picture(content, max_pixels=self.reader.max_pixels, at_least=PAGE, name=source)

    def _read(self, source: str, decode: Callable[[], Decoded], page: int | None = None) -> Found:
        try:
            decoded = decode()
            mode = self.mode or ("single" if page is None and is_single(decoded) else "numbers")
            name = printable(source)
            result, image = self._page(decoded, name) if mode == "numbers" else self._digit(decoded, name)
        except DigitwiseError as error:
            return failed(source, error, page)
        kept = decoded if self.keep_pictures else None
        return Found(name, result, page, notes=decoded.notes, image=image, picture=kept)

    def _page(self, decoded: Decoded, name: str) -> tuple[Page, None]:
        return self.reader.page_of(decoded, name), None

    def _digit(self, decoded: Decoded, name: str) -> tuple[Reading, UInt8]:
        prepared = self.reader.formed(decoded.picture)
        return self.reader.answered(prepared).readings([name])[0], prepared.images[0]


def _itself(decoded: Decoded) -> Decoded:
    return decoded


def is_single(decoded: Decoded) -> bool:
    """Whether a picture is small and square enough to be taken for one digit."""
    height, width = (side * decoded.scale for side in decoded.picture.shape[:2])
    return bool(max(height, width) <= SMALL and width <= SQUARISH * height)


def failed(source: str, error: Exception, page: int | None = None) -> Found:
    """The row of a file that could not be read."""
    name = printable(source)
    reason = printable(str(error).removeprefix(f"{source}: "))
    return Found(name, Reading(None, None, "error", path=name, error=reason), page)


def ahead(function: Callable[[Source], Result], sources: Iterable[Source], threads: int) -> Iterator[Result]:
    """Map in threads, in order, and never more than some results ahead: memory does not grow with the number."""
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="digitwise-files")
    try:
        for source in sources:
            waiting.append(pool.submit(function, source))
            if len(waiting) >= AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begins_as_pdf(content: bytes | Path) -> bool:
    if isinstance(content, bytes):
        return is_pdf(content)
    try:
        with content.open("rb") as file:
            return is_pdf(file.read(LONGEST))
    except (OSError, ValueError):
        return False  # which is told by who opens it
