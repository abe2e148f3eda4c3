"""What the finder's choices are worth, on made scenes of digits that it has not seen; its trust has, on other scenes.

Judged by the digits of upright scenes: how many are missed, how much that is no digit is taken for one, and how many
have the wrong class; and by the log loss of what trust says of them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.measure import Row, keep
from digitwise.data import load
from digitwise.images import Float32, Float64, Int64, UInt8
from digitwise.reading import finder, trust
from digitwise.reading.objects import Objects
from digitwise.reading.reader import Reader
from digitwise.synthetic.glyphs import glyphs_of
from digitwise.synthetic.scenes import Scene, scene_of
from digitwise.training.trust import FALSE, FIRST, UNKNOWN, matched, truth_of

SCENES, SEED = 400, 11  # trust has the scenes of seed 2, the finder those of seed 0
HEIGHTS = 28.0, 36.0, 44.0  # pixels to which digits are brought
SURE = 0.3  # score from which something is taken for a digit, whatever trust says
WEIGHTS = 0.1, 0.3, 1.0  # of the second opinion's say


def bench_finder(networks: Mapping[str, Path]) -> None:
    """Looks at several sizes, the classifier's second opinion, and kinds of trust; or networks by name, if given."""
    if networks:
        keep("designs", [{"seed": SEED, "scenes": SCENES, **row} for row in _networks(networks)])
        return
    looks = [(scene, image, _looks(image)) for scene, image in _scenes()]
    rows: list[Row] = [
        _digits(f"{height:.0f} px", [(s, _at(seen, height)) for s, _, seen in looks]) for height in HEIGHTS
    ]
    rows.append(_digits("classes averaged over three looks", [(s, _averaged(seen)) for s, _, seen in looks]))
    rows += _second_opinions([(s, image, _at(seen, finder.TALL)) for s, image, seen in looks])
    rows += _trusts([(scene, seen[finder.TALL]) for scene, _, seen in looks])
    keep("finder", [{"seed": SEED, "scenes": len(looks), **row} for row in rows])
    print(finder_table(rows))


def finder_table(rows: Sequence[Row]) -> str:
    """A table of each kind of rows: networks, looks, opinions, trust."""
    tables = {
        "network": (
            "network",
            ("missed_share", "false_share", "wrong_share", "ms"),
            ("missed", "false", "wrong class", "ms a look"),
        ),
        "look": (
            "digits brought to",
            ("missed_share", "false_share", "wrong_share"),
            ("missed", "false", "wrong class"),
        ),
        "opinion": ("class by", ("wrong_share",), ("wrong class",)),
        "trust": ("trust by", ("loss_there", "loss_right"), ("log loss: is there", "class is right")),
    }
    lines: list[str] = []
    for kind, (title, columns, names) in tables.items():
        if not any(row["kind"] == kind for row in rows):
            continue
        lines += ["", f"| {title} | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
        for row in (row for row in rows if row["kind"] == kind):
            values = [float(row[column]) for column in columns]
            told = [_told(column, value) for column, value in zip(columns, values, strict=True)]
            lines.append(f"| {row['variant']} | {' | '.join(told)} |")
    return "\n".join([*lines, ""])


def _told(column: str, value: float) -> str:
    """A figure as a cell of a table."""
    if column.endswith("_share"):
        return f"{value:.1%}".replace("%", " %")
    return f"{value:.1f}" if column == "ms" else f"{value:.3f}"


def _networks(networks: Mapping[str, Path]) -> list[Row]:
    """Each network by itself, an ONNX file; and the median time of a look at a scene, on one thread."""
    made, rows = _scenes(), []
    for name, path in networks.items():
        ours = finder.Finder(content=path.read_bytes())
        times, cases = [], []
        for scene, image in made:
            begun = time.perf_counter()
            seen = ours.find(image, turn=0)
            times.append(time.perf_counter() - begun)
            cases.append((scene, _at({finder.TALL: seen}, finder.TALL)))
        rows.append({**_digits(name, cases, "network"), "ms": round(1000 * float(np.median(times)), 1)})
    return rows


def _scenes() -> list[tuple[Scene, UInt8]]:
    """Upright scenes with digits in them, and the photo or scan in each."""
    train = load("mnist").train
    glyphs = glyphs_of(train.images[FIRST:], train.labels[FIRST:].astype(np.int64), seed=SEED, jobs=1)
    made: list[tuple[Scene, UInt8]] = []
    place = 0
    while len(made) < SCENES:
        scene = scene_of(glyphs, rng=np.random.default_rng([SEED, place]))
        place += 1
        if scene.turn == 0 and len(scene.objects):
            left, top, right, bottom = scene.frame
            made.append((scene, np.ascontiguousarray(scene.image[top:bottom, left:right])))
    return made


def _looks(image: UInt8) -> dict[float, finder.Sight]:
    """What is seen of an upright image at each height."""
    seen = {}
    for height in HEIGHTS:
        with patch.object(finder, "TALL", height):
            seen[height] = finder.bundled().find(image, turn=0)
    return seen


def _at(seen: dict[float, finder.Sight], height: float) -> Objects:
    found = seen[height].found
    return found.of((found.labels < 10) & (found.scores > SURE))


def _averaged(seen: dict[float, finder.Sight]) -> Objects:
    """The digits of the usual look, each with the mean of what all looks say of its class."""
    base = _at(seen, finder.TALL)
    logs = np.log(base.classes + 1e-6)
    for height in HEIGHTS:
        other = _at(seen, height)
        if height == finder.TALL or not len(other):
            continue
        for k, box in enumerate(base.boxes):
            away = np.abs(_middles(other.boxes) - _middles(box[None]))
            nearest = int(away.sum(axis=1).argmin())
            if (away[nearest] < 0.3 * (box[2:] - box[:2]) + 2).all():
                logs[k] += np.log(other.classes[nearest] + 1e-6)
    return Objects(base.boxes, base.scores, np.exp(logs), base.turns, base.rivals)


def _middles(boxes: Float32) -> Float32:
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2)


