"""Tables of pixels as text: ``label, pixel, pixel, …`` or the pixels alone, with or without a header line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError, one_line
from digitwise.formats.blocks import BLOCK, Block, Stored

LONGEST_LINE = 10_000_000  # characters: a line without an end is no table


class Csv(Stored):
    """A table whose rows are images. Of a square number of columns and one more, the first is the label."""

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, str(path)

    @cached_property
    def labelled(self) -> bool:  # type: ignore[override]
        """Whether there is a column of labels, by the first row."""
        return next((_first_pixel(table.shape[1], self.path) == 1 for table in self._tables(1)), False)

    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """See :class:`~digitwise.formats.blocks.Stored`; numbers are float32 (n, pixels) and (n,)."""
        done = 0
        for table in self._tables(size):
            first = _first_pixel(table.shape[1], self.path)
            done += len(table)
            yield Block(table[:, first:], table[:, 0] if labels and first else None)
        if not done:
            raise DataError(f"{self.path}: expected rows of pixels, got none")

    def _tables(self, size: int) -> Iterator[NDArray[Any]]:
        done = 0
        for lines in _blocks_of_lines(self.path, size):
            try:
                table = np.loadtxt(lines, delimiter=",", dtype=np.float32, ndmin=2, comments=None)
            except ValueError as error:
                reason = one_line(error, 160)
                raise DataError(
                    f"{self.path}: expected rows of pixels, got after {done:,} good ones: {reason}"
                ) from error
            if len(table):
                yield table
            done += len(table)


def splits(path: Path) -> Mapping[str, Csv]:
    """The only split of a table."""
    return {"train": Csv(path)}


def is_square(number: int) -> bool:
    """Whether so many pixels make a square image."""
    return number > 0 and math.isqrt(number) ** 2 == number


def _blocks_of_lines(path: Path, size: int) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:  # spreadsheets put a mark in front
            lines = iter(lambda: file.readline(LONGEST_LINE), "")
            first = next(lines, "")
            rows = chain([first], lines) if _is_numbers(first) else lines
            while block := [line for line in islice(rows, size) if line.strip()]:
                yield block
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected text with rows of pixels, got: {one_line(error)}") from error


def _is_numbers(line: str) -> bool:
    try:
        [float(cell) for cell in line.split(",")]
    except ValueError:
        return False
    return True


def _first_pixel(columns: int, path: Path) -> int:
    if is_square(columns):
        return 0
    if is_square(columns - 1):
        return 1
    raise DataError(
        f"{path}: expected a square number of pixels (784 for 28x28), perhaps after a label, got {columns} columns"
    )
