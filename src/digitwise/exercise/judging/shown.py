"""What the notebook showed: its histogram, its arrays, its first prediction and its confusion matrix."""

from __future__ import annotations

import numpy as np

from digitwise.exercise.judging.case import NAMES, Case, Verdict
from digitwise.images import Float64

BARS = "Draw one bar for each class: plt.bar(range(10), np.bincount(y_train))."
SLACK = 0.01
SAME_ANSWER = 2e-3  # the same weights on the same picture, in batches of another size or another precision
MATRIX = "Set confusion = confusion_matrix(y_test, model2.predict(x_test).argmax(axis=1))."
NEAR_TIES = 2  # pictures whose class hangs on the last bit, which another batch size changes


def drawn(case: Case) -> Verdict:
    """A bar for each class, as high as the training set has pictures of it."""
    series = [[height for _, height in bars if height and np.isfinite(height)] for bars in case.evidence.series]
    heights = [np.array(each, np.float64) for each in series if each]
    if not heights:
        return Verdict(0, "no figure with bars was drawn", BARS)
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
        return Verdict(0, "the bars are the test set's", f"Count the training labels. {BARS}")
    for each in heights:
        if shared := _shared(each, train):
            words = " and ".join(map(str, shared))
            hint = f"{len(each)} bins are too few for {len(train)} classes: bins=np.arange({len(train) + 1}) - 0.5."
            return Verdict(0, f"{len(each)} bars for {len(train)} classes: {words} share a bar", f"{hint} {BARS}")
    found = ", ".join(f"{value:g}" for value in max(heights, key=len)[:12])
    return Verdict(0, f"the bars are not as high as the classes are large: {found}", BARS)


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


def predicted(case: Case) -> Verdict:
    """The ten numbers that the first model gives for one test picture."""
    classes = case.dataset.train.n_classes
    hint = "Set prediction = model.predict(x_test[:1])."
    if "prediction" not in case.evidence.arrays:
        return Verdict(0, "nothing is called prediction", hint)
    values = case.evidence.arrays["prediction"]
    if values is None or values.ndim not in (1, 2) or values.shape[-1] != classes:
        shape = "no numbers" if values is None else f"shape {values.shape}"
        return Verdict(0, f"prediction has {shape}: expected {classes} numbers", hint)
    first = np.atleast_2d(values)[0]
    answers = case.answers("model")
    if isinstance(answers, str):
        return Verdict(0.5, f"{classes} numbers, but {answers}, to compare them with", hint)
    distances = np.abs(answers.probabilities - first).max(axis=1)
    place = int(distances.argmin())
    if distances[place] <= SAME_ANSWER:
        highest = int(first.argmax())
        return Verdict(1, f"{classes} numbers, the highest {first.max():.4f} at {highest}, as the model gives them")
    return Verdict(
        0.5,
        f"{classes} numbers, but the first model gives them for no test picture",
        f"Predict with the finished first model. {hint}",
    )


def confusion(case: Case) -> Verdict:
    """The improved model's confusion matrix on the test pictures, a row a given class."""
    classes = case.dataset.train.n_classes
    if "confusion" not in case.evidence.arrays:
        return Verdict(0, "nothing is called confusion", MATRIX)
    given = case.evidence.arrays["confusion"]
    if given is None or given.shape != (classes, classes):
        shape = "no numbers" if given is None else f"shape {given.shape}"
        return Verdict(0, f"confusion has {shape}: expected {classes} x {classes} counts", MATRIX)
    ours = _counted(case, "model2")
    if ours is None:
        return case.unknown("model2")
    return _compared(given, ours) or _of_another(case, given) or _unknown(given, ours)


def _compared(given: Float64, ours: Float64) -> Verdict | None:
    if _alike(given, ours):
        return Verdict(1, f"equal to ours: {_beside(ours):g} pictures beside the diagonal")
    if _alike(given.T, ours):
        return Verdict(0.5, "transposed: its rows are the predicted classes", f"A row is a given class. {MATRIX}")
    if np.allclose(given, ours / ours.sum(axis=1, keepdims=True).clip(1), atol=6e-3):
        return Verdict(0.5, "shares, not counts", f"Count pictures. {MATRIX}")
    return None


def _of_another(case: Case, given: Float64) -> Verdict | None:
    for name in ("model", "model3"):
        counted = _counted(case, name)
        if counted is not None and _alike(given, counted):
            return Verdict(0, f"this is the confusion matrix of {NAMES[name]}", f"Take the improved model. {MATRIX}")
    return None


def _unknown(given: Float64, ours: Float64) -> Verdict:
    found = f"{given.sum():g} pictures, {_beside(given):g} of them beside the diagonal"
    ours_has = f"ours has {ours.sum():g} and {_beside(ours):g}"
    return Verdict(0, f"not the improved model's on the test pictures: {found}; {ours_has}", MATRIX)


def _beside(matrix: Float64) -> float:
    return float(matrix.sum() - np.trace(matrix))


def _counted(case: Case, name: str) -> Float64 | None:
    answers = case.answers(name)
    if isinstance(answers, str):
        return None
    classes = case.dataset.train.n_classes
    places = case.labels * classes + answers.predicted
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes).astype(np.float64)


def _alike(given: Float64, true: Float64) -> bool:
    return bool(given.sum() == true.sum() and np.abs(given - true).sum() <= 2 * NEAR_TIES)
