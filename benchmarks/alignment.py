"""What was read against what was written: digits right, wrong, missing and too many."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alignment:
    """The fewest changes that make one text of the other.

    Parameters
    ----------
    length : int
        Of what was written.
    wrong, missing, extra : int
        Digits read as others, not read, and read where there is none.
    """

    length: int
    wrong: int
    missing: int
    extra: int

    @property
    def distance(self) -> int:
        """The edit distance."""
        return self.wrong + self.missing + self.extra

    @property
    def right(self) -> int:
        """How many of the written digits were read as they are."""
        return self.length - self.wrong - self.missing


def aligned(written: str, read: str) -> Alignment:
    """Align two texts.

    References
    ----------
    V. I. Levenshtein, Binary codes capable of correcting deletions, insertions, and reversals (1966).
    """
    # Each cell: distance, then wrong, missing and extra; among equal distances the least wrong.
    row = [(k, 0, 0, k) for k in range(len(read) + 1)]
    for at, digit in enumerate(written, 1):
        before, row = row, [(at, 0, at, 0)]
        for place, other in enumerate(read, 1):
            distance, wrong, missing, extra = before[place - 1]
            changed = int(digit != other)
            same = (distance + changed, wrong + changed, missing, extra)
            distance, wrong, missing, extra = before[place]
            less = (distance + 1, wrong, missing + 1, extra)
            distance, wrong, missing, extra = row[-1]
            row.append(min(same, less, (distance + 1, wrong, missing, extra + 1)))
    _, wrong, missing, extra = row[-1]
    return Alignment(len(written), wrong, missing, extra)


def together(parts: list[Alignment]) -> Alignment:
    """The sum of several."""
    return Alignment(*(sum(getattr(p, name) for p in parts) for name in ("length", "wrong", "missing", "extra")))
