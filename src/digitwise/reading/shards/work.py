"""Reading into shards from the sources to the last file: what a worker gets, does, and reports."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from digitwise.addresses import LocalFolder, OutputFolder
from digitwise.errors import ClusterError, DataError, DigitwiseError
from digitwise.escaping import printable
from digitwise.outputs import Kind, claimed
from digitwise.reading.model import model_content
from digitwise.reading.reader import Reader
from digitwise.reading.shards.manifest import NAME, Counts, ShardsJob, begin, counts_of, holds, part_name, sweep
from digitwise.reading.shards.plan import Cut, plan
from digitwise.reading.shards.shard import read_shard
from digitwise.system import peak_memory

NumberedCut = tuple[int, Cut]
SHARDS = Kind("shards", "a folder of this job")
PATIENCE = 5.0  # seconds within which a file of another machine must become visible here


@dataclass(frozen=True)
class Work:
    """What workers need for any shard.

    Parameters
    ----------
    job : str
        Its id.
    folder : OutputFolder
        For the rows.
    model : bytes
        The content of the model's file, so that all workers use the same one.
    max_error : float or None
    max_pixels : int
    """

    job: str
    folder: OutputFolder
    model: bytes
    max_error: float | None
    max_pixels: int

    def reader(self, threads: int | None) -> Reader:
        """The reader for this work, the same one as long as a process is asked for it."""
        return _reader(self.model, self.max_error, self.max_pixels, threads)


@lru_cache(maxsize=1)
def _reader(model: bytes, max_error: float | None, max_pixels: int, threads: int | None) -> Reader:
    """A reader; making it takes longer than reading a small shard."""
    return Reader(model, max_error=max_error, threads=threads, max_pixels=max_pixels)


@dataclass(frozen=True)
class ShardOutcome:
    """The result of reading a shard.

    Parameters
    ----------
    number : int
    counts : Counts, optional
        None if it failed.
    error : str
        The reason of the failure.
    fatal : DigitwiseError, optional
        An error that other shards would also have, such as a full disk.
    peak_bytes : int
        Peak memory of the worker; 0 if unknown.
    """

    number: int
    counts: Counts | None = None
    error: str = ""
    fatal: DigitwiseError | None = None
    peak_bytes: int = 0


class Readers(Protocol):
    """Reads shards in any order."""

    def run(self, work: Work, tasks: Sequence[NumberedCut]) -> Generator[ShardOutcome, None, None]:
        """Read each shard, and yield its outcome, once, when it is finished or has failed."""


class InHere:
    """Reads shard after shard in this process.

    Parameters
    ----------
    threads : int, optional
        By default one per core.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads

    def run(self, work: Work, tasks: Sequence[NumberedCut]) -> Generator[ShardOutcome, None, None]:
        """See :class:`Readers`."""
        reader = work.reader(self.threads)
        for number, cut in tasks:
            yield done(work, reader, number, cut)


def done(work: Work, reader: Reader, number: int, cut: Cut) -> ShardOutcome:
    """Read a shard, unless it is finished; errors become an outcome."""
    try:
        counts = counts_of(work.folder, work.job, number)
        if counts is None:
            if not holds(work.folder, work.job):
                return ShardOutcome(number, fatal=unseen(work.folder))
            counts = read_shard(reader, cut, work.folder, work.job, number)
    except DigitwiseError as error:
        return ShardOutcome(number, error=_line(error))
    except OSError as error:  # errors of reading are DigitwiseErrors
        told = f"{work.folder.name}: {part_name(number)} cannot be written: {_line(error)}"
        return ShardOutcome(
            number, fatal=DataError(f"{told}; make room, and run the same again: it goes on from there")
        )
    except Exception as error:  # others can still be read
        return ShardOutcome(number, error=f"{cut.name}: {type(error).__name__}: {_line(error)}")
    return ShardOutcome(number, counts, peak_bytes=peak_memory() or 0)


def unseen(folder: OutputFolder) -> ClusterError:
    """The error of a folder that a machine of the cluster does not see."""
    return ClusterError(
        f"{folder.name}: a machine of the cluster does not see its {NAME}: the machines share no such folder; "
        "choose one that all of them see, or an address"
    )


