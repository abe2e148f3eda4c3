"""Tables of pixels as text: a row an image, perhaps with its label, with or without a header line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from io import BufferedReader, TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError, one_line
from digitwise.files import UNPACKING, open_unpacked
from digitwise.formats.blocks import BLOCK, Block, Stored
from digitwise.formats.columns import Layout, layout

LONGEST_LINE = 10_000_000  # characters: a line without an end is no table
LONGEST_BLOCK = 2**26  # characters of the lines that are held at once
HEAD = 256  # rows in front that tell what the columns are
SPOTS, OF_A_SPOT = 64, 8  # places further on, and rows there: a table may be sorted by its labels
NUMBERS = re.compile(rb"\s*([-+]?\d[\d.eE+-]*[,;\t ]\s*){16}")  # the fewest pixels that an image has
FAR = 2**28  # bytes of a packed file that are unpacked for these
LARGE = 2**16  # bytes from which on these are looked at


class Csv(Stored):
    """A table whose rows are images.

    Parameters
    ----------
    path : Path
        UTF-8, plain or packed by gzip, bzip2 or xz. Cells stand between commas; or between
        semicolons, tabs or spaces, and then a comma is a decimal one.
    label_column : str, optional
        See :func:`digitwise.formats.columns.layout`.
    """

    def __init__(self, path: Path, label_column: str | None = None) -> None:
        self.path, self.where, self.label_column = path, str(path), label_column

    @cached_property
    def layout(self) -> Layout:
        """Which columns are pixels, and which one is the label.

        Raises
        ------
        DataError
            If that cannot be told, or there are no rows.
        """
        head = next(self._lines(HEAD), [])
        try:
            sample = self._parsed([*head, *self._further()])
        except (ValueError, DataError):
            sample = self._checked(head, 0)  # a fault further on is reported when it is read
        if not sample.size:
            raise DataError.wanted(self.path, "rows of pixels", "none")
        names = self._header if self._header is not None and len(self._header) == sample.shape[1] else None
        return layout(names, sample.astype(np.float64), self.where, self.label_column)

    @property
    def labelled(self) -> bool:  # type: ignore[override]
        """Whether there is a column of labels."""
        return self.layout.label is not None

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`~digitwise.formats.blocks.Stored`."""
        return self.layout.notes

    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """See :class:`~digitwise.formats.blocks.Stored`; numbers are float32 (n, pixels) or (n, h, w), and (n,)."""
        label, done = self.layout.label, 0
        for lines in self._lines(size):
            table = self._checked(lines, done)
            done += len(table)
            yield Block(self.layout.images(table), table[:, label] if labels and label is not None else None)

    @cached_property
    def _first(self) -> str:
        with self._text() as file:
            first = file.readline(LONGEST_LINE)
        if len(first) == LONGEST_LINE:
            raise DataError(f"{self.path}: expected a line an image, got one of {LONGEST_LINE:,} characters or more")
        return first

    @cached_property
    def _separator(self) -> str:
        return next((mark for mark in ";\t," if mark in self._first), " ")

    @cached_property
    def _header(self) -> list[str] | None:
        try:
            self._parsed([self._first] if self._first.strip() else [])
        except ValueError:
            return [cell.strip().strip('"') for cell in self._first.strip().split(self._separator)]
        return None

    def _lines(self, size: int) -> Iterator[list[str]]:
        """The rows as text, ``size`` at a time."""
        with self._text() as file:
            first = file.readline(LONGEST_LINE)
            following = iter(lambda: file.readline(LONGEST_LINE), "")
            rows = chain([first], following) if self._header is None else following
            block, held = list[str](), 0
            for line in rows:
                if len(line) == LONGEST_LINE:
                    raise DataError(f"{self.path}: expected a line an image, got one of {LONGEST_LINE:,} characters")
                if line.strip():
                    block.append(line)
                    held += len(line)
                if len(block) == size or held > LONGEST_BLOCK:
                    yield block
                    block, held = [], 0
            if block:
                yield block

    def _further(self) -> Iterator[str]:
        """Some rows from all over the file."""
        with self._told(), open_unpacked(self.path) as file:
            size = file.seek(0, os.SEEK_END) if isinstance(file, BufferedReader) else file.seek(FAR)  # or its end
            for spot in range(1, SPOTS) if size > LARGE else ():
                file.seek(size * spot // SPOTS)
                file.readline(LONGEST_LINE)
                lines = (file.readline(LONGEST_LINE).decode("utf-8", "replace") for _ in range(OF_A_SPOT))
                yield from (line for line in lines if line.strip())

    def _checked(self, lines: Sequence[str], done: int) -> NDArray[Any]:
        try:
            return self._parsed(lines)
        except ValueError as error:
            reason = one_line(error, 160)
            raise DataError.wanted(self.path, "rows of pixels", f"after {done:,} good ones: {reason}") from error

    def _parsed(self, lines: Sequence[str]) -> NDArray[Any]:
        if not lines:
            return np.empty((0, 0), np.float32)
        points = lines if self._separator == "," else [line.replace(",", ".") for line in lines]
        mark = None if self._separator == " " else self._separator
        return np.loadtxt(points, delimiter=mark, dtype=np.float32, ndmin=2, comments=None, quotechar='"')

    @contextmanager
    def _text(self) -> Iterator[TextIOWrapper]:
        with self._told(), TextIOWrapper(open_unpacked(self.path), "utf-8-sig") as file:  # spreadsheets add a mark
            yield file

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (*UNPACKING, UnicodeDecodeError) as error:
            raise DataError(f"{self.path}: expected text with rows of pixels, got: {one_line(error)}") from error


def is_table(start: bytes) -> bool:
    """Whether a file is text with many numbers in a line, by its first bytes."""
    return NUMBERS.match(start) is not None


def splits(path: Path, label_column: str | None = None) -> Mapping[str, Csv]:
    """The only split of a table."""
    return {"train": Csv(path, label_column)}


def separator(text: str) -> str:
    """What stands between the cells of a table of words, by its first line: a comma, semicolon or tab."""
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)
