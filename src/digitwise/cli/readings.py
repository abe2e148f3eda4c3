"""The output of ``digitwise read``: lines, JSON, rows in a file, images, and the counts at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from sys import stdout
from textwrap import indent
from types import TracebackType
from typing import TYPE_CHECKING, Self

from digitwise.cli.console import counting_bar, err
from digitwise.escaping import json_text, printable
from digitwise.reading.answers import Tally
from digitwise.reading.results import FieldReading, Page, Reading
from digitwise.reading.rows import document_of, reading_line, sink_to

if TYPE_CHECKING:
    from digitwise.images import UInt8
    from digitwise.reading.jobs import ImageResult, ReadBlock
    from digitwise.reading.model import ReadingPolicy

FIRST = 10  # rows of a set that are shown
DRAWN = 400  # digits on one sheet
NAMES = {"digit?": "doubtful digit", "mark": "mark", "border": "mark at the rim"}  # what is not read, in words
IMAGES = (".png", ".jpg", ".jpeg", ".webp")


class Listener:
    """Takes readings one by one; of a set at most the first ``most`` rows, None for all."""

    most: int | None = None

    def take(self, found: ImageResult) -> None:
        """Take one reading."""
        raise NotImplementedError

    def close(self) -> None:
        """End without an error."""


class Lines(Listener):
    """Text: one line per image, or per line of digits."""

    most = FIRST

    def __init__(self, files: int, *, top: bool) -> None:
        self.files, self.top = files, top

    def take(self, found: ImageResult) -> None:
        """Print it, with the file's name if there are several."""
        result, place = found.result, place_of(found)
        several = self.files > 1 or found.page is not None
        if isinstance(result, Reading):
            say(f"{place}  {reading_line(result, top=self.top)}")
        elif result.fields is not None:
            for name, field in result.fields.items():
                say(f"{place}  {name}  {_field_line(field)}" if several else f"{name}  {_field_line(field)}")
        elif not result.lines:
            self._nothing(place, result, several=several)
        else:
            for line in result.lines:
                say(f"{place}  {line.text}" if several else line.text)

    def _nothing(self, place: str, page: Page, *, several: bool) -> None:
        """Print that there is no digit, and what else there is."""
        kinds = Counter(other.kind for other in page.others if other.kind != "rule")
        ink = ", ".join(f"{count} {NAMES[kind]}{'s' * (count > 1)}" for kind, count in kinds.items())
        if several:
            say(f"{place}  unsure  {ink}" if ink else f"{place}  blank")
        else:
            err.print(f"{place}: no digits found" + (f", but {ink} that are not read" if ink else ""))


def _field_line(field: FieldReading) -> str:
    """``1250``, ``12?0  unsure`` or ``blank``."""
    return "  ".join(filter(None, (field.text, field.status if field.status != "read" else "")))


class Documents(Listener):
    """One JSON list on stdout, written element by element, so that it is never in memory."""

    def __init__(self, *, top: bool) -> None:
        self.top, self.before = top, "[\n"

    def take(self, found: ImageResult) -> None:
        """Print the next element."""
        text = json_text(document_of(found, top=self.top), indent=2)
        sys.stdout.write(self.before + indent(text, "  "))
        self.before = ",\n"

    def close(self) -> None:
        """End the list."""
        say("[]" if self.before == "[\n" else "\n]")


class RowSink(Listener):
    """Rows in an open file."""

    def __init__(self, write: Callable[[ImageResult], None]) -> None:
        self.write = write

    def take(self, found: ImageResult) -> None:
        """Write a row."""
        self.write(found)


class Overlays(Listener):
    """Pages with boxes and readings drawn on them; later files are numbered from 2."""

    most = 0

    def __init__(self, path: Path) -> None:
        self.path, self.drawn = check_image(path), 0

    def take(self, found: ImageResult) -> None:
        """Draw on the image, where there is one."""
        if found.decoded is None or not isinstance(found.result, Page):
            return
        from digitwise.files import real
        from digitwise.outputs import output_file
        from digitwise.reading.drawings import DRAWINGS, overlay

        self.drawn += 1
        path = numbered(self.path, self.drawn)
        with output_file(real(path) if self.drawn == 1 else path, DRAWINGS) as temporary:
            overlay(found.decoded.image, found.result, found.decoded.scale).save(temporary)
        err.print(f"{place_of(found)}: drawn in {path}", style="dim")


class Tables(Listener):
    """Pages as tables in CSV; later files are numbered from 2."""

    most = 0

    def __init__(self, path: Path) -> None:
        self.path, self.written = path, 0

    def take(self, found: ImageResult) -> None:
        """Write the table of a page, if it has one."""
        from digitwise.files import real
        from digitwise.outputs import output_file
        from digitwise.reading.tables import TABLES, table_of

        table = table_of(found.result) if isinstance(found.result, Page) else None
        if table is None:
            err.print(f"{place_of(found)}: no table found: expected two rows and two columns of numbers or more")
            return
        self.written += 1
        path = numbered(self.path, self.written)
        with output_file(real(path) if self.written == 1 else path, TABLES) as temporary:
            temporary.write_text(table.csv, encoding="utf-8", newline="")
        told = f"{len(table.rows)} rows of {len(table.rows[0])} written to {path}"
        outside = ", ".join(number.written for number in table.outside)
        err.print(f"{place_of(found)}: {told}" + (f"; outside of it: {outside}" if outside else ""), style="dim")


