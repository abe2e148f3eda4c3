"""Damage of a stored file as one line, whatever the library that read it raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digitwise.addresses import refuse_no_data
from digitwise.errors import DataError, DigitwiseError, one_line

LONGEST = 160  # characters of the library's reason


@contextmanager
def damage_of(where: str | Path, what: str, failures: tuple[type[Exception], ...] = (Exception,)) -> Iterator[None]:
    """Turn what reading a file raises into a :class:`~digitwise.errors.DataError`; our own errors stay.

    Parameters
    ----------
    where : str or Path
        The file, or its address.
    what : str
        What is wrong with it, such as ``damaged Parquet``; the reason follows.
    failures : tuple of type
        What is damage. Most parsers, unpacking and libraries for addresses raise errors of no common kind.

    Raises
    ------
    DataError
        For any of these; where something else than data was saved under the name, it says so.
    """
    try:
        yield
    except DigitwiseError:
        raise
    except failures as error:
        refuse_no_data(str(where))
        raise DataError(f"{where}: {what}: {one_line(error, LONGEST)}; fetch it again") from error
