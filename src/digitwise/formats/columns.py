"""Which column of a table is the label and which are pixels: by the header, else by what the columns hold."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError
from digitwise.images import Float64

LABELS = ("label", "labels", "y", "class", "cls", "target", "targets", "digit", "digits")  # the likeliest first
INDEX = ("", "index", "id", "imageid", "row", "unnamed: 0")  # names of a column that numbers the rows
ENDS = {"first": 0, "last": -1}
HEAD = 11  # rows from which on 0, 1, 2, … are numbers of rows, not labels
MOSTLY = 0.8  # share of whole numbers in a column of labels: some may be wrong or missing
HIGHEST = 100  # a label in a table of few rows
FEW = 10  # different labels in a table of few rows
ENOUGH = 20  # rows that most labels are among
DECISIVE = 2.0  # times as far from its neighbour as the column at the other end
APART = 0.1  # as far at least, 0 to 1
NO_COLUMN = "label_column (--label-column) with a table (CSV or Parquet)"  # expected, where there is no table
OPTION = "name it by --label-column NAME, first or last (label_column=)"


@dataclass(frozen=True)
class Layout:
    """The columns of a table.

    Parameters
    ----------
    pixels : tuple of int
        In the order of the table.
    label : int or None
        None where there is none.
    shape : (int, int)
        Height and width of an image.
    notes : tuple of str
        What was understood, in words.
    """

    pixels: tuple[int, ...]
    label: int | None
    shape: tuple[int, int]
    notes: tuple[str, ...]

    def images(self, table: NDArray[Any]) -> NDArray[Any]:
        """The pixels of rows: (n, pixels) where images are square, else (n, h, w)."""
        first, last = self.pixels[0], self.pixels[-1]
        contiguous = last - first + 1 == len(self.pixels)
        return self.shaped(table[:, first : last + 1] if contiguous else table[:, list(self.pixels)])

    def shaped(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Flat rows of pixels as they are where images are square, else (n, h, w)."""
        return pixels if self.shape[0] == self.shape[1] else pixels.reshape(-1, *self.shape)


def layout(names: Sequence[str] | None, sample: Float64, where: str, chosen: str | None = None) -> Layout:
    """Find the label and the pixels among the columns.

    Parameters
    ----------
    names : sequence of str or None
        The header, where there is one.
    sample : ndarray of float64, shape (k, columns)
        Rows, the first ones of the table in front.
    where : str
        The file, for messages.
    chosen : str, optional
        The label column by its name, ``first`` or ``last``.

    Raises
    ------
    DataError
        If there is no square number of pixels, or several columns may be the label.
    """
    columns = sample.shape[1]
    label = label_named(names, chosen, columns, where)
    rest = [place for place in range(columns) if place != label]
    notes = [] if label is None else [f"label: {_words(label, names, columns)}"]
    spare = _spare(len(rest), names, rest)
    if spare and (index := _index(names, sample, rest)) is not None:
        rest.remove(index)
        spare -= 1
        notes.append(f"{_words(index, names, columns)}, numbers the rows and is left out")
    if spare is None or spare > (label is None):
        beside = f", {len(rest)} of them beside the label" if label is not None else ""
        wanted, came = "a square number of pixels (784 for 28x28), perhaps with a label", f"{columns} columns{beside}"
        raise DataError.wanted(where, wanted, came, "take out what is no pixel" if spare else "")
    if spare:
        label = _by_values(sample, rest, where)
        rest.remove(label)
        notes.insert(0, f"label: {_words(label, names, columns)}, by its values")
    return Layout(tuple(rest), label, _shape(names, rest) or _square(len(rest)), tuple(notes))


def label_named(names: Sequence[str] | None, chosen: str | None, columns: int, where: str) -> int | None:
    """The column of labels by its name, any case and quoted; None where no name says so.

    Parameters
    ----------
    names : sequence of str or None
    chosen : str or None
        See :func:`layout`.
    columns : int
    where : str

    Raises
    ------
    DataError
        If the column chosen is not there.
    """
    plain = [_plain(name) for name in names or ()]
    if chosen is not None:
        if chosen in (names or ()):
            return list(names or ()).index(chosen)
        if _plain(chosen) in plain:
            return plain.index(_plain(chosen))
        if chosen.lower() in ENDS:
            return range(columns)[ENDS[chosen.lower()]]
        had = "no header" if not names else f"{', '.join(names[:2])}, …, {names[-1]}"
        option = f"{where}: label_column {chosen} (--label-column)"
        raise DataError.wanted(option, "a name in the header, first or last", had, argument="label_column")
    return next((plain.index(name) for name in LABELS if name in plain), None)


