"""What each step of ``normalize`` is worth: the bundled model's errors with one of them switched off at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep
from benchmarks.natural import NATURAL, made
from benchmarks.strangers import sets
from digitwise.data import load
from digitwise.images import Int64, UInt8
from digitwise.normalization import normalize
from digitwise.reading.model import Model
from digitwise.synthetic import CORRUPTIONS, corrupted
from digitwise.system import cores

EACH = 500  # MNIST digits of each kind of corruption
BLANK = -1  # the label of an image that holds no digit
PAPER = 300  # images of empty paper in light that grows to one side, with a little noise
FRAMED = 2_000  # MNIST digits that are only inverted and laid into a larger frame


def _same(values: Any, *_: Any) -> Any:
    return values


def _none(*_: Any, **__: Any) -> None:
    return None


def _never(images: UInt8) -> Any:
    return np.zeros(len(images), bool)


# What is switched off, and the function that then does nothing.
STEPS: dict[str, tuple[str, Callable[..., Any]]] = {
    "nothing": ("digitwise.normalization.road.VERSION", _same),
    "salt and pepper taken out": ("digitwise.normalization.ink.without_impulses", _same),
    "noise looked through": ("digitwise.normalization.ink.without_noise", _same),
    "blurred edges sharpened": ("digitwise.normalization.ink.sharpened", _same),
    "bands of another shade": ("digitwise.normalization.polarity._one_shade", _same),
    "light that grows to one side": ("digitwise.normalization.polarity._level", _same),
    "two values taken as they are": ("digitwise.normalization.ink._of_two_values", _never),
    "paper around bilevel images": ("digitwise.normalization.ink._are_bilevel", _never),
    "lines along the border": ("digitwise.normalization.road.within_lines", _none),
    "pieces that are the digit's": ("digitwise.normalization.road.digit_in", _same),
    "a closer look at small digits": ("digitwise.normalization.road._close_up", _none),
    "strokes of MNIST's width": ("digitwise.normalization.road._usual_stroke", _same),
}


def bench_steps(model: str | None = None) -> None:
    """A row a step and set: how many images are read wrong without it."""
    rows = [row for part in Parallel(n_jobs=cores())(delayed(_without)(name, model) for name in STEPS) for row in part]
    print(steps_table([{key: str(value) for key, value in row.items()} for row in rows]))
    if model is None:
        keep("steps", rows)


def _without(name: str, model: str | None) -> list[Row]:
    place, nothing = STEPS[name]
    asked = Model(model)
    rows: list[Row] = []
    with patch(place, nothing):
        for kind, (images, labels) in _kinds().items():
            forms = [normalize(image) for image in images]
            told = asked.probabilities(np.stack([form.image for form in forms])).argmax(axis=1)
            blank = np.array([form.blank for form in forms])
            wrong = np.where(labels == BLANK, ~blank, (told != labels) | blank)
            rows.append({"without": name, "set": kind, "n": len(labels), "wrong": int(wrong.sum())})
    return rows


def _kinds() -> dict[str, tuple[Sequence[UInt8], Int64]]:
    found: dict[str, tuple[Sequence[UInt8], Int64]] = {
        name: (images, np.array(labels, np.int64)) for name, (images, labels) in sets().items()
    }
    test = load("mnist").test
    framed = np.pad(255 - test.images[:FRAMED], ((0, 0), (8, 8), (8, 8)), constant_values=255)
    found["MNIST, inverted and framed"] = framed, test.labels[:FRAMED]
    found["empty paper, uneven light"] = _paper(), np.full(PAPER, BLANK)
    found["small digits in large images"] = _small(test.images[:EACH]), test.labels[:EACH]
    worst = [(name, max(kind.severities)) for name, kind in CORRUPTIONS.items()]
    rng = np.random.default_rng(0)
    disturbed = np.concatenate([corrupted(test.images[:EACH], *each, rng=rng) for each in worst])
    found["MNIST, disturbed most"] = disturbed, np.tile(test.labels[:EACH], len(worst))
    worse = np.concatenate([made(test.images[:EACH], kind) for kind in NATURAL])
    found["MNIST, natural corruptions"] = worse, np.tile(test.labels[:EACH], len(NATURAL))
    return found


def _paper() -> UInt8:
    """Empty paper of 60x60 pixels, uint8 (n, 60, 60)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:60j, -1:1:60j]
    angle, slope = rng.uniform(0, 2 * np.pi, (PAPER, 1, 1)), rng.uniform(10, 60, (PAPER, 1, 1))
    light = 180 + slope * (np.cos(angle) * x + np.sin(angle) * y)
    return np.clip(light + rng.normal(0, 1, light.shape), 0, 255).astype(np.uint8)


def _small(images: UInt8) -> UInt8:
    """Digits twice as large as MNIST's, dark, on sheets of eighteen times their side, uint8 (n, 504, 504)."""
    sheets = np.full((len(images), 504, 504), 255, np.uint8)
    sheets[:, 140:196, 308:364] = 255 - images.repeat(2, axis=1).repeat(2, axis=2)
    return sheets


def steps_table(rows: Sequence[Row]) -> str:
    """A line a step, a column a set: the share read wrong."""
    names = list(dict.fromkeys(row["set"] for row in rows))
    lines = head("without", *names)
    for step in dict.fromkeys(row["without"] for row in rows):
        shares = {row["set"]: int(row["wrong"]) / int(row["n"]) for row in rows if row["without"] == step}
        lines.append(line(step, *(f"{shares[name]:.1%}".replace("%", " %") for name in names)))
    return "\n".join(lines)
