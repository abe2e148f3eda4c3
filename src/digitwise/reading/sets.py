"""Reading sets of pictures, arrays or tables, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from digitwise.errors import DataError, DigitwiseError
from digitwise.files import printable
from digitwise.formats import open_images
from digitwise.images import UInt8
from digitwise.reading.answers import Answers
from digitwise.reading.jobs import Found, reason_of
from digitwise.reading.reader import Reader
from digitwise.reading.results import Reading


@dataclass(frozen=True, eq=False)
class Part:
    """A block of a set, read.

    Parameters
    ----------
    path : str
        The file, printable.
    first : int
        The row of its first picture.
    answers : Answers or list of Reading
        A list where pictures came as files.
    images : ndarray of uint8, shape (n, 28, 28), optional
        What the model saw, where they did not.
    """

    path: str
    first: int
    answers: Answers | list[Reading]
    images: UInt8 | None = None

    def __len__(self) -> int:
        return len(self.answers)

    def rows(self, most: int | None = None) -> Iterator[Found]:
        """One by one, at most the first ``most``."""
        answers = self.answers
        if isinstance(answers, Answers):
            cut = slice(None, most)
            cuts = {name: getattr(answers, name)[cut] for name in ("probabilities", "blank", "sure", "agreed")}
            answers = replace(answers, **cuts).readings()
        for place, reading in enumerate(answers[:most]):
            image = None if self.images is None else self.images[place]
            yield Found(self.path, replace(reading, path=self.path), row=self.first + place, image=image)


def read_set(reader: Reader, path: Path) -> tuple[int | None, str, Iterator[Part]]:
    """Read a set of pictures.

    Parameters
    ----------
    reader : Reader
    path : Path
        As for :func:`digitwise.formats.open_images`.

    Returns
    -------
    (int or None, str, iterator of Part)
        How many pictures, where that is known; which array or column; the blocks.

    Raises
    ------
    DataError
        If it cannot be read; what only reading tells comes with a part.
    """
    with _told(path):
        stored = open_images(path, max_pixels=reader.max_pixels)
        rows, note = stored.rows, stored.note
    return rows, note, _whole(_parts(reader, printable(str(path)), stored.images()), path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Make an error of our own of any that a library raises about a file."""
    try:
        yield
    except DigitwiseError:
        raise
    except Exception as error:
        raise DataError(f"{path}: {reason_of(error)}") from error


def _whole(parts: Iterator[Part], path: Path) -> Iterator[Part]:
    """The parts; only what goes wrong in making them is about the file, not what is done with them."""
    while True:
        with _told(path):
            part = next(parts, None)
        if part is None:
            return
        yield part


def _parts(reader: Reader, name: str, blocks: Iterator[UInt8 | list[bytes | None]]) -> Iterator[Part]:
    first = 0
    for block in blocks:
        if isinstance(block, list):
            part = Part(name, first, reader.read(block))
        else:
            prepared = reader.formed_stack(block)
            part = Part(name, first, reader.answered(prepared), prepared.images)
        yield part
        first += len(part)
