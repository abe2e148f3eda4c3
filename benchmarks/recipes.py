"""Our recipes and the peers in turn, each training in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Row, keep, kept, machine, median, newest, place, spread
from digitwise.recipes import RECIPES

CONTENDER = Path(__file__).parent / "contender.py"
QUICK = ("flash", "fast-torch", "fast-torch-bfloat16", "improved", "augmented")
UNTUNED = tuple(RECIPES)  # on sets that none of them was tuned for
SEEDS = {  # where not 5
    **dict.fromkeys(("flash", "fast-torch", "fast-torch-bfloat16"), 10),
    **dict.fromkeys(("exercise-1", "exercise-2", "exercise-3", "sklearn-mlp", "sklearn-knn"), 2),
}
BUDGETS = (5, 10, 20, 40, 80, 160)  # seconds


def bench_recipes(
    names: Sequence[str], seeds: int | None, *, data: str = "mnist", table: str | None = "recipes"
) -> None:
    """Train each contender once a seed, seed by seed, so that all meet the same weather; keep every row.

    A row measured before of the same contender, data and seed on the same processor is replaced; the others stay.
    """
    measured = []
    for seed in range(seeds or max(SEEDS.values())):
        for name in names:
            if seed < (seeds or SEEDS.get(name, 5)):
                measured.append(measure(name, seed, data))
                if table is not None:
                    keep(table, replaced(kept(table), measured[-1]))
    tell(newest(kept(table)) if table is not None else measured, data)


def bench_budgets(recipe: str = "accurate", seeds: Sequence[int] = range(3)) -> None:
    """One recipe under budgets that double: what more time buys, and whether the budget is kept."""
    for seed in seeds:
        for budget in BUDGETS:
            row = measure(recipe, seed, "mnist", budget)
            keep("budgets", replaced(kept("budgets"), row))
    rows = newest(kept("budgets"))
    for budget in BUDGETS:
        own = [row for row in rows if float(row["budget"]) == budget]
        took = [float(row["fit_seconds"]) / budget for row in own]
        errors = spread([float(row["errors"]) for row in own])
        print(f"{recipe} --budget {budget}s: {errors} wrong, {min(took):.0%} to {max(took):.0%} of the time")


def replaced(rows: Sequence[Row], row: Row) -> list[Row]:
    """The rows with this one instead of an earlier one of its contender, data, seed, budget, processor and backend."""

    def key(row: Row) -> tuple[str, ...]:
        return (*(str(row[k]) for k in ("contender", "data", "seed", "budget")), *place(row))

    return [*(old for old in rows if key(old) != key(row)), row]


def measure(name: str, seed: int, data: str, budget: float | None = None) -> Row:
    """One row."""
    arguments = [name, "--seed", str(seed), "--data", data] + (["--budget", str(budget)] if budget else [])
    done = subprocess.run([sys.executable, str(CONTENDER), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}")
    row = {"contender": name, "data": data, "seed": seed, "budget": budget or ""}
    row |= json.loads(done.stdout.splitlines()[-1]) | machine()
    print(f"{data}, {name}, seed {seed}: {row['errors']} wrong, fit {row['fit_seconds']} s", flush=True)
    return row


def tell(rows: Sequence[Row], data: str) -> None:
    """Print the table: errors with their spread, the parts of the clock as medians."""
    rows = [row for row in rows if row["data"] == data and not row["budget"]]
    print(f"{'':20} seeds  errors         import  load  compile     fit  evaluate  (seconds, medians)")
    for name in dict.fromkeys(row["contender"] for row in rows):
        own = [row for row in rows if row["contender"] == name]
        clock = [median(own, f"{part}_seconds") for part in ("import", "load", "compile", "fit", "evaluate")]
        errors = spread([float(row["errors"]) for row in own])
        print(f"{name:20} {len(own):5}  {errors:13}" + "  ".join(f"{part:7.2f}" for part in clock))
    for peer in ("fast-torch", "fast-torch-bfloat16"):
        if {"flash", peer} <= {row["contender"] for row in rows}:
            share = median(rows, "fit_seconds", contender="flash") / median(rows, "fit_seconds", contender=peer)
            print(f"flash takes {share:.2f} of the time of {peer}")
