"""An exported model counts only when it answers as the model it was made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from digitwise.errors import ExportError
from digitwise.images import Float32, UInt8

PICTURES = 1000
BATCHES = (1, 7)  # one picture as a server asks, and a number that no compiler rounds to
LARGEST_DIFFERENCE = 1e-4
TIE = 1e-6  # classes closer than this are as probable as each other: rounding decides between them

Ask = Callable[[UInt8], Float32]  # pictures (n, h, w) or (n, h, w, 3) to probabilities (n, classes)


def largest_difference(exported: Ask, model: Ask, pictures: UInt8, batches: Sequence[int] = BATCHES) -> float:
    """Ask both about the pictures in batches of each size, and make sure that they agree.

    Returns
    -------
    float
        The largest difference of a probability.

    Raises
    ------
    ExportError
        If one is larger than ``LARGEST_DIFFERENCE``, or a picture gets another class.
    """
    largest = 0.0
    for batch in batches:
        mine, theirs = (_in_batches(ask, pictures, batch) for ask in (exported, model))
        difference = float(np.abs(mine - theirs).max()) if mine.shape == theirs.shape else np.inf
        if not difference <= LARGEST_DIFFERENCE:  # NaN fails this too
            raise ExportError(_refusal(f"probabilities differ by up to {difference:.2g} in batches of {batch}"))
        if others := _other_classes(mine, theirs):
            raise ExportError(_refusal(f"{others} of {len(pictures):,} pictures get another class"))
        largest = max(largest, difference)
    return largest


def _in_batches(ask: Ask, pictures: UInt8, batch: int) -> Float32:
    return np.concatenate([ask(pictures[start : start + batch]) for start in range(0, len(pictures), batch)])


def _other_classes(mine: Float32, theirs: Float32) -> int:
    chosen = np.take_along_axis(theirs, mine.argmax(axis=1)[:, None], axis=1)[:, 0]
    return int((chosen < theirs.max(axis=1) - TIE).sum())


def _refusal(what: str) -> str:
    return (
        f"the export does not answer as the model does: expected differences of at most {LARGEST_DIFFERENCE}, {what}; "
        f"nothing was written, use --format keras"
    )
