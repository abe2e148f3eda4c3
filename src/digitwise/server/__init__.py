"""The service that reads images, and the review of doubtful labels; an optional extra."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from digitwise.errors import ServerError
from digitwise.parts import EXTRAS, require

if TYPE_CHECKING:
    from digitwise.server.service import Settings

PARTS = next(extra.modules for extra in EXTRAS if extra.name == "serve")
TOKEN = "DIGITWISE_TOKEN"  # of the environment
MAX_PIXELS = 50_000_000


def serve(
    model: str | Path | None = None,
    *,
    max_error: float | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    token: str | None = None,
    insecure: bool = False,
    collect: str | Path | None = None,
    report: str | Path | None = None,
    max_pixels: int = MAX_PIXELS,
    log: bool = False,
    tell: Callable[[str, Settings], object] | None = None,
) -> None:
    """Serve a page and an API that read digits, until SIGTERM or Ctrl-C.

    It takes over the process: its standard error, its signals, its thread switching.

    Parameters
    ----------
    model : str or Path, optional
        As for :class:`digitwise.Reader`.
    max_error : float, optional
        As there: at most this share of what is read is wrong; all else is unsure.
    host : str
        Address to listen on; ``0.0.0.0`` is all of them.
    port : int
        0 takes a free one.
    workers : int
        Number of processes.
    token : str, optional
        Required as bearer token; by default that of the environment, ``DIGITWISE_TOKEN``.
    insecure : bool
        Serve without a token though other machines can reach the address.
    collect : str or Path, optional
        Folder for images that are labelled on the page.
    report : str or Path, optional
        A run whose report is shown.
    max_pixels : int
        Larger images are refused, not decoded.
    log : bool
        Write a line per request to stderr, without its content.
    tell : callable, optional
        Told the URL and the settings before serving begins; by default the URL is written to standard error.

    Raises
    ------
    MissingPartError
        If a library of the server is missing.
    ServerError
        If the address cannot be listened on, a setting cannot be used, or it is called where an event loop runs, as
        in a notebook.
    ModelError, DataError
        If the model or the folder cannot be used.

    Examples
    --------
    >>> import digitwise
    >>> digitwise.serve(max_error=0.01)  # doctest: +SKIP
    digitwise reads at http://127.0.0.1:8000; Ctrl-C ends it
    """
    check_parts()
    from digitwise.server import serving
    from digitwise.server.app import application
    from digitwise.server.refusals import is_local
    from digitwise.server.service import Settings
    from digitwise.server.uploads import RequestLimits

    settings = Settings(
        model=None if model is None else Path(model),
        max_error=max_error,
        token=token_of(token),
        loopback=is_local(f"[{host}]" if ":" in host else host),
        collect=None if collect is None else Path(collect),
        report=None if report is None else _report(Path(report)),
        log=log,
        limits=RequestLimits(pixels=max_pixels),
    )
    if not settings.loopback and settings.token is None and not insecure:
        raise ServerError(
            f"host {host}: expected a token where other machines can ask, got none; set {TOKEN}, give a token "
            f"(--token-file), or insecure (--insecure) to serve everybody who reaches it",
            argument="host",
            expected="a token where other machines can ask",
            got=host,
        )
    with serving.listen(host, port) as sock:
        app = application(settings)  # a model or folder that cannot be used is an error first
        (tell or _say)(serving.url_of(sock), settings)
        if workers > 1:
            del app  # each process makes its own
            serving.serve_in_processes(settings, sock, workers)
        else:
            serving.serve(app, sock, log=log)


def _say(url: str, settings: Settings) -> None:
    sys.stderr.write(f"digitwise reads at {url}; Ctrl-C ends it\n")
    sys.stderr.flush()


def token_of(given: str | None, source: str = "token") -> str | None:
    """A token: the one given, or that of the environment; None where there is none.

    Raises
    ------
    ServerError
        If no header can carry it.
    """
    if given is None and TOKEN not in os.environ:
        return None
    where = source if given is not None else TOKEN
    found = (os.environ[TOKEN] if given is None else given).strip()
    if not found or not found.isascii() or not found.isprintable() or " " in found:
        wanted = "a token of printable ASCII characters without spaces"
        raise ServerError(f"{where}: expected {wanted}", argument="token", expected=wanted, got="another")
    return found


def _report(run: Path) -> Path:
    from digitwise.runs import Run

    page = Run.open(run).path / "report.html"
    if not page.is_file():
        do = f"make it: digitwise.report(run), or digitwise report {run}"
        raise ServerError.wanted(run, "a run with its report", "none", do, path=run, argument="report")
    return page


def check_parts() -> None:
    """Raise MissingPartError if a library is missing."""
    require("a server", *PARTS)
