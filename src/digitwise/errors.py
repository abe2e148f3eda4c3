"""What can go wrong, as one tree.

::

    DigitwiseError
    ├── DataError                images, labels or files that cannot be used
    │   ├── TooLargeError        an image of more pixels than are allowed
    │   └── DataNotFoundError    a named set that is neither on disk nor within reach
    ├── RecipeError              an unknown recipe, or a value a recipe cannot take
    ├── RunError                 a folder that is not a (whole) run, or runs that do not fit together
    ├── ExportError              a model that cannot be written in a form, or gives other answers in it
    ├── ModelError               a model file that cannot be read with, or a guarantee that it does not give
    ├── ClusterError             a cluster that does not answer, or that lost too much to go on
    ├── ServerError              an address that cannot be served at, or a setting that a server cannot take
    └── MissingPartError         an optional library that is not installed

Every message is one line: what is wrong, what was expected, what was given, and the next step. The command line catches
the base class once, prints that line and exits with code 2. The same is in attributes, for programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Self

from digitwise.escaping import printable


class DigitwiseError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    message : str
        One line.
    path : str or Path, optional
        The file, folder or address that it is about; kept as str.
    argument : str, optional
        The argument of the called function that it is about, or that settles it.
    expected, got : object, optional
        What was expected and what came, as values or in words.

    Examples
    --------
    >>> import digitwise
    >>> try:
    ...     digitwise.load("digits", turn="left")
    ... except digitwise.DigitwiseError as error:
    ...     print(error.argument, error.got)
    turn left
    """

    def __init__(
        self,
        message: str = "",
        *,
        path: object = None,
        argument: str | None = None,
        expected: object = None,
        got: object = None,
    ) -> None:
        super().__init__(message)
        self.path = None if path is None else str(path)
        self.argument, self.expected, self.got = argument, expected, got

    @classmethod
    def wanted(
        cls,
        where: object,
        expected: object,
        got: object,
        do: str = "",
        *,
        path: object = None,
        argument: str | None = None,
    ) -> Self:
        """The error whose message is ``WHERE: expected EXPECTED, got GOT; DO``; a Path as ``where`` is its path."""
        message = f"{where}: expected {expected}, got {got}" + (f"; {do}" if do else "")
        found = where if path is None and isinstance(where, PurePath) else path
        return cls(message, path=found, argument=argument, expected=expected, got=got)


@contextmanager
def about(path: object = None, *, argument: str | None = None) -> Iterator[None]:
    """Tell an error raised inside which file, folder or address it is about, and which argument, unless it knows."""
    try:
        yield
    except DigitwiseError as error:
        if error.path is None and path is not None:
            error.path = str(path)
        error.argument = error.argument or argument
        raise


class DataError(DigitwiseError):
    """Images, labels or files that cannot be used.

    Examples
    --------
    >>> import digitwise
    >>> try:
    ...     digitwise.load((1, 2, 3))
    ... except digitwise.DataError as error:
    ...     print(error.argument)
    data
    """


class TooLargeError(DataError):
    """An image of more pixels, or a PDF of more pages, than are allowed."""


class DataNotFoundError(DataError):
    """A named set that is neither on disk nor within reach.

    Examples
    --------
    >>> import digitwise
    >>> try:
    ...     digitwise.load("mnits")
    ... except digitwise.DataNotFoundError as error:
    ...     print(error.path)
    mnits
    """


class RecipeError(DigitwiseError):
    """An unknown recipe, or a value that a recipe cannot take.

    Examples
    --------
    >>> import digitwise
    >>> try:
    ...     digitwise.train("flahs")
    ... except digitwise.RecipeError as error:
    ...     print(error.argument)
    recipe
    """


class RunError(DigitwiseError):
    """A folder that is not a whole run, or runs that do not fit together.

    Examples
    --------
    >>> import digitwise
    >>> try:
    ...     digitwise.Run.open("nowhere")
    ... except digitwise.RunError as error:
    ...     print(error.path)
    nowhere
    """


class ExportError(DigitwiseError):
    """A model that cannot be written in a form, or gives other answers in it.

    Examples
    --------
    >>> import digitwise
    >>> try:
    ...     digitwise.export("results/flash", "tflite")
    ... except digitwise.ExportError as error:
    ...     print(error.argument)
    format
    """


class ModelError(DigitwiseError):
    """A model file that cannot be read with, or a guarantee that it does not give.

    Examples
    --------
    >>> import digitwise
    >>> try:
    ...     digitwise.Reader(max_error=2)
    ... except digitwise.ModelError as error:
    ...     print(error.argument)
    max_error
    """


class ClusterError(DigitwiseError):
    """A cluster that does not answer, or that lost too much to go on."""


class ServerError(DigitwiseError):
    """An address that cannot be served at, or a setting that a server cannot take."""


class MissingPartError(DigitwiseError):
    """An optional library that is not installed.

    Examples
    --------
    >>> import digitwise
    >>> try:  # doctest: +SKIP
    ...     digitwise.serve()
    ... except digitwise.MissingPartError as error:
    ...     print(error.expected)
    pip install "digitwise[serve]"
    """


def one_line(told: object, longest: int | None = None) -> str:
    """Text such as another library's error as one line, for a message; harmful characters are escaped.

    Parameters
    ----------
    told : object
        Its text is taken, with one space for each run of white space; of an exception without one, its type's name.
    longest : int, optional
        Characters that are kept, counted from the front.
    """
    line = printable(" ".join(str(told).split()))[:longest]
    return line or (type(told).__name__ if isinstance(told, BaseException) else "")


def counted(n: int, noun: str) -> str:
    """A number with its noun, for a message: ``1 image``, ``2,000 images``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
