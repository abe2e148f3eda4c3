"""What all benchmarks share: rows kept with the machine they were measured on, medians, ratios."""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from digitwise.system import hardware, versions

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]
Place = tuple[str, str]


def machine() -> Row:
    """The hardware and versions, as columns."""
    found, known = hardware(), versions()
    where = {"cpu": found["cpu"], "cores": found["cores"], "features": " ".join(found["cpu_features"])}
    where |= {package: known[package] for package in ("python", "digitwise", "keras", "numpy")}
    where["tensorflow"] = known.get("tensorflow-cpu", known.get("tensorflow", ""))
    where |= {package: known.get(package, "") for package in ("jax", "torch", "scikit-learn")}
    return where


def keep(name: str, rows: Sequence[Row]) -> None:
    """Write rows as ``results/<name>.csv``; those that do not say where they come from come from this machine."""
    here = machine()
    rows = [row if "cpu" in row else {**row, **here} for row in rows]
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.csv").open("w", newline="") as file:
        columns = dict.fromkeys(key for row in rows for key in row)  # older rows have fewer
        writer = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def kept(name: str) -> list[Row]:
    """The rows of ``results/<name>.csv``, values as text; none where there is no such file."""
    try:
        with (RESULTS / f"{name}.csv").open(newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


def replaced(old: Sequence[Row], new: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    """The old rows but those that are alike in these columns to one measured anew, then the new ones."""
    anew = {tuple(row[column] for column in columns) for row in new}
    return [*(row for row in old if tuple(row[column] for column in columns) not in anew), *new]


def place(row: Row) -> Place:
    """The processor and Keras' backend; TensorFlow where a row has none, as the first rows and peers without Keras."""
    return row["cpu"], row.get("backend") or "tensorflow"


def newest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the place measured last: seconds of different processors do not belong in one table."""
    return [row for row in rows if place(row) == place(rows[-1])]


def main_place(rows: Sequence[Row]) -> Place | None:
    """The place with the most contenders, then the most rows, then the newest; None without rows."""
    rows_in: dict[Place, list[Row]] = {}
    for row in reversed(rows):
        rows_in.setdefault(place(row), []).append(row)

    def completeness(where: Place) -> tuple[int, int]:
        return len({row["contender"] for row in rows_in[where]}), len(rows_in[where])

    return max(rows_in, key=completeness, default=None)


def fullest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the main place."""
    where = main_place(rows)
    return [row for row in rows if place(row) == where]


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median(rows: Sequence[Row], key: str, **where: Any) -> float:
    """The median of a column over the rows that match."""
    return statistics.median(float(row[key]) for row in rows if all(row[k] == v for k, v in where.items()))


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation in words; one value has no spread."""
    mean = f"{statistics.mean(values):.1f}"
    return f"{mean} ± {statistics.stdev(values):.1f}" if len(values) > 1 else mean


def ratio(rows: Sequence[Row], slow: str, fast: str) -> str:
    """The ratio of two variants' medians, in words."""
    medians = [median(rows, "seconds", variant=name) for name in (slow, fast)]
    return f"{slow} {medians[0]:.2f} s, {fast} {medians[1]:.2f} s: {medians[0] / medians[1]:.2f} times as fast"
