"""The histogram: whether the bars are as high as the classes are large."""

from __future__ import annotations

import numpy as np

from digitwise.exercise.judging.case import Case, Verdict
from digitwise.images import Float64

HINT = "Draw one bar for each class: plt.bar(range(10), np.bincount(y_train))."


def drawn(case: Case) -> Verdict:
    """A bar for each class, as high as the training set has pictures of it."""
    series = [[height for _, height in bars if height and np.isfinite(height)] for bars in case.evidence.series]
    heights = [np.array(each, np.float64) for each in series if each]
    if not heights:
        return Verdict(0, "no figure with bars was drawn", HINT)
    train = case.dataset.train.class_counts.astype(np.float64)
    own = case.evidence.labels.get("y_train")  # less where validation pictures were split off before
    wanted = [train] if own is None or own.sum() < train.sum() / 2 or len(own) != len(train) else [train, own]
    for counts in wanted:
        if any(_same(each, counts) for each in heights):
            return Verdict(1, f"{len(counts)} bars, from {counts.min():,.0f} to {counts.max():,.0f} pictures high")
    if any(_same(each / each.sum(), train / train.sum()) for each in heights):
        return Verdict(0.5, "the bars show shares, not how many pictures there are", "Draw counts, not shares.")
    test = case.dataset.test.class_counts.astype(np.float64)
    if any(_same(each, test) for each in heights):
        return Verdict(0, "the bars are the test set's", f"Count the training labels. {HINT}")
    for each in heights:
        if shared := _shared(each, train):
            words = " and ".join(map(str, shared))
            hint = f"{len(each)} bins are too few for {len(train)} classes: bins=np.arange({len(train) + 1}) - 0.5."
            return Verdict(0, f"{len(each)} bars for {len(train)} classes: {words} share a bar", f"{hint} {HINT}")
    found = ", ".join(f"{value:g}" for value in max(heights, key=len)[:12])
    return Verdict(0, f"the bars are not as high as the classes are large: {found}", HINT)


def _same(heights: Float64, counts: Float64) -> bool:
    """In any order: pandas' ``value_counts().plot.bar()`` has the largest class first, its name below it."""
    return heights.shape == counts.shape and bool(np.allclose(np.sort(heights), np.sort(counts), rtol=1e-6))


def _shared(heights: Float64, counts: Float64) -> list[int]:
    """The first classes that stand in one bar, where each bar is a run of whole classes."""
    shared: list[int] = []
    first = 0
    for height in heights:
        total, place = 0.0, first
        while place < len(counts) and total < height - 0.5:
            total += counts[place]
            place += 1
        if abs(total - height) > 0.5:
            return []
        if place - first > 1 and not shared:
            shared = list(range(first, place))
        first = place
    return shared if first == len(counts) else []
