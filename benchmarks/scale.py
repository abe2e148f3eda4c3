"""Past one machine, measured on one: trainings side by side, reading in shards, training on what memory need not hold.

Each command is a process of its own. Memory is that of the whole job, the most at any time: the proportional shares of
all its processes, where Ray's are among them.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep, kept, newest
from benchmarks.speed import command
from digitwise.images import Int64, UInt8

TRAININGS, EPOCHS = 8, 2  # of `improved`, each on one thread
READINGS, SHARD = 2_000_000, 100_000  # images
ENCODED = 200_000  # of them as PNG files in tars
SHARDS = 300  # of a few images each, for what a shard costs by itself
TURNS = 2
STREAMED = 5_000_000  # images
MIXED = 2_000_000  # of them only read and mixed
PARTS = ("trainings", "reading", "training")
RAY = ("--cluster", "auto")
LOOK = 1.0  # seconds between two looks at the memory


def bench_scale(parts: Sequence[str] = PARTS) -> None:
    """Measure the parts; rows of the others stay."""
    os.environ["RAY_ADDRESS"] = "local"  # a cluster of this machine's cores for each job, whatever else runs here
    rows: list[Row] = [row for row in kept("scale") if row["part"] not in parts]
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            for row in {"trainings": _trainings, "reading": _reading, "training": _training}[part](Path(folder)):
                print(*row.values(), flush=True)
                rows.append({"part": part, **row})
                keep("scale", rows)


def _trainings(folder: Path) -> Iterator[Row]:
    """Eight trainings on one thread each, one after another, in two processes and on Ray."""
    asked = ("train", "improved", "--data", "mnist", "--epochs", str(EPOCHS), "--seeds", str(TRAININGS), "--json")
    ways = {
        "one after another": ("--jobs", "1"),
        "two processes": ("--jobs", "2"),
        "Ray, two cores": RAY,
    }
    for name, how in ways.items():
        out = folder / name.replace(" ", "-")
        _, seconds, peak = job(*asked, *how, "--threads", "1", "--out", str(out))
        yield _row("trainings of improved, 2 epochs", name, TRAININGS, seconds, peak)


def _reading(folder: Path) -> Iterator[Row]:
    """The same digits through one process and through Ray, on the same cores, as raw Parquet and as PNG in tars."""
    images, labels = _digits()
    write_parquet(folder / "parquet", images, labels, READINGS)
    write_tars(folder / "tars", images, labels, ENCODED)
    for turn in range(TURNS):
        for source, n in (("parquet", READINGS), ("tars", ENCODED)):
            told = {}
            for name, how in {"one process": (), "Ray, two cores": RAY}.items():
                out = folder / f"{source}-{name[:3]}-{turn}"
                _, seconds, peak = job("read", str(folder / source), "--out", str(out), *how)
                told[name] = _labels_read(out)
                size = sum(file.stat().st_size for file in (folder / source).iterdir()) / n
                yield {**_row(f"digits read, {source}", name, n, seconds, peak), "bytes": round(size), "turn": turn}
            assert told["one process"] == told["Ray, two cores"]
    write_parquet(folder / "small", images, labels, SHARDS * 10, each=10)
    _, seconds, peak = job("read", str(folder / "small"), "--out", str(folder / "small-read"), *RAY)
    yield _row("shards of ten digits", "Ray, two cores", SHARDS, seconds, peak)


def _training(folder: Path) -> Iterator[Row]:
    """One epoch of `flash` on five million images, from memory and from the disk."""
    images, labels = _digits()
    write_parquet(folder / "set" / "train", images, labels, STREAMED, moved=True)
    write_parquet(folder / "set" / "test", images[:10_000], labels[:10_000], 10_000)
    for name, how in {"streamed": ("--stream",), "in memory": ()}.items():
        asked = ("train", "flash", "--data", str(folder / "set"), "--epochs", "1", "--json", *how)
        said, _, peak = job(*asked, "--out", str(folder / name.replace(" ", "-")))
        told = json.loads(said)
        fit = float(told["fit_seconds"])
        row = _row("training images shown by flash, one epoch", name, STREAMED, fit, peak)
        yield {**row, "per_second": told["images_per_second"], "errors": told["errors"]}
    yield _row("images read and mixed, nothing trained", "one thread", *_read_and_mixed(folder / "set"), 0)


def _read_and_mixed(folder: Path) -> tuple[int, float]:
    """What the reading thread of a streamed training does, alone, for a part of an epoch: images and seconds."""
    from digitwise.data.streamed import open_streamed
    from digitwise.training.streaming import mixed

    train, seen = open_streamed(str(folder)).train, 0
    started = time.perf_counter()
    for images, _ in mixed(train, seed=0, epoch=0):
        seen += len(images)
        if seen >= MIXED:
            break
    return seen, time.perf_counter() - started


def _row(what: str, way: str, n: int, seconds: float, peak: float) -> Row:
    found = {"n": n, "seconds": round(seconds, 1), "per_second": round(n / seconds, 3), "peak_gib": round(peak, 2)}
    return {"what": what, "way": way, **found}


def job(*arguments: str) -> tuple[str, float, float]:
    """Run a command of this package; its output, wall seconds, and the most memory that it and its processes took."""
    started = time.perf_counter()
    process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, text=True)
    with _watched(process.pid) as peak:
        said, _ = process.communicate()
    assert process.returncode == 0, f"{' '.join(arguments)} left with {process.returncode}"
    return said, time.perf_counter() - started, max(peak) / 2**30


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Look at the memory of a process and all below it, now and then; the list gets what was seen."""
    import psutil

    seen, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(LOOK):
            total = 0
            try:
                whole = psutil.Process(pid)
                for process in (whole, *whole.children(recursive=True)):
                    total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue  # one of them ended meanwhile
            seen.append(total)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _digits() -> tuple[UInt8, Int64]:
    from digitwise.data import load

    train = load("mnist").train
    return train.images, train.labels


