"""Saving and loading: the model that was loaded is to answer as the one that was saved."""

from __future__ import annotations

import numpy as np

from digitwise.exercise.judging.case import NAMES, Case, Verdict

CLOSE = 1e-5


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
