"""What ``exercise check`` gives the worked solution: on the whole set, on a small one, and quickly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Row, keep, kept, replaced
from digitwise.exercise import check

SOLUTION = Path(__file__).parents[1] / "notebooks" / "mnist_exercise.ipynb"
RUNS = {"digits": ("digits", False), "MNIST, quick": ("mnist", True), "MNIST": ("mnist", False)}


def bench_marking(only: Sequence[str] = ()) -> None:
    """Mark it with each set, or those named."""
    for name in only or RUNS:
        data, quick = RUNS[name]
        (mark,) = check(SOLUTION, data, quick=quick, time_limit=3600).marks
        facts = {"points": mark.points, "of": mark.of, "provisional": mark.provisional, "seconds": round(mark.seconds)}
        rows: list[Row] = [{"data": name, **facts, "state": mark.state}]
        for task in mark.tasks:
            for part in task.parts:
                if part.points < part.of:
                    print(f"  {task.id}, {part.id}: {part.points} of {part.of}, {part.reason}")
        print(rows[0], flush=True)
        keep("marking", replaced(kept("marking"), rows, ["data"]))


def marking_table(rows: Sequence[Row]) -> str:
    """Points of the solution."""
    lines = ["", "| the worked solution, marked with | points | of them provisional |", "|---|---|---|"]
    lines += [
        f"| {row['data']} | {float(row['points']):g} of {float(row['of']):g} | {row['provisional']} |" for row in rows
    ]
    return "\n".join([*lines, ""])
