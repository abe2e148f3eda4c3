"""The main job as a whole process: wall, peak memory, and each model's errors."""

from __future__ import annotations

import json
import resource
import subprocess
import tempfile
import time

from benchmarks.measure import Row, keep, median, spread
from benchmarks.speed import command


def bench_job(seeds: int = 3) -> None:
    """Run it once a seed."""
    rows: list[Row] = []
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
        print(f"{recipe}: {spread(errors)} errors, fit {median(rows, 'fit_seconds', recipe=recipe):.1f} s")
