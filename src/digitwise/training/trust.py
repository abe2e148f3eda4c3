"""Fitting the confidence of the finder's digits and numbers, on made scenes of digits that it was not trained on.

``python -m digitwise.training.trust`` writes ``reading/trust.json``: half of the scenes fit the two regressions for
single digits, the other half the confidence from which whole numbers are read.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.evaluation.selective import most_answers
from digitwise.files import atomic_write
from digitwise.images import Float32, Float64, Int64, Mask
from digitwise.reading import trust
from digitwise.reading.finder import Finder, Sight
from digitwise.reading.numbers import page_of
from digitwise.reading.objects import Objects
from digitwise.reading.results import Number
from digitwise.synthetic.glyphs import Glyphs, glyphs_of
from digitwise.synthetic.scenes import IGNORED, Scene, scene_of

FIRST = 50_000  # of the training digits: those before it made the finder
SEED = 2  # of the scenes; the finder's have seed 0
SCENES = 7_000
PART = 250  # scenes that a process handles in one call
ERRORS = 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1  # error guarantees: shares of wrong numbers
HIDDEN = 0.28, 0.6  # heights of a digit: two whose centres are nearer, across and down, hide each other
CLOSE = 0.4, 4.0  # distance at which a digit counts as found: share of its box; at least, in pixels
FALSE, UNKNOWN = -1, -2  # instead of a label: nothing is there; what is there is ignored
SeenScene = tuple[Scene, Sight]
log = logging.getLogger(__name__)


def truth_of(scene: Scene) -> Float32:
    """A scene's objects, float32 (n, 5), in the photo's own pixels.

    Digits written over each other, which cannot be read, are ignored.
    """
    left, top, _, _ = scene.frame
    truth = scene.objects - np.array([left, top, 0, 0, 0], np.float32)
    digits = np.flatnonzero((truth[:, 4] >= 0) & (truth[:, 4] < 10))
    away = np.abs(truth[digits, None, :2] - truth[None, digits, :2])
    tall = np.maximum(truth[digits, None, 3], truth[None, digits, 3])
    hidden = (away[..., 0] < HIDDEN[0] * tall) & (away[..., 1] < HIDDEN[1] * tall)
    hidden[np.diag_indices(len(digits))] = False
    truth[digits[hidden.any(axis=1)], 4] = IGNORED
    return truth


def matched(found: Objects, truth: Float32) -> Int64:
    """The true label of each object found, int64 (n,), or :data:`FALSE` or :data:`UNKNOWN`.

    Parameters
    ----------
    found : Objects
        The most confident first; each takes the nearest digit left.
    truth : ndarray of float32, shape (k, 5)
        Of :func:`truth_of`.
    """
    digits = truth[(truth[:, 4] >= 0) & (truth[:, 4] < 10)]
    ignored = truth[truth[:, 4] == IGNORED]
    free = np.full(len(digits), True)
    labels = []
    for box in found.boxes:
        middle = (box[:2] + box[2:]) / 2
        near = free & (np.abs(digits[:, :2] - middle) < np.maximum(CLOSE[1], CLOSE[0] * digits[:, 2:4])).all(axis=1)
        if near.any():
            best = int(np.where(near, np.abs(digits[:, :2] - middle).sum(axis=1), np.inf).argmin())
            free[best] = False
            labels.append(int(digits[best, 4]))
        else:
            inside = (np.abs(ignored[:, :2] - middle) < ignored[:, 2:4] / 2 + 3).all(axis=1).any()
            labels.append(UNKNOWN if inside else FALSE)
    return np.array(labels, np.int64)


def sights(glyphs: Glyphs, places: range) -> list[SeenScene]:
    """What the finder sees in the upright ones of the scenes with these numbers."""
    finder = Finder()
    seen = []
    for place in places:
        scene = scene_of(glyphs, rng=np.random.default_rng([SEED, place]))
        if scene.turn == 0:
            left, top, right, bottom = scene.frame
            seen.append((scene, finder.find(np.ascontiguousarray(scene.image[top:bottom, left:right]))))
    return seen


def fitted(seen: list[SeenScene]) -> dict[str, Any]:
    """Fit the two regressions on scenes that were found upright: weights and intercept by name."""
    x, given, labels = [], [], []
    for scene, sight in seen:
        if sight.turn == 0 and len(sight.found):
            x.append(trust.features(sight))
            given.append(matched(sight.found, truth_of(scene)))
            labels.append(sight.found.labels)
    features, truth, label = np.concatenate(x), np.concatenate(given), np.concatenate(labels)
    counts = (label < 10) & (truth != UNKNOWN)
    there = truth[counts] >= 0
    right = (truth == label)[counts][there]
    return {"there": _regression(features[counts], there), "right": _regression(features[counts][there], right)}


def _regression(features: Float64, outcome: Mask) -> dict[str, Any]:
    """Weights and intercept of a logistic regression, rounded for the table."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=10_000).fit(features, outcome)
    weights = [round(float(weight), 5) for weight in model.coef_[0]]
    return {"weights": weights, "intercept": round(float(model.intercept_[0]), 5)}