def _digits(variant: str, cases: Sequence[tuple[Scene, Objects]], kind: str = "look") -> Row:
    """Counts over all scenes."""
    found = missed = false = wrong = 0
    for scene, each in cases:
        truth = truth_of(scene)
        labels = matched(each, truth)
        found += int((labels >= 0).sum())
        missed += int(((truth[:, 4] >= 0) & (truth[:, 4] < 10)).sum() - (labels >= 0).sum())
        false += int((labels == FALSE).sum())
        wrong += int(((labels >= 0) & (labels != each.labels)).sum())
    counts = {"found": found, "missed": missed, "false": false, "wrong": wrong}
    shares = {
        "missed_share": missed / (found + missed),
        "false_share": false / (found + false),
        "wrong_share": wrong / found,
    }
    return {"kind": kind, "variant": variant, **counts, **{name: round(share, 4) for name, share in shares.items()}}


def _second_opinions(cases: Sequence[tuple[Scene, UInt8, Objects]]) -> list[Row]:
    """The classes of digits found, by the finder, by the classifier on the digit cut out, and by both."""
    reader = Reader(threads=1)
    ours, theirs, labels = [], [], []
    for scene, image, found in cases:
        for k, label in enumerate(matched(found, truth_of(scene)).tolist()):
            cut = _cut(image, found.boxes[k])
            if label >= 0 and min(cut.shape) > 3:
                ours.append(np.log(found.classes[k, :10] + 1e-5))
                theirs.append(
                    np.log(reader.answered(replace(reader.formed(cut), opinions=None)).probabilities[0] + 1e-5)
                )
                labels.append(label)
    one, other, truth = np.stack(ours), np.stack(theirs), np.array(labels)
    sums = {"finder": one, "classifier": other} | {f"finder + {w} classifier": one + w * other for w in WEIGHTS}
    return [_classes(name, logs, truth) for name, logs in sums.items()]


def _classes(variant: str, logs: Float64 | Float32, truth: Int64) -> Row:
    wrong = int((logs.argmax(axis=1) != truth).sum())
    return {
        "kind": "opinion",
        "variant": variant,
        "found": len(truth),
        "wrong": wrong,
        "wrong_share": round(wrong / len(truth), 4),
    }


def _cut(image: UInt8, box: Float32) -> UInt8:
    left, top, right, bottom = box.tolist()
    rim = 0.12 * (bottom - top) + 2
    return image[max(0, int(top - rim)) : int(bottom + rim) + 1, max(0, int(left - rim)) : int(right + rim) + 1]


def _trusts(cases: Sequence[tuple[Scene, finder.Sight]]) -> list[Row]:
    """Log loss of "it is there" and of "its class is right", fitted on two thirds of the scenes, judged on the rest."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    def table(part: Sequence[tuple[Scene, finder.Sight]]) -> tuple[Float64, Any, Any]:
        x, there, right = [], [], []
        for scene, sight in part:
            truth = matched(sight.found, truth_of(scene))
            counts = (sight.found.labels < 10) & (truth != UNKNOWN)
            if counts.any():
                x.append(trust.features(sight)[counts])
                there.append(truth[counts] >= 0)
                right.append((truth == sight.found.labels)[counts])
        return np.concatenate(x), np.concatenate(there), np.concatenate(right)

    cut = len(cases) * 2 // 3
    (x, there, right), (y, is_there, is_right) = table(cases[:cut]), table(cases[cut:])

    def products(rows: Float64) -> Float64:
        return np.concatenate([rows, rows**2 / 4, rows[:, :1] * rows[:, 1:] / 4], axis=1)

    linear = LogisticRegression(max_iter=10_000)
    kinds: dict[str, tuple[Any, Any]] = {
        "score alone": (linear, lambda rows: rows[:, :1]),
        "linear, of one look": (linear, lambda rows: rows[:, : -len(trust.ELSEWHERE)]),
        "linear in all": (linear, lambda rows: rows),
        "with squares and products": (linear, products),
        "gradient boosting": (
            HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, random_state=0),
            lambda r: r,
        ),
    }
    rows = []
    for name, (model, of) in kinds.items():
        loss_there = log_loss(is_there, model.fit(of(x), there).predict_proba(of(y))[:, 1])
        chance = model.fit(of(x[there]), right[there]).predict_proba(of(y[is_there]))[:, 1]
        losses = {"loss_there": loss_there, "loss_right": log_loss(is_right[is_there], chance)}
        rows.append({"kind": "trust", "variant": name, "found": len(y), **{k: round(v, 4) for k, v in losses.items()}})
    return rows
