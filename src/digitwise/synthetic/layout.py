"""Where one person puts the digits of some numbers on a page."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Int64, UInt8
from digitwise.synthetic.pens import Hand, written

TOUCHING = 0.03  # share of neighbours that touch
PER_LINE = 3, 13  # digits in a line: from, below


@dataclass(frozen=True)
class Manner:
    """How somebody fills a page; lengths in heights of a digit.

    Parameters
    ----------
    gap, pitch : float
        From digit to digit, from line to line.
    unevenness : float
        Spread of the digits' heights, as a share.
    drift : float
        Spread of the lines' slope, as a tangent.
    groups : float
        How often a wide gap follows a digit.
    """

    gap: float
    pitch: float
    unevenness: float
    drift: float
    groups: float


@dataclass(frozen=True, eq=False)
class Mark:
    """A digit's ink and where it lies: the left upper corner, in pixels."""

    ink: Float32
    left: int
    top: int


@dataclass(frozen=True, eq=False)
class Layout:
    """A page's marks, by line; the pairs of neighbours that touch, by their places in reading order, (k, 2)."""

    lines: tuple[tuple[Mark, ...], ...]
    touching: Int64

    @property
    def marks(self) -> list[Mark]:
        """All digits in reading order."""
        return [mark for line in self.lines for mark in line]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of all ink."""
        marks = self.marks
        rows, columns = zip(*((mark.top + len(mark.ink), mark.left + mark.ink.shape[1]) for mark in marks), strict=True)
        return min(m.left for m in marks), min(m.top for m in marks), max(columns), max(rows)


def some_manner(*, rng: np.random.Generator) -> Manner:
    """A manner as it may come."""
    return Manner(
        gap=rng.uniform(0.15, 0.5),
        pitch=rng.uniform(1.5, 3.0),
        unevenness=rng.uniform(0.03, 0.12),
        drift=abs(rng.normal(0, 0.015)),
        groups=rng.choice((0.0, 0.0, 0.15)),
    )


def line_lengths(n: int, *, rng: np.random.Generator) -> list[int]:
    """Cut ``n`` digits into lines."""
    lengths: list[int] = []
    while (left := n - sum(lengths)) > 0:
        lengths.append(min(left, int(rng.integers(*PER_LINE))))
    return lengths


def laid_out(
    digits: UInt8, lengths: list[int], height: float, hand: Hand, manner: Manner, *, rng: np.random.Generator
) -> Layout:
    """Write digits (n, h, w), line by line, ``height`` pixels high."""
    lines: list[tuple[Mark, ...]] = []
    touching: list[tuple[int, int]] = []
    place = 0
    for row, length in enumerate(lengths):
        start = height * abs(rng.normal(0, 0.7))
        base = height * (1 + manner.pitch * row)
        slope = rng.normal(0, manner.drift)
        line: list[Mark] = []
        for digit in digits[place : place + length]:
            own = dataclasses.replace(hand, turn=hand.turn + rng.normal(0, 2))
            ink = written(digit, height * np.clip(rng.normal(1, manner.unevenness), 0.7, 1.3), own, rng=rng)
            gap = height * max(0.1, manner.gap * rng.uniform(0.6, 1.5))
            touches = bool(line) and rng.random() < TOUCHING
            if rng.random() < manner.groups and not touches:
                gap += height * rng.uniform(0.7, 2.0)
            left = start if not line else line[-1].left + line[-1].ink.shape[1] + gap
            top = base + slope * (left - start) + rng.normal(0, 0.04) * height - len(ink)
            mark = Mark(ink, round(left), round(top))
            if touches:
                closer = pushed(line[-1], mark)
                touches = closer is not None
                mark = closer or mark
            if touches:
                touching.append((place + len(line) - 1, place + len(line)))
            line.append(mark)
        lines.append(tuple(line))
        place += length
    return Layout(tuple(lines), np.array(touching, np.int64).reshape(-1, 2))


def pushed(before: Mark, mark: Mark) -> Mark | None:
    """The mark moved to the left until its ink touches the one before; None where no row has ink of both."""
    top, bottom = max(before.top, mark.top), min(before.top + len(before.ink), mark.top + len(mark.ink))
    if bottom <= top:
        return None
    first = before.ink[top - before.top : bottom - before.top] > 0.5
    second = mark.ink[top - mark.top : bottom - mark.top] > 0.5
    rows = first.any(axis=1) & second.any(axis=1)
    if not rows.any():
        return None
    end = before.left + first.shape[1] - 1 - first[rows, ::-1].argmax(axis=1)
    begin = mark.left + second[rows].argmax(axis=1)
    return dataclasses.replace(mark, left=mark.left - int((begin - end).min()))
