"""Paired comparison of two models, or of each two of several, on the same images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import bdtr

from digitwise import displays
from digitwise.drawing import BLUE, FAINT, ORANGE, axes_for
from digitwise.errors import RunError
from digitwise.evaluation.rates import Z95
from digitwise.images import Int64
from digitwise.parts import imported
from digitwise.predictions import Predictions
from digitwise.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIGNIFICANT = 0.05
COUNTS = ("errors_a", "errors_b", "both_wrong", "only_a", "only_b")
COLUMNS = ("a", "b", *COUNTS, "difference", "low", "high", "p_value", "p_adjusted")


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

    def verdict(self, a: str = "A", b: str = "B", *, adjusted: float | None = None) -> str:
        """The result in words.

        Parameters
        ----------
        a, b : str
            What to call the models.
        adjusted : float, optional
            The p-value to judge by instead, where several models are compared; see :class:`Comparisons`.
        """
        p = self.p_value if adjusted is None else adjusted
        told = f"(p = {p:.3g}{'' if adjusted is None else ', adjusted'})"
        if p >= SIGNIFICANT:
            return f"no evidence of a difference between {a} and {b} {told}"
        better, worse = (a, b) if self.only_a < self.only_b else (b, a)
        return f"{better} makes fewer errors than {worse} {told}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "difference": self.difference, "verdict": self.verdict()}

    def frame(self) -> Any:
        """A pandas frame, a row for each model: errors, only_here (wrong where the other is right), error_rate."""
        rows = {"A": (self.errors_a, self.only_a), "B": (self.errors_b, self.only_b)}
        found = imported("pandas", "a frame").DataFrame.from_dict(rows, orient="index", columns=["errors", "only_here"])
        return found.assign(error_rate=found["errors"] / self.n)

    def plot(self, ax: Axes | None = None, *, names: tuple[str, str] = ("A", "B")) -> Axes:
        """Draw the errors of both models as bars: those on images that both get wrong, and those of only this one.

        The title tells the verdict, and the difference of the error rates with its 95 % interval.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default of a new figure.
        names : (str, str)
            What to call the models.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from matplotlib.ticker import MaxNLocator

        both = self.both_wrong
        with axes_for(ax, 6.6, 2.5) as axes:
            axes.barh([0, 1], both, 0.6, color=FAINT, label="both wrong")
            for row, (own, colour) in enumerate(((self.only_a, BLUE), (self.only_b, ORANGE))):
                axes.barh(row, own, 0.6, left=both, color=colour, label=f"only {names[row]} wrong")
                axes.text(both + own, row, f" {both + own:,}", va="center")
            axes.set_yticks([0, 1], names)
            axes.invert_yaxis()
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlim(0, 1.1 * max(1, self.errors_a, self.errors_b))
            axes.set(xlabel=f"wrong of {self.n:,} images", title=f"{self.verdict(*names)}\n{self._difference}")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3)
        return axes

    @property
    def _difference(self) -> str:
        low, high = (f"{100 * share:+.2f} %" for share in self.difference_95)
        return f"difference of the error rates {100 * self.difference:+.2f} % (95 %: {low} to {high})"

    def _repr_html_(self) -> str:
        """The counts and the verdict, for a notebook."""
        rows = (("A", self.errors_a, self.only_a), ("B", self.errors_b, self.only_b), ("both", "", self.both_wrong))
        return displays.block(
            displays.paragraph(f"{self.verdict()}, exact McNemar test on {self.n:,} images"),
            displays.table(("model", "errors", "wrong here only"), rows),
            displays.paragraph(self._difference),
        )


@dataclass(frozen=True)
class Comparisons:
    """Several models on the same images, each two of them compared; a sequence of :class:`Comparison`.

    The more pairs are compared, the likelier one of them differs by chance. Verdicts therefore go by adjusted p-values:
    the probability that any of them finds a difference where there is none is at most 5 %.

    Parameters
    ----------
    names : tuple of str
        Of the models, in the order given.
    pairs : tuple of Comparison
        The first with the second, the first with the third, …, the second with the third, …

    Examples
    --------
    >>> import digitwise, numpy as np
    >>> labels = digitwise.load("digits").test.labels
    >>> answers = [np.eye(10)[(labels + k) % 10] for k in (0, 1, 2)]
    >>> found = digitwise.compare(*answers, data="digits")
    >>> found
    Comparisons(3 models on 360 images: errors 0, 360, 360)
    >>> print(found.verdicts[2])
    no evidence of a difference between array (2) and array (3) (p = 1, adjusted)

    References
    ----------
    S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979).
    """

    names: tuple[str, ...]
    pairs: tuple[Comparison, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, place: int) -> Comparison:
        return self.pairs[place]

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.pairs)

    @cached_property
    def p_adjusted(self) -> tuple[float, ...]:
        """The p-value of each pair, by Holm's method."""
        p_values = np.array([pair.p_value for pair in self.pairs])
        order = np.argsort(p_values)
        steps = np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1))
        return tuple(np.minimum(1, steps)[np.argsort(order)].tolist())

    @property
    def verdicts(self) -> tuple[str, ...]:
        """The result of each pair in words."""
        return tuple(row["verdict"] for row in self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Plain values of each pair: names, what :meth:`Comparison.as_dict` gives, the adjusted p-value."""
        several = zip(itertools.combinations(self.names, 2), self.pairs, self.p_adjusted, strict=True)
        return [
            {
                "a": a,
                "b": b,
                **pair.as_dict(),
                "p_adjusted": p,
                "verdict": pair.verdict(a, b, adjusted=p if len(self) > 1 else None),
            }
            for (a, b), pair, p in several
        ]

    def frame(self) -> Any:
        """A pandas frame with a row for each pair.

        Returns
        -------
        DataFrame
            Columns a, b, errors_a, errors_b, both_wrong, only_a, only_b, difference (of the error rates), low, high
            (its 95 % interval), p_value, p_adjusted.
        """
        rows = [row | dict(zip(("low", "high"), row["difference_95"], strict=True)) for row in self.rows()]
        return imported("pandas", "a frame").DataFrame(rows, columns=COLUMNS)

    def __repr__(self) -> str:
        errors = [self.pairs[0].errors_a, *(pair.errors_b for pair in self.pairs[: len(self.names) - 1])]
        told = ", ".join(f"{each:,}" for each in errors)
        return f"Comparisons({len(self.names)} models on {self.pairs[0].n:,} images: errors {told})"

    def _repr_html_(self) -> str:
        """Each pair with its verdict, for a notebook."""
        columns = ("A", "B", "errors of A", "of B", "both wrong", "only A", "only B", "difference", "95 %", "verdict")
        rows = [
            (
                *(row[key] for key in ("a", "b", *COUNTS)),
                f"{100 * row['difference']:+.2f} %",
                "{:+.2f} to {:+.2f} %".format(*(100 * share for share in row["difference_95"])),
                row["verdict"],
            )
            for row in self.rows()
        ]
        told = f"exact McNemar tests on {self.pairs[0].n:,} images, adjusted for {len(self)} of them by Holm's method"
        return displays.block(displays.table(columns, rows), displays.paragraph(told))


def compare_each(answers: Sequence[Predictions], names: Sequence[str]) -> Comparisons:
    """Compare each two of two or more models' predictions of the same images; see :func:`compare_predictions`."""
    pairs = (compare_predictions(a, b) for a, b in itertools.combinations(answers, 2))
    return Comparisons(tuple(names), tuple(pairs))


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
