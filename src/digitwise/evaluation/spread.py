"""What one recipe comes to from several seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from digitwise.evaluation.intervals import wilson
from digitwise.evaluation.production import expectation_in_words


@dataclass(frozen=True)
class Spread:
    """Errors of trainings that differ in their seed alone.

    Parameters
    ----------
    n : int
        Pictures each was asked about.
    errors : tuple of int
        Of each training.
    """

    n: int
    errors: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Errors of a training, on average."""
        return statistics.fmean(self.errors)

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the errors from seed to seed; None for one seed."""
        return statistics.stdev(self.errors) if len(self.errors) > 1 else None

    @property
    def interval_95(self) -> tuple[float, float]:
        """Wilson interval of the error rate of a training of average luck, in [0, 1].

        All were asked about the same pictures: more seeds tell more about the recipe, not about other pictures.
        """
        return wilson(round(self.mean), self.n)

    @property
    def words(self) -> str:
        """The errors as mean ± deviation, in short."""
        return f"{self.mean:.1f}" + ("" if self.deviation is None else f" ± {self.deviation:.1f}")

    def in_production(self, samples: int = 10_000) -> str:
        """What a training of average luck means for whoever orders so many readings, in words."""
        return expectation_in_words(samples, self.mean / self.n, self.interval_95)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "n": self.n,
            "errors": list(self.errors),
            "mean_errors": self.mean,
            "standard_deviation": self.deviation,
            "error_rate": self.mean / self.n,
            "interval_95": list(self.interval_95),
        }


def spread(results: Sequence[dict[str, Any]]) -> Spread:
    """The errors of several runs about one split, as they stand in ``run.json``."""
    return Spread(results[0]["n"], tuple(result["errors"] for result in results))
