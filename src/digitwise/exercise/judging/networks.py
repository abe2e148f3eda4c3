"""What a network is made of, how many pictures it gets right, and whether it was saved and loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from digitwise.exercise.judging.case import NAMES, Case, Verdict, percent

ENOUGH = 0.97  # right, of the first model
FEW = 0.01  # wrong, of the improved one
CONVOLUTIONS = (
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "SeparableConv1D",
    "SeparableConv2D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
)

CLOSE = 1e-5


def built(case: Case) -> Verdict:
    """Exactly one convolution, and ten outputs with softmax."""
    answers = case.answers("model")
    if isinstance(answers, str):
        return case.unknown("model")
    convolutions = sum(layer["class"] in CONVOLUTIONS for layer in answers.layers)
    classes = case.dataset.train.n_classes
    softmax = _has_softmax(answers.layers) and bool(np.allclose(answers.probabilities.sum(axis=1), 1, atol=1e-3))
    hints = []
    if convolutions != 1:
        hints.append(f"Keep exactly one convolution in the first model, not {convolutions}.")
    if not softmax:
        hints.append(f"End with Dense({classes}, activation='softmax').")
    counted = f"{convolutions} convolution{'s' * (convolutions != 1)}"
    reason = f"{counted}, {classes} outputs {'with' if softmax else 'without'} softmax"
    return Verdict(1 - 0.5 * len(hints), reason, " ".join(hints))


def trained(case: Case) -> Verdict:
    """At least 97 % of the test pictures right, counted anew from the model."""
    accuracy = case.accuracy("model")
    if accuracy is None:
        return case.unknown("model")
    if leak := _leak(case, "model"):
        return leak
    reason = f"counted anew, {percent(accuracy)} of {len(case.labels):,} test pictures are right"
    if accuracy >= ENOUGH:
        return Verdict(1, reason)
    hint = f"At least {100 * ENOUGH:.0f} % are asked for: train for more epochs, and scale test pictures as you"
    return Verdict(0, reason, f"{hint} scale training pictures.")


def better(case: Case) -> Verdict:
    """Less than 1 % of the test pictures wrong, the upper 95 % bound too."""
    missed = case.missed("model2")
    if missed is None:
        return case.unknown("model2")
    if leak := _leak(case, "model2"):
        return leak
    wrong, (_, high) = int(missed.sum()), case.interval("model2")
    share = wrong / len(missed)
    counted = f"counted anew, {wrong:,} of {len(missed):,} test pictures are wrong"
    reason = f"{counted} ({percent(share)}), at most {percent(high)} with 95 % confidence"
    if high < FEW:
        return Verdict(1, reason)
    if share < FEW:
        return Verdict(
            0.5, reason, "Below 1 %, but so few errors could be luck: make the upper bound fall below 1 % too."
        )
    return Verdict(0, reason, "Add a second convolution, dropout or batch normalisation, and train for longer.")


def _leak(case: Case, name: str) -> Verdict | None:
    """No points for what was learned by heart."""
    if not (learned := case.learned_test(name)):
        return None
    return Verdict(
        0,
        f"{NAMES[name]} was trained on {learned:,} of the test pictures, so its test accuracy says nothing",
        "Call fit with training pictures only, and keep the test pictures for the end.",
    )


def _has_softmax(layers: list[dict[str, Any]]) -> bool:
    last = layers[-1] if layers else {"class": "", "activation": None}
    return last["class"] == "Softmax" or last["activation"] == "softmax"


def equal(case: Case) -> Verdict:
    """JSON and weights saved, and loaded again to a model that answers alike."""
    files = case.evidence.files
    saved = any(file.endswith(".json") for file in files) and any(file.endswith((".h5", ".keras")) for file in files)
    kept = "JSON and weights are there" if saved else "JSON or weights are missing"
    loaded = case.answers("loaded")
    if isinstance(loaded, str):
        return Verdict(0, f"{kept}, but {loaded}", "Load the model from its files, and give it the name loaded.")
    for name in ("model", "model2", "model3"):
        answers = case.answers(name)
        if not isinstance(answers, str) and np.allclose(answers.probabilities, loaded.probabilities, atol=CLOSE):
            if saved:
                return Verdict(1, f"{kept}, and loaded answers as {NAMES[name]} does")
            return Verdict(0.5, f"{kept}; loaded answers as {NAMES[name]} does", "Save JSON and weights into results/.")
    return Verdict(0, f"{kept}, but loaded answers otherwise than each of the models", "Load the weights too.")
