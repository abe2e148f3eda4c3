"""Whether a model keeps below the error rate that its owner needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from digitwise.errors import RunError
from digitwise.evaluation.intervals import wilson


@dataclass(frozen=True)
class Verdict:
    """A model held against a target.

    Parameters
    ----------
    target : float
        Error rate, in (0, 1).
    outcome : {"reached", "missed", "open"}
        Open where the 95 % interval holds the target: these pictures cannot decide.
    words : str
    """

    target: float
    outcome: Literal["reached", "missed", "open"]
    words: str


def judge(errors: int, n: int, target: float) -> Verdict:
    """Hold counted errors against a target error rate.

    Raises
    ------
    RunError
        If the target is not a share between 0 and 1.
    """
    if not 0 < target < 1:
        raise RunError(f"target: expected a share above 0 and below 1, got {target:g}")
    low, high = wilson(errors, n)
    goal, least, most = f"{100 * target:.3g} %", f"{100 * low:.2f} %", f"{100 * high:.2f} %"
    if high <= target:
        return Verdict(target, "reached", f"Below {goal}: the error rate is at most {most}, with 95 % confidence.")
    if low >= target:
        return Verdict(target, "missed", f"Not below {goal}: the error rate is at least {least}.")
    return Verdict(
        target,
        "open",
        f"Not decided: {n:,} pictures leave the error rate between {least} and {most}, with {goal} between them; "
        f"test on more.",
    )
