"""From the finder's maps to objects: peaks, their boxes, and the removal of overlapping ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Int64, Mask
from digitwise.maps import SIGNS, STRIDE, TURNS, UNIT

MOST = 10_000  # objects of an image
OVERLAP, WITHIN = 0.5, 0.7  # intersection over union, and over the smaller box, from which one of two is removed


@dataclass(frozen=True, eq=False)
class Objects:
    """Objects found in an image, the surest first.

    Parameters
    ----------
    boxes : ndarray of float32, shape (n, 4)
        Left, top, right and bottom in pixels.
    scores : ndarray of float32, shape (n,)
        Scores in [0, 1]; not calibrated.
    classes : ndarray of float32, shape (n, 15)
        Probabilities of ``SIGNS``.
    turns : ndarray of float32, shape (n, 4)
        Probabilities of the quarters counter-clockwise that make each upright.
    rivals : ndarray of float32, shape (n,)
        The best score among the objects removed in favour of each, 0 without any.
    """

    boxes: Float32
    scores: Float32
    classes: Float32
    turns: Float32
    rivals: Float32

    def __len__(self) -> int:
        return len(self.scores)

    def of(self, chosen: Int64 | Mask) -> Objects:
        """Some of them."""
        return Objects(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def placed(self, boxes: Float32) -> Objects:
        """The same objects with other boxes."""
        return dataclasses.replace(self, boxes=boxes)

    @property
    def middles(self) -> Float32:
        """X and y of the middle of each, (n, 2)."""
        return np.asarray((self.boxes[:, :2] + self.boxes[:, 2:]) / 2)

    @property
    def tall(self) -> Float32:
        """The height of each in pixels."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def labels(self) -> Int64:
        """The most probable class of each."""
        return np.asarray(self.classes.argmax(axis=1), np.int64)


def decoded(maps: Float32, *, least: float) -> Objects:
    """Objects from maps (h, w, 24); overlapping ones are not removed.

    Parameters
    ----------
    maps : ndarray of float32, shape (h, w, 24)
    least : float
        The least score of an object.
    """
    logits = maps[..., 0]
    around = np.pad(logits, 1, constant_values=-np.inf)
    rows = np.maximum(np.maximum(around[:-2], around[1:-1]), around[2:])
    peaks = logits >= np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    ys, xs = np.nonzero(peaks & (logits > np.log(least / (1 - least))))
    order = np.argsort(-logits[ys, xs], kind="stable")[:MOST]
    ys, xs = ys[order], xs[order]
    at = maps[ys, xs]
    middle = (np.stack([xs, ys], axis=1) + 0.5 + np.clip(at[:, -4:-2], -2, 2)) * STRIDE
    size = np.exp(np.clip(at[:, -2:], -3, 3)) * UNIT
    end = 1 + len(SIGNS)
    return Objects(
        boxes=np.concatenate([middle - size / 2, middle + size / 2], axis=1).astype(np.float32),
        scores=np.asarray(1 / (1 + np.exp(-at[:, 0])), np.float32),
        classes=_softmax(at[:, 1:end]),
        turns=_softmax(at[:, end : end + TURNS]),
        rivals=np.zeros(len(ys), np.float32),
    )


def joined(parts: list[Objects]) -> Objects:
    """Join objects, the surest first."""
    whole = Objects(*(np.concatenate([getattr(part, name) for part in parts]) for name in Objects.__dataclass_fields__))
    return whole.of(np.argsort(-whole.scores, kind="stable"))


def separate(found: Objects) -> Objects:
    """Remove objects that overlap surer ones; signs may overlap digits."""
    digit = found.labels < 10
    left, top, right, bottom = found.boxes.T
    areas = (right - left) * (bottom - top)
    kept = np.zeros(len(found), bool)
    rivals = found.rivals.copy()
    for k in range(len(found)):
        others = np.flatnonzero(kept & (digit == digit[k]) & (left < right[k]) & (right > left[k]) & (top < bottom[k]))
        wide = np.minimum(right[k], right[others]) - np.maximum(left[k], left[others])
        tall = np.minimum(bottom[k], bottom[others]) - np.maximum(top[k], top[others])
        common = wide * np.maximum(tall, 0)
        union = areas[k] + areas[others] - common
        hides = (common > OVERLAP * union) | (common > WITHIN * np.minimum(areas[k], areas[others]))
        first = others[hides]
        rivals[first] = np.maximum(rivals[first], found.scores[k])
        kept[k] = not hides.any()
    return Objects(found.boxes, found.scores, found.classes, found.turns, rivals).of(kept)


def _softmax(x: Float32) -> Float32:
    y = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(y / y.sum(axis=1, keepdims=True), np.float32)
