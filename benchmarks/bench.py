"""Speed, memory and errors of the main job, measured on this machine; raw rows go to benchmarks/results/.

    python benchmarks/bench.py [start reading fit batch_norm job] [--seeds 3]

Comparisons alternate within one run and are quoted as ratios of medians, because machines are noisy.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from digitwise.system import hardware, versions

RESULTS = Path(__file__).parent / "results"
REPEATS = 5


def keep(name: str, rows: list[dict[str, Any]]) -> None:
    """Write rows with the machine and versions they were measured on."""
    machine, found = hardware(), versions()
    where = {"cpu": machine["cpu"], "cores": machine["cores"], "features": " ".join(machine["cpu_features"])}
    where |= {package: found[package] for package in ("python", "digitwise", "keras", "numpy")}
    where["backend"] = f"tensorflow {found.get('tensorflow-cpu', found.get('tensorflow', ''))}"
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *where], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, **where} for row in rows)


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ratio(rows: list[dict[str, Any]], slow: str, fast: str) -> str:
    """The ratio of two variants' medians, in words."""
    medians = [statistics.median(row["seconds"] for row in rows if row["variant"] == name) for name in (slow, fast)]
    return f"{slow} {medians[0]:.2f} s, {fast} {medians[1]:.2f} s: {medians[0] / medians[1]:.2f} times as fast"


def command(*arguments: str) -> list[str]:
    """The command line of this package."""
    return [sys.executable, "-m", "digitwise", *arguments]


def bench_start() -> None:
    """``--help`` and ``data show mnist``, whole processes."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (("help", ["--help"]), ("data show mnist", ["data", "show", "mnist", "--out", folder])):
            for repeat in range(REPEATS):
                wall = seconds(lambda a=arguments: subprocess.run(command(*a), check=True, capture_output=True))
                rows.append({"command": name, "repeat": repeat, "seconds": round(wall, 3)})
            print(f"{name}: median {statistics.median(r['seconds'] for r in rows if r['command'] == name):.2f} s")
    keep("start", rows)


def bench_reading() -> None:
    """The four gzipped IDX files to arrays, and the checksums besides."""
    from digitwise.data import load, locate
    from digitwise.data.idx import read_idx
    from digitwise.data.sources import SOURCES

    mnist = SOURCES["mnist"]
    folder = locate(mnist)
    assert folder is not None, "MNIST has to be at hand: set DIGITWISE_DATA"
    rows = []
    work = {"read": lambda: [read_idx(folder / f.name) for f in mnist.files], "load": lambda: load("mnist")}
    for repeat in range(REPEATS):
        for name, do in work.items():
            rows.append({"what": name, "repeat": repeat, "seconds": round(seconds(do), 3)})
    for name in work:
        print(f"{name}: median {statistics.median(r['seconds'] for r in rows if r['what'] == name):.3f} s")
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
        "digitwise float32": lambda: fit(recipe, splits, precision="float32"),
    }
    rows = [
        {"variant": name, "epochs": epochs, "repeat": repeat, "seconds": round(seconds(do), 3)}
        for repeat in range(3)
        for name, do in work.items()
    ]
    print(ratio(rows, "plain model.fit float32", "digitwise"))
    print(ratio(rows, "plain model.fit float32", "digitwise float32"))
    keep("fit", rows)


def bench_batch_norm() -> None:
    """One epoch of the improved network with Keras' batch normalisation and with the fused one."""
    from digitwise.data import load
    from digitwise.data.splits import split_validation
    from digitwise.recipes import find
    from digitwise.training import fit as fit_module
    from digitwise.training.backend import keras
    from digitwise.training.batch_norm import MOMENTUM, batch_norm

    splits = split_validation(load("mnist").train)
    recipe = find("improved").replace(epochs=1)
    kinds = {"keras": lambda **settings: keras.layers.BatchNormalization(momentum=MOMENTUM, **settings)}
    kinds["fused"] = batch_norm
    rows = []
    for repeat in range(3):
        for name, kind in kinds.items():
            fit_module.batch_norm = kind
            wall = seconds(lambda: fit_module.fit(recipe, splits))
            rows.append({"variant": name, "repeat": repeat, "seconds": round(wall, 3)})
    fit_module.batch_norm = batch_norm
    print(ratio(rows, "keras", "fused"))
    keep("batch_norm", rows)


def bench_job(seeds: int) -> None:
    """The main job as a whole process: wall, peak memory, and each model's errors."""
    rows = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            arguments = ("run", "--data", "mnist", "--seed", str(seed), "--out", folder, "--json")
            done = subprocess.run(command(*arguments), check=True, capture_output=True, text=True)
            wall = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        for run in json.loads(done.stdout)["runs"]:
            kept = ("recipe", "errors", "n", "validation_errors", "fit_seconds", "images_per_second", "parameters")
            row = {"seed": seed, **{key: run[key] for key in kept}, "precision": run["precision"]}
            rows.append({**row, "job_seconds": round(wall, 1), "job_peak_gib": round(peak, 2)})
        print(f"seed {seed}: {wall:.0f} s, {peak:.2f} GiB", [(r["recipe"], r["errors"]) for r in rows[-4:]], flush=True)
        keep("job", rows)
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        errors = [row["errors"] for row in rows if row["recipe"] == recipe]
        fits = [row["fit_seconds"] for row in rows if row["recipe"] == recipe]
        spread = statistics.stdev(errors) if len(errors) > 1 else 0.0
        print(f"{recipe}: {statistics.mean(errors):.1f} ± {spread:.1f} errors, fit {statistics.median(fits):.1f} s")


def main() -> None:
    """Run the benchmarks named, or all."""
    benches = {"start": bench_start, "reading": bench_reading, "fit": bench_fit, "batch_norm": bench_batch_norm}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], help=", ".join([*benches, "job"]))
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in chosen.names or [*benches, "job"]:
        print(f"--- {name}", flush=True)
        if name == "job":
            bench_job(chosen.seeds)
        else:
            benches[name]()


if __name__ == "__main__":
    main()
