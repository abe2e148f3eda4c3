"""The recipes on a GPU: every line of output is worth keeping, since such a machine is not always at hand.

    KERAS_BACKEND=jax python benchmarks/gpu/record.py flash --seeds 20 [--out rows.csv]

Nothing has to be installed but the libraries of the package and of its extra ``train``: the checkout is used.
Rows go to benchmarks/results/gpu-RECIPE-BACKEND.csv, and what is printed to the .txt beside it;
``after_compile_seconds`` is the time that :class:`benchmarks.gpu.stopwatch.Stopwatch` describes.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
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


def main() -> None:
    """Train with each seed; print and keep a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--out", type=Path, help="by default benchmarks/results/gpu-RECIPE-BACKEND.csv")
    chosen = parser.parse_args()
    out = chosen.out or RESULTS / f"gpu-{chosen.recipe}-{BACKEND}.csv"
    dataset = load(chosen.data)
    recipe = find(chosen.recipe).for_size(len(dataset.train))
    devices = ", ".join(keras.distribution.list_devices()) if BACKEND != "torch" else "torch's default device"
    lines, rows = [f"{recipe.name} on {BACKEND}, {devices}, {device()}, {chosen.precision}; {machine()}"], list[Row]()
    print(lines[-1], flush=True)
    for seed in range(chosen.seeds):
        row = measure(recipe, dataset, seed, chosen.precision)
        lines.append(str(row))
        print(lines[-1], flush=True)
        rows.append({**row, **machine()})
        write(out, rows, lines)
    mean = statistics.mean(row["after_compile_seconds"] for row in rows)
    errors = spread([row["errors"] for row in rows])
    lines.append(f"{errors} wrong of {len(dataset.test)}, mean {mean:.3f} s after compiling")
    print(lines[-1])
    write(out, rows, lines)


def measure(recipe: Recipe, dataset: Dataset, seed: int, precision: Precision) -> Row:
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
