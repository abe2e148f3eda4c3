"""The lines and digits of a page."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float64
from digitwise.reading.pages.choice import Chosen, Probabilities, read_lines
from digitwise.reading.pages.joining import small_parts, units_of
from digitwise.reading.pages.lines import Row, rows_of
from digitwise.reading.pages.parts import Box, Part

LEAST_HEIGHT = 8  # pixels: below that a digit cannot be read
LONGEST = 3.0  # digit heights: what is longer is the rest of a ruled line, or the edge of the paper
FLAT = 0.25  # height for one width: what is flatter is a dash


def digits_of(parts: list[Part], probabilities: Probabilities) -> list[list[Chosen]]:
    """The digits that the parts of a page make up, in lines, each from left to right."""
    rows, lines = lines_of(parts)
    return [line for line in read_lines(lines, [row.height for row in rows], probabilities) if line]


def lines_of(parts: list[Part]) -> tuple[list[Row], list[list[Part]]]:
    """Parts that may be digits, in lines, those of one digit joined; and what is known of each line."""
    parts = [part for part in parts if part.height >= LEAST_HEIGHT or part.width >= LEAST_HEIGHT]
    rows = rows_of(boxes_of(parts))
    rows = [kept for row in rows if (kept := _cleared(row, parts)) is not None]
    loose = small_parts(parts, rows)
    return rows, [units_of(parts, row, loose) for row in rows]


def boxes_of(parts: list[Part]) -> Float64:
    """Left, top, right, bottom of each part, float64 (n, 4)."""
    return np.array([part.box for part in parts], np.float64).reshape(-1, 4)


def _cleared(row: Row, parts: list[Part]) -> Row | None:
    """The line without dashes and long thin rests, None if nothing is left."""
    members = tuple(
        i
        for i in row.members
        if parts[i].height <= LONGEST * row.height
        and parts[i].height >= max(LEAST_HEIGHT, FLAT * min(parts[i].width, row.height))
    )
    return Row(members, row.height, row.slope, row.offset) if members else None


def scaled(box: Box, scale: float) -> Box:
    """A box in the pixels of the picture that was shrunk by ``scale``."""
    left, top, right, bottom = (v / scale for v in box)
    return int(left), int(top), int(np.ceil(right)), int(np.ceil(bottom))
