"""Which files are to be read, in which order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from digitwise.decoding import READ_SUFFIXES
from digitwise.errors import DataError
from digitwise.files import expanded, is_pipe, natural

STDIN = "-"


def sources_of(arguments: Sequence[str]) -> list[str]:
    """Files as they were given, folders by the pictures in them.

    Parameters
    ----------
    arguments : sequence of str
        Paths, ``-`` for the standard input. In a folder, and in those below it, all pictures and PDFs that are not
        hidden, nor pipes, are taken, numbers in their names sorted as numbers, and folders that cannot be looked into:
        they are told as what cannot be read.

    Raises
    ------
    DataError
        If a name is empty, there is no picture in a folder, or the standard input is named twice.
    """
    if list(arguments).count(STDIN) > 1:
        raise DataError("-: expected the standard input once, got it twice")
    if "" in arguments:
        raise DataError("expected the name of a file or folder, got an empty one")
    found: list[str] = []
    for argument in arguments:
        path = expanded(argument)
        if argument != STDIN and os.path.isdir(path):  # unlike Path's it is False where nobody may look
            inside = sorted(_pictures(path), key=natural)
            if not inside:
                raise DataError(f"{argument}: expected pictures in the folder ({', '.join(sorted(READ_SUFFIXES))})")
            found += inside
        else:
            found.append(argument)
    return found


def _pictures(folder: Path) -> Iterator[str]:
    closed: list[str] = []
    for root, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(root) / name
            if not name.startswith(".") and path.suffix.lower() in READ_SUFFIXES and not is_pipe(path):
                yield str(path)
    yield from closed
