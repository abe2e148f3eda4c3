"""The errors of one recipe over several seeds."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from digitwise.evaluation.rates import expectation_in_words, wilson
from digitwise.runs import Run


@dataclass(frozen=True)
class Spread:
    """Errors of trainings that differ only in their seeds."""

    n: int  # images that each predicted
    errors: tuple[int, ...]  # of each training

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
        """Wilson interval of the mean error rate, in [0, 1].

        It depends on the number of images, not of seeds: more seeds say nothing about other images.
        """
        return wilson(round(self.mean), self.n)

    @property
    def words(self) -> str:
        """The errors as mean ± deviation."""
        return f"{self.mean:.1f}" + ("" if self.deviation is None else f" ± {self.deviation:.1f}")

    def in_production(self, samples: int = 10_000) -> str:
        """The errors to expect in ``samples`` readings by an average training, in words."""
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
    """The spread of several runs' results on one split, as in ``run.json``."""
    return Spread(results[0]["n"], tuple(result["errors"] for result in results))


def over_seeds(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Mean and spread of the test errors of trainings with several seeds.

    Runs belong together if recipe, budget, precision and data are the same. Two runs with one seed count twice.

    Returns
    -------
    list of dict
        ``name``, ``runs`` (their folders), ``seeds`` (the number of different ones), ``mean`` and ``spread``
        (standard deviation) of the errors.
    """
    alike: dict[str, list[Run]] = {}
    for run in runs:
        alike.setdefault(_all_but_the_seed(run), []).append(run)
    found = []
    for own in alike.values():
        if (seeds := len({run.info["seed"] for run in own})) > 1:
            test = spread([run.info["results"]["test"] for run in own])
            folders = [run.path.name for run in own]
            found.append(
                {"name": own[0].name, "runs": folders, "seeds": seeds, "mean": test.mean, "spread": test.deviation}
            )
    return found


def seeds_in_words(row: Mapping[str, Any]) -> str:
    """A row of :func:`over_seeds` in one line."""
    runs = f"; {len(row['runs'])} runs, a seed twice" if len(row["runs"]) > row["seeds"] else ""
    return (
        f"{row['name']} ({', '.join(row['runs'])}): {row['mean']:.1f} ± {row['spread']:.1f} errors "
        f"over {row['seeds']} seeds{runs}"
    )


def _all_but_the_seed(run: Run) -> str:
    choices = {key: run.info.get(key) for key in ("recipe", "budget", "precision")}
    data = {key: run.info["data"][key] for key in ("fingerprint", "validation")}
    return json.dumps([choices, data], sort_keys=True)
