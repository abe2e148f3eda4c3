"""What stands in a cell of a table: rows in, text out; a dash where nothing was measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.measure import Place, Row, median, place, spread

NOTHING = "–"
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


def rows_of(rows: Sequence[Row], name: str, where: Place | None, *, data: str = "mnist") -> list[Row]:
    """One contender's rows on one data set, measured in one place."""
    return [row for row in rows if (row["contender"], row["data"], place(row)) == (name, data, where)]


def title(where: Place) -> str:
    """The processor's short name, and the backend where it is not the usual one."""
    cpu, backend = where
    short = cpu.replace("(R)", "").removesuffix(" Processor")
    return short if backend == "tensorflow" else f"{short}, {BACKENDS[backend]}"


def errors_cell(rows: Sequence[Row]) -> str:
    """Mean and spread of the errors."""
    return spread([float(row["errors"]) for row in rows]) if rows else NOTHING


def seconds_cell(rows: Sequence[Row], part: str, digits: int = 1) -> str:
    """The median of one part of the clock; a dash too where that part was not told apart."""
    middle = median(rows, f"{part}_seconds") if rows else 0.0
    return f"{middle:.{digits}f}" if middle else NOTHING


def fit_cell(rows: Sequence[Row], *, around: bool = False, unit: str = "") -> str:
    """The median of the fit, with what was remarked about it; ``around``: with its spread over the seeds too."""
    text = seconds_cell(rows, "fit") + unit
    if around and len(rows) > 1:
        text += f" ± {statistics.stdev(float(row['fit_seconds']) for row in rows):.1f}"
    remarks = sorted({row["remark"] for row in rows if row.get("remark")})
    return f"{text} ({'; '.join(remarks)})" if remarks else text


def share_cell(rows: Sequence[Row], others: Sequence[Row]) -> str:
    """The fit of some rows over that of others."""
    if not (rows and others):
        return NOTHING
    return f"{median(rows, 'fit_seconds') / median(others, 'fit_seconds'):.2f}"


def accuracy_cell(rows: Sequence[Row], n: int) -> str:
    """Share of right answers among ``n`` test images."""
    if not rows:
        return NOTHING
    shares = [100 * (1 - float(row["errors"]) / n) for row in rows]
    return f"{statistics.mean(shares):.2f} % ({len(rows)} seed{'s' if len(rows) > 1 else ''})"


def line(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def head(*cells: str) -> list[str]:
    """The first two lines of a table."""
    return [line(*cells), "|" + "---|" * len(cells)]
