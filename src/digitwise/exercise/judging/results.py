"""Judges of a notebook's results: histogram, arrays, models, first prediction, saved files and confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from digitwise.evaluation.comparison import SIGNIFICANT
from digitwise.evaluation.rates import wilson
from digitwise.exercise.judging.case import Case, Judgement, percent
from digitwise.exercise.language import say
from digitwise.images import Float64

BARS = "Draw one bar for each class: plt.bar(range(10), np.bincount(y_train))."
SLACK = 0.01
SAME_PREDICTION = 2e-3  # the same weights and image in another batch size or precision
MATRIX = "Set confusion = confusion_matrix(y_test, model2.predict(x_test).argmax(axis=1))."
NEAR_TIES = 2  # images whose class depends on rounding, which another batch size changes
ENOUGH = 0.97  # accuracy of the first model
FEW = 0.01  # error rate of the improved model
CONVOLUTIONS = (
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "SeparableConv1D",
    "SeparableConv2D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
)
CLOSE = 1e-5  # of probabilities


def drawn(case: Case) -> Judgement:
    """One bar for each class, as high as its number of training images."""
    series = [[height for _, height in bars if height and np.isfinite(height)] for bars in case.evidence.series]
    heights = [np.array(each, np.float64) for each in series if each]
    if not heights:
        return Judgement(0, say("no figure with bars was drawn"), say(BARS))
    train = case.dataset.train.class_counts.astype(np.float64)
    own = case.evidence.labels.get("y_train")  # fewer where validation images were split off before
    wanted = [train] if own is None or own.sum() < train.sum() / 2 or len(own) != len(train) else [train, own]
    for counts in wanted:
        if any(_same(each, counts) for each in heights):
            low, high = f"{counts.min():,.0f}", f"{counts.max():,.0f}"
            return Judgement(1, say("{n} bars, from {low} to {high} images high", n=len(counts), low=low, high=high))
    if any(_same(each / each.sum(), train / train.sum()) for each in heights):
        return Judgement(0.5, say("the bars show shares, not numbers of images"), say("Draw counts, not shares."))
    test = case.dataset.test.class_counts.astype(np.float64)
    if any(_same(each, test) for each in heights):
        return Judgement(0, say("the bars show the test set"), f"{say('Count the training labels.')} {say(BARS)}")
    for each in heights:
        if shared := _shared(each, train):
            words, many = say(" and ").join(map(str, shared)), {"bars": len(each), "classes": len(train)}
            hint = say("{bars} bins are too few for {classes} classes: bins=np.arange({classes} + 1) - 0.5.", **many)
            reason = say("{bars} bars for {classes} classes: {words} share a bar", words=words, **many)
            return Judgement(0, reason, f"{hint} {say(BARS)}")
    found = ", ".join(f"{value:g}" for value in max(heights, key=len)[:12])
    return Judgement(0, say("the heights of the bars are not the class counts: {found}", found=found), say(BARS))


def _same(heights: Float64, counts: Float64) -> bool:
    """Equal in any order: pandas' ``value_counts().plot.bar()`` draws the largest class first."""
    return heights.shape == counts.shape and bool(np.allclose(np.sort(heights), np.sort(counts), rtol=1e-6))


def _shared(heights: Float64, counts: Float64) -> list[int]:
    """The first classes that share one bar, where each bar holds whole adjacent classes; else empty."""
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


def shaped(case: Case) -> Judgement:
    """Images of shape (-1, 28, 28, 1) with values from 0 to 1."""
    height, width, channels = case.dataset.train.image_shape
    wanted = (height, width, channels)
    found, faults, hints = [], [], []
    for name in ("x_train", "x_test"):
        array = case.evidence.images.get(name)
        if array is None:
            reason = say("there is no array of images named {name}", name=name)
            return Judgement(0, reason, say("Name the arrays of images x_train and x_test."))
        facts = {"name": name, "shape": array.shape, "low": f"{array.low:.3g}", "high": f"{array.high:.3g}"}
        found.append(say("{name} has shape {shape} and values from {low} to {high}", **facts))
        if array.shape[1:] != wanted:
            faults.append("shape")
            hints.append(say("Use {code}.", code=f"{name}.reshape(-1, {height}, {width}, {channels})"))
        if array.low < -SLACK or not 0.5 < array.high <= 1 + SLACK:
            faults.append("values")
            hints.append(say("Scale the values of {name} to 0 to 1: divide the grey values by 255 once.", name=name))
    share = 1 - 0.5 * len(set(faults))
    return Judgement(share, ", ".join(found), " ".join(hints))


