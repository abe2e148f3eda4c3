"""How one person with one pen writes one number."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

HEIGHTS = 10.0, 110.0  # pixels of a digit
USUAL = 32.0  # pixels: about what digits are brought to before they are read


@dataclass(frozen=True)
class Writing:
    """One person with one pen; lengths are in heights of a digit where nothing else is said.

    Parameters
    ----------
    height : float
        Of a digit, in pixels.
    pen : float
        Half the width of the stroke.
    slant : float
        Shear to the right, as a tangent.
    aspect : float
        Width over height, against what was written.
    gap : float
        Between two digits; below 0 they touch.
    uneven : float
        Spread of the digits' heights.
    wobble : float
        Spread of the digits' feet about their line.
    slope, bow : float
        Of the line: as a tangent, and how it bends.
    forms : float
        Share of digits of drawn forms instead of those of MNIST's writers.
    ink : float
        Grey levels between paper and ink, positive where the ink is darker.
    grain : float
        How much the paper's tooth shows in the ink, 0 to 1.
    legs : float
        Share of the digits 1, 4, 7 and 9 that reach below the line.
    zeros : float
        Height of a 0, against the other digits.
    outlined : bool
        Whether strokes are as wide as their writers made them.
    """

    height: float
    pen: float
    slant: float
    aspect: float
    gap: float
    uneven: float
    wobble: float
    slope: float
    bow: float
    forms: float
    ink: float
    grain: float
    legs: float
    zeros: float
    outlined: bool


def some_writing(height: float, *, rng: np.random.Generator, contrast: float | None = None) -> Writing:
    """A writing as it may come, of digits ``height`` pixels high; ``contrast`` sets how dark its ink is."""
    thin = rng.random() < 0.75
    pen = math.exp(rng.uniform(math.log(0.018), math.log(0.06))) if thin else rng.uniform(0.06, 0.13)
    pencil = rng.random() < 0.25
    close = rng.uniform(-0.12, 0.1) if pen < 0.05 else rng.uniform(0.0, 0.12)
    return Writing(
        height=height,
        pen=max(pen, 0.45 / height),
        slant=rng.normal(0.1, 0.23),
        aspect=math.exp(rng.normal(0, 0.2)),
        gap=float(rng.choice((close, rng.uniform(0.05, 0.35), rng.uniform(0.3, 1.1)), p=(0.35, 0.45, 0.2))),
        uneven=rng.uniform(0.02, 0.16),
        wobble=rng.uniform(0.0, 0.08),
        slope=rng.normal(0, 0.05),
        bow=rng.normal(0, 0.01),
        forms=float(rng.choice((0.0, 0.3, 0.8))),
        ink=contrast if contrast is not None else rng.uniform(35, 110) if pencil else rng.uniform(70, 225),
        grain=rng.uniform(0.1, 0.5) if pencil else rng.uniform(0, 0.15),
        legs=float(rng.choice((0.0, rng.uniform(0.1, 0.6)))),
        zeros=float(rng.choice((1.0, rng.uniform(0.4, 0.9)), p=(0.75, 0.25))),
        outlined=bool(rng.random() < 0.3),
    )


def some_height(low: float = HEIGHTS[0], high: float = HEIGHTS[1], *, rng: np.random.Generator) -> float:
    """A digit's height in pixels: most are about as high as they are when a page is read."""
    if rng.random() < 0.6:
        return float(np.clip(rng.lognormal(math.log(USUAL), 0.3), low, high))
    return math.exp(rng.uniform(math.log(low), math.log(high)))
