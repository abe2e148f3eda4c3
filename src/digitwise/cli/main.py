"""The command ``digitwise``: one app, one place where errors become a line and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any

import typer
from typer.main import get_command

from digitwise.cli import (
    check,
    data,
    evaluate,
    exercise,
    export,
    improve,
    info,
    read,
    recipe,
    report,
    run,
    serve,
    sweep,
    train,
)
from digitwise.cli.console import NOTE, err, is_verbose, out, set_volume
from digitwise.cli.help import arrange
from digitwise.errors import DigitwiseError, one_line
from digitwise.progress import silently
from digitwise.temporaries import for_libraries

BAD_INPUT = 2
INTERRUPTED = 130
TERMINATED = 143
RESUMABLE = ("run", "train")  # commands that have --resume

app = typer.Typer(
    name="digitwise",
    help="From a pile of scans to a digit classifier that its owner can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.command("train")(train.train)
app.command("sweep")(sweep.sweep)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate")(export.calibrate)
app.command("errors")(evaluate.errors)
app.command("compare")(report.compare)
app.command("report")(report.report)
app.command("improve")(improve.improve)
app.command("export")(export.export)
app.command("check")(check.check)
app.command("read")(read.read)
app.command("serve")(serve.serve)
app.command("review")(serve.review)
app.command("info")(info.info)
app.add_typer(data.app, name="data")
app.add_typer(recipe.app, name="recipe")
app.add_typer(exercise.app, name="exercise")


def _tell_version(asked: bool) -> None:
    if asked:
        from digitwise.version import __version__

        out.print(f"digitwise {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


arrange(app)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 on success, 1 where a command found something to be looked at, 2 for bad input, 130 after Ctrl-C, 143 after
        SIGTERM; :data:`digitwise.cli.help.EXIT_CODES` has them as users read them.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    set_volume(0)
    begun = time.perf_counter()
    with _ending_cleanly() as ended, for_libraries(), silently():  # a command has bars of its own
        code = _called(arguments)
    if is_verbose():
        _tell_cost(time.perf_counter() - begun)
    return TERMINATED if ended else code


def _tell_cost(seconds: float) -> None:
    from digitwise.cli.info import banner
    from digitwise.system import peak_memory

    peak = peak_memory()
    err.print(banner(), style=NOTE)
    err.print(f"{seconds:.1f} s" + ("" if peak is None else f", at most {peak / 1e6:,.0f} MB of memory"), style=NOTE)


@cache
def _command() -> Any:
    """All commands as Typer builds them; once a process, since that takes longer than many a command."""
    return get_command(app)


def _called(arguments: list[str]) -> int:
    try:
        code = _command()(arguments, prog_name="digitwise", standalone_mode=False)
        if code == INTERRUPTED:  # what Typer makes of Ctrl-C
            raise KeyboardInterrupt
        sys.stdout.flush()  # notice a broken pipe while it can still be handled
        return code if isinstance(code, int) else 0
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # for which Typer exits with 1
            return _complain(error.__context__)
        raise
    except (DigitwiseError, OSError) as error:
        return _complain(error)
    except MemoryError as error:
        return _complain(DigitwiseError(f"expected less data than fits into memory, got: {error}; take a part of it"))
    except typer.TyperException as error:
        return _usage(error.format_message())
    except (KeyboardInterrupt, typer.Abort):
        command = next((word for word in arguments if not word.startswith("-")), "")
        resumed = ", --resume goes on with an unfinished training" if command in RESUMABLE else ""
        err.print(f"interrupted; what was saved is whole{resumed}")
        return INTERRUPTED


@contextmanager
def _ending_cleanly() -> Iterator[list[int]]:
    """Treat the first SIGTERM as Ctrl-C; the list holds the signal once it arrives."""
    ended: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return

    def end(number: int, _: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # so that the clean-up finishes
        ended.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield ended
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _usage(message: str) -> int:
    if message.startswith("Usage:"):  # no command given: Typer's message is the help page
        err.print(message, markup=False)
    else:
        err.print(f"digitwise: {message}; see digitwise --help", style="red", markup=False)
    return BAD_INPUT


def _complain(error: Exception) -> int:
    message = str(error)
    if is_verbose():
        err.print("".join(traceback.format_exception(error)).rstrip(), style=NOTE)
    if isinstance(error, OSError):
        if isinstance(error, BrokenPipeError):  # a reader such as head has closed the pipe
            sys.stdout = sys.__stdout__ or sys.stdout  # which Typer has wrapped
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        advice = {
            errno.ENOSPC: "make room or choose another --out",
            errno.EACCES: "choose a place you may write to",
            errno.EPERM: "choose a place you may write to",
            errno.EROFS: "choose a place you may write to",
        }.get(error.errno or 0, "nothing was written")
        message = f"{error.filename or 'writing'}: {error.strerror or error}; {advice}"
    err.print(f"digitwise: {one_line(message)}", style="red", markup=False)
    return BAD_INPUT
