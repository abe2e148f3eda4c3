"""Paired comparison of two models on the same images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import bdtr

from digitwise import displays
from digitwise.errors import RunError
from digitwise.evaluation.rates import Z95
from digitwise.images import Int64
from digitwise.parts import imported
from digitwise.predictions import Predictions
from digitwise.runs import Run

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two models on the same images.

    Parameters
    ----------
    n : int
    errors_a, errors_b : int
    both_wrong, only_a, only_b : int
        Images that both, only A, only B classify wrongly.
    p_value : float
        Of the two-sided exact McNemar test.
    difference_95 : (float, float)
        95 % interval of A's error rate minus B's, in [-1, 1].

    Examples
    --------
    >>> import digitwise, numpy as np
    >>> labels = digitwise.load("digits").test.labels
    >>> answers = [np.eye(10)[(labels + k) % 10] for k in (0, 1)]
    >>> found = digitwise.compare(*answers, data="digits")
    >>> found.errors_a, found.errors_b, found.only_b
    (0, 360, 360)
    """

    n: int
    errors_a: int
    errors_b: int
    both_wrong: int
    only_a: int
    only_b: int
    p_value: float
    difference_95: tuple[float, float]

    @property
    def difference(self) -> float:
        """A's error rate minus B's."""
        return (self.only_a - self.only_b) / self.n

    def verdict(self, a: str = "A", b: str = "B") -> str:
        """The result in words."""
        if self.p_value >= SIGNIFICANT:
            return f"no evidence of a difference between {a} and {b} (p = {self.p_value:.3g})"
        better, worse = (a, b) if self.only_a < self.only_b else (b, a)
        return f"{better} makes fewer errors than {worse} (p = {self.p_value:.3g})"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "difference": self.difference, "verdict": self.verdict()}

    def frame(self) -> Any:
        """A pandas frame, a row for each model: errors, only_here (wrong where the other is right), error_rate."""
        rows = {"A": (self.errors_a, self.only_a), "B": (self.errors_b, self.only_b)}
        found = imported("pandas", "a frame").DataFrame.from_dict(rows, orient="index", columns=["errors", "only_here"])
        return found.assign(error_rate=found["errors"] / self.n)

    def _repr_html_(self) -> str:
        """The counts and the verdict, for a notebook."""
        low, high = (f"{100 * share:+.2f} %" for share in self.difference_95)
        rows = (("A", self.errors_a, self.only_a), ("B", self.errors_b, self.only_b), ("both", "", self.both_wrong))
        return displays.block(
            displays.paragraph(f"{self.verdict()}, exact McNemar test on {self.n:,} images"),
            displays.table(("model", "errors", "wrong here only"), rows),
            displays.paragraph(f"error rate of A against B's {100 * self.difference:+.2f} % (95 %: {low} to {high})"),
        )


def compare_predictions(a: Predictions, b: Predictions) -> Comparison:
    """Compare two models' predictions of the same images, in the same order.

    Raises
    ------
    RunError
        If the labels differ, so that the images cannot be the same.

    References
    ----------
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947); exact binomial form. D. G. Bonett, R. M. Price, "Adjusted Wald Confidence Interval for a
    Difference of Binomial Proportions Based on Paired Data", J. Educational and Behavioral Statistics 37 (2012).
    """
    if len(a) != len(b) or (a.labels != b.labels).any():
        raise RunError(f"expected predictions of the same images, got {len(a)} and {len(b)} with different labels")
    both_wrong, only_a, only_b = map(len, apart(a, b).values())
    return Comparison(
        n=len(a),
        errors_a=a.errors,
        errors_b=b.errors,
        both_wrong=both_wrong,
        only_a=only_a,
        only_b=only_b,
        p_value=mcnemar(only_a, only_b),
        difference_95=_difference_interval(only_a, only_b, len(a)),
    )


def apart(a: Predictions, b: Predictions) -> dict[str, Int64]:
    """The indices, int64, of the images that both, only the first, only the second model classify wrongly."""
    kinds = {"both_wrong": a.missed & b.missed, "only_a": a.missed & ~b.missed, "only_b": b.missed & ~a.missed}
    return {kind: np.flatnonzero(mask).astype(np.int64) for kind, mask in kinds.items()}


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact McNemar p-value from the two discordant counts."""
    discordant = only_a + only_b
    return min(1.0, 2 * float(bdtr(float(min(only_a, only_b)), discordant, 0.5))) if discordant else 1.0


def _difference_interval(only_a: int, only_b: int, n: int) -> tuple[float, float]:
    a, b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = Z95 * math.sqrt((a + b - (a - b) ** 2) / (n + 2))
    return max(-1.0, a - b - half), min(1.0, a - b + half)


def all_different(runs: Sequence[Run]) -> None:
    """Raise a RunError if a run folder is given twice."""
    seen: set[Path] = set()
    for run in runs:
        place = run.path.resolve()
        if place in seen:
            raise RunError(f"{run.path}: expected different run folders, got this one twice; name each once")
        seen.add(place)