def outcomes(seen: list[SeenScene], trusted: trust.Trust) -> tuple[Float64, Mask]:
    """The confidence of each number read, float64 (n,), and whether it is right, bool (n,).

    Numbers beside ignored objects are left out.
    """
    confidence, right = [], []
    for scene, sight in seen:
        truth = truth_of(scene)
        numbers = page_of(sight, path=None, least=0.0, trusted=trusted).numbers
        for number in numbers:
            others = [digit.box for other in numbers if other is not number for digit in other.digits]
            verdict = _is_right(number, np.array(others, np.float32).reshape(-1, 4), truth)
            if verdict is not None:
                confidence.append(number.confidence)
                right.append(verdict and sight.turn == 0)
    return np.array(confidence), np.array(right)


def _is_right(number: Number, others: Float32, truth: Float32) -> bool | None:
    """Whether a number has all digits of its line, in order; None where that is unknown.

    Digits inside the boxes of other numbers, float32 (n, 4), belong to those.
    """
    boxes = np.array([digit.box for digit in number.digits], np.float32)
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    x, y = truth[:, :1], truth[:, 1]
    nearest = np.abs(x - (boxes[:, 0] + boxes[:, 2]) / 2).argmin(axis=1)
    inside = np.abs(y - (boxes[nearest, 1] + boxes[nearest, 3]) / 2) < 0.5 * height
    inside &= (x[:, 0] > boxes[0, 0] - 0.5 * height) & (x[:, 0] < boxes[-1, 2] + 0.5 * height)
    held = (x > others[:, 0]) & (x < others[:, 2]) & (y[:, None] > others[:, 1]) & (y[:, None] < others[:, 3])
    here = truth[inside & ~held.any(axis=1)]
    if (here[:, 4] == IGNORED).any():
        return None
    here = here[(here[:, 4] >= 0) & (here[:, 4] < 10)]
    return "".join(str(int(label)) for label in here[np.argsort(here[:, 0]), 4]) == number.text


def thresholds(confidence: Float64, right: Mask) -> list[list[float]]:
    """Find for each error guarantee of :data:`ERRORS` the lowest confidence that holds it, where there is one.

    It holds if no larger share of the numbers read is wrong, by exact tests in a fixed order (95 %), as for single
    digits.

    Parameters
    ----------
    confidence : ndarray of float64, shape (n,)
    right : ndarray of bool, shape (n,)
    """
    order = np.argsort(-confidence, kind="stable")
    sure, wrong = confidence[order], np.cumsum(~right[order], dtype=np.int64)
    counts = [(most, most_answers(sure, wrong, most)[0]) for most in ERRORS]
    return [[most, math.floor(sure[count - 1] * 1e5) / 1e5] for most, count in counts if count]


def main() -> None:
    """Fit, and write the package's table; the outcome is logged to standard error."""
    parser = argparse.ArgumentParser(
        "python -m digitwise.training.trust",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parts = seen_by_finder(chosen.data, chosen.scenes, jobs=chosen.jobs)
    half = len(parts) // 2
    first, second = (list(itertools.chain.from_iterable(some)) for some in (parts[:half], parts[half:]))
    table = fitted(first)
    confidence, right = outcomes(second, trust.of_table(table | {"thresholds": []}))
    table["thresholds"] = thresholds(confidence, right)
    table["numbers"] = {"n": len(right), "right": round(float(right.mean()), 4)}
    atomic_write(Path(trust.__file__).with_name(trust.TABLE), json.dumps(table, indent=1) + "\n")
    log.info("%s %s", table["numbers"], table["thresholds"])


def seen_by_finder(data: str, scenes: int, *, jobs: int) -> list[list[SeenScene]]:
    """What the finder sees in scenes of digits that it was not trained on, in parts of :data:`PART` scenes."""
    from joblib import Parallel, delayed

    from digitwise.data import load

    train = load(data).train
    glyphs = glyphs_of(train.images[FIRST:], train.labels[FIRST:].astype(np.int64), seed=SEED, jobs=jobs)
    parts = [range(start, min(start + PART, scenes)) for start in range(0, scenes, PART)]
    return list(Parallel(n_jobs=jobs)(delayed(sights)(glyphs, part) for part in parts))


if __name__ == "__main__":
    main()
