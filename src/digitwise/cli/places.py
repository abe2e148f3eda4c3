"""Where images and rows are written: never over what is read, and never two to one place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from digitwise.errors import DataError
from digitwise.files import expanded
from digitwise.reading.sources import STDIN

NUMBERED = ("--overlay",)  # a second image is written beside the first, with -2 behind its name
NUMBER = r"(-\d+)?"
OWN = "expected a place of its own"


def check_places(sources: Iterable[str], places: Mapping[str, Path | None]) -> None:
    """Refuse what would be written over.

    Parameters
    ----------
    sources : iterable of str
        What is read.
    places : dict of str to Path or None
        What is written, by option.

    Raises
    ------
    DataError
        If two are one file.
    """
    written = [(option, path, _written(option, path)) for option, path in places.items() if path is not None]
    for number, (option, path, pattern) in enumerate(written):
        for other, other_path, other_pattern in written[:number]:
            if pattern.fullmatch(_real(other_path)) or other_pattern.fullmatch(_real(path)):
                raise DataError(f"{option} {path}: {OWN}, got that of {other}; choose another")
    for source in sources if written else ():
        for place in _places_of(expanded(source)) if source != STDIN else ():
            for option, path, pattern in written:
                if pattern.fullmatch(place):
                    raise DataError(f"{option} {path}: {OWN}, got that of {source}, which is read; choose another")


def _written(option: str, path: Path) -> re.Pattern[str]:
    """All that is written where an option names ``path``."""
    stem, suffix = os.path.splitext(_real(path))
    return re.compile(re.escape(stem) + (NUMBER if option in NUMBERED else "") + re.escape(suffix))


def _places_of(path: Path) -> set[str]:
    """Where a file is, and where it is linked to from there."""
    return {_real(path), os.path.join(_real(path.parent), path.name)}


def _real(path: Path) -> str:
    return os.path.realpath(path)
