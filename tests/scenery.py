"""A few glyphs to make scenes of, quickly."""

import functools

import numpy as np

from digitwise.data.embedded import load_digits
from digitwise.images import Float32
from digitwise.synthetic.glyphs import Glyphs, glyphs_of
from digitwise.synthetic.scenes.canvas import SCENE, Canvas

PAPER = 200.0


@functools.cache
def few_glyphs() -> Glyphs:
    """Of 300 digits, and some drawn forms of each digit and sign."""
    train = load_digits().train
    return glyphs_of(train.images[:300], train.labels[:300].astype(np.int64), seed=0, jobs=1, forms=12)


def blank(*, seed: int = 0) -> Canvas:
    """Even paper that takes ink everywhere."""
    paper: Float32 = np.full((SCENE, SCENE), PAPER, np.float32)
    return Canvas(few_glyphs(), np.random.default_rng(seed), paper, np.zeros_like(paper))
