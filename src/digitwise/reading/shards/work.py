"""What a worker is given, does, and tells."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from digitwise.errors import ClusterError, DataError, DigitwiseError, one_line
from digitwise.files import printable
from digitwise.reading.reader import Reader
from digitwise.reading.shards.cuts import Cut
from digitwise.reading.shards.manifest import NAME, holds
from digitwise.reading.shards.parts import Counts, counts_of, part_name
from digitwise.reading.shards.places import Place
from digitwise.reading.shards.shard import read_shard
from digitwise.system import peak_memory

Task = tuple[int, Cut]  # a number and what it is of


@dataclass(frozen=True)
class Work:
    """What holds for all shards.

    Parameters
    ----------
    job : str
        Its id.
    place : Place
        Where rows go.
    model : bytes
        The model's file, so that all workers read with the same one.
    max_error : float or None
    max_pixels : int
    """

    job: str
    place: Place
    model: bytes
    max_error: float | None
    max_pixels: int

    def reader(self, threads: int | None) -> Reader:
        """A reader as this work wants it."""
        handle, name = tempfile.mkstemp(suffix=".onnx")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self.model)
            return Reader(name, max_error=self.max_error, threads=threads, max_pixels=self.max_pixels)
        finally:
            os.unlink(name)


@dataclass(frozen=True)
class Outcome:
    """What became of a shard.

    Parameters
    ----------
    number : int
    counts : Counts, optional
        None where it failed.
    error : str
        Why it did.
    fatal : DigitwiseError, optional
        Why no other shard would fare better, as on a full disk.
    peak_bytes : int
        Of memory, that the worker ever held; 0 where the system does not tell.
    """

    number: int
    counts: Counts | None = None
    error: str = ""
    fatal: DigitwiseError | None = None
    peak_bytes: int = 0


class Readers(Protocol):
    """Something that reads shards, in any order."""

    def run(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome, None, None]:
        """Read each, and tell of it when it is finished or has failed."""


class InHere:
    """Reads shard after shard in this process.

    Parameters
    ----------
    threads : int, optional
        By default one a core.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads

    def run(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome, None, None]:
        """See :class:`Readers`."""
        reader = work.reader(self.threads)
        for number, cut in tasks:
            yield done(work, reader, number, cut)


def done(work: Work, reader: Reader, number: int, cut: Cut) -> Outcome:
    """Read a shard, unless it is finished; what goes wrong is an outcome too."""
    try:
        counts = counts_of(work.place, work.job, number)
        if counts is None:
            if not holds(work.place, work.job):
                return Outcome(number, fatal=unseen(work.place))
            counts = read_shard(reader, cut, work.place, work.job, number)
    except DigitwiseError as error:
        return Outcome(number, error=_line(error))
    except OSError as error:  # reading has errors of our own
        told = f"{work.place.name}: {part_name(number)} cannot be written: {_line(error)}"
        return Outcome(number, fatal=DataError(f"{told}; make room, and run the same again: it goes on from there"))
    except Exception as error:  # others can still be read
        return Outcome(number, error=f"{cut.name}: {type(error).__name__}: {_line(error)}")
    return Outcome(number, counts, peak_bytes=peak_memory() or 0)


def unseen(place: Place) -> ClusterError:
    """That machines do not see one folder."""
    return ClusterError(
        f"{place.name}: a machine of the cluster does not see its {NAME}: the machines share no such folder; "
        "choose one that all of them see, or an address"
    )


def _line(error: Exception) -> str:
    return printable(one_line(getattr(error, "strerror", None) or error, 300))
