"""Read many files in order: images as one digit or as pages, PDFs page by page, data sets block by block."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from digitwise.decoding import Decoded, open_image, open_pages
from digitwise.decoding.opening import LONGEST, is_pdf
from digitwise.errors import DataError, DigitwiseError, one_line
from digitwise.escaping import printable
from digitwise.files import expanded, is_pipe
from digitwise.formats import open_images
from digitwise.images import UInt8
from digitwise.reading.answers import Answers
from digitwise.reading.forms.template import Template
from digitwise.reading.inputs import STDIN
from digitwise.reading.known import Known, Region
from digitwise.reading.reader import PAGE, Reader
from digitwise.reading.results import Page, Reading

Mode = Literal["single", "numbers"]
SOME = 4  # images after which the time for the others is estimated
LONGEST_REASON = 500  # characters
WORTH = 3.0  # seconds of remaining work from which starting other processes, which takes one, is worth it
AHEAD = 3  # batches submitted per process ahead of the results
BATCH = 16  # items sent to a process together: sending small images one by one takes longer than reading them


@dataclass(frozen=True, eq=False)
class ImageResult:
    """What was read from one image.

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
        Notes on how the file was decoded.
    image : ndarray of uint8, shape (28, 28), optional
        What the model saw of one digit.
    decoded : Decoded, optional
        The image, for drawing on it; only if requested.
    of_lines : bool
        Whether a page was requested, if it could not be read.
    """

    path: str
    result: Reading | Page
    page: int | None = None
    row: int | None = None
    notes: tuple[str, ...] = ()
    image: UInt8 | None = None
    decoded: Decoded | None = None
    of_lines: bool = False


@dataclass(frozen=True, eq=False)
class Item:
    """One image to read.

    Parameters
    ----------
    source : str
        As it was given.
    content : bytes, Path, Decoded or str
        A file or its content; a rendered page; or the reason why there is nothing to read.
    page : int, optional
        Of a PDF, from 1.
    """

    source: str
    content: bytes | Path | Decoded | str
    page: int | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """How images are read.

    Parameters
    ----------
    reader : Reader
    mode : {"single", "numbers"}, optional
        By default decided image by image; see ``Reader.auto_of``.
    keep_images : bool
        Whether results keep the image, for drawing.
    stdin : binary stream, optional
        Read for ``-``.
    region : Region, optional
        The part of each image that is read.
    known : Known, optional
        How numbers look; only with mode "numbers".
    template : Template, optional
        What forms look like; only with mode "numbers".
    """

    reader: Reader
    mode: Mode | None = None
    keep_images: bool = False
    stdin: BinaryIO | None = None
    region: Region | None = None
    known: Known | None = None
    template: Template | None = None

    def run(self, sources: Sequence[str]) -> Iterator[ImageResult]:
        """Read files, those of several pages page by page, in order.

        If the rest would take some seconds, other processes read it. Threads would help for large photos only, whose
        decoding releases the interpreter lock; small images and pages would be slower in several threads.
        """
        items, threads = self._items(sources), self.reader.model.threads
        spent = 0.0
        for done, item in enumerate(items):
            started = time.monotonic()
            found = self.read(item)
            spent += (time.monotonic() - started) if done else 0.0  # the first one also loads libraries
            yield found
            if threads > 1 and done >= SOME and spent / done * (len(sources) - done - 1) > WORTH:
                yield from in_processes(replace(self, stdin=None), self._batches(items), threads)
                return

    def _batches(self, items: Iterator[Item]) -> Iterator[list[Item]]:
        """Items to send to a process together; decoded images are sent alone."""
        batch: list[Item] = []
        for item in items:
            batch.append(item)
            if self.keep_images or not isinstance(item.content, Path) or len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _items(self, sources: Sequence[str]) -> Iterator[Item]:
        """One item per image; pages of a PDF are rendered here, one by one."""
        for source in sources:
            try:
                content = self._content(source)
                if _begins_as_pdf(content):
                    pages = open_pages(content, max_pixels=self.reader.max_pixels, name=source)
                    for number, page in enumerate(pages, 1):
                        yield Item(source, page, number)
                else:
                    yield Item(source, content)
            except Exception as error:  # of any kind: a bad input becomes a row with its error
                yield Item(source, reason_of(error))

    def _content(self, source: str) -> bytes | Path:
        most = self.reader.max_pixels * 8 + 2**20
        if source != STDIN:
            path = expanded(source)
            return _of_pipe(path, most) if is_pipe(path) else path
        if self.stdin is None:
            raise DataError("-: expected an image on the standard input, got none")
        return self.stdin.read(most)

    def read(self, item: Item) -> ImageResult:
        """Read one image, in any thread or process; an error becomes its result."""
        source, content, page = item.source, item.content, item.page
        try:
            decoded = content if isinstance(content, Decoded) else self._decoded(source, content)
            name = printable(source)
            result, image = self._found(decoded, name)
        except Exception as error:
            return failed(source, error, page, of_lines=self.mode == "numbers")
        kept = decoded if self.keep_images else None
        return ImageResult(name, result, page, notes=decoded.notes, image=image, decoded=kept)

    def _decoded(self, source: str, content: bytes | Path | str) -> Decoded:
        if isinstance(content, str):
            raise DataError(content)
        return open_image(content, max_pixels=self.reader.max_pixels, at_least=PAGE, name=source)

    def _found(self, decoded: Decoded, name: str) -> tuple[Reading | Page, UInt8 | None]:
        """The result, and the model's input if it is one digit."""
        decoded = decoded if self.region is None else self.region.of(decoded)
        if self.template is not None:
            return self.reader.form_of(decoded, self.template, name), None
        if self.mode == "numbers":
            return self.reader.page_of(decoded, name, known=self.known), None
        single = self.mode == "single"
        found = self.reader.single_of(decoded.image, name) if single else self.reader.auto_of(decoded, name)
        return (found, None) if isinstance(found, Page) else (found.reading, found.image)


