"""Every image read by every reader: a row each, the raw rows kept, the tables printed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from joblib import Parallel, delayed

from benchmarks.alignment import aligned
from benchmarks.measure import Row, keep, kept, replaced, seconds
from benchmarks.paper.answer import Answer
from benchmarks.paper.readers import (
    EXPECT,
    LINE,
    OURS,
    PEERS,
    NumberReader,
    number_reader,
    readers_at_hand,
    versions_beside,
)
from benchmarks.paper.sheet import Failed, failed_of, write_sheet
from benchmarks.paper.specimens import BENCHES, ONE_NUMBER, Specimen, specimens
from benchmarks.paper.tables import TABLES
from digitwise.images import UInt8

ROWS = "numbers"


def add_options(parser: argparse.ArgumentParser) -> None:
    """What only this benchmark takes."""
    group = parser.add_argument_group("for numbers", "--only takes names of its benches: " + ", ".join(BENCHES))
    group.add_argument("--limit", type=int, help="the first so many images of each part; keeps no rows")
    group.add_argument("--jobs", type=int, default=1, help="processes")
    group.add_argument("--readers", nargs="+", choices=[OURS, EXPECT, *PEERS], help="by default all at hand")
    group.add_argument("--label", help="kept in place of digitwise's version, to hold two states side by side")
    group.add_argument("--keep", action="store_true", help="keep the rows in spite of --limit")
    group.add_argument("--sheet", type=Path, help="a PNG to write: the images not read right", metavar="FILE")


def options_again(chosen: argparse.Namespace) -> list[str]:
    """The same options for a process of its own."""
    values = {name: getattr(chosen, name) for name in ("limit", "jobs", "label", "sheet")}
    given = [f"--{name}={value}" for name, value in values.items() if value is not None]
    return [*given, *(["--keep"] if chosen.keep else []), *(["--readers", *chosen.readers] if chosen.readers else [])]


def bench_numbers(chosen: argparse.Namespace) -> None:
    """Read, keep, print."""
    readers = chosen.readers or readers_at_hand()
    rows, failed = read_all(specimens(chosen.only or BENCHES, chosen.limit), readers, chosen)
    if chosen.limit is None or chosen.keep:
        keep(ROWS, replaced(kept(ROWS), rows, ("reader", "version", "bench")))
    if chosen.sheet:
        write_sheet(chosen.sheet, failed)
    for table in TABLES.values():
        if text := table([{key: str(value) for key, value in row.items()} for row in rows]):
            print(f"\n{text}")


def read_all(
    wanted: Sequence[Specimen], readers: Sequence[str], chosen: argparse.Namespace
) -> tuple[list[Row], list[Failed]]:
    """The rows, and the images that were not read right where a sheet is asked for."""
    work = partial(read_one, readers=readers, model=chosen.model, label=chosen.label, sheet=chosen.sheet is not None)
    done = Parallel(n_jobs=chosen.jobs, return_as="generator")(delayed(work)(each) for each in wanted)
    rows: list[Row] = []
    failed: list[Failed] = []
    for specimen, (own, images) in zip(wanted, done, strict=True):
        if not rows or (rows[-1]["bench"], rows[-1]["part"]) != (specimen.bench, specimen.part):
            print(f"{specimen.bench} {specimen.part}", file=sys.stderr, flush=True)
        rows += own
        failed += images
    return rows, failed


def read_one(
    specimen: Specimen, *, readers: Iterable[str], model: str | None = None, label: str | None = None, sheet: bool
) -> tuple[list[Row], list[Failed]]:
    """One image, made once, by all readers that fit it."""
    image, truth = specimen.make()
    rows: list[Row] = []
    failed: list[Failed] = []
    for name in readers:
        if name in (LINE, EXPECT) and specimen.bench not in ONE_NUMBER:
            continue
        ours = name in (OURS, EXPECT)
        reader, digits = number_reader(name, model if ours else None), len(truth) if name == EXPECT else None
        answers: list[Answer] = []
        wall = seconds(partial(_ask, reader, image, digits, answers))
        version = label if label and ours else reader.version
        row = row_of(specimen, truth, answers[0]) | {"seconds": round(wall, 4)}
        rows.append({"reader": name, "version": version, **row, **versions_beside()})
        if sheet and row["outcome"] != "right":
            failed.append(failed_of(image, rows[-1]))
    return rows, failed


def _ask(reader: NumberReader, image: UInt8, digits: int | None, answers: list[Answer]) -> None:
    answers.append(reader.answer(image, expect=digits))


def row_of(specimen: Specimen, truth: str, answer: Answer) -> Row:
    """What was read against what was written."""
    found = aligned(truth, answer.read)
    row = {"bench": specimen.bench, "part": specimen.part, "name": specimen.name, "seed": specimen.seed}
    row |= {"truth": truth, "read": answer.read, "text": answer.text, "confidence": round(answer.confidence, 5)}
    row |= {"sure": int(answer.sure), "outcome": outcome(truth, answer.text)}
    return row | {"digits": found.length, "wrong": found.wrong, "missing": found.missing, "extra": found.extra}


def outcome(truth: str, text: str) -> str:
    """``right``; ``?`` where every sure digit is right and each digit is read or has its ``?``; else ``failed``.

    A ``?`` stands for one digit, or for something that is none.
    """
    if text == truth:
        return "right"
    reached = {0}
    for sign in text:
        if sign == "?":
            reached |= {place + 1 for place in reached}
        else:
            reached = {place + 1 for place in reached if truth[place : place + 1] == sign}
    return "?" if len(truth) in reached else "failed"
