"""Strokes of digits, signs and words: forms that MNIST lacks, and ink that is no digit."""

from __future__ import annotations

import itertools
import math

import numpy as np

from digitwise.images import Float64

Stroke = Float64  # points (n, 2) of x and y, y downwards
Drawing = list[Stroke]

# Control points in a box of 1 by 1, y downwards; ``|`` separates strokes, ``~`` marks one of straight pieces. The forms
# of digits are those of other schools and countries, which are rare among MNIST's American writers.
_FORMS: dict[str, tuple[str, ...]] = {
    "1": (
        "~ .5,0 .5,1",
        "~ .0,.4 .5,0 .5,1",  # with an upstroke, as in most of Europe
        "~ .2,.25 .5,0 .5,1",
        "~ .1,.3 .5,0 .5,1 | ~ .15,1 .85,1",
        "~ .5,0 .5,1 | ~ .2,1 .8,1",
        ".1,.35 .4,.15 .55,0 | ~ .55,0 .45,1",
        "~ .0,.6 .55,0 .5,1",  # with an upstroke as long as the stem, or nearly
        "~ .0,.85 .6,0 .5,1",
        ".05,.5 .35,.32 .6,.0 .55,.5 .5,1",
        "~ .0,.55 .6,.0 .45,1 | ~ .05,1 .85,.98",  # both, and slanted
        "~ .0,.35 .5,.0 .5,1 | ~ .0,1 1,1",
        "~ .0,1 .6,.0 .5,1",  # from the line up
        "~ .0,.95 .5,.0 .3,1",
    ),
    "2": (
        ".05,.25 .3,.02 .75,.05 .9,.3 .5,.68 .05,.98 | ~ .05,.98 1,.96",
        ".05,.2 .4,.0 .85,.2 .6,.6 .1,.95 .05,.8 .3,.8 .6,.95 1,.95",  # with a loop
        "~ .05,.08 .9,.04 .0,1 1,1",
        ".45,.3 .15,.25 .3,.02 .75,.08 .75,.4 .1,.95 .0,.85 .2,.8 .6,.95 1,.9",  # with a loop above, another below
        ".5,.35 .1,.3 .2,.03 .7,.03 .8,.35 .4,.75 .05,.98 | ~ .05,.98 .9,.98",
    ),
    "3": (
        ".05,.12 .45,0 .85,.2 .4,.46 | .4,.46 .98,.65 .6,1 .0,.9",
        "~ .05,0 .9,0 .4,.42 | .4,.42 1,.6 .7,.98 .0,.92",  # with a flat top
        ".1,.08 .6,0 .8,.3 .35,.45 .95,.62 .7,1 .05,.95",
        ".1,.1 .6,.0 .8,.2 .45,.45 .33,.4 .55,.4 .92,.66 .6,1 .0,.9",  # with a loop in its waist
    ),
    "4": (
        "~ .2,0 .0,.62 1,.6 | ~ .75,.3 .7,1",  # open
        "~ .7,0 .0,.68 1,.66 | ~ .7,0 .7,1",
        "~ .1,0 .08,.5 .85,.5 | ~ .85,0 .8,1",
        ".15,.0 .05,.4 .3,.55 .9,.5 | ~ .9,.05 .75,1",
        "~ .55,.0 .1,.5 .85,.42 .4,1",  # as lightning, in one stroke
        ".3,.0 .05,.55 .25,.68 .6,.48 .95,.35 | ~ .8,.1 .6,1",
        "~ .3,.0 .05,.68 1,.62 | ~ .9,.02 .75,1",
        "~ .7,.0 .0,.65 1,.63 | ~ .75,.45 .7,1",  # with a short stem
        ".65,.0 .15,.45 .05,.65 .4,.68 .95,.62 | ~ .7,.4 .65,1",
        ".45,.0 .05,.5 .3,.62 .9,.55 | ~ .85,.4 .8,1",
        ".5,.0 .2,.35 .05,.6 .3,.58 .75,.42 .6,.75 .4,1.05",  # as rounded lightning
        ".2,.0 .1,.4 .06,.68 .25,.55 .6,.42 .78,.6 .7,1",  # as an h
    ),
    "5": (
        "~ .15,0 .1,.45 | .1,.45 .5,.35 .95,.6 .65,1 .0,.92 | ~ .15,0 .95,.0",
        "~ .9,.02 .2,.02 .12,.45 | .12,.45 .6,.38 .95,.7 .5,1 .0,.93",
        ".9,.0 .3,.0 .15,.42 .6,.4 .95,.7 .5,1 .05,.9",
        ".9,.02 .35,.05 .15,.35 .5,.5 .8,.7 .5,.98 .0,.95",  # as an S
        "~ .2,.0 .1,.45 | .1,.45 .55,.4 .8,.7 .4,1 .0,.92 | ~ .2,.02 1.3,-.08",  # with a long bar
        "~ .2,.05 .12,.48 | .12,.48 .6,.42 .9,.75 .4,1 .0,.9 | ~ .35,-.03 1,-.08",  # the bar stands apart
        ".35,.0 .3,.45 .33,.85 .2,1 .0,.85 | ~ .35,.0 1,-.04",  # without a belly
        "~ .35,.02 .28,.45 | .28,.45 .45,.7 .3,1 .0,.85 | ~ .35,.0 1.1,-.05",
    ),
    "6": (
        ".8,.0 .3,.3 .05,.7 .4,1 .9,.8 .6,.52 .1,.68",
        "~ .55,0 .1,.62 | .1,.62 .15,.95 .6,1 .9,.75 .5,.55 .1,.72",  # with a straight stem
        ".9,.05 .4,.05 .1,.5 .2,.95 .7,1 .85,.7 .5,.5 .15,.7",
        ".95,.12 .7,.0 .3,.2 .08,.65 .35,1 .8,.85 .7,.58 .3,.6 .1,.8",  # curled above
    ),
    "7": (
        "~ .0,.03 1,.0 .4,1",
        "~ .0,.03 1,.0 .4,1 | ~ .25,.5 .85,.46",  # crossed
        "~ .0,.18 .03,.02 1,.0 .45,1",
        ".0,.08 .5,.05 1,.0 .6,.4 .45,1",
        "~ .0,.18 .03,.02 1,.0 .35,1 | ~ .15,.55 .85,.45",
        ".0,.15 .1,.02 .5,.08 1,.0 .65,.45 .5,1 | ~ .2,.5 .95,.45",
        "~ .05,.2 .1,.02 1,.0 .3,1 | ~ .0,.48 .9,.55",
        ".0,.02 .08,.28 .5,.15 1,.0 .65,.5 .4,1 | ~ .15,.6 .95,.5",  # with a long serif
    ),
    "8": (
        ".8,.15 .4,.0 .12,.2 .5,.45 .9,.75 .5,1 .1,.75 .5,.45 .88,.2 .75,.05",
        ".9,.1 .5,.0 .2,.2 .5,.42 .8,.7 .5,1 .15,.8 .4,.5 .9,.1",
        ".85,.12 .45,.0 .15,.2 .5,.48 .85,.78 .5,1 .15,.8 .5,.5 .8,.25 .98,.0",  # open above
        ".5,.0 .15,.12 .2,.38 .5,.45 .82,.36 .85,.1 .5,.0 | .5,.45 .1,.62 .1,.9 .5,1 .9,.9 .9,.62 .5,.45",
    ),
    "9": (
        ".9,.2 .5,.0 .05,.25 .35,.5 .88,.25 .85,.6 .7,1",
        ".85,.15 .45,.0 .1,.25 .4,.48 .85,.15 | ~ .88,.1 .85,1",  # with a straight leg
        ".9,.15 .5,.0 .08,.22 .4,.48 .88,.2 .9,.65 .6,1 .1,.92",  # curled
        ".8,.1 .4,.0 .1,.2 .4,.4 .8,.12 | ~ .82,.1 .55,1",
        ".75,.15 .4,.0 .1,.25 .4,.45 .8,.15 .45,.6 .1,1",  # its leg goes to the left
        ".15,1 .4,.5 .85,.3 .7,.02 .3,.08 .2,.38 .5,.48",  # from the foot up
        ".85,.1 .4,.0 .1,.22 .4,.42 .85,.12 .8,.7 .5,1 .1,.85 .5,.65 1,.6",  # with a loop below, as a g
        ".9,.05 .4,.0 .1,.2 .45,.45 .9,.2 .8,.7 .4,1 .2,.85 .6,.55",
        ".85,.15 .45,.0 .1,.15 .15,.42 .5,.5 .85,.35 .88,.1 .9,.75 .7,1 .2,1 .08,.86",  # curled up at its foot
        ".8,.3 .85,.05 .4,.0 .1,.2 .3,.45 .75,.42 .95,.65 .75,1 .1,.97",  # its loop open
        ".9,.25 .55,.0 .1,.22 .45,.5 .85,.3 .9,.95",
        "~ .3,1 .3,.05 | .3,.05 .7,.0 .95,.25 .7,.48 .3,.45",  # its loop to the right of the stem
        ".2,1 .3,.5 .4,.08 .75,.02 .9,.22 .7,.45 .35,.46",
    ),
    "-": ("~ .0,.5 1,.5",),
    "=": ("~ .0,.3 1,.3 | ~ .0,.7 1,.7",),
    "/": ("~ 1,.0 .0,1",),
    ",": (".6,.0 .7,.5 .2,1", "~ .7,.0 .2,1"),
    ".": ("~ .45,.5 .55,.5",),
}


