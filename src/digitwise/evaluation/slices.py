"""Slices: groups of images with common visible properties and significantly more errors than the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import gammaln

from digitwise.images import Float64, Int64, Mask
from digitwise.predictions import Predictions
from digitwise.properties import PROPERTIES, Property

SIGNIFICANT = 0.03  # every group found starts another search; this keeps false groups of all searches below 5 %
SMALLEST = 20  # images in a slice
FEWEST = 3  # errors in a slice
SHARES = (0.05, 0.1, 0.2)  # of the images, at either end of a property
PERMUTATIONS = 1000
MOST = 10  # groups


@dataclass(frozen=True)
class Condition:
    """One common property of the images of a slice."""

    property: str  # its name, or "class"
    side: Literal["much", "little", "is"]
    value: float  # the bound, included; for a class its index
    words: str  # as in "digits *slanted right by 24° or more*"

    def holds(self, labels: Int64, measured: Mapping[str, Float64]) -> Mask:
        """Whether each image meets the condition, bool of shape (n,)."""
        if self.property == "class":
            return np.asarray(labels == self.value)
        values = measured[self.property]
        return np.asarray(values >= self.value if self.side == "much" else values <= self.value)


@dataclass(frozen=True, eq=False)
class Slice:
    """A group with a higher error rate than the others.

    Parameters
    ----------
    conditions : tuple of Condition
        One or two, which all images meet.
    indices : ndarray of int64, shape (n,)
        Its images, without those of groups found before it.
    errors : int
        Images classified wrongly.
    others_rate : float
        The error rate of the images in neither this group nor one found before it.
    p_value : float
        Probability that chance alone shows such a group anywhere among all groups examined.
    """

    conditions: tuple[Condition, ...]
    indices: Int64
    errors: int
    others_rate: float
    p_value: float

    @property
    def error_rate(self) -> float:
        """Errors over images, in [0, 1]."""
        return self.errors / len(self.indices)

    def members(self, labels: Int64, measured: Mapping[str, Float64]) -> Mask:
        """Which images, these or others, belong to it, bool of shape (n,)."""
        return np.asarray(np.logical_and.reduce([each.holds(labels, measured) for each in self.conditions]))

    @property
    def name(self) -> str:
        """The common properties of its images, in words."""
        return "digits " + " and ".join(condition.words for condition in self.conditions)

    @property
    def words(self) -> str:
        """The finding in one line."""
        times = f"{self.error_rate / self.others_rate:.1f} times the error rate" if self.others_rate else "all errors"
        return f"{self.name}: {times}, {self.errors} of {len(self.indices):,}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "conditions": [vars(condition) for condition in self.conditions],
            "n": len(self.indices),
            "errors": self.errors,
            "error_rate": self.error_rate,
            "others_rate": self.others_rate,
            "p_value": self.p_value,
        }


def find_slices(predictions: Predictions, measured: Mapping[str, Float64]) -> list[Slice]:
    """Find at most :data:`MOST` groups with one or two common properties and a significantly higher error rate.

    The group that is least likely by chance comes first; its images are removed before the next search, so that no
    group is found twice under another name. Chance is the best result over all groups when the errors are permuted
    among the images, which accounts for the test of thirteen hundred groups. Groups with one property and groups with
    two have half of the significance level each, so that the many pairs do not hide the few simple groups.

    On MNIST's own properties, with 0.4 % errors elsewhere, it finds 9 of 10 groups of 5 % to 20 % of 10,000 images
    if they have six times the error rate; benchmarks/results/evaluation.csv has the rows.

    Parameters
    ----------
    predictions : Predictions
        Of images that the model was not trained on; of validation or cross-validation, since fixes follow from them.
    measured : dict of str to ndarray of float64, shape (n,)
        From :func:`digitwise.properties.properties`.

    Returns
    -------
    list of Slice
        The least likely by chance first.

    References
    ----------
    P. H. Westfall, S. S. Young, Resampling-Based Multiple Testing (1993): the distribution of the smallest p-value.
    C. R. Genovese, K. Roeder, L. Wasserman, False discovery control with p-value weighting, Biometrika 93 (2006).
    """
    wrong = predictions.missed
    singles = list(_conditions(predictions, measured))
    held = {single: single.holds(predictions.labels, measured) for single in singles}
    groups = [(single,) for single in singles] + [
        (a, b) for i, a in enumerate(singles) for b in singles[i + 1 :] if a.property != b.property
    ]
    members = np.stack([np.logical_and.reduce([held[condition] for condition in group]) for group in groups])
    weights = np.ones(len(groups))
    weights[len(singles) :] = (len(groups) - len(singles)) / len(singles)
    rng, rest = np.random.default_rng(0), np.ones(len(wrong), bool)
    found: list[Slice] = []
    while len(found) < MOST and wrong[rest].sum() >= FEWEST:
        candidate = _least_likely(members[:, rest], weights, wrong[rest], rng)
        if candidate is None:
            break
        best, p_value = candidate
        own, others = members[best] & rest, ~members[best] & rest
        found.append(
            Slice(
                groups[best],
                np.flatnonzero(own).astype(np.int64),
                int(wrong[own].sum()),
                float(wrong[others].mean()) if others.any() else 0.0,
                p_value,
            )
        )
        rest &= ~own
    return found


def _least_likely(members: Mask, weights: Float64, wrong: Mask, rng: np.random.Generator) -> tuple[int, float] | None:
    """The least likely of the significant groups, and its p-value corrected for all groups; None without any.

    The probability of each group is multiplied by its weight before the comparison.
    """
    n, errors = len(wrong), int(wrong.sum())
    sizes = members.sum(axis=1)
    table = _tails(sizes, n, errors) * weights[:, None]  # (groups, errors + 1)
    table[sizes < SMALLEST] = weights.max()
    table[:, :FEWEST] = weights.max()
    rows = np.arange(len(members))
    seen = table[rows, members[:, wrong].sum(axis=1)]
    least: list[float] = []  # of all groups, one value a permutation
    as_small = 0
    for _ in range(PERMUTATIONS):
        drawn = rng.choice(n, errors, replace=False)
        least.append(float(table[rows, members[:, drawn].sum(axis=1)].min()))
        as_small += least[-1] <= seen.min()
        if _p_value(as_small) > SIGNIFICANT:
            return None
    p_values = _p_value(np.searchsorted(np.sort(least), seen, side="right"))
    significant = np.flatnonzero(p_values <= SIGNIFICANT)
    best = int(significant[(seen / weights)[significant].argmin()])
    return best, float(p_values[best])


def _p_value(as_small: Any) -> Any:
    return (1 + as_small) / (1 + PERMUTATIONS)


def _tails(sizes: Int64, n: int, errors: int) -> Float64:
    """The hypergeometric probability of k or more errors in a group of each size, (groups, errors + 1)."""
    k = np.arange(errors + 1)
    distinct, place = np.unique(sizes, return_inverse=True)
    m = distinct[:, None]
    possible = (k <= m) & (errors - k <= n - m)
    with np.errstate(invalid="ignore"):
        logs = _log_choose(m, k) + _log_choose(n - m, errors - k) - _log_choose(n, errors)
    chance = np.where(possible, np.exp(np.where(possible, logs, 0)), 0)
    return np.asarray(np.minimum(chance[:, ::-1].cumsum(axis=1)[:, ::-1], 1)[place])


def _log_choose(n: Any, k: Any) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, -0.5) + 1)


def _conditions(predictions: Predictions, measured: Mapping[str, Float64]) -> Iterator[Condition]:
    for label, name in enumerate(predictions.class_names):
        yield Condition("class", "is", label, f"of class {name}")
    for known in PROPERTIES:
        if known.name in measured:
            yield from _sides(known, measured[known.name])


def _sides(known: Property, values: Float64) -> Iterator[Condition]:
    if known.kind == "count":
        for least in range(1, int(values.max(initial=0)) + 1):
            words = known.much if least == 1 else f"{known.much} ({least} or more)"
            yield Condition(known.name, "much", least, words)
        yield Condition(known.name, "little", 0, known.little)
        return
    for share in SHARES:
        low, high = np.quantile(values, [share, 1 - share])
        ends: tuple[tuple[Literal["little", "much"], float, Mask], ...] = (
            ("little", float(low), values <= low),
            ("much", float(high), values >= high),
        )
        for side, bound, own in ends:
            if own.mean() <= 2 * share:  # many equal values would make a group that is no end of the property
                yield Condition(known.name, side, bound, _words(known, side, bound))


def _words(known: Property, side: str, bound: float) -> str:
    what, end = (known.much, "from") if side == "much" else (known.little, "to")
    amount = f"{bound:.0f}" if abs(bound) >= 10 else f"{bound:.2g}"
    return f"{what} ({known.name.replace('_', ' ')} {end} {amount}{known.unit})"
