"""One training of one contender in a process of its own; prints one JSON row, the parts of the clock apart.

python benchmarks/contender.py flash --seed 3 [--data mnist]
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # to find the peers

from benchmarks.peers.result import Result
from digitwise.data import load
from digitwise.images import Dataset
from digitwise.recipes import RECIPES

Train = Callable[[Dataset, int], Result]

PEERS: dict[str, tuple[str, dict[str, Any]]] = {
    "exercise-1": ("exercise_keras", {"model": 1}),
    "exercise-2": ("exercise_keras", {"model": 2}),
    "exercise-3": ("exercise_keras", {"model": 3}),
    "fast-torch": ("fast_torch", {}),
    "fast-torch-bfloat16": ("fast_torch", {"bfloat16": True}),
    "sklearn-mlp": ("scikit", {"kind": "mlp"}),
    "sklearn-knn": ("scikit", {"kind": "knn"}),
}


def at_hand() -> list[str]:
    """All contenders whose libraries are installed; says which are not."""
    without_torch = importlib.util.find_spec("torch") is None
    if without_torch:
        print('fast-torch is left out: PyTorch is not installed; pip install "digitwise[peers]"')
    return [*RECIPES, *(name for name, (home, _) in PEERS.items() if not (without_torch and home == "fast_torch"))]


def ours(recipe: str, budget: float | None) -> Train:
    """A recipe of digitwise."""
    from digitwise.data.splits import split_validation
    from digitwise.recipes import find
    from digitwise.training.backend import BACKEND
    from digitwise.training.fit import fit
    from digitwise.training.options import FitOptions
    from digitwise.training.predict import predict

    def train(dataset: Dataset, seed: int) -> Result:
        splits = split_validation(dataset.train)
        own = find(recipe).for_size(len(dataset.train))
        options = FitOptions(seed=seed, budget=budget)
        fitted = fit(own, splits, options)
        started = time.perf_counter()
        errors = predict(fitted.model, dataset.test).errors
        wrong = predict(fitted.model, splits.validation).errors
        took = time.perf_counter() - started
        return Result(errors, fitted.fit_seconds, took, fitted.compile_seconds, wrong, BACKEND, str(options.precision))

    return train


def peer(name: str) -> Train:
    """A peer, its libraries imported."""
    home, choices = PEERS[name]
    return partial(importlib.import_module(f"benchmarks.peers.{home}").train, **choices)


def main() -> None:
    """Train and print the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*RECIPES, *PEERS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--budget", type=float)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # of the peers' libraries
    started = time.perf_counter()
    train = peer(chosen.name) if chosen.name in PEERS else ours(chosen.name, chosen.budget)
    imported = time.perf_counter()
    dataset = load(chosen.data)
    loaded = time.perf_counter()
    result = train(dataset, chosen.seed)
    row = {"import_seconds": imported - started, "load_seconds": loaded - imported, **asdict(result)}
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}))


if __name__ == "__main__":
    main()