def form_of(sign: str, *, rng: np.random.Generator) -> Drawing:
    """Draw a form of a digit or of one of the signs ``. , - = /``, with slightly varied points.

    Parameters
    ----------
    sign : str
        One character.
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray of float64, shape (n, 2)
        Strokes in a box of about 1 by 1, y downwards.
    """
    if sign == "0":
        return _zero(rng=rng)
    variants = _FORMS[sign]
    wobble = 0.0 if sign == "." else rng.uniform(0.005, 0.05)
    strokes = []
    for part in variants[rng.integers(len(variants))].split("|"):
        straight = "~" in part
        points = np.array([pair.split(",") for pair in part.replace("~", "").split()], np.float64)
        points += rng.normal(0, wobble, points.shape)
        strokes.append(_bent(points, rng=rng) if straight else curve(points))
    return strokes


def _zero(*, rng: np.random.Generator) -> Drawing:
    """Draw a 0: flat or narrow, closed, open or pointed, one in eight slashed."""
    start = rng.uniform(-2.4, -0.4)
    reach = 2 * math.pi + rng.uniform(-0.5, 0.7)
    angle = start + np.linspace(0, reach, 12)
    radius = 0.5 + rng.uniform(-0.06, 0.06) * np.linspace(-1, 1, 12) + rng.normal(0, 0.012, 12)
    ring = np.stack([0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)], axis=1)
    if rng.random() < 0.2:  # pointed
        ring[:, 0] = 0.5 + (ring[:, 0] - 0.5) * (0.4 + 0.6 * np.clip(ring[:, 1], 0, 1))
    strokes = [curve(ring)]
    if rng.random() < 0.12:
        strokes.append(np.array([[0.85, 0.1], [0.15, 0.9]]) + rng.normal(0, 0.08, (2, 2)))
    return strokes


