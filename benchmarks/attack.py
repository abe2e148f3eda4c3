"""Damaged and hostile input against every public door: what comes back is a result, or an error of digitwise's own.

A case is a valid file, changed at some places that its number decides, so that a broken one can be made again:
``mutated(TARGETS[name].seeds(folder)[case % …], case)``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TextIO

import numpy as np

from benchmarks.doors import TARGETS, Target
from benchmarks.hostile_notebooks import HOSTILE_NOTEBOOKS, broken_by_notebooks
from benchmarks.kills import COMMANDS, inputs, kill, load_all
from benchmarks.measure import Row, keep, kept, replaced
from digitwise.errors import DigitwiseError
from digitwise.escaping import printable

CHUNK = 2_000  # cases of one process; if one kills it, the next goes on behind that
PARTS = ("files", "kills", "notebooks", "bombs")
Tries = tuple[str, int, Iterable[tuple[int, str]]]  # what is tried, how often, and the cases that broke it
BOMB_COMMANDS = (("data", "show"), ("check",), ("calibrate",), ("read", "--out", "rows.csv"), ("evaluate", "--reader"))
BOMB_SECONDS = 400
SECONDS, HANGING = 20, 120  # that one case may take; after which its process is ended
CHANGES = 6  # places of a file, at most
HOSTILE = (
    b"\x00",
    b"\xff",
    b"\xff\xff\xff\x7f",
    b"[" * 40,
    b"-1",
    b"1e999",
    b"NaN",
    b"\xe2\x80\xae",
    b"%n",
    b"\n\n",
    b"[" * 100_000,
)


def mutated(content: bytes, case: int) -> bytes:
    """The content, changed at one to ``CHANGES`` places: flipped, cut, doubled, or with something hostile put in."""
    rng = np.random.default_rng(case)
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, CHANGES + 1))):
        place, length = int(rng.integers(0, len(changed) + 1)), int(rng.integers(1, 33))
        match int(rng.integers(6)):
            case 0:
                changed[place : place + 1] = bytes([int(rng.integers(256))])
            case 1:
                changed[place : place + length] = rng.bytes(length)
            case 2:
                del changed[place:]
            case 3:
                del changed[place : place + length]
            case 4:
                changed[place:place] = changed[place : place + length] * int(rng.integers(1, 4))
            case _:
                changed[place:place] = HOSTILE[int(rng.integers(len(HOSTILE)))]
        if not changed:
            break
    return bytes(changed)


def rewrite(place: Path, content: bytes) -> None:
    """Write a file anew: writing over one takes ext4 milliseconds, since it flushes what is truncated."""
    place.unlink(missing_ok=True)
    place.write_bytes(content)


def faults(target: Target, cases: Iterable[int], folder: Path) -> Iterator[tuple[int, str]]:
    """The cases that break something, and how."""
    seeds = [(path, path.read_bytes()) for path in target.seeds(folder)]
    for case in cases:
        place, content = seeds[case % len(seeds)]
        rewrite(place, mutated(content, case))
        begun = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.ask(place)
        except DigitwiseError:
            pass
        except Exception as error:
            yield case, f"{type(error).__name__}: {error}"
        finally:
            rewrite(place, content)  # of several in a folder, one is damaged at a time
        if time.monotonic() - begun > SECONDS:
            yield case, f"more than {SECONDS} s"


def bench_attack(limit: int | None = None, only: Sequence[str] = PARTS) -> None:
    """Try all cases of these parts, or the first so many of each row; print and keep how many held."""
    parts = {"files": _file_rows, "kills": _kill_rows, "notebooks": _notebook_rows, "bombs": _bomb_rows}
    for kind in only:
        for what, cases, broken in parts[kind](limit):
            begun = time.monotonic()
            found = list(broken)
            seconds = time.monotonic() - begun
            for case, how in found[:20]:
                print(f"  {what}, case {case}: {printable(how)[:300]}", flush=True)
            print(f"{kind}: {what}: {cases:,} tried, {len(found):,} broken, {seconds:.0f} s", flush=True)
            row = {"kind": kind, "what": what, "tried": cases, "broken": len(found), "seconds": round(seconds)}
            keep("attack", replaced(kept("attack"), [row], ("kind", "what")))
    for kind in PARTS:
        rows = [row for row in kept("attack") if row["kind"] == kind]
        tried, failed = (sum(int(row[name]) for row in rows) for name in ("tried", "broken"))
        print(f"{kind:10} {tried:>10,} tried {tried - failed:>10,} held {failed:>6,} broken")


def _file_rows(limit: int | None) -> Iterator[Tries]:
    for target in TARGETS.values():
        cases = min(limit or target.cases, target.cases)
        yield target.name, cases, _tried(target, cases)


def _kill_rows(limit: int | None) -> Iterator[Tries]:
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(os.cpu_count(), spawn, load_all) as pool:
        pool.submit(inputs, Path(folder)).result()
        for command in COMMANDS:
            cases = min(limit or command.kills, command.kills)
            shares = np.array_split(np.arange(cases), min(os.cpu_count() or 1, cases))
            jobs = [(command.name, Path(folder), range(int(share[0]), int(share[-1]) + 1)) for share in shares]
            yield command.name, cases, chain.from_iterable(pool.map(kill, jobs))


def _notebook_rows(limit: int | None) -> Iterator[Tries]:
    names = list(HOSTILE_NOTEBOOKS)[:limit]
    yield "exercise check", len(names), broken_by_notebooks(names)


def _bomb_rows(_: int | None) -> Iterator[Tries]:
    from tests.formats.test_room import BOMBS, REPEATED

    for name, write in {**BOMBS, **REPEATED}.items():
        yield name, len(BOMB_COMMANDS), broken_by_bomb(name, write)


def broken_by_bomb(name: str, write: Callable[[Path], object]) -> Iterator[tuple[int, str]]:
    """The commands that a file of much more than memory breaks, as they get 1 GB of it.

    Right is a refusal, or, by a command that reads little by little, rows that say which image could not be read.
    """
    from tests.formats.test_room import LIMITED

    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, name))
        for case, words in enumerate(BOMB_COMMANDS):
            asked = [sys.executable, "-c", LIMITED, *words, name]
            try:
                done = subprocess.run(
                    asked, capture_output=True, text=True, check=False, cwd=folder, timeout=BOMB_SECONDS
                )
            except subprocess.TimeoutExpired:
                yield case, f"{' '.join(words)}: more than {BOMB_SECONDS} s"
                continue
            read = words[0] == "read" and done.returncode in (0, 1)
            refused = done.returncode == 2 and done.stderr.count("\n") == 1
            if not (read or refused) or "Traceback" in done.stderr:
                yield case, f"{' '.join(words)}: exit code {done.returncode}, {done.stderr[-300:]!r}"


def _tried(target: Target, cases: int) -> Iterator[tuple[int, str]]:
    """All faults of a target, in processes that may die."""
    processes = os.cpu_count() or 1
    size = min(CHUNK, -(-cases // processes))
    jobs = [(target.name, start, min(start + size, cases)) for start in range(0, cases, size)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for found in pool.imap_unordered(_job, jobs):
            yield from found


def _job(job: tuple[str, int, int]) -> list[tuple[int, str]]:
    """The faults of some cases: a child tells its progress in a file, so that it is known where it died."""
    name, first, end = job
    found: list[tuple[int, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        while first < end:
            told.write_text("")
            child = os.fork()
            if not child:
                _child(name, first, end, Path(folder), told)
            _, status = os.waitpid(child, 0)
            lines = [json.loads(line) for line in told.read_text().splitlines()]
            found += [(case, how) for case, how in lines if how]
            if not status:
                break
            at = lines[-1][0] if lines else first
            how = signal.Signals(status & 127).name if status & 127 else f"exit code {status >> 8}"
            found.append((at, f"the process died: {how}"))
            first = at + 1
    return found


def _telling(cases: Iterable[int], file: TextIO) -> Iterator[int]:
    """The cases, each written down before it is tried."""
    for case in cases:
        file.write(json.dumps([case, ""]) + "\n")
        file.flush()
        signal.alarm(HANGING)
        yield case


def _child(name: str, first: int, end: int, folder: Path, told: Path) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (4 * 2**30, 4 * 2**30))
    target = TARGETS[name]
    with told.open("a") as file:
        for found in faults(target, _telling(range(first, end), file), folder):
            file.write(json.dumps(found) + "\n")
    os._exit(0)


def attack_table(rows: Sequence[Row]) -> str:
    """What was tried of each kind, and what broke."""
    lines = ["", "| what | tried | broken |", "|---|---|---|"]
    names = {
        "files": f"damaged files, at {sum(row['kind'] == 'files' for row in rows)} doors",
        "kills": "commands killed at any time",
        "notebooks": "hostile notebooks",
        "bombs": "files that unpack to much more, with 1 GB of memory",
    }
    for kind, name in names.items():
        of_kind = [row for row in rows if row["kind"] == kind]
        tried, broken = (sum(int(row[column]) for row in of_kind) for column in ("tried", "broken"))
        lines.append(f"| {name} | {tried:,} | {broken:,} |")
    return "\n".join([*lines, ""])
