"""Start-up, reading, the fit loop and the augmentation, each against its plain form."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Row, keep, median, ratio, seconds

REPEATS = 5


def command(*arguments: str) -> list[str]:
    """The command line of this package."""
    return [sys.executable, "-m", "digitwise", *arguments]


def bench_start() -> None:
    """``--help`` and ``data show mnist``, whole processes."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (("help", ["--help"]), ("data show mnist", ["data", "show", "mnist", "--out", folder])):
            for repeat in range(REPEATS):
                wall = seconds(lambda a=arguments: subprocess.run(command(*a), check=True, capture_output=True))
                rows.append({"command": name, "repeat": repeat, "seconds": round(wall, 3)})
            print(f"{name}: median {median(rows, 'seconds', command=name):.2f} s")
    keep("start", rows)


def bench_reading() -> None:
    """The four gzipped IDX files to arrays, and the checksums besides."""
    from digitwise.data import load, locate
    from digitwise.data.sources import SOURCES
    from digitwise.formats.idx import read_idx

    mnist = SOURCES["mnist"]
    folder = locate(mnist)
    assert folder is not None, "MNIST has to be at hand: set DIGITWISE_DATA"
    work = {"read": lambda: [read_idx(folder / f.name) for f in mnist.files], "load": lambda: load("mnist")}
    rows = alternating(work, "what", REPEATS)
    for name in work:
        print(f"{name}: median {median(rows, 'seconds', what=name):.3f} s")
    keep("reading", rows)


def bench_fit(epochs: int = 3) -> None:
    """Our trainer against plain ``model.fit``: the same network, batch and epochs, validation included in both."""
    from digitwise import models
    from digitwise.data import load
    from digitwise.data.prepare import one_hot, to_input
    from digitwise.data.splits import split_validation
    from digitwise.recipes import find
    from digitwise.training.backend import keras
    from digitwise.training.fit import fit
    from digitwise.training.options import FitOptions

    splits = split_validation(load("mnist").train)
    recipe = find("baseline").replace(epochs=epochs)
    sets = [(to_input(s.images), one_hot(s.labels, 10)) for s in (splits.train, splits.validation)]

    def plain() -> None:
        keras.utils.set_random_seed(0)
        model = models.build(recipe.model, (28, 28, 1), 10)
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        model.fit(*sets[0], batch_size=recipe.batch_size, epochs=epochs, validation_data=sets[1], verbose=0)

    work = {
        "plain model.fit float32": plain,
        "digitwise": lambda: fit(recipe, splits),
        "digitwise float32": lambda: fit(recipe, splits, FitOptions(precision="float32")),
    }
    rows = alternating(work, "variant", 3)
    print(ratio(rows, "plain model.fit float32", "digitwise"))
    print(ratio(rows, "plain model.fit float32", "digitwise float32"))
    keep("fit", rows)


def bench_augmentation(n: int = 10_000, batch: int = 256) -> None:
    """Images a second of our warp and of ``ImageDataGenerator.flow``, on one core."""
    if hasattr(os, "sched_setaffinity"):  # this process may use no other core
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    from digitwise.data import load
    from digitwise.data.prepare import to_input
    from digitwise.recipes import find
    from digitwise.training.augment import RandomWarp
    from digitwise.training.backend import keras

    images = to_input(load("mnist").train.images[:n])
    ranges = find("augmented").augmentation
    assert ranges is not None
    network = keras.Sequential([keras.Input(images.shape[1:]), RandomWarp(ranges, seed=0)])

    def warp(part: Any) -> Any:
        return network(part, training=True)

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        warp = tensorflow.function(warp, reduce_retracing=True)
    generator = ImageDataGenerator(**dataclasses.asdict(ranges), fill_mode="constant", cval=0.0)
    flow = generator.flow(images, np.zeros(n), batch_size=batch)
    starts = range(0, n - batch + 1, batch)
    work = {
        "ImageDataGenerator.flow": lambda: [flow[i] for i in range(len(starts))],
        "digitwise": lambda: [np.asarray(warp(images[start : start + batch])) for start in starts],
    }
    work["digitwise"]()  # compiled outside the clock
    rows = alternating(work, "variant", REPEATS)
    for row in rows:
        row["images_per_second"] = round(len(starts) * batch / row["seconds"])
    for name in work:
        print(f"{name}: {median(rows, 'images_per_second', variant=name):,.0f} n/s on one core")
    print(ratio(rows, "ImageDataGenerator.flow", "digitwise"))
    keep("augmentation", rows)


def bench_report() -> None:
    """``report`` of a MNIST run, whole processes: wall, peak memory, and the size of the page."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "flash"
        subprocess.run(command("train", "flash", "--out", str(run)), check=True, capture_output=True)
        for repeat in range(REPEATS):
            wall, peak = process(command("report", str(run)))
            page = (run / "report.html").stat().st_size / 1e6
            rows.append(
                {"repeat": repeat, "seconds": round(wall, 2), "peak_gib": round(peak, 2), "megabytes": round(page, 2)}
            )
    print(f"report: median {median(rows, 'seconds'):.1f} s, {median(rows, 'peak_gib'):.2f} GiB, {page:.1f} MB")
    keep("report", rows)


def process(arguments: list[str], *, codes: tuple[int, ...] = (0,)) -> tuple[float, float]:
    """Wall seconds and peak GiB of one process; each is waited for alone, so the peak is its own."""
    started = time.perf_counter()
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode in codes, f"{arguments}: exit code {child.returncode}"
    return time.perf_counter() - started, used.ru_maxrss / 2**20


def alternating(work: dict[str, Callable[[], Any]], column: str, repeats: int) -> list[Row]:
    """Time each piece of work, in turn, so that all meet the same weather."""
    return [
        {column: name, "repeat": repeat, "seconds": round(seconds(do), 3)}
        for repeat in range(repeats)
        for name, do in work.items()
    ]
