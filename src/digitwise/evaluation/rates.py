"""The error rate from counted errors: its interval, the errors to expect, and whether it meets a target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from digitwise.errors import DataError, RunError
from digitwise.images import Float64, Int64
from digitwise.predictions import Predictions

MOST_IMAGES = 10_000_000  # that are worth a plan to test on
Z95 = 1.959963984540054


def wilson(count: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share.

    Parameters
    ----------
    count, n : int
        Successes and trials.

    Returns
    -------
    (float, float)
        Bounds in [0, 1]; (0, 1) without trials.

    References
    ----------
    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).

    Examples
    --------
    >>> low, high = wilson(50, 10_000)
    >>> round(low * 10_000), round(high * 10_000)
    (38, 66)
    """
    if n == 0:
        return 0.0, 1.0
    share = count / n
    scale = 1 + Z95 * Z95 / n
    centre = (share + Z95 * Z95 / (2 * n)) / scale
    half = Z95 * math.sqrt(share * (1 - share) / n + Z95 * Z95 / (4 * n * n)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Expectation:
    """The wrong readings to expect.

    Parameters
    ----------
    samples : int
        Readings.
    errors : float
        Expected among these.
    interval_95 : (float, float)
    class_mix : dict of str to float
        The share of each class, by name; the sum is 1.
    """

    samples: int
    errors: float
    interval_95: tuple[float, float]
    class_mix: dict[str, float]

    @property
    def words(self) -> str:
        """The expectation in one line."""
        low, high = (errors / self.samples for errors in self.interval_95)
        return expectation_in_words(self.samples, self.errors / self.samples, (low, high))


def expectation_in_words(samples: int, rate: float, interval_95: tuple[float, float]) -> str:
    """A sentence on the errors in ``samples`` readings, from an error rate and its interval in [0, 1]."""
    low, high = (share * samples for share in interval_95)
    return f"of {samples:,} samples about {rate * samples:.0f} wrong (95 % interval {low:.0f} to {high:.0f})"


def expected_errors(
    predictions: Predictions, samples: int = 10_000, class_mix: Mapping[str, float] | None = None
) -> Expectation:
    """Estimate the errors in future readings from counted errors.

    Parameters
    ----------
    predictions : Predictions
    samples : int
    class_mix : mapping of str to float, optional
        Shares of some classes, by name, each in [0, 1]; the other classes divide the rest in proportion to their
        frequency in ``predictions``. By default all classes have their frequency there.

    Raises
    ------
    DataError
        If the mix has an unknown class, does not sum to one, or asks for a class without images.

    References
    ----------
    G. Y. Zou, W. Huang, X. Zhang, A note on confidence interval estimation for a linear function of binomial
    proportions, Computational Statistics & Data Analysis 53 (2009): the classes' Wilson intervals joined.
    """
    n, wrong = len(predictions), predictions.missed
    counts = np.bincount(predictions.labels, minlength=len(predictions.class_names))
    if class_mix is None:
        low, high = wilson(int(wrong.sum()), n)
        mix, rate = counts / n, float(wrong.mean())
    else:
        mix = _complete(class_mix, counts, predictions.class_names)
        errors = np.bincount(predictions.labels[wrong], minlength=len(counts))
        rates = errors / np.maximum(counts, 1)
        lows, highs = np.array([wilson(int(e), int(c)) for e, c in zip(errors, counts, strict=True)]).T
        rate = float(mix @ rates)
        low = rate - math.sqrt(float((mix**2) @ (rates - lows) ** 2))
        high = rate + math.sqrt(float((mix**2) @ (highs - rates) ** 2))
    shares = {name: float(share) for name, share in zip(predictions.class_names, mix, strict=True)}
    return Expectation(samples, rate * samples, (low * samples, high * samples), shares)


def _complete(class_mix: Mapping[str, float], counts: Int64, names: tuple[str, ...]) -> Float64:
    for name, share in class_mix.items():
        if name not in names:
            raise DataError(f"class mix: expected classes of {', '.join(names)}, got {name!r}")
        if not 0 <= share <= 1:
            raise DataError(f"class mix: expected a share of 0 to 1 for class {name}, got {share:g}")
    given = sum(class_mix.values())
    others = np.array([0 if name in class_mix else count for name, count in zip(names, counts, strict=True)], float)
    if given > 1 + 1e-6 or (given < 1 - 1e-6 and not others.sum()):
        raise DataError(f"class mix: expected shares that sum to 1, got {given:.4g}")
    rest = others / others.sum() * (1 - given) if others.sum() else others
    mix = np.array([class_mix.get(name, share) for name, share in zip(names, rest, strict=True)], float)
    if missing := [name for name, share, count in zip(names, mix, counts, strict=True) if share and not count]:
        raise DataError(f"class mix: expected classes with images, got {missing[0]} without any; leave it out")
    return mix


@dataclass(frozen=True)
class Verdict:
    """Whether a model reaches a target, or what its interval says where there is none."""

    target: float | None  # error rate, in (0, 1)
    outcome: Literal["reached", "missed", "open", "measured"]  # open where the 95 % interval includes the target
    words: str


def judge(errors: int, n: int, target: float | None = None) -> Verdict:
    """Compare counted errors with a target error rate, if there is one.

    Raises
    ------
    RunError
        If the target is not a share between 0 and 1.
    """
    if target is not None and not 0 < target < 1:
        raise RunError.wanted("target", "a share above 0 and below 1", f"{target:g}", argument="target")
    low, high = wilson(errors, n)
    least, most = f"{100 * low:.2f} %", f"{100 * high:.2f} %"
    if target is None:
        words = f"{100 * errors / n:.2f} % are wrong; of all such images {least} to {most}, with 95 % confidence."
        return Verdict(None, "measured", words)
    goal = f"{100 * target:.3g} %"
    if high <= target:
        return Verdict(target, "reached", f"Below {goal}: the error rate is at most {most}, with 95 % confidence.")
    if low >= target:
        return Verdict(target, "missed", f"Not below {goal}: the error rate is at least {least}.")
    return Verdict(
        target,
        "open",
        f"Not decided: {n:,} images leave the error rate between {least} and {most}, with {goal} between them; "
        f"test on more.",
    )


def images_to_decide(errors: int, n: int, target: float) -> int | None:
    """How many images would decide about a target if the error rate stayed as it is: twice, four times, … as many.

    Returns
    -------
    int or None
        None where more than ten million would be needed.
    """
    times = 1
    while times * n <= MOST_IMAGES:
        low, high = wilson(errors * times, n * times)
        if high <= target or low >= target:
            return times * n
        times *= 2
    return None