def predicted(case: Case) -> Judgement:
    """The ten numbers that the first model predicts for one test image."""
    classes = case.dataset.train.n_classes
    hint = say("Set {code}.", code="prediction = model.predict(x_test[:1])")
    if "prediction" not in case.evidence.arrays:
        return Judgement(0, say("there is no variable named {name}", name="prediction"), hint)
    values = case.evidence.arrays["prediction"]
    if values is None or values.ndim not in (1, 2) or values.shape[-1] != classes:
        shape = say("no numbers") if values is None else say("shape {shape}", shape=values.shape)
        return Judgement(
            0, say("prediction has {shape}: expected {classes} numbers", shape=shape, classes=classes), hint
        )
    first = np.atleast_2d(values)[0]
    output = case.output("model")
    if isinstance(output, str):
        reason = say("{classes} numbers, which cannot be compared: {output}", classes=classes, output=output)
        return Judgement(0.5, reason, hint)
    distances = np.abs(output.probabilities - first).max(axis=1)
    place = int(distances.argmin())
    if distances[place] <= SAME_PREDICTION:
        facts = {"classes": classes, "most": f"{first.max():.4f}", "place": int(first.argmax())}
        return Judgement(1, say("{classes} numbers, the highest {most} at {place}, equal to the model's", **facts))
    reason = say("{classes} numbers, which the first model predicts for no test image", classes=classes)
    return Judgement(0.5, reason, f"{say('Predict with the finished first model.')} {hint}")


def confusion(case: Case) -> Judgement:
    """The improved model's confusion matrix on the test images, one row per given class."""
    classes = case.dataset.train.n_classes
    if "confusion" not in case.evidence.arrays:
        return Judgement(0, say("there is no variable named {name}", name="confusion"), say(MATRIX))
    given = case.evidence.arrays["confusion"]
    if given is None or given.shape != (classes, classes):
        shape = say("no numbers") if given is None else say("shape {shape}", shape=given.shape)
        reason = say("confusion has {shape}: expected {classes} x {classes} counts", shape=shape, classes=classes)
        return Judgement(0, reason, say(MATRIX))
    true = _counted(case, "model2")
    if true is None:
        return case.unknown("model2")
    return _compared(given, true) or _of_another(case, given) or _different(given, true)


def _compared(given: Float64, true: Float64) -> Judgement | None:
    if _alike(given, true):
        return Judgement(1, say("equal to the recount: {n} errors off the diagonal", n=f"{_errors(true):g}"))
    if _alike(given.T, true):
        hint = f"{say('A row is a given class.')} {say(MATRIX)}"
        return Judgement(0.5, say("transposed: its rows are the predicted classes"), hint)
    if np.allclose(given, true / true.sum(axis=1, keepdims=True).clip(1), atol=6e-3):
        return Judgement(0.5, say("shares, not counts"), f"{say('Count images.')} {say(MATRIX)}")
    return None


def _of_another(case: Case, given: Float64) -> Judgement | None:
    for name in ("model", "model3"):
        counted = _counted(case, name)
        if counted is not None and _alike(given, counted):
            reason = say("this is the confusion matrix of {name}", name=name)
            return Judgement(0, reason, f"{say('Use the improved model.')} {say(MATRIX)}")
    return None


def _different(given: Float64, true: Float64) -> Judgement:
    reason = say(
        "not the improved model's on the test images: expected {n} with {errors}, got {own} images with {wrong} errors "
        "off the diagonal",
        n=f"{true.sum():g}",
        errors=f"{_errors(true):g}",
        own=f"{given.sum():g}",
        wrong=f"{_errors(given):g}",
    )
    return Judgement(0, reason, say(MATRIX))


def _errors(matrix: Float64) -> float:
    return float(matrix.sum() - np.trace(matrix))


def _counted(case: Case, name: str) -> Float64 | None:
    output = case.output(name)
    if isinstance(output, str):
        return None
    classes = case.dataset.train.n_classes
    places = case.labels * classes + output.predicted
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes).astype(np.float64)


def _alike(given: Float64, true: Float64) -> bool:
    return bool(given.sum() == true.sum() and np.abs(given - true).sum() <= 2 * NEAR_TIES)


def built(case: Case) -> Judgement:
    """Exactly one convolution, and ten outputs with softmax."""
    output = case.output("model")
    if isinstance(output, str):
        return case.unknown("model")
    convolutions = sum(layer["class"] in CONVOLUTIONS for layer in output.layers)
    classes = case.dataset.train.n_classes
    softmax = _has_softmax(output.layers) and bool(np.allclose(output.probabilities.sum(axis=1), 1, atol=1e-3))
    hints = []
    if convolutions != 1:
        hints.append(say("Keep exactly one convolution in the first model, not {n}.", n=convolutions))
    if not softmax:
        hints.append(say("End with {code}.", code=f"Dense({classes}, activation='softmax')"))
    counted = say("1 convolution") if convolutions == 1 else say("{n} convolutions", n=convolutions)
    outputs = say("{n} outputs with softmax", n=classes) if softmax else say("{n} outputs without softmax", n=classes)
    reason = f"{counted}, {outputs}"
    return Judgement(1 - 0.5 * len(hints), reason, " ".join(hints))


