"""A page of numbers as a table: rows and columns with empty cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitwise.escaping import cell
from digitwise.images import Float64, Int64, Mask
from digitwise.outputs import Kind
from digitwise.planes import Box, turned
from digitwise.reading.grid import level_columns, level_rows
from digitwise.reading.results import Number, Page, part_of, together

TABLES = Kind("table", "an earlier table of digitwise read", option="--table")
# In heights of a digit:
LOOSE = 0.7  # a gap within a number from which it may be two close ones,
LOOSER = 1.6  # if it is so many times as wide as the number's other gaps
FAR = 1.75, 3.0  # times the usual distance of rows: a lone number so far above is a title, so far below a page number
TALLER = 1.4  # times a digit's usual height: so is one of such a height


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers in rows and columns.

    Parameters
    ----------
    rows : tuple of tuple of (Number or None)
        From top to bottom, all of one length; None is an empty cell. Several numbers of one cell are one, with spaces
        between them.
    outside : tuple of Number
        Those above and below the table that belong to no cell: titles, a page's number.

    Examples
    --------
    >>> twelve = Number("12", "1.2", 0.99, "read", (0, 0, 20, 20), ())
    >>> Table(((twelve, None), (None, twelve))).text
    (('1.2', ''), ('', '1.2'))
    """

    rows: tuple[tuple[Number | None, ...], ...]
    outside: tuple[Number, ...] = ()

    @property
    def text(self) -> tuple[tuple[str, ...], ...]:
        """Each number as it is written, ``?`` for an unsure digit; "" for an empty cell.

        With its signs, since an amount without its point is another amount.
        """
        return tuple(tuple("" if number is None else number.written for number in row) for row in self.rows)

    @property
    def csv(self) -> str:
        """The text as lines of comma-separated values, ended by CR LF."""
        file = io.StringIO()
        csv.writer(file).writerows(map(cell, row) for row in self.text)
        return file.getvalue()


@dataclass(frozen=True)
class _Piece:
    """A number, or a part of it before or behind a wide gap."""

    number: Number
    begin: int
    end: int

    @property
    def whole(self) -> bool:
        return self.end - self.begin == len(self.number.digits)


def table_of(page: Page) -> Table | None:
    """Arrange the numbers of a page in rows and columns.

    Rows may be tilted, bent or fan out; numbers of a column may differ in length and be aligned left or right.

    Parameters
    ----------
    page : Page

    Returns
    -------
    Table, or None
        None if the numbers do not make a table of two rows and two columns.
    """
    parts = [part for number in page.numbers if number.digits for part in _pieces(number, page.turn)]
    if len(parts) < 4:
        return None
    boxes, heights, own = _measured(parts, page.turn)
    rows, levels = level_rows(boxes, heights, own)
    inside = np.arange(len(parts))
    while len(inside) >= 4:
        unit = float(np.median(heights[inside]))
        columns, spans = level_columns(boxes[inside], rows[inside], levels[inside], unit)
        lone = _lone(rows[inside], levels[inside], heights[inside], spans)
        if lone is None:
            break
        inside = np.delete(inside, lone)
    else:
        return None
    cells = _cells([parts[k] for k in inside], rows[inside], columns, boxes[inside, 0])
    outside = np.setdiff1d(np.arange(len(parts)), inside)
    return Table(cells, tuple(_joined([parts[k]]) for k in outside)) if _is_table(cells) else None


def _is_table(cells: tuple[tuple[Number | None, ...], ...]) -> bool:
    filled = np.array([[cell is not None for cell in row] for row in cells])
    return bool(len(cells) > 1 and (filled.sum(axis=0) > 1).sum() > 1 and (filled.sum(axis=1) > 1).sum() > 0)


def _lone(rows: Int64, levels: Float64, heights: Float64, spans: Mask) -> int | None:
    """The only part of the first or last row, if it stands out as a title does."""
    there = np.unique(rows)
    if len(there) < 3:
        return None
    gaps = np.diff([levels[rows == row].mean() for row in there])
    usual, tall = float(np.median(gaps)), TALLER * float(np.median(heights))
    for row, gap, far in ((there[0], gaps[0], FAR[0]), (there[-1], gaps[-1], FAR[1])):
        (first, *others) = np.flatnonzero(rows == row).tolist()
        if not others and (gap > far * usual or spans[first] or heights[first] > tall):
            return int(first)
    return None


def _pieces(number: Number, turn: int) -> list[_Piece]:
    """A number cut at gaps that are wide for it."""
    boxes = _upright([digit.box for digit in number.digits], turn)
    gaps = boxes[1:, 0] - boxes[:-1, 2]
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    usual = float(np.median(np.delete(gaps, gaps.argmax()))) if len(gaps) > 1 else 0.0
    cuts = (np.flatnonzero(gaps > max(LOOSE * height, LOOSER * usual)) + 1).tolist()
    return [_Piece(number, a, b) for a, b in zip([0, *cuts], [*cuts, len(boxes)], strict=True)]


def _upright(boxes: Sequence[Box], turn: int) -> Float64:
    """Boxes (n, 4) once the page is turned counter-clockwise about the origin."""
    return np.array([turned(box, turn, (0, 0)) for box in boxes], np.float64)


def _measured(parts: list[_Piece], turn: int) -> tuple[Float64, Float64, tuple[float, float]]:
    """Boxes (n, 4) and digits' heights (n,), upright; the slope of the digits within parts, and its standard error."""
    digits = [_upright([digit.box for digit in part.number.digits[part.begin : part.end]], turn) for part in parts]
    heights = np.array([np.median(each[:, 3] - each[:, 1]) for each in digits])
    middles = [(each[:, :2] + each[:, 2:]) / 2 for each in digits]
    y = np.array([each[:, 1].mean() for each in middles])
    lefts, rights = (np.array([f(each[:, k]) for each in digits]) for f, k in ((np.min, 0), (np.max, 2)))
    boxes = np.stack([lefts, y - heights / 2, rights, y + heights / 2], axis=1)
    return boxes, heights, _own_slope(np.concatenate([each - each.mean(axis=0) for each in middles]))


def _own_slope(away: Float64) -> tuple[float, float]:
    """The slope of points (n, 2) about the middles of their numbers, by least squares, and its standard error."""
    spread = float(np.square(away[:, 0]).sum())
    if spread == 0:  # numbers of one digit only
        return 0.0, 0.0
    slope = float(np.prod(away, axis=1).sum()) / spread
    return slope, float(np.sqrt(np.square(away[:, 1] - slope * away[:, 0]).mean() / spread))


def _cells(parts: list[_Piece], rows: Int64, columns: Int64, lefts: Float64) -> tuple[tuple[Number | None, ...], ...]:
    """The table's cells; rows and columns without a part are left out."""
    found: dict[tuple[int, int], list[_Piece]] = {}
    for k in np.argsort(lefts, kind="stable"):
        found.setdefault((int(rows[k]), int(columns[k])), []).append(parts[k])
    across = np.unique(columns).tolist()
    return tuple(
        tuple(_joined(found[row, column]) if (row, column) in found else None for column in across)
        for row in np.unique(rows).tolist()
    )


def _joined(parts: list[_Piece]) -> Number:
    """The parts of one cell, from left to right, as one number."""
    numbers: list[Number] = []
    while parts:
        first, *parts = parts
        while parts and parts[0].number is first.number and parts[0].begin == first.end:
            first, parts = replace(first, end=parts[0].end), parts[1:]
        numbers.append(first.number if first.whole else part_of(first.number, first.begin, first.end))
    return numbers[0] if len(numbers) == 1 else together(numbers)
