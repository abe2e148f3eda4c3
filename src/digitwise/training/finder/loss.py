"""How wrong the finder's maps are.

References
----------
T.-Y. Lin et al., Focal Loss for Dense Object Detection (ICCV 2017), arXiv:1708.02002; its form for peaks with soft
edges: X. Zhou et al., Objects as Points (2019), arXiv:1904.07850, section 3. R. Girshick, Fast R-CNN (ICCV 2015),
arXiv:1504.08083, for the smooth L1 loss. C. Szegedy et al., arXiv:1512.00567, section 7, for soft labels.
"""

from __future__ import annotations

from typing import Any

from digitwise.maps import CLASSES, PLANES, TURNS
from digitwise.training.backend import keras
from digitwise.training.finder.targets import PEAK

ops = keras.ops

FOCUS, FADED = 2, 4  # exponents: how little what is right already counts, and what is close to a peak
CROWD = 8  # objects of a scene from which each counts less, so that pages do not outweigh single digits
BELONGING = 0.4  # nearness from which a cell tells class, turn and box of its object
SOFT = 0.02  # share of a label that is spread over all classes
TURNING = 0.3  # weight of the turns
BEND = 0.3  # cells, or logarithms: below that, the error of a box counts by its square


def loss_of(_: Any, maps: Any) -> Any:
    """The loss of a batch, a number: focal loss of objects, cross-entropy of classes and turns, smooth L1 of boxes.

    Parameters
    ----------
    _ : array
        What Keras takes for labels; they are in the maps.
    maps : float32 (n, 64, 64, 33)
        What the network says, then the planes of :class:`~digitwise.training.finder.targets.Targets`.
    """
    said, told = maps[..., :PLANES], maps[..., PLANES:]
    heat, counts, label, upright, turn = (told[..., k] for k in (0, 1, 2, 7, 8))
    number = ops.sum(ops.cast(heat > PEAK, "float32"), axis=(1, 2), keepdims=True)
    share = ops.minimum(1.0, ops.sqrt(CROWD / ops.maximum(number, 1.0)))  # (n, 1, 1): what a scene's objects weigh
    objects = ops.sum(share * counts * _focal(said[..., 0], heat)) / ops.maximum(ops.sum(share * number), 1.0)
    weight = share * ops.where(heat > BELONGING, heat, 0.0) * counts
    names = ops.one_hot(ops.cast(ops.maximum(label, 0), "int32"), CLASSES) * (1 - SOFT) + SOFT / CLASSES
    classes = _mean(_cross_entropy(said[..., 1 : 1 + CLASSES], names), weight * upright)
    quarters = ops.one_hot(ops.cast(turn, "int32"), TURNS)
    digit = ops.cast(label < 10, "float32")  # the turn of a point or dash cannot be seen
    turns = _mean(_cross_entropy(said[..., 1 + CLASSES : 1 + CLASSES + TURNS], quarters), weight * digit)
    boxes = _mean(_smooth(said[..., -4:] - told[..., 3:7]), weight)
    return objects + classes + TURNING * turns + boxes


def _focal(logit: Any, heat: Any) -> Any:
    """Penalty-reduced focal loss of each cell (n, 64, 64)."""
    middle = ops.cast(heat > PEAK, "float32")
    found, yes, no = ops.sigmoid(logit), ops.log_sigmoid(logit), ops.log_sigmoid(-logit)
    return -middle * (1 - found) ** FOCUS * yes - (1 - middle) * (1 - heat) ** FADED * found**FOCUS * no


def _cross_entropy(logits: Any, wanted: Any) -> Any:
    """Of each cell, from (n, 64, 64, k)."""
    return -ops.sum(wanted * ops.log_softmax(logits), axis=-1)


def _smooth(error: Any) -> Any:
    """Smooth L1 loss of each cell's box, from (n, 64, 64, 4)."""
    off = ops.abs(error)
    return ops.sum(ops.where(off < BEND, off**2 / (2 * BEND), off - BEND / 2), axis=-1)


def _mean(values: Any, weight: Any) -> Any:
    """The weighted mean; less than that where the weights have no sum of 1."""
    return ops.sum(weight * values) / ops.maximum(ops.sum(weight), 1.0)
