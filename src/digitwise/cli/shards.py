"""``digitwise read --out DIR``: many images shard by shard, in this process or on a cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitwise.cli.console import err
from digitwise.errors import DataError, counted

if TYPE_CHECKING:
    from digitwise.reading.shards.work import Readers, Summary

SAID_EVERY = 30.0  # seconds, where there is no terminal for a bar
MEGABYTE = 10**6


def is_folder(out: str) -> bool:
    """Whether ``--out`` names a folder or an address, and no file of rows."""
    from digitwise.addresses import is_address
    from digitwise.files import expanded

    if not out:
        raise DataError("--out: expected the name of a file or folder, got an empty one")
    return is_address(out) or out.endswith("/") or not Path(out).suffix or expanded(out).is_dir()


def read_shards(
    sources: Sequence[str],
    out: str,
    cluster: str | None,
    threads: int | None,
    fail_under: float | None,
    choices: Mapping[str, Any],
    label_column: str | None = None,
) -> bool:
    """Read sources into a folder and print the counts; whether all could be read, and enough of it surely.

    Parameters
    ----------
    sources : sequence of str
    out : str
    cluster : str or None
        None: in this process.
    threads : int or None
    fail_under : float or None
    choices : dict
        ``model``, ``max_error`` and ``max_pixels``, as for :class:`digitwise.reading.reader.Reader`.
    label_column : str, optional
        As for :func:`digitwise.reading.shards.plan.plan`.

    Raises
    ------
    DigitwiseError
        If the job cannot be done, or a shard failed.
    """
    from digitwise.addresses import folder_of
    from digitwise.cli.readings import passes
    from digitwise.formats.parquet import library
    from digitwise.reading.reader import Reader
    from digitwise.reading.shards.manifest import part_name
    from digitwise.reading.shards.work import run_shards

    library()
    readers = _readers(cluster, threads)
    reader = Reader(**choices, threads=1)
    policy, understood = reader.policy, reader.model.understood
    if understood is not None:
        err.print(understood.words, style="dim")
    if policy is None:
        err.print("the model has no error guarantee: nothing is called unsure", style="dim")
    with ShardProgress() as progress:
        summary = run_shards(
            sources, folder_of(out), readers, label_column=label_column, watch=progress.update, **choices
        )
    for number, reason in sorted(summary.failed.items()):
        err.print(f"digitwise: {part_name(number)} is missing: {reason}", style="red")
    if summary.earlier == summary.shards:
        err.print(f"{out}: finished before, nothing is missing of {counted(summary.shards, 'shard')}", style="dim")
    else:
        err.print(f"written to {out}", style="dim")
    tally = _tally(summary)
    err.print(tally.words + _speed(summary, "" if cluster is None else " in a worker"))
    passed = passes(tally, fail_under, policy)
    if summary.failed:
        raise DataError(
            f"{out}: {len(summary.failed):,} of {counted(summary.shards, 'shard')} could not be read; fix what is "
            "named above and run the same again: only those are read then"
        )
    return passed


def _readers(cluster: str | None, threads: int | None) -> Readers:
    if cluster is None:
        from digitwise.reading.shards.work import InHere

        return InHere(threads)
    from digitwise.cluster.connect import check
    from digitwise.cluster.readers import RayReaders

    check(cluster)  # fail before planning, which may take long
    return RayReaders(cluster)


def _tally(summary: Summary) -> Any:
    from digitwise.reading.answers import Expected, Tally

    counts, tally = summary.counts, Tally()
    tally.add_counts(counts.by_status)
    tally.expected = Expected(counts.read, counts.expected_errors, counts.variance)
    return tally


def _speed(summary: Summary, where: str) -> str:
    if not summary.fresh:
        return ""
    told = f"; {summary.fresh / max(summary.seconds, 1e-9):,.0f} images/s"
    peak = summary.peak_bytes
    return told + (f", at most {peak / MEGABYTE:,.0f} MB of memory{where}" if peak else "")


class ShardProgress:
    """Shows the progress of a job: a bar on a terminal, elsewhere a line every 30 seconds."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        state = TextColumn("{task.fields[state]}")
        columns = (TextColumn("shards"), BarColumn(), MofNCompleteColumn(), state, TimeRemainingColumn())
        self.bar = Bar(*columns, console=err, transient=True, disable=not err.is_terminal)
        self.task = self.bar.add_task("shards", total=None, state="")
        self.said = time.monotonic()

    def __enter__(self) -> ShardProgress:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def update(self, summary: Summary) -> None:
        """Update the display."""
        done = summary.finished + len(summary.failed)
        state = f"{summary.counts.rows:,} images"
        if summary.fresh:
            state += f"  {summary.fresh / max(summary.seconds, 1e-9):,.0f}/s"
        self.bar.update(self.task, completed=done, total=summary.shards, state=state)
        if summary.earlier and not summary.fresh and not summary.failed and summary.earlier < summary.shards:
            err.print(f"going on: {summary.earlier:,} of {counted(summary.shards, 'shard')} are there", style="dim")
        if not err.is_terminal and time.monotonic() - self.said > SAID_EVERY:
            self.said = time.monotonic()
            err.print(f"{done:,} of {counted(summary.shards, 'shard')}  {state}", style="dim")
