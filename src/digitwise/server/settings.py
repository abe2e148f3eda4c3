"""What the owner of a server decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from digitwise.decoding import MAX_PIXELS


@dataclass(frozen=True)
class Limits:
    """What one request may ask for.

    Parameters
    ----------
    bytes : int
        Of its body.
    pixels : int
        Of one picture.
    files : int
        Pictures in it.
    seconds : float
        For its body to come, and again for its answer to be found.
    """

    bytes: int = 20 * 2**20
    pixels: int = MAX_PIXELS
    files: int = 100
    seconds: float = 30.0


@dataclass(frozen=True)
class Settings:
    """All that an app is made from; it is sent to other processes.

    Parameters
    ----------
    model, max_error
        As for :class:`digitwise.reading.reader.Reader`.
    token : str, optional
        Asked for by whatever reads or tells something.
    loopback : bool
        Whether it listens on this machine only.
    collect : Path, optional
        A folder set that labelled pictures are added to.
    report : Path, optional
        The page of a run's report.
    log : bool
        Whether a line is written for each request.
    limits : Limits
    """

    model: Path | None = None
    max_error: float | None = None
    token: str | None = field(default=None, repr=False)
    loopback: bool = True
    collect: Path | None = None
    report: Path | None = None
    log: bool = False
    limits: Limits = Limits()
