"""Runs side by side, as plain values: their rows, and every pair of them picture by picture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from digitwise.evaluation import compare_predictions
from digitwise.images import Int64, Predictions
from digitwise.runs import Run


def rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """What is said of each run in the table."""
    return [_row(run) for run in runs]


def pairs(runs: Sequence[Run], answers: Sequence[Predictions]) -> list[dict[str, Any]]:
    """Every two runs compared, with the indices of the pictures that tell them apart."""
    folders = [run.path.name for run in runs]
    names = folders if len(set(folders)) == len(runs) else [str(run.path) for run in runs]
    found = []
    for i, j in itertools.combinations(range(len(runs)), 2):
        result = compare_predictions(answers[i], answers[j])
        verdict = result.verdict(names[i], names[j])
        pictures = {kind: indices.tolist() for kind, indices in apart(answers[i], answers[j]).items()}
        found.append({"a": names[i], "b": names[j], **result.as_dict(), "verdict": verdict, "pictures": pictures})
    return found


def apart(a: Predictions, b: Predictions) -> dict[str, Int64]:
    """The pictures that both, only the first, only the second of two models get wrong: their indices, int64."""
    kinds = {"both_wrong": a.missed & b.missed, "only_a": a.missed & ~b.missed, "only_b": b.missed & ~a.missed}
    return {kind: np.flatnonzero(mask).astype(np.int64) for kind, mask in kinds.items()}


def stored(runs: Sequence[Run], answers: Sequence[Predictions]) -> dict[str, Any]:
    """Every answer about every test picture: what stands behind the cells of the confusion matrix and all galleries."""
    return {
        "given": answers[0].labels.tolist(),
        "runs": [
            {
                "folder": run.path.name,
                "predicted": own.predicted.tolist(),
                "confidence": (np.floor(1e4 * own.confidence.astype(float)) / 1e4).tolist(),  # 1 is for the certain
            }
            for run, own in zip(runs, answers, strict=True)
        ],
    }


def _row(run: Run) -> dict[str, Any]:
    info, results = run.info, run.info["results"]
    return {
        "name": run.name,
        "folder": run.path.name,
        "path": str(run.path),
        "seed": info["seed"],
        "errors": results["test"]["errors"],
        "n": results["test"]["n"],
        "interval_95": results["test"]["interval_95"],
        "validation_errors": results["validation"]["errors"],
        "parameters": info["parameters"],
        "fit_seconds": info["fit_seconds"],
    }