def is_square(number: int) -> bool:
    """Whether so many pixels make a square image."""
    return number > 0 and math.isqrt(number) ** 2 == number


def _plain(name: str) -> str:
    return name.strip().strip("\"'").strip().lower()


def _spare(count: int, names: Sequence[str] | None, rest: Sequence[int]) -> int | None:
    """How many of the columns are no pixels: the fewest that leave an image; None where more than two."""
    if names is not None and _shape(names, rest):
        return 0
    return next((spare for spare in range(3) if is_square(count - spare)), None)


def _index(names: Sequence[str] | None, sample: Float64, rest: Sequence[int]) -> int | None:
    """The first or the last column, where it numbers the rows."""
    for place in (rest[0], rest[-1]):
        if names is not None and _plain(names[place]) in INDEX:
            return place
        head = sample[: 2 * HEAD, place]
        if len(head) >= HEAD and head[0] in (0, 1) and (np.diff(head) == 1).all():
            return place
    return None


def _by_values(sample: Float64, rest: Sequence[int], where: str) -> int:
    """The first or the last column: the one that may be a label, and is not like the pixels beside it."""
    ends = {rest[0]: rest[1], rest[-1]: rest[-2]}
    found = [end for end in ends if _may_be_label(sample[:, end])]
    found = [end for end in found if len(np.unique(sample[:, end])) > 1] or found
    away = {end: _distance(sample[:, end], sample[:, ends[end]]) for end in found}
    nearest = min(away.values(), default=0.0) if len(found) > 1 else 0.0
    apart = [end for end in found if away[end] >= max(APART, DECISIVE * nearest)]
    if len(apart) == 1:
        return apart[0]
    several = "the first and the last column may both be that"
    which = several if len(found) > 1 else "neither the first nor the last may be that"
    wanted = "one column of labels beside the pixels"
    message = f"{where}: expected {wanted}, {which}; {OPTION}"
    raise DataError(message, argument="label_column", expected=wanted, got=which)


def _may_be_label(values: Float64) -> bool:
    """Whether values are whole and few, and leave out few numbers from 0 on."""
    good = values[np.isfinite(values) & (values >= 0) & (values == np.floor(values))]
    if len(good) < MOSTLY * len(values) or not len(good) or good.max() >= max(HIGHEST, len(values)):
        return False
    different = len(np.unique(good))
    is_full = len(good) < ENOUGH or 2 * different >= good.max() + 1
    return different == 1 or (different <= max(FEW, len(good) / 2) and is_full)


def _distance(a: Float64, b: Float64) -> float:
    """How differently two columns are distributed, 0 to 1: the statistic of Kolmogorov and Smirnov."""
    a, b = np.sort(a[np.isfinite(a)]), np.sort(b[np.isfinite(b)])
    if not len(a) or not len(b):
        return 1.0
    both = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, both, "right") / len(a) - np.searchsorted(b, both, "right") / len(b)).max())


def _shape(names: Sequence[str] | None, pixels: Sequence[int]) -> tuple[int, int] | None:
    """Height and width where names give a row and a column each, as ``1x1`` to ``28x28``; else None."""
    places = (
        [re.fullmatch(r"\D*(\d+)[x_,](\d+)\D*", _plain(names[place])) for place in (pixels[0], pixels[-1])]
        if names
        else []
    )
    if not places or None in places:
        return None
    (top, left), (bottom, right) = [(int(place[1]), int(place[2])) for place in places if place is not None]
    height, width = bottom - top + 1, right - left + 1
    return (height, width) if min(height, width) > 0 and height * width == len(pixels) else None


def _square(count: int) -> tuple[int, int]:
    return math.isqrt(count), math.isqrt(count)


def _words(place: int, names: Sequence[str] | None, columns: int) -> str:
    end = "first" if place == 0 else "last" if place == columns - 1 else ordinal(place + 1)
    return f"the {end} column" if names is None else f"column {names[place]!r}, the {end}"


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``11th``, ``31st``."""
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ends.get(number % 10, 'th')}"