def _bent(points: Float64, *, rng: np.random.Generator) -> Stroke:
    """Straight pieces, each slightly bent."""
    pieces = [points[:1]]
    for begin, end in itertools.pairwise(points):
        along = np.linspace(0, 1, 6)[1:, None]
        across = np.array([begin[1] - end[1], end[0] - begin[0]])
        pieces.append(begin + along * (end - begin) + rng.normal(0, 0.03) * 4 * along * (1 - along) * across)
    return np.concatenate(pieces)


def curve(points: Float64, fine: int = 5) -> Stroke:
    """A Catmull-Rom spline through points, float64 (n, 2), with ``fine`` pieces between two points.

    References
    ----------
    E. Catmull, R. Rom, A Class of Local Interpolating Splines (1974).
    """
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, fine, endpoint=False)[:, None, None]
    a, b, c, d = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    pieces = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([pieces.transpose(1, 0, 2).reshape(-1, 2), points[-1:]])


def cursive(letters: int, *, rng: np.random.Generator) -> Drawing:
    """Draw a cursive word of bows, loops and stems; small letters are 1 high, about the line y = 0."""
    points: list[tuple[float, float]] = []
    x = 0.0
    loop, slant = rng.uniform(-0.2, 0.7), rng.uniform(-0.1, 0.6)
    for _ in range(letters):
        width, form = _letter(loop, rng=rng)
        points += [(x + u * width - slant * v, v) for u, v in form]
        x += width
    strokes = [curve(np.array(points) + rng.normal(0, 0.03, (len(points), 2)), 4)]
    for _ in range(rng.integers(3)):  # dots and crossbars
        at = rng.uniform(0, x)
        length = 0.03 if rng.random() < 0.5 else rng.uniform(0.3, 1.0)
        strokes.append(np.array([[at, -1.0], [at + length, -1.0 + rng.normal(0, 0.06)]]))
    return strokes