class Inputs(Listener):
    """A sheet of the digits as the model saw them."""

    most = DRAWN

    def __init__(self, path: Path) -> None:
        self.path = check_image(path)
        self.images: list[UInt8] = []
        self.captions: list[str] = []
        self.more = False

    def take(self, found: ImageResult) -> None:
        """Keep the digit, or the page's digits, up to :data:`DRAWN`."""
        result = found.result
        if isinstance(result, Page):
            digits = [digit for line in result.lines for digit in line.digits]
            seen = [(d.image, f"{d.label}  {d.confidence:.1%}\n{d.status}") for d in digits if d.image is not None]
        else:
            name = Path(place_of(found)).name
            seen = [] if found.image is None else [(found.image, f"{reading_line(result)}\n{name}")]
        room = DRAWN - len(self.images)
        self.more |= len(seen) > room
        for image, caption in seen[:room]:
            self.images.append(image)
            self.captions.append(caption)

    def close(self) -> None:
        """Draw them."""
        if not self.images:
            err.print(f"{self.path}: not drawn: the model saw no digit")
            return
        from digitwise.files import real
        from digitwise.outputs import output_file
        from digitwise.reading.drawings import DRAWINGS, contact_sheet

        with output_file(real(self.path), DRAWINGS) as temporary:
            contact_sheet(self.images, self.captions).save(temporary)
        first = f", the first {DRAWN}" if self.more else ""
        err.print(f"what the model saw: {self.path}{first}", style="dim")


def numbered(path: Path, place: int) -> Path:
    """Where the first, second, … of several is written: ``a.png``, ``a-2.png``."""
    return path if place == 1 else path.with_name(f"{path.stem}-{place}{path.suffix}")


def place_of(found: ImageResult) -> str:
    """The file, and where in it."""
    page = "" if found.page is None else f", page {found.page}"
    return f"{found.path}{page}" + ("" if found.row is None else f", row {found.row}")


def say(line: str) -> None:
    """Print to stdout without rich, whose markup costs more than reading does."""
    sys.stdout.write(printable(line, keep="\n") + "\n")


def check_image(path: Path) -> Path:
    """Reject a file name that is no image's.

    Raises
    ------
    DataError
        If its suffix is none of ``IMAGES``.
    """
    from digitwise.errors import DataError

    if path.suffix.lower() not in IMAGES:
        wanted = ", ".join(IMAGES)
        raise DataError(f"{path}: expected an image to write to that ends in {wanted}, got {path.suffix!r}")
    return path


class Reporter:
    """Reports readings to all listeners; a context manager that puts files in place on leaving without an error.

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
        self.bar = counting_bar("reading", files) if err.is_terminal and not (self.plain and stdout.isatty()) else None

    def __enter__(self) -> Self:
        if self.out is not None:
            self.listeners.append(
                RowSink(self.stack.enter_context(sink_to(self.out, top=self.top, fields=self.fields)))
            )
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

    def add(self, found: ImageResult) -> None:
        """Report what was read from one image."""
        self.tally.add(found.result)
        for note in found.notes:
            err.print(f"{found.path}: {note}", style="dim")
        for listener in self.listeners:
            listener.take(found)
        self._advance(1)

    def begin_set(self, source: str, rows: int | None, note: str) -> None:
        """Announce the set that is read next."""
        self.of_set = Tally()
        told = ", ".join(filter(None, ("" if rows is None else f"{rows:,} images", note)))
        if told:
            err.print(f"{source}: {told}", style="dim")
        if self.bar and rows is not None:
            self.bar.update(self.bar.task_ids[0], total=self.files - 1 + rows)

    def add_block(self, block: ReadBlock) -> None:
        """Report a block of a set, to each listener only the rows that it takes."""
        for tally in (self.tally, self.of_set):
            tally.add_part(block.answers)
        wanted = [_most(listener, block) for listener in self.listeners]
        for place, found in enumerate(block.rows(max(wanted, default=0))):
            for listener, most in zip(self.listeners, wanted, strict=True):
                if place < most:
                    listener.take(found)
        self._advance(len(block))

    def end_set(self, source: str) -> None:
        """Print the counts of the set."""
        if self.plain:
            say(f"{source}  {self.of_set.words}")

    def verdict(self, fail_under: float | None, policy: ReadingPolicy | None) -> bool:
        """Print the counts; whether all could be read, and enough of it surely."""
        counts = self.tally.images
        if not self.plain or sum(counts.values()) > 1:
            err.print(self.tally.words)
        return passes(self.tally, fail_under, policy)

    def _advance(self, images: int) -> None:
        if self.bar:
            self.bar.advance(self.bar.task_ids[0], images)


def passes(tally: Tally, fail_under: float | None, policy: ReadingPolicy | None) -> bool:
    """Whether all could be read, and enough of it surely; prints a warning if not, or if more errors are expected."""
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


def _most(listener: Listener, block: ReadBlock) -> int:
    return len(block) if listener.most is None else min(len(block), max(0, listener.most - block.first))
