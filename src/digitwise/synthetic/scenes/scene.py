"""A scene: which kinds there are, and how one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, UInt8
from digitwise.synthetic.glyphs import Glyphs
from digitwise.synthetic.scenes import kinds
from digitwise.synthetic.scenes.canvas import Canvas
from digitwise.synthetic.scenes.crop import Frame, cropped, turned
from digitwise.synthetic.scenes.paper import some_paper, some_tooth
from digitwise.synthetic.scenes.seen import seen

TURNED = 0.22  # share of scenes that lie on a side or stand on their heads


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene and its truth.

    Parameters
    ----------
    picture : ndarray of uint8, shape (256, 256)
    objects : ndarray of float32, shape (n, 5)
        Middle x and y, width and height in pixels, and label: a place in ``SIGNS``, or ``IGNORED``.
    turn : {0, 1, 2, 3}
        Quarters counter-clockwise that make it upright.
    frame : (int, int, int, int)
        Left, top, right and bottom of the photo or scan in it.
    """

    picture: UInt8
    objects: Float32
    turn: int
    frame: Frame


@dataclass(frozen=True)
class Kind:
    """A kind of scenes.

    Parameters
    ----------
    compose : callable
        Draws one on a canvas.
    share : float
        Of the scenes.
    cropped : float
        Share of these of which only a part is shown: seldom where there is no one object to crop to.
    """

    compose: Callable[[Canvas], None]
    share: float
    cropped: float = 0.5


KINDS = {
    "single": Kind(kinds.single, 0.12),
    "row": Kind(kinds.row, 0.3),
    "page": Kind(kinds.page, 0.2, cropped=0.15),
    "boxes": Kind(kinds.boxes, 0.1),
    "table": Kind(kinds.table, 0.12),
    "cheque": Kind(kinds.cheque, 0.11),
    "nothing": Kind(kinds.nothing, 0.05, cropped=0.15),
}


def scene_of(glyphs: Glyphs, *, rng: np.random.Generator) -> Scene:
    """Make a scene.

    Parameters
    ----------
    glyphs : Glyphs
        What is written with.
    rng : numpy.random.Generator
        Decides everything.
    """
    paper = some_paper(rng=rng)
    canvas = Canvas(glyphs, rng, paper, some_tooth(rng=rng))
    kind = KINDS[str(rng.choice(list(KINDS), p=[kind.share for kind in KINDS.values()]))]
    kind.compose(canvas)
    image = seen(canvas.paper, canvas.found, rng=rng)
    image, objects, frame = cropped(image, canvas.found, chance=kind.cropped, rng=rng)
    turn = int(rng.integers(1, 4)) if rng.random() < TURNED else 0
    image, objects, frame = turned(image, objects, frame, turn)
    return Scene(image, objects, turn, frame)
