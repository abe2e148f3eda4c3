"""Whether a piece of ink is one upright digit: not several that touch, not a piece of one, not one that lies.

A classifier of digits has an answer for all of these, and is often as sure of it as of a digit. A small network that
is asked nothing else tells them apart; ``digitwise.training.forms`` makes it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from digitwise.images import Float32, UInt8

WEIGHTS = Path(__file__).with_name("forms.npz")
TURNS = 4  # classes 0 to 3: a whole digit turned by so many quarters counter-clockwise
SEVERAL = 4  # digits that touch
PIECE = 5  # part of a digit, or a digit and part of its neighbour
CLASSES = 6
STRIDE = 2
BLOCK = 256  # pictures at a time, so that what lies between the layers stays in the cache


def forms_of(images: UInt8) -> Float32:
    """The probability of each form.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28)
        In MNIST's form.

    Returns
    -------
    ndarray of float32, shape (n, 6)
        Whole digits turned by 0 to 3 quarters, :data:`SEVERAL`, :data:`PIECE`; rows sum to one.
    """
    blocks = [_softmax(_logits(images[at : at + BLOCK])) for at in range(0, len(images), BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros((0, CLASSES), np.float32)


def whole(forms: Float32) -> Float32:
    """How probable a whole upright digit is among all that is no whole turned one, float32 (n,)."""
    upright = forms[:, 0]
    return np.asarray(upright / np.maximum(upright + forms[:, SEVERAL] + forms[:, PIECE], 1e-6))


def upright(forms: Float32) -> Float32:
    """How probable the upright turn of a whole digit is among its four, float32 (n,)."""
    return np.asarray(forms[:, 0] / np.maximum(forms[:, :TURNS].sum(axis=1), 1e-6))


@cache
def _layers() -> list[tuple[Float32, Float32]]:
    """Kernel and bias of each layer, the last one dense."""
    with np.load(WEIGHTS) as arrays:
        values = [arrays[name].astype(np.float32) for name in arrays.files]
    return list(zip(values[::2], values[1::2], strict=True))


def _logits(images: UInt8) -> Float32:
    *convolutions, (kernel, bias) = _layers()
    values = images[..., None].astype(np.float32) / np.float32(255)  # (n, h, w, channels)
    for weights, offset in convolutions:
        values = np.maximum(_convolved(values, weights) + offset, 0)
    return np.asarray(values.reshape(len(values), -1) @ kernel + bias)


def _convolved(values: Float32, weights: Float32) -> Float32:
    """Every second place of a convolution (k, k, channels, filters) with zeros around, as Keras' ``same`` has them."""
    size = weights.shape[0]
    out = -(-values.shape[1] // STRIDE)
    around = max((out - 1) * STRIDE + size - values.shape[1], 0)
    sides = (around // 2, around - around // 2)
    padded = np.pad(values, ((0, 0), sides, sides, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    windows = windows[:, ::STRIDE, ::STRIDE].transpose(0, 1, 2, 4, 5, 3)  # (n, h, w, k, k, channels)
    flat = windows.reshape(-1, weights[..., 0].size)
    return (flat @ weights.reshape(-1, weights.shape[-1])).reshape(len(values), out, out, -1)


def _softmax(logits: Float32) -> Float32:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
