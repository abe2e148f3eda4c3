"""Finished files of rows, known by their footers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields

from digitwise.reading.shards.places import Place

KEY = "digitwise"  # of a footer's metadata
LEFT = re.compile(
    r"\.(part-\d{5}|manifest)-[a-z0-9_]{1,8}\.(parquet|json)"
)  # temporary names that writers leave behind which are killed
PART = re.compile(r"part-\d+\.parquet")
SIDE_BY_SIDE = 16


@dataclass(frozen=True)
class Counts:
    """How the pictures of one shard, or of several, came out.

    Parameters
    ----------
    read, unsure, blank, error : int
    expected_errors, variance : float
        Of those read, as in :class:`~digitwise.reading.tally.Expected`.
    """

    read: int = 0
    unsure: int = 0
    blank: int = 0
    error: int = 0
    expected_errors: float = 0.0
    variance: float = 0.0

    @property
    def rows(self) -> int:
        """Pictures."""
        return self.read + self.unsure + self.blank + self.error

    @property
    def by_status(self) -> dict[str, int]:
        """How many came out in which way, by name."""
        return {"read": self.read, "unsure": self.unsure, "blank": self.blank, "error": self.error}

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + its for mine, its in zip(asdict(self).values(), asdict(other).values(), strict=True)))


def part_name(number: int) -> str:
    """The name of a shard's file of rows."""
    return f"part-{number:05}.parquet"


def footer_of(job: str, number: int, counts: Counts) -> dict[str, str]:
    """What a finished file says of itself."""
    return {KEY: json.dumps({"job": job, "shard": number, "rows": counts.rows, **asdict(counts)})}


def counts_of(place: Place, job: str, number: int) -> Counts | None:
    """What a finished file says; None where there is none, or one that is damaged or another job's."""
    from digitwise.data.blocks.parquet import library

    parquet = library()
    try:
        with place.open(part_name(number)) as file:
            found = parquet.read_metadata(file)
            told = json.loads(found.metadata[KEY.encode()])
            counts = Counts(**{field.name: told[field.name] for field in fields(Counts)})
            mine = (told["job"], told["shard"], told["rows"]) == (job, number, counts.rows)
            return counts if mine and counts.rows == found.num_rows else None
    except (OSError, ValueError, KeyError, TypeError):  # ArrowInvalid is a ValueError
        return None


def finished(place: Place, job: str, numbers: Iterable[int], names: Iterable[str]) -> dict[int, Counts]:
    """Those of the shards whose files are there and whole.

    Parameters
    ----------
    place : Place
    job : str
        Its id.
    numbers : iterable of int
    names : iterable of str
        What is in the place, so that not every file is asked for that was never written.
    """
    there = set(names)
    wanted = [number for number in numbers if part_name(number) in there]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = zip(wanted, pool.map(lambda number: counts_of(place, job, number), wanted), strict=True)
        return {number: counts for number, counts in found if counts is not None}


def sweep(place: Place) -> None:
    """Remove what killed writers have left."""
    for name in place.names():
        if LEFT.fullmatch(name):
            place.remove(name)
