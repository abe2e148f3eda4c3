"""What tells one upright digit from several, from a piece of one, and from one that lies: the network behind pages.

``python -m digitwise.training.forms`` makes ``reading/pages/forms.npz`` anew from the first 30,000 training digits,
in about five minutes.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from digitwise.images import Float32, Int64, UInt8
from digitwise.normalize import centred
from digitwise.reading.pages import forms
from digitwise.synthetic.layout import Mark, pushed
from digitwise.synthetic.pens import Hand, some_hand, written

HEIGHTS = 14.0, 80.0  # pixels: above that nothing changes in 28x28
DIGITS = 30_000  # the others are for looking at pages while the reader is worked on
EPOCHS = 12
BATCH = 256
PIECE = 0.12, 0.88  # share of the ink: with less it is a speck, with more still the digit
BLUR = 0.03  # digit heights, standard deviation, at most
Example = tuple[UInt8, int]  # picture (28, 28) and its place in forms.CLASSES


def examples(digits: UInt8, *, rng: np.random.Generator) -> list[Example]:
    """Whole digits in four turns, pairs that touch, and pieces of both, of digits uint8 (n, h, w), n from 2."""
    made: list[Example] = []
    for one, other in zip(digits, np.roll(digits, 1, axis=0), strict=True):
        hand = dataclasses.replace(some_hand(rng=rng), turn=float(rng.normal(0, 4)))
        height = math.exp(rng.uniform(*np.log(HEIGHTS)))
        blur = height * BLUR * rng.random() ** 2
        pair = _pair(one, other, height, hand, rng=rng)
        whole = pair[:1, :, pair[0].any(axis=0)]
        upright = _soft(whole.max(axis=0), blur)
        made += [(centred(np.ascontiguousarray(np.rot90(upright, turn))), turn) for turn in range(4)]
        made.append((centred(_soft(pair.max(axis=0), blur)), forms.SEVERAL))
        pieces = [_piece(inks, height, rng=rng) for inks in (whole, pair)]
        made += [(centred(_soft(piece, blur)), forms.PIECE) for piece in pieces if piece is not None]
    return made


def _pair(one: UInt8, other: UInt8, height: float, hand: Hand, *, rng: np.random.Generator) -> Float32:
    """Two digits of a hand, the second pushed against the first: the ink of each, float32 (2, h, w)."""
    inks = [written(digit, height * float(rng.normal(1, 0.08)), hand, rng=rng) for digit in (one, other)]
    tops = [round(float(rng.normal(0, 0.05)) * height) - len(ink) for ink in inks]
    first, second = Mark(inks[0], 0, tops[0]), Mark(inks[1], inks[0].shape[1] + 1, tops[1])
    second = pushed(first, second) or second
    second = dataclasses.replace(second, left=second.left - round(abs(float(rng.normal(0, 0.04))) * height))
    left, top = min(0, second.left), min(tops)
    bottom = max(mark.top + len(mark.ink) for mark in (first, second))
    right = max(mark.left + mark.ink.shape[1] for mark in (first, second))
    both = np.zeros((2, bottom - top, right - left), np.float32)
    for page, mark in zip(both, (first, second), strict=True):
        rows, columns = mark.ink.shape
        page[mark.top - top : mark.top - top + rows, mark.left - left : mark.left - left + columns] = mark.ink
    return both


def _piece(inks: Float32, height: float, *, rng: np.random.Generator) -> Float32 | None:
    """What lies on one side of a straight cut, now and then between two, of the ink of digits (k, h, w).

    None where the cut leaves each digit as good as whole, or nothing of it.
    """
    rows, columns = np.indices(inks.shape[1:])
    along = columns + rng.uniform(-0.45, 0.45) * (rows - inks.shape[1] / 2)
    at = rng.uniform(0, inks.shape[2])
    side = along < at if rng.random() < 0.5 else along > at
    if rng.random() < 0.2:
        side = (along > at) & (along < at + rng.uniform(0.3, 0.8) * height)
    pieces = np.where(side, inks, np.float32(0))
    shares = pieces.sum(axis=(1, 2)) / np.maximum(inks.sum(axis=(1, 2)), 1e-6)
    clean = (shares < PIECE[0]) | (shares > PIECE[1])
    return None if clean.all() else np.asarray(pieces.max(axis=0))


def _soft(ink: Float32, blur: float) -> Float32:
    """As a page's ink is found: out of focus, and cut off below."""
    from scipy.ndimage import gaussian_filter

    soft = gaussian_filter(np.pad(ink, 3), blur) if blur > 0.3 else np.pad(ink, 3)
    return np.asarray(np.clip((soft / max(float(soft.max()), 1e-6) - 0.15) / 0.75, 0, 1), np.float32)


def dataset(digits: UInt8, *, seed: int) -> tuple[UInt8, Int64]:
    """Examples of all digits in parallel: pictures (n, 28, 28) and classes (n,)."""
    from joblib import Parallel, delayed

    blocks = np.array_split(digits, max(1, len(digits) // 500))
    made = Parallel(n_jobs=2)(
        delayed(examples)(block, rng=np.random.default_rng([seed, k])) for k, block in enumerate(blocks)
    )
    images, classes = zip(*(example for block in made for example in block), strict=True)
    return np.stack(images), np.array(classes, np.int64)


def fitted(images: UInt8, classes: Int64, *, seed: int) -> list[Float32]:
    """The network's weights after training: kernel and bias of each layer."""
    import keras

    keras.utils.set_random_seed(seed)
    sizes = ((16, 5), (32, 3), (48, 3))
    convolutions = [
        keras.layers.Conv2D(filters, size, strides=forms.STRIDE, padding="same", activation="relu")
        for filters, size in sizes
    ]
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            *convolutions,
            keras.layers.Flatten(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(forms.CLASSES),
        ]
    )
    steps = EPOCHS * len(images) // BATCH
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    network.fit(images[..., None], classes, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return [np.asarray(weights, np.float32) for weights in network.get_weights()]


def main() -> None:
    """Make the bundled network anew."""
    from digitwise.data import load

    weights = fitted(*dataset(load("mnist").train.images[:DIGITS], seed=0), seed=0)
    save(weights)


def save(weights: list[Float32]) -> None:
    """Write the weights where pages are read, in half precision, which changes no probability by 1 %."""
    np.savez_compressed(forms.WEIGHTS, *[values.astype(np.float16) for values in weights])


if __name__ == "__main__":
    main()
