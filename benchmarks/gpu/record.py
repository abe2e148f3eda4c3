"""The recipes on a GPU, and the eager peer: every line is worth keeping, as such a machine is not always at hand.

    KERAS_BACKEND=jax python benchmarks/gpu/record.py flash --seeds 20 [--out rows.csv]
    KERAS_BACKEND=torch python benchmarks/gpu/record.py fast-torch --seeds 20

Nothing has to be installed but the libraries of the package and of its extra ``train``: the checkout is used.
Rows go to benchmarks/results/gpu-CONTENDER-BACKEND.csv, and what is printed to the .txt beside it;
``after_compile_seconds`` is the time that :class:`benchmarks.gpu.stopwatch.Stopwatch` describes. The peer compiles
nothing; it is trained once before, so that no row has the loading of its kernels.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no part of the package
sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from benchmarks.gpu.stopwatch import Stopwatch
from benchmarks.measure import RESULTS, Row, machine, spread
from digitwise.data import load
from digitwise.data.splits import split_validation
from digitwise.images import Dataset
from digitwise.recipes import RECIPES, Recipe, find
from digitwise.training.backend import BACKEND, keras
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions, Precision
from digitwise.training.predict import predict

PEER = "fast-torch"


def main() -> None:
    """Train with each seed; print and keep a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contender", choices=[*RECIPES, PEER])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--out", type=Path, help="by default benchmarks/results/gpu-CONTENDER-BACKEND.csv")
    chosen = parser.parse_args()
    out = chosen.out or RESULTS / f"gpu-{chosen.contender}-{BACKEND}.csv"
    dataset = load(chosen.data)
    if chosen.contender == PEER:
        measured = peer(dataset, chosen.precision)
    else:
        measured = partial(measure, find(chosen.contender).for_size(len(dataset.train)), dataset, chosen.precision)
    devices = ", ".join(keras.distribution.list_devices()) if BACKEND != "torch" else "torch's default device"
    lines = [f"{chosen.contender} on {BACKEND}, {devices}, {device()}, {chosen.precision}; {machine()}"]
    rows: list[Row] = []
    print(lines[-1], flush=True)
    for seed in range(chosen.seeds):
        row = measured(seed)
        lines.append(str(row))
        print(lines[-1], flush=True)
        rows.append({**row, **machine()})
        write(out, rows, lines)
    mean = statistics.mean(row["after_compile_seconds"] for row in rows)
    errors = spread([row["errors"] for row in rows])
    lines.append(f"{errors} wrong of {len(dataset.test)}, mean {mean:.3f} s after compiling")
    print(lines[-1])
    write(out, rows, lines)


def measure(recipe: Recipe, dataset: Dataset, precision: Precision, seed: int) -> Row:
    """One training, judged by the test images."""
    watch = Stopwatch()
    fitted = fit(recipe, split_validation(dataset.train), FitOptions(seed=seed, precision=precision), watch=watch)
    return {
        "recipe": recipe.name,
        "data": dataset.name,
        "backend": BACKEND,
        "device": device(),
        "precision": precision,
        "seed": seed,
        "errors": predict(fitted.model, dataset.test).errors,
        "after_compile_seconds": round(watch.seconds, 4),
        "compile_seconds": round(fitted.compile_seconds, 2),
        "fit_seconds": round(fitted.fit_seconds, 2),
    }


def peer(dataset: Dataset, precision: Precision) -> Callable[[int], Row]:
    """The peer's trainings, after one that nobody keeps."""
    import torch

    from benchmarks.peers.fast_torch import train

    where = "cuda" if torch.cuda.is_available() else "cpu"
    trained = partial(train, dataset, bfloat16=precision == "bfloat16", device=where)
    trained(0)

    def measured(seed: int) -> Row:
        found = trained(seed)
        return {
            "recipe": PEER,
            "data": dataset.name,
            "backend": "torch, eager",
            "device": torch.cuda.get_device_name() if where == "cuda" else where,
            "precision": found.precision,
            "seed": seed,
            "errors": found.errors,
            "after_compile_seconds": round(found.fit_seconds, 4),
            "compile_seconds": 0.0,
            "fit_seconds": round(found.fit_seconds, 2),
        }

    return measured


def device() -> str:
    """The device that the backend computes on, by its own name."""
    if BACKEND == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    if BACKEND == "torch":
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    import tensorflow

    gpus = tensorflow.config.list_physical_devices("GPU")
    return str(tensorflow.config.experimental.get_device_details(gpus[0])["device_name"]) if gpus else "cpu"


def write(out: Path, rows: list[Row], lines: list[str]) -> None:
    """What there is so far: the rows, and the lines that were printed."""
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    out.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
