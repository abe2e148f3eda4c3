"""LIBSVM's text, ``label index:value index:value …``, as USPS and mnist.scale have it; what is not there is 0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from digitwise.errors import DataError, one_line
from digitwise.files import UNPACKING, open_unpacked
from digitwise.formats.blocks import BLOCK, BLOCK_BYTES, Block, Stored
from digitwise.formats.columns import is_square
from digitwise.formats.damage import damage_of
from digitwise.formats.room import Room
from digitwise.images import Float64, Int64

LINE = re.compile(rb"\s*[-+]?\d+(\.\d*)?([eE][-+]?\d+)?(\s+\d+:[-+.\deE]+){2}")
LONGEST_LINE = 10_000_000  # bytes
HIGHEST = 2**53  # index; float64 holds whole numbers up to it
LONGEST_NUMBER = 64  # characters
SIDES = (
    8,
    16,
    20,
    28,
    32,
)  # of images of digits: the first is taken that holds the highest index, if that is no square
TEN = "labels 1 to 10 stand for 0 to 9, as in LIBSVM's USPS"


@dataclass(frozen=True)
class _Facts:
    pixels: int
    first: int  # the lowest index
    rows: int
    labels: frozenset[float]


class Libsvm(Stored):
    """Labelled images.

    Parameters
    ----------
    path : Path
        Text, plain or packed by gzip, bzip2 or xz.
    """

    labelled = True

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, str(path)

    @property
    def rows(self) -> int:
        """Images."""
        return self._facts.rows

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`~digitwise.formats.blocks.Stored`."""
        side = round(self._facts.pixels**0.5)
        size = f"images of {side}x{side}, by the highest index"
        return (size, TEN) if self._from_one else (size,)

    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """See :class:`~digitwise.formats.blocks.Stored`; numbers are float32 (n, pixels) and float64 (n,)."""
        facts = self._facts
        for marks, row, index, value in self._parsed(max(1, min(size, BLOCK_BYTES // (4 * facts.pixels)))):
            images = np.zeros((len(marks), facts.pixels), np.float32)
            images[row, index - facts.first] = value
            yield Block(images, marks - self._from_one if labels else None)

    def whole(self, *, labels: bool = True, mapped: bool = False) -> Block:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        Room(self.path).require_array((self._facts.rows, self._facts.pixels), np.dtype(np.float32))
        return super().whole(labels=labels)

    @property
    def _from_one(self) -> bool:
        return self._facts.labels == set(range(1, 11))

    @cached_property
    def _facts(self) -> _Facts:
        first, highest, rows, found = 1, 0, 0, set[float]()
        for marks, _, index, _ in self._parsed(BLOCK):
            rows += len(marks)
            found.update(np.unique(marks).tolist())
            first = min(first, int(index.min(initial=1)))
            highest = max(highest, int(index.max(initial=0)))
        pixels = highest + 1 - first
        if not is_square(pixels):
            pixels = next((side * side for side in SIDES if side * side >= pixels), 0)
        if not rows or not pixels or first < 0:
            raise DataError.wanted(
                self.path,
                "lines of label index:value with indexes of a square image (784 for 28x28)",
                f"{rows:,} lines with indexes up to {highest:,}",
            )
        return _Facts(pixels, first, rows, frozenset(found))

    def _parsed(self, size: int) -> Iterator[tuple[Float64, Int64, Int64, Float64]]:
        """Of some lines the labels (n,); and of each value its line among these, its index and itself."""
        done = 0
        with damage_of(self.path, "truncated or damaged", UNPACKING), open_unpacked(self.path) as file:
            lines = iter(lambda: file.readline(LONGEST_LINE), b"")
            while block := [line.partition(b"#")[0] for line in islice(lines, size)]:
                kept = [line for line in block if line.strip()]
                counts = np.array([line.count(b":") for line in kept], np.int64)
                try:
                    words = b" ".join(kept).replace(b":", b" ").split()
                    if max(map(len, words), default=0) > LONGEST_NUMBER:  # each takes as many bytes as the longest
                        raise ValueError(f"a number of more than {LONGEST_NUMBER} characters")
                    numbers = np.array(words).astype(np.float64)
                    if len(numbers) != len(kept) + 2 * counts.sum():
                        raise ValueError("a label without its values, or values without their index")
                    starts = np.cumsum([0, *(1 + 2 * counts)[:-1]]) if kept else np.empty(0, np.int64)
                    pairs = np.delete(numbers, starts).reshape(-1, 2)
                    if not (np.abs(pairs[:, 0]) < HIGHEST).all():  # nor NaN
                        raise ValueError("an index that is no number")
                except ValueError as error:
                    reason = one_line(error, 160)
                    raise DataError.wanted(
                        self.path, "lines of label index:value", f"after {done:,} good ones: {reason}"
                    ) from error
                yield (
                    numbers[starts],
                    np.repeat(np.arange(len(kept)), counts),
                    pairs[:, 0].astype(np.int64),
                    pairs[:, 1],
                )
                done += len(block)


def splits(path: Path) -> Mapping[str, Libsvm]:
    """The only split of a file."""
    return {"train": Libsvm(path)}


def is_libsvm(start: bytes) -> bool:
    """Whether a file is such text, by its first bytes, unpacked."""
    return LINE.match(start) is not None