def _letter(loop: float, *, rng: np.random.Generator) -> tuple[float, list[tuple[float, float]]]:
    """The width of a letter and its points, x in widths; one in four reaches far up or down."""
    width = rng.uniform(0.35, 0.9)
    top, bottom = 0.5 + rng.normal(0, 0.08), 0.5 + rng.normal(0, 0.06)
    kind = rng.random()
    top += rng.uniform(0.6, 1.3) * (kind < 0.18)
    bottom += rng.uniform(0.6, 1.2) * (0.18 <= kind < 0.28)
    bow = loop * rng.uniform(0.3, 1.2)
    return width, [(0.0, 0.2), (0.5 + bow, -top), (0.45 - bow, -top * 0.9), (0.5, bottom), (0.8 + bow / 2, bottom)]


def doodle(*, rng: np.random.Generator) -> Drawing:
    """Draw a tick, arrow, star, arc, spiral or loop in a box of about 1 by 1; no closed ring, which is a 0."""
    kind = rng.integers(6)
    t = np.linspace(0, 1, 14)
    if kind == 0:
        strokes = [np.array([[0.0, 0.6], [0.3, 1.0], [1.0, 0.0]])]
    elif kind == 1:
        strokes = [np.array([[0.0, 0.5], [1.0, 0.5]]), np.array([[0.7, 0.25], [1.0, 0.5], [0.7, 0.75]])]
    elif kind == 2:
        angles = rng.uniform(0, 3) + np.arange(4) * (math.pi / 4)
        arms = 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        strokes = [np.stack([0.5 - arm, 0.5 + arm]) for arm in arms[: rng.integers(2, 5)]]
    elif kind == 3:
        strokes = [_wound(t, turns=rng.uniform(0.3, 0.8), inner=0.5, rng=rng)]
    elif kind == 4:
        strokes = [_wound(np.linspace(0, 1, 40), turns=rng.uniform(1.5, 4), inner=0.05, rng=rng)]
    else:
        strokes = [curve(rng.uniform(0, 1, (int(rng.integers(4, 9)), 2)))]
    return [stroke + rng.normal(0, 0.02, stroke.shape) for stroke in strokes]


def _wound(t: Float64, *, turns: float, inner: float, rng: np.random.Generator) -> Stroke:
    """Draw an arc or spiral."""
    angle = rng.uniform(0, 2 * math.pi) + 2 * math.pi * turns * t
    radius = inner + (0.5 - inner) * t
    return curve(0.5 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))


def scribble(*, rng: np.random.Generator) -> Drawing:
    """Draw a zigzag, as for crossing out, in a box of about 1 by 1."""
    turns = int(rng.integers(3, 14))
    points = np.stack([np.linspace(0, 1, turns), np.resize([0.0, 1.0], turns)], axis=1)
    return [curve(points + rng.normal(0, 0.12, points.shape))]