def reason_of(error: Exception) -> str:
    """The error in one line, with its type if it is not one of digitwise's own."""
    told = str(error) if isinstance(error, DigitwiseError) else f"cannot be read: {type(error).__name__}: {error}"
    return one_line(told, LONGEST_REASON)


def failed(source: str, error: Exception, page: int | None = None, *, of_lines: bool = False) -> ImageResult:
    """The row of a file that could not be read."""
    name = printable(source)
    reason = printable(reason_of(error).removeprefix(f"{source}: "))
    return ImageResult(name, Reading(None, None, "error", path=name, error=reason), page, of_lines=of_lines)


def _of_pipe(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _begins_as_pdf(content: bytes | Path) -> bool:
    if isinstance(content, bytes):
        return is_pdf(content)
    try:
        with content.open("rb") as file:
            return is_pdf(file.read(LONGEST))
    except (OSError, ValueError):
        return False  # the error is raised on opening


def in_processes(job: Job, batches: Iterable[list[Item]], processes: int) -> Iterator[ImageResult]:
    """Read in other processes, in order; memory does not grow with the number of items.

    Parameters
    ----------
    job : Job
    batches : iterable of list of Item
        Each is sent to one process.
    processes : int

    Raises
    ------
    DataError
        If a process was killed, as the system does when memory runs out.
    """
    waiting: deque[Future[list[ImageResult]]] = deque()
    # Not forked: onnxruntime has threads, which a fork would leave behind in the middle of something.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (job,))
    try:
        for batch in batches:
            waiting.append(pool.submit(_work, batch))
            if len(waiting) >= AHEAD * processes:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process that read images was ended, perhaps for want of memory; try --threads 1 or fewer --max-pixels"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_job: Job | None = None  # of this process


def _begin(job: Job) -> None:
    global _job  # noqa: PLW0603  # the way to pass an object to all calls in a pool's process
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one


def _work(batch: list[Item]) -> list[ImageResult]:
    assert _job is not None
    return [_job.read(item) for item in batch]


@dataclass(frozen=True, eq=False)
class ReadBlock:
    """What was read from a block of a data set.

    Parameters
    ----------
    path : str
        The file, printable.
    first : int
        The row of its first image.
    answers : Answers or list of Reading
        A list if the images came as files.
    images : ndarray of uint8, shape (n, 28, 28), optional
        The model's input, if they did not.
    """

    path: str
    first: int
    answers: Answers | list[Reading]
    images: UInt8 | None = None

    def __len__(self) -> int:
        return len(self.answers)

    def rows(self, most: int | None = None) -> Iterator[ImageResult]:
        """One by one, at most the first ``most``."""
        answers = self.answers
        if isinstance(answers, Answers):
            cut = slice(None, most)
            cuts = {name: getattr(answers, name)[cut] for name in ("probabilities", "blank", "sure", "agreed")}
            answers = replace(answers, **cuts).readings()
        for place, reading in enumerate(answers[:most]):
            image = None if self.images is None else self.images[place]
            yield ImageResult(self.path, replace(reading, path=self.path), row=self.first + place, image=image)


def read_set(
    reader: Reader, path: Path, label_column: str | None = None
) -> tuple[int | None, str, Iterator[ReadBlock]]:
    """Read a set of images.

    Parameters
    ----------
    reader : Reader
    path : Path
    label_column : str, optional
        As for :func:`digitwise.formats.open_images`.

    Returns
    -------
    (int or None, str, iterator of ReadBlock)
        The number of images, if known; the name of the array or column; the blocks.

    Raises
    ------
    DataError
        If it cannot be read; errors found later are raised with a block.
    """
    with _told(path):
        stored = open_images(path, max_pixels=reader.max_pixels, label_column=label_column)
        rows, note = stored.rows, stored.note
    return rows, note, _blocks(reader, path, stored.images())


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn any error that a library raises about a file into a DataError."""
    try:
        yield
    except DigitwiseError:
        raise
    except Exception as error:
        raise DataError(f"{path}: {reason_of(error)}") from error


def _blocks(reader: Reader, path: Path, blocks: Iterator[UInt8 | list[bytes | None]]) -> Iterator[ReadBlock]:
    name, first = printable(str(path)), 0
    while True:
        with _told(path):  # errors of the caller are not about the file
            block = next(blocks, None)
            if block is None:
                return
            if isinstance(block, list):
                found = ReadBlock(name, first, reader.read(block, progress=False))
            else:
                prepared = reader.formed_stack(block)
                found = ReadBlock(name, first, reader.answered(prepared), prepared.images)
        yield found
        first += len(found)
