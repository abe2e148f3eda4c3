"""``python -m digitwise.training.finder``: train the bundled finder's weights."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

import numpy as np

from digitwise.synthetic.glyphs import glyphs_of
from digitwise.synthetic.scenes.scene import write_glyphs
from digitwise.temporaries import temporary_folder
from digitwise.training import finder

DIGITS = 50_000  # training digits for scenes; confidences are fitted on the others
SECONDS = 9_000.0  # on two cores


def main() -> None:
    """Train, and write the weights; the log goes to standard error."""
    chosen = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    from digitwise.data import load
    from digitwise.training.finder.fit import RATE, FinderOptions, trained

    train = load(chosen.data).train
    digits, labels = train.images[:DIGITS], train.labels[:DIGITS].astype(np.int64)
    options = FinderOptions(
        steps=chosen.steps or 0,
        seconds=None if chosen.steps else chosen.seconds,
        size=chosen.batch,
        repeats=chosen.repeats or None,
        jobs=chosen.jobs,
        seed=chosen.seed,
        channels=chosen.channels,
        dtype=chosen.dtype,
        rate=RATE if chosen.rate is None else chosen.rate,
    )
    with temporary_folder() as folder:
        write_glyphs(folder, glyphs_of(digits, labels, seed=chosen.seed, jobs=chosen.jobs))
        trained(chosen.out, folder, options, start=chosen.start, resume=chosen.resume)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m digitwise.training.finder",
        description=finder.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("results/finder.npz"))
    parser.add_argument("--data", default="mnist")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help="number of batches; on a GPU, 30000 take ten minutes")
    length.add_argument("--seconds", type=float, default=SECONDS, help="length; with --resume, of the rest")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3, help="0: while the next scenes are in the making")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--channels", type=int, nargs="+", help="of the network's layers")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--rate", type=float, help="peak of the learning rate")
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("--start", type=Path, help="weights of another training, or a finder in ONNX")
    origin.add_argument("--resume", action="store_true", help="continue from the checkpoint beside --out")
    return parser


if __name__ == "__main__":
    main()
