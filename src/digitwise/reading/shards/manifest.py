"""The manifest of a job, written before any rows, and the footers of finished files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from digitwise.addresses import OutputFolder
from digitwise.errors import DataError
from digitwise.files import write_json
from digitwise.reading.rows import COLUMNS
from digitwise.reading.shards.plan import Cut
from digitwise.temporaries import FILE

KEY = "digitwise"  # of a footer's metadata
SIDE_BY_SIDE = 16
NAME = "manifest.json"
FORMAT = 1
FIXED = ("size", "version", "rows")  # of a source: may change until a shard of it is finished
OTHER = "choose another --out, or remove the folder"


@dataclass(frozen=True)
class Counts:
    """Counts of the images of one or several shards by status.

    Parameters
    ----------
    read, unsure, blank, error : int
    expected_errors, variance : float
        Of those read, as in :class:`~digitwise.reading.answers.Expected`.
    """

    read: int = 0
    unsure: int = 0
    blank: int = 0
    error: int = 0
    expected_errors: float = 0.0
    variance: float = 0.0

    @property
    def rows(self) -> int:
        """Images."""
        return self.read + self.unsure + self.blank + self.error

    @property
    def by_status(self) -> dict[str, int]:
        """The counts by name."""
        return {"read": self.read, "unsure": self.unsure, "blank": self.blank, "error": self.error}

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + its for mine, its in zip(asdict(self).values(), asdict(other).values(), strict=True)))


def part_name(number: int) -> str:
    """The name of a shard's file of rows."""
    return f"part-{number:05}.parquet"


def footer_of(job: str, number: int, counts: Counts) -> dict[str, str]:
    """The footer of a finished file."""
    return {KEY: json.dumps({"job": job, "shard": number, "rows": counts.rows, **asdict(counts)})}


def counts_of(folder: OutputFolder, job: str, number: int) -> Counts | None:
    """The counts in the footer of a finished file; None if it is missing, damaged, or of another job."""
    from digitwise.formats.parquet import library

    parquet = library()
    try:
        with folder.open(part_name(number)) as file:
            found = parquet.read_metadata(file)
            told = json.loads(found.metadata[KEY.encode()])
            counts = Counts(**{field.name: told[field.name] for field in fields(Counts)})
            mine = (told["job"], told["shard"], told["rows"]) == (job, number, counts.rows)
            return counts if mine and counts.rows == found.num_rows else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # ArrowInvalid is a ValueError
        return None


def finished(folder: OutputFolder, job: str, numbers: Iterable[int], names: Iterable[str]) -> dict[int, Counts]:
    """Find the shards whose files are complete.

    Parameters
    ----------
    folder : OutputFolder
    job : str
        Its id.
    numbers : iterable of int
    names : iterable of str
        The files in the folder, to skip those that do not exist.
    """
    there = set(names)
    wanted = [number for number in numbers if part_name(number) in there]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = zip(wanted, pool.map(lambda number: counts_of(folder, job, number), wanted), strict=True)
        return {number: counts for number, counts in found if counts is not None}


def sweep(folder: OutputFolder) -> None:
    """Remove temporary files of killed writers."""
    for name in folder.names():
        if FILE.fullmatch(name):
            folder.remove(name)


@dataclass(frozen=True)
class ShardsJob:
    """A job: the cuts to read, and how.

    Parameters
    ----------
    model_sha256 : str
        Of the model's file.
    max_error : float or None
        The reader's option.
    max_pixels : int
    cuts : sequence of Cut
        One for each file of rows, in order.
    """

    model_sha256: str
    max_error: float | None
    max_pixels: int
    cuts: Sequence[Cut]

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of all shards."""
        return {
            "model_sha256": self.model_sha256,
            "max_error": self.max_error,
            "max_pixels": self.max_pixels,
            "columns": list(COLUMNS),
        }

    @cached_property
    def shards(self) -> list[dict[str, Any]]:
        """The cuts, as a manifest has them."""
        return [{"part": part_name(number), **cut.document} for number, cut in enumerate(self.cuts)]

    @cached_property
    def id(self) -> str:
        """A digest that identifies the job."""
        kept = [{key: value for key, value in shard.items() if key not in FIXED} for shard in self.shards]
        text = json.dumps([FORMAT, self.settings, kept], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def document(self) -> dict[str, Any]:
        """The whole manifest."""
        return {"format": FORMAT, "job": {"id": self.id, **self.settings}, "shards": self.shards}


def begin(folder: OutputFolder, job: ShardsJob) -> dict[int, Counts]:
    """Claim a folder for this job, unless it is already.

    Returns
    -------
    dict of int to Counts
        The shards that are finished.

    Raises
    ------
    DataError
        If the folder is another job's, or holds other files; then it is not changed.
    """
    names = folder.names()
    if NAME not in names:
        other = next((name for name in names if not FILE.fullmatch(name)), None)
        if other is not None:
            raise DataError(
                f"{folder.name}: expected an empty folder, or one with the {NAME} of this job, got one with {other}; "
                "choose another --out"
            )
        _write(folder, job)
        return {}
    earlier = _read(folder)
    done = finished(folder, job.id, range(len(job.cuts)), names)
    difference = _difference(earlier, job, done)
    if difference:
        raise DataError(f"{folder.name}: expected the folder of this job, got another's: {difference}; {OTHER}")
    if earlier != job.document:
        _write(folder, job)
    return done


def holds(folder: OutputFolder, job: str) -> bool:
    """Whether a folder, as this machine sees it, has the manifest of the job with this id."""
    try:
        with folder.open(NAME) as file:
            return bool(json.load(file)["job"]["id"] == job)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _write(folder: OutputFolder, job: ShardsJob) -> None:
    with folder.writing(NAME) as temporary:
        write_json(temporary, job.document)


def _read(folder: OutputFolder) -> dict[str, Any]:
    try:
        with folder.open(NAME) as file:
            found = json.load(file)
        if found["format"] != FORMAT:
            raise DataError(f"{folder.name}: expected a {NAME} of format {FORMAT}, got {found['format']!r}; {OTHER}")
        if not isinstance(found["job"], dict) or not all(isinstance(shard, dict) for shard in found["shards"]):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{folder.name}: expected a {NAME} of digitwise read, got something else; {OTHER}") from error
    return dict(found)


def _difference(earlier: Mapping[str, Any], job: ShardsJob, done: Mapping[int, Counts]) -> str:
    """The first difference to another job in words; empty if there is none."""
    for key, value in job.settings.items():
        if earlier["job"].get(key) != value:
            return f"{key} {_short(earlier['job'].get(key))} there, {_short(value)} here"
    if len(earlier["shards"]) != len(job.shards):
        return f"{len(earlier['shards']):,} shards there, {len(job.shards):,} here"
    for number, (there, here) in enumerate(zip(earlier["shards"], job.shards, strict=True)):
        for key in dict.fromkeys((*here, *there)):
            if there.get(key) == here.get(key) or (key in FIXED and number not in done):
                continue
            told = f"{part_name(number)} of {here['source']}: {key} {_short(there.get(key))} there, "
            return told + f"{_short(here.get(key))} here"
    return ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"
