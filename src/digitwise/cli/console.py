"""Output of the command line: results on stdout, all other messages on stderr."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from digitwise.errors import one_line
from digitwise.escaping import json_text, printable

if TYPE_CHECKING:
    from rich.progress import Progress

OPENING = 3.0  # seconds for a browser to open


FURTHER = "Further options"  # the section of help that follows the common ones
NOTE = "dim"  # the style of notes beside the results, which --quiet leaves out


class _Volume:
    """How much is printed: -1 results and errors only, 0 also notes and progress, 1 also versions and tracebacks."""

    level = 0


def set_volume(level: int) -> None:
    """Set how much is printed, see :class:`_Volume`."""
    _Volume.level = level


def is_quiet() -> bool:
    """Whether only results and errors are printed."""
    return _Volume.level < 0


def is_verbose() -> bool:
    """Whether more is printed than usual."""
    return _Volume.level > 0


class SafeConsole(Console):
    """A console that escapes what would control the terminal in the text it prints, and keeps the volume asked for."""

    @property
    def is_terminal(self) -> bool:
        """Whether progress can be shown: never where only results are asked for."""
        return super().is_terminal and not is_quiet()

    def print(self, *objects: Any, **options: Any) -> None:
        """Print text and tables; see :class:`rich.console.Console`."""
        if is_quiet() and options.get("style") == NOTE:
            return
        super().print(*(printable(each, keep="\n") if isinstance(each, str) else each for each in objects), **options)


out = SafeConsole(highlight=False, soft_wrap=True, markup=False)
err = SafeConsole(stderr=True, highlight=False, soft_wrap=True, markup=False)

OpenFlag = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME|PATH",
        help="mnist, fashion-mnist, kmnist, qmnist, emnist-digits, usps, optdigits, semeion, digits, or a path.",
    ),
]
PatchOption = Annotated[
    Path | None,
    typer.Option(
        metavar="LABELS.CSV",
        help="A label patch to apply: made by digitwise check --labels --review.",
        rich_help_panel=FURTHER,
    ),
]
LabelColumnOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|first|last",
        help="Of a CSV or Parquet table with a column for each pixel: the column of labels.  [default: found by its "
        "name or its values]",
        rich_help_panel=FURTHER,
    ),
]


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def tell_links(folders: Sequence[str | Path]) -> None:
    """Say which links in folders are left out since they lead out of them."""
    from digitwise.files import expanded
    from digitwise.formats.folder import links_out, note_on

    for folder in folders:
        for note in note_on(links_out(expanded(folder))):
            err.print(f"{folder}: {note}", style="dim")


def bar_for(what: str) -> AbstractContextManager[None]:
    """The bar of a command's work on stderr, while it takes longer than a moment; none where only results are asked."""
    from digitwise.progress import showing

    return showing(None, what, console=err)


@contextmanager
def telling_warnings() -> Iterator[None]:
    """Print the warnings of what is done inside, one line each, on stderr."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for each in caught:
        err.print(one_line(each.message), style="yellow", markup=False)


def browse(url: str) -> None:
    """Open a page in a browser."""
    import webbrowser

    # Some browsers are waited for until they end, and they wait for us.
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def open_file(page: Path) -> None:
    """Open a page that was written in a browser; a few seconds are given to a browser that is waited for."""
    import webbrowser

    shown: list[bool] = []
    opening = threading.Thread(target=lambda: shown.append(webbrowser.open(page.resolve().as_uri())), daemon=True)
    opening.start()
    opening.join(OPENING)
    if shown == [False]:
        err.print(f"no browser was found; open {page}", style="yellow")


def stage(as_json: bool) -> Console:
    """The console for text: stdout, or stderr if stdout holds JSON."""
    return err if as_json else out


def steps(console: Console) -> Console:
    """The console for notes on the way to a result: the same, or none where only results are asked for."""
    return SafeConsole(quiet=True) if is_quiet() else console


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> Table:
    """A plain table: text is on the left and wraps, numbers are on the right and do not."""
    grid = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        words = place == 0 or any(" " in str(row[place]) for row in rows)
        grid.add_column(printable(column), justify="left" if words else "right", no_wrap=not words)
    for row in rows:
        grid.add_row(*map(printable, row))
    return grid


def counting_bar(what: str, total: int, *, shown: bool = True) -> Progress:
    """A bar on stderr with one task that counts to ``total``; a context manager."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=err, transient=True, disable=not shown or is_quiet())
    bar.add_task(what, total=total)
    return bar
