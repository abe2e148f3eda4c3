"""Reading many files: each as one digit, as a page, page by page or block by block, in the order they came in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from digitwise.decoding import Decoded, open_pages, open_picture
from digitwise.decoding.opening import LONGEST, is_pdf
from digitwise.errors import DataError, DigitwiseError, one_line
from digitwise.files import expanded, is_pipe, printable
from digitwise.images import UInt8
from digitwise.reading.forms.template import Template
from digitwise.reading.known import Known, Region
from digitwise.reading.processes import BATCH, in_processes
from digitwise.reading.reader import PAGE, Reader
from digitwise.reading.results import Page, Reading
from digitwise.reading.sources import STDIN

Mode = Literal["single", "numbers"]
SOME = 4  # pictures after which the time for the others is reckoned
LONGEST_REASON = 500  # characters
WORTH = 3.0  # seconds of work left from which other processes, which take most of one to start, are worth it


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
    of_lines : bool
        Whether lines were asked for, where it could not be read.
    """

    path: str
    result: Reading | Page
    page: int | None = None
    row: int | None = None
    notes: tuple[str, ...] = ()
    image: UInt8 | None = None
    picture: Decoded | None = None
    of_lines: bool = False


@dataclass(frozen=True, eq=False)
class Task:
    """One picture to be read.

    Parameters
    ----------
    source : str
        As it was given.
    content : bytes, Path, Decoded or str
        A file or what is in it; a page that is rendered already; or why there is nothing to be read.
    page : int, optional
        Of a PDF, from 1.
    """

    source: str
    content: bytes | Path | Decoded | str
    page: int | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """How pictures are read.

    Parameters
    ----------
    reader : Reader
    mode : {"single", "numbers"}, optional
        By default as it turns out, picture by picture; see ``Reader.auto_of``.
    keep_pictures : bool
        Whether pictures are wanted for drawing.
    stdin : binary stream, optional
        What ``-`` stands for.
    region : Region, optional
        The part of each image that is read.
    known : Known, optional
        How numbers look; only with mode "numbers".
    template : Template, optional
        What forms look like; only with mode "numbers".
    """

    reader: Reader
    mode: Mode | None = None
    keep_pictures: bool = False
    stdin: BinaryIO | None = None
    region: Region | None = None
    known: Known | None = None
    template: Template | None = None

    def run(self, sources: Sequence[str]) -> Iterator[Found]:
        """Read files, those of several pages page by page, in order.

        Where what is left would take some seconds, other processes are started for it. Threads would do for large
        photos, whose decoding lets them run; small pictures and pages are mostly Python's own work, and slower in
        threads than in one.
        """
        tasks, threads = self._tasks(sources), self.reader.model.threads
        spent = 0.0
        for done, task in enumerate(tasks):
            started = time.monotonic()
            found = self.read(task)
            spent += (time.monotonic() - started) if done else 0.0  # the first one also loads libraries
            yield found
            if threads > 1 and done >= SOME and spent / done * (len(sources) - done - 1) > WORTH:
                yield from in_processes(replace(self, stdin=None), self._batches(tasks), threads)
                return

    def _batches(self, tasks: Iterator[Task]) -> Iterator[list[Task]]:
        """Tasks that go to another process together; pictures that are sent along go alone."""
        batch: list[Task] = []
        for task in tasks:
            batch.append(task)
            if self.keep_pictures or not isinstance(task.content, Path) or len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _tasks(self, sources: Sequence[str]) -> Iterator[Task]:
        """One for each picture; pages of a PDF are rendered here, one by one."""
        for source in sources:
            try:
                content = self._content(source)
                if _begins_as_pdf(content):
                    pages = open_pages(content, max_pixels=self.reader.max_pixels, name=source)
                    for number, page in enumerate(pages, 1):
                        yield Task(source, page, number)
                else:
                    yield Task(source, content)
            except Exception as error:  # of libraries too: one bad input is a row, whatever is wrong with it
                yield Task(source, reason_of(error))

    def _content(self, source: str) -> bytes | Path:
        most = self.reader.max_pixels * 8 + 2**20
        if source != STDIN:
            path = expanded(source)
            return _of_pipe(path, most) if is_pipe(path) else path
        if self.stdin is None:
            raise DataError("-: expected a picture on the standard input, got none")
        return self.stdin.read(most)

    def read(self, task: Task) -> Found:
        """Read one picture, in any thread or process; what goes wrong with it is its row."""
        source, content, page = task.source, task.content, task.page
        try:
            decoded = content if isinstance(content, Decoded) else self._decoded(source, content)
            name = printable(source)
            result, image = self._found(decoded, name)
        except Exception as error:
            return failed(source, error, page, of_lines=self.mode == "numbers")
        kept = decoded if self.keep_pictures else None
        return Found(name, result, page, notes=decoded.notes, image=image, picture=kept)

    def _decoded(self, source: str, content: bytes | Path | str) -> Decoded:
        if isinstance(content, str):
            raise DataError(content)
        return open_picture(content, max_pixels=self.reader.max_pixels, at_least=PAGE, name=source)

    def _found(self, decoded: Decoded, name: str) -> tuple[Reading | Page, UInt8 | None]:
        """What is on it, and what the model saw of one digit."""
        decoded = decoded if self.region is None else self.region.of(decoded)
        if self.template is not None:
            return self.reader.form_of(decoded, self.template, name), None
        if self.mode == "numbers":
            return self.reader.page_of(decoded, name, known=self.known), None
        single = self.mode == "single"
        found = self.reader.single_of(decoded.picture, name) if single else self.reader.auto_of(decoded, name)
        return (found, None) if isinstance(found, Page) else (found.reading, found.image)


def reason_of(error: Exception) -> str:
    """Why something could not be read, in one line; with its type where it is none of our own errors."""
    told = str(error) if isinstance(error, DigitwiseError) else f"cannot be read: {type(error).__name__}: {error}"
    return one_line(told, LONGEST_REASON)


def failed(source: str, error: Exception, page: int | None = None, *, of_lines: bool = False) -> Found:
    """The row of a file that could not be read."""
    name = printable(source)
    reason = printable(reason_of(error).removeprefix(f"{source}: "))
    return Found(name, Reading(None, None, "error", path=name, error=reason), page, of_lines=of_lines)


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
        return False  # which is told by who opens it
