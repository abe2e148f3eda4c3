"""The manifest of a job: what is read, with what, into how many files; written before the first of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from digitwise.errors import DataError
from digitwise.files import write_json
from digitwise.reading.rows import COLUMNS
from digitwise.reading.shards.cuts import Cut
from digitwise.reading.shards.parts import LEFT, Counts, finished, part_name
from digitwise.reading.shards.places import Place

NAME = "manifest.json"
FORMAT = 1
MENDED = ("size", "version", "rows")  # of a source may change as long as nothing was read from it
OTHER = "choose another --out, or remove the folder"


@dataclass(frozen=True)
class Job:
    """What is to be read.

    Parameters
    ----------
    model_sha256 : str
        Of the model's file.
    max_error : float or None
        As it was asked for.
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
        """What holds for all shards."""
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
        """The same for the same job."""
        kept = [{key: value for key, value in shard.items() if key not in MENDED} for shard in self.shards]
        text = json.dumps([FORMAT, self.settings, kept], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def document(self) -> dict[str, Any]:
        """The whole manifest."""
        return {"format": FORMAT, "job": {"id": self.id, **self.settings}, "shards": self.shards}


def begin(place: Place, job: Job) -> dict[int, Counts]:
    """Make a folder this job's, if it is not yet.

    Returns
    -------
    dict of int to Counts
        The shards that are finished.

    Raises
    ------
    DataError
        If the folder is another job's, or holds something else. Nothing in it is touched then.
    """
    names = place.names()
    if NAME not in names:
        other = next((name for name in names if not LEFT.fullmatch(name)), None)
        if other is not None:
            raise DataError(
                f"{place.name}: expected an empty folder, or one with the {NAME} of this job, got one with {other}; "
                "choose another --out"
            )
        _write(place, job)
        return {}
    earlier = _read(place)
    done = finished(place, job.id, range(len(job.cuts)), names)
    difference = _difference(earlier, job, done)
    if difference:
        raise DataError(f"{place.name}: expected the folder of this job, got another's: {difference}; {OTHER}")
    if earlier != job.document:
        _write(place, job)
    return done


def holds(place: Place, job: str) -> bool:
    """Whether a folder is the job's of this id, as seen from here."""
    try:
        with place.open(NAME) as file:
            return bool(json.load(file)["job"]["id"] == job)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write(place: Place, job: Job) -> None:
    with place.writing(NAME) as temporary:
        write_json(temporary, job.document)


def _read(place: Place) -> dict[str, Any]:
    try:
        with place.open(NAME) as file:
            found = json.load(file)
        if found["format"] != FORMAT:
            raise DataError(f"{place.name}: expected a {NAME} of format {FORMAT}, got {found['format']!r}; {OTHER}")
        if not isinstance(found["job"], dict) or not all(isinstance(shard, dict) for shard in found["shards"]):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{place.name}: expected a {NAME} of digitwise read, got something else; {OTHER}") from error
    return dict(found)


def _difference(earlier: Mapping[str, Any], job: Job, done: Mapping[int, Counts]) -> str:
    """The first thing in which another job differs from this one, in words; nothing where none does."""
    for key, value in job.settings.items():
        if earlier["job"].get(key) != value:
            return f"{key} {_short(earlier['job'].get(key))} there, {_short(value)} here"
    if len(earlier["shards"]) != len(job.shards):
        return f"{len(earlier['shards']):,} shards there, {len(job.shards):,} here"
    for number, (there, here) in enumerate(zip(earlier["shards"], job.shards, strict=True)):
        for key in dict.fromkeys((*here, *there)):
            if there.get(key) == here.get(key) or (key in MENDED and number not in done):
                continue
            told = f"{part_name(number)} of {here['source']}: {key} {_short(there.get(key))} there, "
            return told + f"{_short(here.get(key))} here"
    return ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"
