"""Tables of pixels as text, some rows at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.data.tables import is_numbers
from digitwise.errors import DataError, one_line

LONGEST_LINE = 10_000_000  # characters: a line without an end is no table


def csv_blocks(path: Path, size: int) -> Iterator[NDArray[Any]]:
    """Rows of pixels, or of a label and pixels, with or without a header line.

    Parameters
    ----------
    path : Path
    size : int
        Rows in a block.

    Yields
    ------
    ndarray of float32, shape (n, pixels)
        Pixels a square number: a column more than that is the label, which comes first.

    Raises
    ------
    DataError
        If a row is short, a value is no number, or the pixels are no square.
    """
    done = 0
    for lines in _blocks_of_lines(path, size):
        try:
            table = np.loadtxt(lines, delimiter=",", dtype=np.float32, ndmin=2, comments=None)
        except ValueError as error:
            reason = one_line(error, 160)
            raise DataError(f"{path}: expected rows of pixels, got after {done:,} good ones: {reason}") from error
        if len(table):
            yield table[:, _first_pixel(table.shape[1], path) :]
        done += len(table)
    if not done:
        raise DataError(f"{path}: expected rows of pixels, got none")


def is_square(number: int) -> bool:
    """Whether so many pixels make a square picture."""
    return number > 0 and math.isqrt(number) ** 2 == number


def _blocks_of_lines(path: Path, size: int) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:  # spreadsheets put a mark in front
            lines = iter(lambda: file.readline(LONGEST_LINE), "")
            first = next(lines, "")
            rows = chain([first], lines) if is_numbers(first) else lines
            while block := [line for line in islice(rows, size) if line.strip()]:
                yield block
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected text with rows of pixels, got: {one_line(error)}") from error


def _first_pixel(columns: int, path: Path) -> int:
    if is_square(columns):
        return 0
    if is_square(columns - 1):
        return 1
    raise DataError(f"{path}: expected 784 pixels for 28x28, or another square, perhaps after a label, got {columns}")
