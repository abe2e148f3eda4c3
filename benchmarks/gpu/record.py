"""The recipes on a GPU: every line of output is worth keeping, since such a machine is not always at hand.

    KERAS_BACKEND=jax python benchmarks/gpu/record.py flash --seeds 20 [--out rows.csv]

The clock that matters here begins when the first step is done, compiled, and ends with the last one.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no part of the package

from benchmarks.measure import machine, spread
from digitwise.data import load
from digitwise.data.splits import split_validation
from digitwise.recipes import RECIPES, find
from digitwise.training.backend import BACKEND, keras
from digitwise.training.fit import fit
from digitwise.training.predict import predict
from digitwise.training.watch import Watch


class Stopwatch(Watch):
    """Seconds from the first call to the last one, validations of the epochs between them included."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_steps(self, epoch: int, share: float, loss: float, accuracy: float) -> None:
        """Note the time; the loss has come back from the device by now."""
        self.times.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """After compilation, to the last step."""
        return self.times[-1] - self.times[0]


def main() -> None:
    """Train with each seed; print and keep a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    dataset = load("mnist")
    splits, recipe = split_validation(dataset.train), find(chosen.recipe)
    devices = ", ".join(keras.distribution.list_devices()) if BACKEND != "torch" else "torch's default device"
    print(f"{recipe.name} on {BACKEND}, {devices}, {chosen.precision}; {machine()}", flush=True)
    rows = []
    for seed in range(chosen.seeds):
        watch = Stopwatch()
        fitted = fit(recipe, splits, seed=seed, precision=chosen.precision, watch=watch)
        row = {
            "recipe": recipe.name,
            "backend": BACKEND,
            "precision": chosen.precision,
            "seed": seed,
            "errors": predict(fitted.model, dataset.test).errors,
            "after_compile_seconds": round(watch.seconds, 4),
            "compile_seconds": round(fitted.compile_seconds, 2),
            "fit_seconds": round(fitted.fit_seconds, 2),
        }
        print(row, flush=True)
        rows.append({**row, **machine()})
        if chosen.out:
            with chosen.out.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    mean = statistics.mean(row["after_compile_seconds"] for row in rows)
    print(f"{spread([row['errors'] for row in rows])} wrong of {len(dataset.test)}, mean {mean:.3f} s after compiling")


if __name__ == "__main__":
    main()
