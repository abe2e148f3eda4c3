"""Fitting how sure the finder's digits and numbers are, on made scenes of digits that it was not trained on.

``python -m digitwise.training.trust`` writes ``reading/trust.json``: half of the scenes fit the two regressions over
single digits, the other half the confidence from which whole numbers are read.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.evaluation.selective import upper_bound
from digitwise.images import Float32, Float64, Int64, Mask
from digitwise.reading import trust
from digitwise.reading.finder import Finder, Sight
from digitwise.reading.finding import Found
from digitwise.reading.numbers import page_of
from digitwise.reading.results import Number
from digitwise.synthetic.glyphs import Glyphs, glyphs_of
from digitwise.synthetic.scenes import IGNORED, Scene, scene_of

FIRST = 50_000  # of the training digits: those before it made the finder
SEED = 2  # of the scenes; the finder's have seed 0
SCENES = 6_000
ERRORS = 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1  # shares of wrong numbers that can be asked for
HIDDEN = 0.28, 0.6  # heights: digits whose middles are nearer, across and down, hide each other
FALSE, UNKNOWN = -1, -2  # instead of a label: nothing is there; what is there does not count


def truth_of(scene: Scene) -> Float32:
    """A scene's objects in the photo's own pixels; digits written over each other, which nobody can read, ignored."""
    left, top, _, _ = scene.frame
    truth = scene.objects - np.array([left, top, 0, 0, 0], np.float32)
    digits = np.flatnonzero((truth[:, 4] >= 0) & (truth[:, 4] < 10))
    away = np.abs(truth[digits, None, :2] - truth[None, digits, :2])
    tall = np.maximum(truth[digits, None, 3], truth[None, digits, 3])
    hidden = (away[..., 0] < HIDDEN[0] * tall) & (away[..., 1] < HIDDEN[1] * tall)
    hidden[np.diag_indices(len(digits))] = False
    truth[digits[hidden.any(axis=1)], 4] = IGNORED
    return truth


def matched(found: Found, truth: Float32) -> Int64:
    """The true label of each object found, or FALSE or UNKNOWN."""
    digits = truth[(truth[:, 4] >= 0) & (truth[:, 4] < 10)]
    ignored = truth[truth[:, 4] == IGNORED]
    free = np.full(len(digits), True)
    labels = []
    for box in found.boxes:
        middle = (box[:2] + box[2:]) / 2
        near = free & (np.abs(digits[:, :2] - middle) < np.maximum(4, 0.4 * digits[:, 2:4])).all(axis=1)
        if near.any():
            best = int(np.where(near, np.abs(digits[:, :2] - middle).sum(axis=1), np.inf).argmin())
            free[best] = False
            labels.append(int(digits[best, 4]))
        else:
            inside = (np.abs(ignored[:, :2] - middle) < ignored[:, 2:4] / 2 + 3).all(axis=1).any()
            labels.append(UNKNOWN if inside else FALSE)
    return np.array(labels, np.int64)


def sights(glyphs: Glyphs, places: range) -> list[tuple[Scene, Sight]]:
    """Upright scenes by number, as the finder sees them."""
    finder = Finder()
    seen = []
    for place in places:
        scene = scene_of(glyphs, rng=np.random.default_rng([SEED, place]))
        if scene.turn == 0:
            left, top, right, bottom = scene.frame
            seen.append((scene, finder.find(np.ascontiguousarray(scene.picture[top:bottom, left:right]))))
    return seen


def fitted(seen: list[tuple[Scene, Sight]]) -> dict[str, Any]:
    """The two regressions, from scenes that were not taken for turned ones."""
    from sklearn.linear_model import LogisticRegression

    x, given, labels = [], [], []
    for scene, sight in seen:
        if sight.turn == 0 and len(sight.found):
            x.append(trust.features(sight.found, sight.seen, sight.scale))
            given.append(matched(sight.found, truth_of(scene)))
            labels.append(sight.found.labels)
    features, truth, label = np.concatenate(x), np.concatenate(given), np.concatenate(labels)
    counts = (label < 10) & (truth != UNKNOWN)
    there = truth[counts] >= 0
    right = (truth == label)[counts][there]
    table = {}
    for name, inputs, outcome in (("there", features[counts], there), ("right", features[counts][there], right)):
        model = LogisticRegression(max_iter=10_000).fit(inputs, outcome)
        weights = [round(float(weight), 5) for weight in model.coef_[0]]
        table[name] = {"weights": weights, "intercept": round(float(model.intercept_[0]), 5)}
    return table


def outcomes(seen: list[tuple[Scene, Sight]]) -> tuple[Float64, Mask]:
    """The confidence of each number read, and whether it is right; those beside what does not count are left out."""
    confidence, right = [], []
    for scene, sight in seen:
        truth = truth_of(scene)
        numbers = page_of(sight, path=None, least=0.0).numbers
        for number in numbers:
            others = [digit.box for other in numbers if other is not number for digit in other.digits]
            verdict = _is_right(number, np.array(others, np.float32).reshape(-1, 4), truth)
            if verdict is not None:
                confidence.append(number.confidence)
                right.append(verdict and sight.turn == 0)
    return np.array(confidence), np.array(right)


def _is_right(number: Number, others: Float32, truth: Float32) -> bool | None:
    """Whether a number's digits are those that stand in its line; None where that is not known.

    What boxes of other numbers, float32 (n, 4), hold is theirs.
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
    """For each share of wrong numbers the least confidence whose exact upper bound (95 %) keeps to it."""
    order = np.argsort(-confidence)
    wrong = np.cumsum(~right[order])
    table = []
    for most in ERRORS:
        fits = [n for n in range(50, len(order), 10) if upper_bound(int(wrong[n - 1]), n) <= most]
        if fits:
            table.append([most, round(float(confidence[order[fits[-1] - 1]]), 6)])
    return table


def main() -> None:
    """Fit, and write what the package reads with."""
    from joblib import Parallel, delayed

    from digitwise.data import load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    train = load(chosen.data).train
    digits, labels = train.images[FIRST:], train.labels[FIRST:].astype(np.int64)
    glyphs = glyphs_of(digits, labels, seed=SEED, jobs=chosen.jobs)
    parts = [range(start, min(start + 250, chosen.scenes)) for start in range(0, chosen.scenes, 250)]
    done = Parallel(n_jobs=chosen.jobs)(delayed(sights)(glyphs, part) for part in parts)
    half = len(done) // 2
    place = Path(trust.__file__).with_name(trust.TABLE)
    table = fitted([each for part in done[:half] for each in part])
    place.write_text(json.dumps(table | {"thresholds": []}) + "\n", encoding="utf-8")
    trust.bundled.cache_clear()
    confidence, right = outcomes([each for part in done[half:] for each in part])
    table["thresholds"] = thresholds(confidence, right)
    table["numbers"] = {"n": len(right), "right": round(float(right.mean()), 4)}
    place.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(table["numbers"]), table["thresholds"])


if __name__ == "__main__":
    main()
