"""How fast numbers are read, and in how much memory: a crop on one thread, a page and a photo on all cores.

    python -m benchmarks.paper.speed READER CROP|PAGE|PHOTO FILE [MODEL]

prints the row of one reader and image; ``bench.py numbers-speed`` lets the readers take turns, each in a process
of its own. Only a quiet machine tells the truth.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep, kept, replaced
from benchmarks.paper.readers import EXPECT, LINE, OURS, number_reader, readers_at_hand, versions_beside
from digitwise.system import cores, peak_memory, thread_limits

WORK = {  # what is read: threads (None is all cores), and calls timed
    "crop": ("a crop of 300x100, one thread", 1, 30),
    "page": ("a page of 1,400x1,000, all cores", None, 7),
    "photo": ("a photo of 12 megapixels, all cores", None, 5),
}
SIZES = {"crop": (300, 100), "page": (1_400, 1_000)}
REPEATS = 3  # processes
ROWS = "numbers_speed"


def bench_numbers_speed(chosen: argparse.Namespace) -> None:
    """Medians of calls from the file to the answer, and each process's peak memory."""
    names = chosen.readers or [name for name in readers_at_hand() if name not in (LINE, EXPECT)]
    with tempfile.TemporaryDirectory() as folder:
        # By another process: a child's peak counts what its parent held when it was started.
        subprocess.run([sys.executable, "-m", "benchmarks.paper.speed", "images", folder], check=True)
        turns = itertools.product(range(REPEATS), names, WORK)
        rows = [{"repeat": repeat, **_measured(name, what, Path(folder), chosen)} for repeat, name, what in turns]
    print(numbers_speed_table([{key: str(value) for key, value in row.items()} for row in rows]))
    keep(ROWS, replaced(kept(ROWS), rows, ("reader", "version")))


def numbers_speed_table(rows: Sequence[Row]) -> str:
    """A line an image and reader."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["what"], f"{row['reader']} {row['version']}"), []).append(row)
    lines = head("numbers", "reader", "seconds, median", "peak memory, MiB")
    for (what, reader), own in found.items():
        middle = statistics.median(float(row["seconds"]) for row in own)
        lines.append(line(what, reader, f"{middle:.3f}", f"{max(float(row['peak_mib']) for row in own):.0f}"))
    return "\n".join(lines) if found else ""


def _measured(name: str, what: str, folder: Path, chosen: argparse.Namespace) -> Row:
    _, threads, _ = WORK[what]
    arguments = [name, what, str(folder / f"{what}.jpg"), *([chosen.model] if chosen.model else [])]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.paper.speed", *arguments],
        check=True, stdout=subprocess.PIPE, text=True, env=os.environ | thread_limits(threads or cores()),
    )  # fmt: skip
    row: Row = json.loads(done.stdout.strip().splitlines()[-1])
    return row | ({"version": chosen.label} if chosen.label and name == OURS else {})


def measure(name: str, what: str, file: Path, model: str | None = None) -> Row:
    """In this process: one call to warm up, then the median of some."""
    called, threads, calls = WORK[what]
    if threads == 1 and hasattr(os, "sched_setaffinity"):  # no library makes more of one core
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    reader = number_reader(name, model if name == OURS else None, threads)
    reader.answer(file)
    taken = []
    for _ in range(calls):
        started = time.perf_counter()
        reader.answer(file)
        taken.append(time.perf_counter() - started)
    row: Row = {"what": called, "reader": name, "version": reader.version, "calls": calls}
    row |= {"seconds": round(statistics.median(taken), 5), "peak_mib": round((peak_memory() or 0) / 2**20, 1)}
    return row | versions_beside()


def write_images(folder: Path) -> None:
    """The crop is a made row, the page and the photo are made pages, as JPEGs."""
    from PIL import Image

    from benchmarks.paper.made_rows import made_row
    from benchmarks.reader import made_page
    from benchmarks.reader_speed import made_photo

    made_photo(folder)
    for what, image in (("crop", made_row("plain", 2, 0)[0]), ("page", made_page(0).image)):
        pillow = Image.fromarray(image).resize(SIZES[what], Image.Resampling.BICUBIC)
        pillow.save(folder / f"{what}.jpg", quality=90)


if __name__ == "__main__":
    if sys.argv[1] == "images":
        write_images(Path(sys.argv[2]))
    else:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])))
