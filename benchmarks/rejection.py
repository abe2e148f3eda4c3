"""How much ink that is no digit is called read: made letters and signs of another script, clothes, pairs, halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.cells import head, line
from benchmarks.measure import Row, keep
from digitwise.data import load
from digitwise.images import UInt8
from digitwise.reading.reader import Reader
from digitwise.synthetic.glyphs import LETTERS, LOOKALIKES, drawn, printed
from digitwise.synthetic.pens import some_writer, written
from digitwise.synthetic.scans import half_of, pair_of
from digitwise.synthetic.strokes import curve

EACH = 1_000
FONTS = ("DejaVuSansMono", "DejaVuSerif-Bold", "STIXGeneral", "cmtt10", "cmb10")  # none that the training had
FRAME = 90, 140  # pixels: height and width of an image, in whose middle the ink is
# Like those digits of Kannada that do not look like Western ones, as control points in a box of 1 by 1.
KANNADA = (
    ".1,.2 .4,.0 .75,.15 .7,.5 .3,.75 .1,.55 .3,.4 .55,.7 .5,1 .15,.95",
    ".1,.1 .35,.5 .75,.9 .5,1 .25,.9 .6,.45 .9,.05",
    ".05,.1 .25,.4 .5,.55 .9,.3 .75,.05 .5,.35 .35,.8 .6,1 .95,.85",
    ".2,.0 .1,.4 .35,.55 .55,.35 .35,.2 .15,.6 .3,.95 .65,1 .95,.7 .75,.55",
    ".3,.05 .1,.35 .15,.8 .4,1 .55,.7 .6,1 .9,.85 .9,.35 .65,.2 .6,.45",
    ".0,.35 .3,.1 .45,.4 .35,.8 .55,1 .75,.7 .7,.3 .95,.05",
)


def bench_rejection(model: str | None = None) -> None:
    """A row a kind of ink: how many images, and how many of them are called read."""
    reader = Reader(model)
    rows: list[Row] = []
    for kind, images in kinds().items():
        found = reader.answers(images)
        read, blank = int(found.read.sum()), int(found.blank.sum())
        rows.append({"kind": kind, "n": len(images), "read": read, "blank": blank})
    print(rejection_table([{key: str(value) for key, value in row.items()} for row in rows]))
    if model is None:
        keep("rejection", rows)


def kinds() -> dict[str, UInt8]:
    """Images of each kind, uint8 (n, h, w); the last two kinds are digits."""
    test = load("mnist").test
    plain = "".join(letter for letter in LETTERS if letter not in LOOKALIKES)
    alike = "".join(letter for letter in LETTERS if letter in LOOKALIKES)
    return {
        "letters": _made(lambda rng: _letter(plain, rng)),
        "signs like Kannada's digits": _made(_kannada),
        "clothes (Fashion-MNIST)": load("fashion-mnist").test.images[:EACH],
        "two digits as one": _made(lambda rng: pair_of(test.images, rng=rng)),
        "half a digit": _made(lambda rng: half_of(test.images, rng=rng)),
        "letters that look like digits (O, l, S, Z, …)": _made(lambda rng: _letter(alike, rng)),
        "digits, written as the others": _made(lambda rng: test.images[rng.integers(len(test))]),
        "digits (MNIST's test part)": test.images,
    }


def _made(ink: Callable[[np.random.Generator], UInt8]) -> UInt8:
    """Ink written by some hand, dark on light, in the middle of a frame."""
    images = np.full((EACH, *FRAME), 255, np.uint8)
    for seed in range(EACH):
        rng = np.random.default_rng(seed)
        shape = written(ink(rng), 60, some_writer(rng=rng), rng=rng)[: FRAME[0], : FRAME[1]]
        top, left = ((side - own) // 2 for side, own in zip(FRAME, shape.shape, strict=True))
        images[seed, top : top + shape.shape[0], left : left + shape.shape[1]] -= (shape * 255).astype(np.uint8)
    return images


def _letter(letters: str, rng: np.random.Generator) -> UInt8:
    return printed(str(rng.choice(list(letters))), str(rng.choice(FONTS)))


def _kannada(rng: np.random.Generator) -> UInt8:
    form = KANNADA[rng.integers(len(KANNADA))]
    points = np.array([pair.split(",") for pair in form.split()], np.float64)
    return drawn([curve(points + rng.normal(0, 0.03, points.shape))])


def rejection_table(rows: Sequence[Row]) -> str:
    """A line a kind."""
    lines = head("what is on the image", "images", "called read")
    lines += [line(row["kind"], f"{int(row['n']):,}", f"{int(row['read']) / int(row['n']):.1%}") for row in rows]
    return "\n".join(lines).replace("% |", " % |")