def _line(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(" ".join(reason.split())[:300]) or type(error).__name__


@dataclass
class Summary:
    """The progress and the result of a job.

    Parameters
    ----------
    shards : int
        Shards in all.
    earlier : int
        Shards finished by earlier jobs.
    counts : Counts
        Of all finished shards.
    finished : int
        Finished shards, earlier ones included.
    fresh : int
        Images read by this job.
    failed : dict of int to str
        Why shards failed, by number.
    seconds : float
    peak_bytes : int
        The largest peak memory of a worker; 0 if unknown.
    """

    shards: int
    earlier: int
    counts: Counts
    finished: int
    fresh: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    peak_bytes: int = 0


def run_shards(
    sources: Sequence[str],
    folder: OutputFolder,
    readers: Readers,
    *,
    model: str | Path | None = None,
    max_error: float | None = None,
    max_pixels: int,
    label_column: str | None = None,
    watch: Callable[[Summary], None] = lambda _: None,
) -> Summary:
    """Read sources into a folder, one file of rows per shard; finished shards are kept.

    Parameters
    ----------
    sources : sequence of str
        As for :func:`digitwise.reading.shards.plan.plan`.
    folder : OutputFolder
    readers : Readers
        Reads in this process or on a cluster.
    model, max_error, max_pixels
        As for :class:`digitwise.reading.reader.Reader`.
    label_column : str, optional
        As for :func:`digitwise.reading.shards.plan.plan`.
    watch : callable
        Called with the summary at the start and after each shard.

    Returns
    -------
    Summary
        Including the shards that failed; all others are written.

    Raises
    ------
    DataError
        If a source cannot be planned, the folder is not this job's, another process is writing to it, or it cannot be
        written to.
    ClusterError
        If a machine of the cluster does not see the folder.
    """
    content, _ = model_content(model)
    job = ShardsJob(hashlib.sha256(content).hexdigest(), max_error, max_pixels, plan(sources, label_column))
    # Addresses have no locks; two equal jobs write the same content.
    alone = claimed(Path(folder.path), SHARDS) if isinstance(folder, LocalFolder) else nullcontext()
    with alone:
        return _run(job, Work(job.id, folder, content, max_error, max_pixels), readers, watch)


def _run(job: ShardsJob, work: Work, readers: Readers, watch: Callable[[Summary], None]) -> Summary:
    folder, earlier = work.folder, begin(work.folder, job)
    sweep(folder)
    summary = Summary(len(job.cuts), len(earlier), sum(earlier.values(), Counts()), len(earlier))
    watch(summary)
    tasks = [(number, cut) for number, cut in enumerate(job.cuts) if number not in earlier]
    started = time.monotonic()
    try:
        with closing(readers.run(work, tasks)) as outcomes:
            for outcome in outcomes if tasks else ():
                _take(summary, outcome, job, folder)
                summary.seconds = time.monotonic() - started
                watch(summary)
    finally:
        sweep(folder)  # when no worker writes any more
    return summary


def _take(summary: Summary, outcome: ShardOutcome, job: ShardsJob, folder: OutputFolder) -> None:
    """Count a shard, if this machine sees its file as the worker reported it."""
    if outcome.fatal is not None:
        raise outcome.fatal
    summary.peak_bytes = max(summary.peak_bytes, outcome.peak_bytes)
    if outcome.counts is None:
        summary.failed[outcome.number] = outcome.error
        return
    found, cut = _seen(folder, job.id, outcome.number), job.cuts[outcome.number]
    if found is None:
        raise unseen(folder)
    if found != outcome.counts or cut.rows not in (None, found.rows):
        summary.failed[outcome.number] = f"{cut.name}: expected {outcome.counts.rows:,} rows, got {found.rows:,}"
        return
    summary.counts += found
    summary.finished += 1
    summary.fresh += found.rows


def _seen(folder: OutputFolder, job: str, number: int) -> Counts | None:
    """The counts in a written file; network disks may show it after a moment."""
    until = time.monotonic() + PATIENCE
    while (found := counts_of(folder, job, number)) is None and time.monotonic() < until:
        time.sleep(0.1)
    return found
