"""Comparing runs from the answers they stored."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
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
    """Mean and spread of the test errors of every training that is there with several seeds.

    Runs go together that differ in nothing but the seed: recipe, budget, precision and data are the same. A seed that
    is there twice counts twice, and is said to.

    Returns
    -------
    list of dict
        ``name``, ``runs`` (their folders), ``seeds`` (how many different ones), ``mean`` and ``spread`` (standard
        deviation) of the errors.
    """
    alike: dict[str, list[Run]] = {}
    for run in runs:
        alike.setdefault(_all_but_the_seed(run), []).append(run)
    found = []
    for own in alike.values():
        if (seeds := len({run.info["seed"] for run in own})) > 1:
            errors = [run.info["results"]["test"]["errors"] for run in own]
            found.append(
                {
                    "name": own[0].name,
                    "runs": [run.path.name for run in own],
                    "seeds": seeds,
                    "mean": statistics.mean(errors),
                    "spread": statistics.stdev(errors),
                }
            )
    return found


def seeds_in_words(row: Mapping[str, Any]) -> str:
    """A row of :func:`over_seeds` as a line."""
    runs = f"; {len(row['runs'])} runs, a seed twice" if len(row["runs"]) > row["seeds"] else ""
    return (
        f"{row['name']} ({', '.join(row['runs'])}): {row['mean']:.1f} ± {row['spread']:.1f} errors "
        f"over {row['seeds']} seeds{runs}"
    )


def _all_but_the_seed(run: Run) -> str:
    choices = {key: run.info.get(key) for key in ("recipe", "budget", "precision")}
    data = {key: run.info["data"][key] for key in ("fingerprint", "validation")}
    return json.dumps([choices, data], sort_keys=True)
