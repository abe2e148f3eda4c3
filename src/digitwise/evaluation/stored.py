"""Comparing runs from the answers they stored."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.errors import RunError
from digitwise.evaluation.comparison import Comparison, compare_predictions
from digitwise.runs import Run


def compare(a: str | Path | Run, b: str | Path | Run) -> Comparison:
    """Compare two runs, picture by picture, on the test set they share.

    Parameters
    ----------
    a, b : str, Path or Run

    Returns
    -------
    Comparison
        The look at the test pictures is written into both run.json.

    Raises
    ------
    RunError
        If one is no run folder, both are the same, or they were tested on different pictures.
    """
    first, second = (run if isinstance(run, Run) else Run.open(run) for run in (a, b))
    all_different((first, second))
    prints = [run.info["data"]["fingerprint"]["test"] for run in (first, second)]
    if prints[0] != prints[1]:
        raise RunError(
            f"{first.path} and {second.path} were tested on different pictures "
            f"({first.info['data']['name']}, {second.info['data']['name']}): expected one test set; "
            f"train both on the same data"
        )
    answers = first.predictions("test"), second.predictions("test")
    if not np.array_equal(answers[0].labels, answers[1].labels):
        raise RunError(
            f"{first.path / 'test.npz'} and {second.path / 'test.npz'}: expected the same labels, the pictures being "
            f"the same, got different ones; train the run again whose file was changed"
        )
    comparison = compare_predictions(*answers)
    for run, other in ((first, second), (second, first)):
        run.note_test_read(f"compare: with {other.path.name}")
    return comparison


def all_different(runs: Sequence[Run]) -> None:
    """Make sure that no run folder is there twice: compared with itself, a run differs from nothing.

    Raises
    ------
    RunError
        If one is.
    """
    seen: set[Path] = set()
    for run in runs:
        place = run.path.resolve()
        if place in seen:
            raise RunError(f"{run.path}: expected different run folders, got this one twice; name each once")
        seen.add(place)


def over_seeds(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Mean and spread of the test errors of every recipe that is there with several seeds.

    Returns
    -------
    list of dict
        ``name``, ``seeds`` (how many), ``mean`` and ``spread`` (standard deviation) of the errors.
    """
    errors: dict[str, dict[int, int]] = {}
    for run in runs:
        errors.setdefault(run.name, {})[run.info["seed"]] = run.info["results"]["test"]["errors"]
    return [
        {
            "name": name,
            "seeds": len(own),
            "mean": statistics.mean(own.values()),
            "spread": statistics.stdev(own.values()),
        }
        for name, own in errors.items()
        if len(own) > 1
    ]
