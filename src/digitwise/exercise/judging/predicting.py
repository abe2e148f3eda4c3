"""The first prediction: whether these ten numbers are the first model's answer about a test picture."""

from __future__ import annotations

import numpy as np

from digitwise.exercise.judging.case import Case, Verdict

CLOSE = 2e-3  # the same weights on the same picture, in batches of another size or another precision


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
    if distances[place] <= CLOSE:
        highest = int(first.argmax())
        return Verdict(1, f"{classes} numbers, the highest {first.max():.4f} at {highest}, as the model gives them")
    return Verdict(
        0.5,
        f"{classes} numbers, but the first model gives them for no test picture",
        f"Predict with the finished first model. {hint}",
    )
