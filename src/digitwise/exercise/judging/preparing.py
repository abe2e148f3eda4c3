"""Preparing the data: whether pictures have the shape and the values that a network takes."""

from __future__ import annotations

from digitwise.exercise.judging.case import Case, Verdict

SLACK = 0.01


def shaped(case: Case) -> Verdict:
    """Pictures of shape (-1, 28, 28, 1) with values from 0 to 1."""
    height, width, channels = case.dataset.train.image_shape
    wanted = (height, width, channels)
    found, faults, hints = [], [], []
    for name in ("x_train", "x_test"):
        array = case.evidence.pictures.get(name)
        if array is None:
            return Verdict(
                0, f"no array of pictures is called {name}", "Give the pictures the names x_train and x_test."
            )
        found.append(f"{name} has shape {array.shape} and values from {array.low:.3g} to {array.high:.3g}")
        if array.shape[1:] != wanted:
            faults.append("shape")
            hints.append(f"Use {name}.reshape(-1, {height}, {width}, {channels}).")
        if array.low < -SLACK or not 0.5 < array.high <= 1 + SLACK:
            faults.append("values")
            hints.append(f"Bring the values of {name} to 0 to 1: divide the grey values by 255, and no more.")
    share = 1 - 0.5 * len(set(faults))
    return Verdict(share, ", ".join(found), " ".join(hints))
