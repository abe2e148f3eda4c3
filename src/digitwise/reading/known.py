"""What the caller knows about numbers: the region of the image they are in, and the pattern they match."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from digitwise.decoding import Decoded
from digitwise.errors import DataError
from digitwise.maps import SIGNS
from digitwise.reading.results import UNSURE

SLIP = 0.01  # probability that a number does not match what the caller knows: a field may hold something else
TRIED = 3_000  # readings of one number that are tried, the most probable first
REST = 1e-4  # probability of the readings left at which the search stops
LONGEST = 40  # digits: the largest number that may be expected
STROKE = "1"  # what an unread vertical stroke counts as when it is compared with a pattern
DIGITS = frozenset((*SIGNS[:10], UNSURE))

Outcomes = Sequence[tuple[str, float]]  # what an object may be, "" for nothing, and the probability of each


@dataclass(frozen=True, slots=True)
class Region:
    """A part of an image.

    Parameters
    ----------
    left, top, width, height : float
        In pixels of the image, upright by its EXIF orientation, or in per cent of its width and height.
    per_cent : bool

    Examples
    --------
    >>> Region.parsed("60%,10%,30%,8%")
    Region(left=60.0, top=10.0, width=30.0, height=8.0, per_cent=True)
    """

    left: float
    top: float
    width: float
    height: float
    per_cent: bool = False

    @classmethod
    def parsed(cls, given: str | Sequence[float]) -> Region:
        """Parse ``x,y,w,h`` in pixels, or each with ``%``; or take four numbers of pixels.

        Raises
        ------
        DataError
            If it is no region.
        """
        parts = [part.strip() for part in given.split(",")] if isinstance(given, str) else [str(each) for each in given]
        per_cent = all(part.endswith("%") for part in parts)
        try:
            left, top, width, height = (float(part.removesuffix("%") if per_cent else part) for part in parts)
        except ValueError:
            told = f"expected a region as x,y,w,h in pixels or 10%,20%,30%,5%, got {given!r}"
            raise DataError(told, argument="region", expected="x,y,w,h", got=given) from None
        return cls(left, top, width, height, per_cent)

    def of(self, decoded: Decoded) -> Decoded:
        """Cut the region out of an image.

        Raises
        ------
        DataError
            If nothing of the region is in the image.
        """
        rows, columns = decoded.image.shape[:2]
        across, down = (columns / 100, rows / 100) if self.per_cent else (1 / decoded.scale, 1 / decoded.scale)
        edges = self.left * across, self.top * down, self.width * across, self.height * down
        if not all(map(math.isfinite, edges)):
            raise DataError(f"expected a region in numbers, got {self}")
        left, top = max(0, round(edges[0])), max(0, round(edges[1]))
        right, bottom = min(columns, round(edges[0] + edges[2])), min(rows, round(edges[1] + edges[3]))
        if right <= left or bottom <= top:
            size = f"{round(columns * decoded.scale)}x{round(rows * decoded.scale)}"
            raise DataError(f"expected a region inside the image of {size} pixels, got {self}")
        part = np.ascontiguousarray(decoded.image[top:bottom, left:right])
        x, y = decoded.origin
        origin = x + round(left * decoded.scale), y + round(top * decoded.scale)
        return Decoded(part, decoded.notes, decoded.scale, origin)

    def __str__(self) -> str:
        unit = "%" if self.per_cent else ""
        return ",".join(f"{edge:g}{unit}" for edge in (self.left, self.top, self.width, self.height))


@dataclass(frozen=True, slots=True)
class Known:
    r"""The form of numbers.

    Parameters
    ----------
    pattern : re.Pattern
        A number matches it as a whole, with or without its signs.

    Examples
    --------
    >>> known = Known.of(pattern=r"\d{4}-\d{2}")
    >>> known.fitting("2026-11"), known.fitting("202611")
    ('2026-11', None)
    >>> Known.of(expect=4).fitting("25.10")
    '2510'
    """

    pattern: re.Pattern[str]

    @classmethod
    def of(cls, pattern: str | None = None, expect: int | None = None) -> Known | None:
        """From a regular expression, or from the number of digits; None if neither is given.

        Raises
        ------
        DataError
            If both are given, or one is invalid.
        """
        if pattern is not None and expect is not None:
            raise DataError("expected a pattern or a number of digits, got both; write the number into the pattern")
        if expect is not None:
            if not 1 <= expect <= LONGEST:
                raise DataError(
                    f"expected 1 to {LONGEST} digits in a number, got {expect}",
                    argument="expect",
                    expected=f"1 to {LONGEST}",
                    got=expect,
                )
            pattern = rf"\d{{{expect}}}"
        if pattern is None:
            return None
        try:
            return cls(re.compile(pattern, re.ASCII))
        except (re.error, OverflowError, RecursionError) as error:
            raise DataError(
                rf"expected a regular expression such as \d{{4}}-\d{{2}}, got {pattern!r}: {error}",
                argument="pattern",
                expected="a regular expression",
                got=pattern,
            ) from None

    def fitting(self, written: str) -> str | None:
        """The number as written, or its digits alone, whichever matches; None if neither does."""
        digits = "".join(sign for sign in written if sign in DIGITS)
        return next((text for text in (written, digits) if self.pattern.fullmatch(text)), None)

    def best(self, objects: Sequence[Outcomes]) -> tuple[tuple[str, ...], float] | None:
        """The most probable matching reading of the objects of a number, from left to right, and its probability.

        By Bayes' theorem over the readings that match, where the caller is wrong with probability :data:`SLIP`: a
        reading that matches, but is almost impossible by the image, is not sure.

        Parameters
        ----------
        objects : sequence of outcomes
            ``?`` stands for an unread digit.

        Returns
        -------
        (tuple of str, float) or None
            None if no reading that is tried matches, or the best one has a ``?``.
        """
        chances: dict[str, float] = {}
        first: dict[str, tuple[str, ...]] = {}
        for signs, chance in _likeliest(objects):
            if self.fitting("".join(signs).replace(UNSURE, STROKE)) is not None:
                digits = "".join(sign for sign in signs if sign in DIGITS)
                chances[digits] = chances.get(digits, 0.0) + chance
                first.setdefault(digits, signs)
        best = max(chances, key=lambda digits: chances[digits], default=UNSURE)
        if UNSURE in best:
            return None
        fit = min(1.0, sum(chances.values()))
        believed = fit * (1 - SLIP) / (fit * (1 - SLIP) + (1 - fit) * SLIP)
        return first[best], chances[best] / fit * believed


def _likeliest(objects: Sequence[Outcomes]) -> Iterator[tuple[tuple[str, ...], float]]:
    """Readings of all objects, the most probable first, each once (Lawler 1972)."""
    ordered = [sorted(outcomes, key=lambda outcome: -outcome[1]) for outcomes in objects]
    costs = [[-math.log(max(chance, 1e-12)) for _, chance in outcomes] for outcomes in ordered]
    heap = [(sum(cost[0] for cost in costs), (0,) * len(ordered), 0)]
    told = 0.0
    for _ in range(TRIED):
        if not heap or told > 1 - REST:
            return
        cost, ranks, changed = heapq.heappop(heap)
        chance = math.exp(-cost)
        told += chance
        yield tuple(outcomes[rank][0] for outcomes, rank in zip(ordered, ranks, strict=True)), chance
        for place in range(changed, len(ordered)):
            rank = ranks[place] + 1
            if rank < len(ordered[place]):
                more = cost + costs[place][rank] - costs[place][rank - 1]
                heapq.heappush(heap, (more, (*ranks[:place], rank, *ranks[place + 1 :]), place))