def trained(case: Case) -> Judgement:
    """At least 97 % of the test images right, recounted from the model."""
    accuracy = case.accuracy("model")
    if accuracy is None:
        return case.unknown("model")
    if leak := _leak(case, "model"):
        return leak
    n = len(case.labels)
    facts = {"share": percent(accuracy), "n": f"{n:,}"}
    reason = say("by recount, {share} of {n} test images are right", **facts)
    if accuracy >= ENOUGH:
        return Judgement(1, reason)
    if few := _too_few(case, reason, round((1 - accuracy) * n), 1 - ENOUGH):
        return few
    hint = say(
        "Reach at least {most} %: train for more epochs, and scale test images like training images.",
        most=f"{100 * ENOUGH:.0f}",
    )
    return Judgement(0, reason, hint)


def better(case: Case) -> Judgement:
    """Less than 1 % of the test images wrong, the upper 95 % bound too."""
    missed = case.missed("model2")
    if missed is None:
        return case.unknown("model2")
    if leak := _leak(case, "model2"):
        return leak
    wrong, (_, high) = int(missed.sum()), case.interval("model2")
    share = wrong / len(missed)
    facts = {"wrong": f"{wrong:,}", "n": f"{len(missed):,}", "share": percent(share), "high": percent(high)}
    reason = say(
        "by recount, {wrong} of {n} test images are wrong ({share}), at most {high} with 95 % confidence", **facts
    )
    if high < FEW:
        return Judgement(1, reason)
    if few := _too_few(case, reason, wrong, FEW):
        return few
    if share < FEW:
        return Judgement(0.5, reason, say("Below 1 %, but perhaps by chance: bring the upper bound below 1 % too."))
    return Judgement(0, reason, say("Add a second convolution, dropout or batch normalisation, and train for longer."))


def _too_few(case: Case, reason: str, wrong: int, rate: float) -> Judgement | None:
    """The verdict where there are too few images to deny the points; None where there are enough.

    Test images are few if even no error would not bring the 95 % bound below 1 %: then a model has the points unless
    one of the error rate ``rate`` would hardly ever have as many errors.
    """
    from scipy.special import bdtrc

    if case.quick:
        few = say("not judged, because a quick run has too few training images")
        hint = say("For these points the notebook is run on all images.")
        return Judgement(0, f"{reason}; {few}", hint, provisional=True)
    n = len(case.labels)
    if wilson(0, n)[1] < FEW or (wrong and bdtrc(wrong - 1, n, rate) < SIGNIFICANT):
        return None
    few = say("too few images to tell this from an error rate of {rate}", rate=percent(rate))
    return Judgement(1, f"{reason}; {few}")


def _leak(case: Case, name: str) -> Judgement | None:
    """No points for a model that was trained on test images."""
    if not (learned := case.learned_test(name)):
        return None
    reason = say(
        "{name} was trained on {n} of the test images, so its test accuracy says nothing", name=name, n=f"{learned:,}"
    )
    return Judgement(0, reason, say("Call fit with training images only, and keep the test images for the end."))


def _has_softmax(layers: list[dict[str, Any]]) -> bool:
    last = layers[-1] if layers else {"class": "", "activation": None}
    return last["class"] == "Softmax" or last["activation"] == "softmax"


def equal(case: Case) -> Judgement:
    """JSON and weights saved, and loaded again as a model with the same predictions."""
    files = case.evidence.files
    saved = any(file.endswith(".json") for file in files) and any(file.endswith((".h5", ".keras")) for file in files)
    kept = say("JSON and weights are there") if saved else say("JSON or weights are missing")
    loaded = case.output("loaded")
    if isinstance(loaded, str):
        return Judgement(0, f"{kept}; {loaded}", say("Load the model from its files, and name it loaded."))
    for name in ("model", "model2", "model3"):
        output = case.output(name)
        if not isinstance(output, str) and np.allclose(output.probabilities, loaded.probabilities, atol=CLOSE):
            reason = f"{kept}; {say('loaded predicts like {name}', name=name)}"
            return (
                Judgement(1, reason) if saved else Judgement(0.5, reason, say("Save JSON and weights into results/."))
            )
    return Judgement(0, f"{kept}; {say('loaded predicts like none of the models')}", say("Load the weights too."))