def write_parquet(
    folder: Path, images: UInt8, labels: Int64, n: int, *, each: int = SHARD, moved: bool = False
) -> None:
    """Write ``n`` images as Parquet files of ``each``: the given ones over and over, moved anew if so asked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, first in enumerate(range(0, n, each)):
        drawn = np.arange(first, min(first + each, n)) % len(images)
        if moved:
            rng.shuffle(drawn)
        shown = images[drawn]
        if moved:  # by up to two pixels each way, each image by its own
            ways = rng.integers(0, 25, len(shown))
            for way in range(25):
                shown[ways == way] = np.roll(shown[ways == way], (way // 5 - 2, way % 5 - 2), axis=(1, 2))
        column = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(shown[0].size), len(shown), [None, pa.py_buffer(shown.tobytes())]
        )
        table = pa.table({"image": column, "label": pa.array(labels[drawn])})
        place = folder / f"digits-{number:05d}.parquet"
        pq.write_table(table, place, row_group_size=10_000, use_dictionary=False)


def write_tars(folder: Path, images: UInt8, labels: Int64, n: int, *, each: int = 10_000) -> None:
    """Write ``n`` images as PNG files in tars, as WebDataset has them."""
    from PIL import Image

    folder.mkdir(parents=True)
    for number, first in enumerate(range(0, n, each)):
        with tarfile.open(folder / f"digits-{number:05d}.tar", "w") as tar:
            for place in range(first, min(first + each, n)):
                content = io.BytesIO()
                Image.fromarray(images[place % len(images)]).save(content, "png")
                _add(tar, f"{place:08d}.png", content.getvalue())
                _add(tar, f"{place:08d}.cls", str(labels[place % len(labels)]).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _labels_read(folder: Path) -> list[Any]:
    """What was read, in order."""
    import pyarrow.parquet as pq

    files = sorted(folder.glob("*.parquet"))
    return [value for file in files for value in pq.read_table(file, columns=["label"])["label"].to_pylist()]


def scale_table(rows: Sequence[Row]) -> str:
    """Each way of doing a job: how many a second, against the first way, and the memory."""
    rows = newest(rows) if rows else []
    lines = head("", "way", "seconds", "a second", "over the first", "memory, GiB")
    for what in dict.fromkeys(row["what"] for row in rows):
        own = [row for row in rows if row["what"] == what]
        ways, first = list(dict.fromkeys(row["way"] for row in own)), None
        for way in ways:
            here = [row for row in own if row["way"] == way]
            most = max(float(row["peak_gib"]) for row in here)
            rate = statistics.median(float(row["per_second"]) for row in here)
            if rate < 1:  # which a row has three digits of
                rate = statistics.median(float(row["n"]) / float(row["seconds"]) for row in here)
            first = first or rate
            lines.append(
                line(
                    f"{what} ({int(here[0]['n']):,})",
                    way,
                    f"{statistics.median(float(row['seconds']) for row in here):,.0f}",
                    f"{rate:,.0f}" if rate >= 10 else f"{rate:.3f}",
                    f"{rate / first:.2f}" if len(ways) > 1 else "",
                    f"{most:.1f}" if most else "",
                )
            )
    return "\n".join(lines)


if __name__ == "__main__":
    bench_scale(sys.argv[1:] or PARTS)
