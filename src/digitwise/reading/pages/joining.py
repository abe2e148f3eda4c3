"""Parts that belong to one digit: the bar of a 5, the two strokes of a 4, a stroke that the pen left open."""

from __future__ import annotations

import numpy as np

from digitwise.images import Int64
from digitwise.reading.pages.lines import SMALL, Row
from digitwise.reading.pages.parts import Part, joined

SHARED = 0.5  # share of the narrower part's width that lies above or below the other one
NEAR = 0.3  # digit heights between the ink of two parts of one digit, at most
TALLEST = 1.6  # digit heights of what is joined
LEAST_INK = 0.015  # squared digit heights: less ink is a speck, and no stroke of a digit


def units_of(parts: list[Part], row: Row, loose: list[int]) -> list[Part]:
    """The line's digits, as far as it can be told from where their parts lie, from left to right.

    Parameters
    ----------
    parts : list of Part
        All parts of the page.
    row : Row
    loose : list of int
        Indices of small parts in no line; those that belong to one of this line's digits are joined to it.

    Returns
    -------
    list of Part
    """
    units = [parts[i] for i in row.members]
    for i in loose:
        if parts[i].mask.sum() >= LEAST_INK * row.height**2:
            _attach(units, parts[i], row.height)
    merged = True
    while merged:
        merged = _merge_one(units, row.height)
    return sorted(units, key=lambda unit: unit.left + unit.right)


def _attach(units: list[Part], small: Part, height: float) -> None:
    """Join a small part to the unit it is nearest to, where they make one digit."""
    fitting = [i for i, unit in enumerate(units) if _one_digit(unit, small, height)]
    if fitting:
        nearest = min(fitting, key=lambda i: gap_between(units[i], small))
        units[nearest] = joined([units[nearest], small])


def _merge_one(units: list[Part], height: float) -> bool:
    """Join the first two units that make one digit; whether there were any."""
    for i, one in enumerate(units):
        for j in range(i + 1, len(units)):
            if min(one.height, units[j].height) < 0.75 * height and _one_digit(one, units[j], height):
                units[i] = joined([one, units.pop(j)])
                return True
    return False


def _one_digit(one: Part, other: Part, height: float) -> bool:
    """Whether two parts lie above one another, near enough and not too tall together."""
    overlap = min(one.right, other.right) - max(one.left, other.left)
    tall = max(one.bottom, other.bottom) - min(one.top, other.top)
    if overlap < SHARED * min(one.width, other.width) or tall > max(TALLEST * height, one.height, other.height):
        return False
    return gap_between(one, other) <= NEAR * height


def gap_between(one: Part, other: Part) -> float:
    """The shortest way from the outline of one part to that of the other, pixels."""
    a, b = _outline(one), _outline(other)
    return float(np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2).min()))


def _outline(part: Part) -> Int64:
    """Row and column of at most about a hundred outermost pixels, int64 (k, 2)."""
    mask = part.mask
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1] = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    points = np.argwhere(mask & ~inner) + np.array([part.top, part.left])
    return np.asarray(points[:: max(1, len(points) // 100)], np.int64)


def small_parts(parts: list[Part], rows: list[Row]) -> list[int]:
    """Indices of parts in no line."""
    taken = {i for row in rows for i in row.members}
    least = min((row.height for row in rows), default=0.0)
    return [i for i, part in enumerate(parts) if i not in taken and part.height <= 2 * SMALL * least + part.width]
