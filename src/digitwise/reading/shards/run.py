"""A job from its sources to the last file of rows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from digitwise.reading.model import model_content
from digitwise.reading.shards.manifest import Job, begin
from digitwise.reading.shards.parts import Counts, counts_of, sweep
from digitwise.reading.shards.places import Place
from digitwise.reading.shards.plan import plan
from digitwise.reading.shards.work import Outcome, Readers, Work, unseen

PATIENCE = 5.0  # seconds until a file that another machine has written must be seen here


@dataclass
class Summary:
    """What a job has come to.

    Parameters
    ----------
    shards : int
        All of them.
    earlier : int
        Finished before.
    counts : Counts
        Of all that are finished.
    finished : int
        Shards, those before too.
    fresh : int
        Pictures that were read now.
    failed : dict of int to str
        Why shards failed, by number.
    seconds : float
    peak_bytes : int
        Of the worker that held most memory; 0 where that is not known.
    """

    shards: int
    earlier: int
    counts: Counts
    finished: int
    fresh: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    peak_bytes: int = 0


Teller = Callable[[Summary], None]


def run_shards(
    sources: Sequence[str],
    place: Place,
    readers: Readers,
    *,
    model: str | Path | None = None,
    max_error: float | None = None,
    max_pixels: int,
    tell: Teller = lambda _: None,
) -> Summary:
    """Read sources into a folder, one file of rows a shard; those that are finished stay as they are.

    Parameters
    ----------
    sources : sequence of str
        As for :func:`digitwise.reading.shards.plan.plan`.
    place : Place
    readers : Readers
        Who reads.
    model, max_error, max_pixels
        As for :class:`digitwise.reading.reader.Reader`.
    tell : callable
        Gets the summary as it grows: when work begins, and after each shard.

    Returns
    -------
    Summary
        With the shards that failed; the others are written.

    Raises
    ------
    DataError
        If a source cannot be planned, the folder is not this job's, another process is writing to it, or it cannot be
        written to.
    ClusterError
        If a machine of the cluster does not see the folder.
    """
    content, _ = model_content(model)
    job = Job(hashlib.sha256(content).hexdigest(), max_error, max_pixels, plan(sources))
    with place.alone():
        return _run(job, Work(job.id, place, content, max_error, max_pixels), readers, tell)


def _run(job: Job, work: Work, readers: Readers, tell: Teller) -> Summary:
    place, earlier = work.place, begin(work.place, job)
    sweep(place)
    summary = Summary(len(job.cuts), len(earlier), sum(earlier.values(), Counts()), len(earlier))
    tell(summary)
    tasks = [(number, cut) for number, cut in enumerate(job.cuts) if number not in earlier]
    started = time.monotonic()
    left = dict(tasks)
    try:
        with closing(readers.run(work, tasks)) as outcomes:
            for outcome in outcomes if tasks else ():
                cut = left.pop(outcome.number, None)
                if cut is not None:  # a worker that was lost behind its answer may answer twice
                    _take(summary, outcome, job, place)
                    summary.seconds = time.monotonic() - started
                    tell(summary)
    finally:
        sweep(place)  # once no worker writes any more
    summary.failed |= {number: f"{cut.name}: its worker was lost too often" for number, cut in left.items()}
    return summary


def _take(summary: Summary, outcome: Outcome, job: Job, place: Place) -> None:
    """Count a shard, if its file is what the worker says it is, as seen from here."""
    if outcome.fatal is not None:
        raise outcome.fatal
    summary.peak_bytes = max(summary.peak_bytes, outcome.peak_bytes)
    if outcome.counts is None:
        summary.failed[outcome.number] = outcome.error
        return
    found, cut = _seen(place, job.id, outcome.number), job.cuts[outcome.number]
    if found is None:
        raise unseen(place)
    if found != outcome.counts or cut.rows not in (None, found.rows):
        summary.failed[outcome.number] = f"{cut.name}: expected {outcome.counts.rows:,} rows, got {found.rows:,}"
        return
    summary.counts += found
    summary.finished += 1
    summary.fresh += found.rows


def _seen(place: Place, job: str, number: int) -> Counts | None:
    """What a file says that is written; disks of a network may show it a moment later."""
    until = time.monotonic() + PATIENCE
    while (found := counts_of(place, job, number)) is None and time.monotonic() < until:
        time.sleep(0.1)
    return found
