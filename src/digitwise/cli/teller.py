"""Tells readings to all who listen, counts them and sums up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from sys import stdout
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from digitwise.cli.console import err
from digitwise.cli.readings import Documents, Inputs, Lines, Listener, Overlays, Rows, Tables, say
from digitwise.reading.answers import Tally
from digitwise.reading.rows import sink_to

if TYPE_CHECKING:
    from digitwise.reading.card import Policy
    from digitwise.reading.jobs import ImageResult, ReadBlock


class Teller:
    """A context manager: rows in a file appear on leaving it without an error.

    Parameters
    ----------
    files : int
        How many there are.
    as_json, top : bool
        What goes to stdout.
    out, overlay, show_input, table : Path, optional
        What to write.
    fields : sequence of str
        Of forms.
    """

    def __init__(
        self,
        files: int,
        *,
        as_json: bool = False,
        top: bool = False,
        out: Path | None = None,
        overlay: Path | None = None,
        show_input: Path | None = None,
        table: Path | None = None,
        fields: Sequence[str] = (),
    ) -> None:
        self.files, self.out, self.top, self.fields = files, out, top, fields
        self.plain = not as_json and out is None
        self.draws_pages = overlay is not None
        self.tally, self.of_set = Tally(), Tally()
        self.stack = ExitStack()
        self.listeners: list[Listener] = []
        if self.plain:
            self.listeners.append(Lines(files, top=top))
        if as_json:
            self.listeners.append(Documents(top=top))
        if overlay is not None:
            self.listeners.append(Overlays(overlay))
        if show_input is not None:
            self.listeners.append(Inputs(show_input))
        if table is not None:
            self.listeners.append(Tables(table))
        self.bar = _bar(files) if err.is_terminal and not (self.plain and stdout.isatty()) else None

    def __enter__(self) -> Self:
        if self.out is not None:
            self.listeners.append(Rows(self.stack.enter_context(sink_to(self.out, top=self.top, fields=self.fields))))
        if self.bar:
            self.stack.enter_context(self.bar)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for listener in self.listeners:
                listener.close()
        self.stack.__exit__(kind, error, trace)
        if error is None and self.out is not None:
            err.print(f"written to {self.out}", style="dim")

    def tell(self, found: ImageResult) -> None:
        """Tell what was read from one image."""
        self.tally.add(found.result)
        for note in found.notes:
            err.print(f"{found.path}: {note}", style="dim")
        for listener in self.listeners:
            listener.tell(found)
        self._advance(1)

    def begin_set(self, source: str, rows: int | None, note: str) -> None:
        """Say which set is being read."""
        self.of_set = Tally()
        told = ", ".join(filter(None, ("" if rows is None else f"{rows:,} images", note)))
        if told:
            err.print(f"{source}: {told}", style="dim")
        if self.bar and rows is not None:
            self.bar.update(self.bar.task_ids[0], total=self.files - 1 + rows)

    def tell_part(self, part: ReadBlock) -> None:
        """Tell a block of a set, to each listener the rows it wants; made only for those."""
        for tally in (self.tally, self.of_set):
            tally.add_part(part.answers)
        wanted = [_most(listener, part) for listener in self.listeners]
        for place, found in enumerate(part.rows(max(wanted, default=0))):
            for listener, most in zip(self.listeners, wanted, strict=True):
                if place < most:
                    listener.tell(found)
        self._advance(len(part))

    def end_set(self, source: str) -> None:
        """Count a set."""
        if self.plain:
            say(f"{source}  {self.of_set.words}")

    def verdict(self, fail_under: float | None, policy: Policy | None) -> bool:
        """Sum up; whether all could be read, and enough was read surely."""
        counts = self.tally.images
        if not self.plain or sum(counts.values()) > 1:
            err.print(self.tally.words)
        return passes(self.tally, fail_under, policy)

    def _advance(self, images: int) -> None:
        if self.bar:
            self.bar.advance(self.bar.task_ids[0], images)


def passes(tally: Tally, fail_under: float | None, policy: Policy | None) -> bool:
    """Whether all could be read, and enough was read surely; says so where not, or where more errors are expected."""
    if word := tally.expected.word(policy):
        err.print(word, style="yellow")
    enough = fail_under is None or tally.share >= fail_under
    if not enough:
        err.print(
            f"digitwise: expected {fail_under:.4g} of the digits read surely (--fail-under), got "
            f"{tally.share:.4f}: {tally.read:,} of {tally.digits:,}",
            style="red",
        )
    return enough and not tally.images["error"]


def _most(listener: Listener, part: ReadBlock) -> int:
    return len(part) if listener.most is None else min(len(part), max(0, listener.most - part.first))


def _bar(files: int) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=err, transient=True)
    bar.add_task("reading", total=files)
    return bar
