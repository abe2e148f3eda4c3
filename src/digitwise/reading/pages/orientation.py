"""Which way up a page is: the turn at which its parts lie in lines and read best."""

from __future__ import annotations

import numpy as np

from digitwise.reading.pages.choice import image_of
from digitwise.reading.pages.forms import forms_of, upright
from digitwise.reading.pages.parts import Part
from digitwise.reading.pages.segment import lines_of

MOST = 80  # parts that are read at each turn: enough to know, and a page of thousands costs no more
LEAST = 0.02  # probabilities below this are all alike, so that one odd part does not decide
LAYOUT = 0.7  # nats a part by which lying in lines counts
UPRIGHT = 3.0  # nats: how much better than upright a turn must read in all, since most pages are upright
EACH = 0.03  # nats a part more than that


def best_turn(parts: list[Part], page: tuple[int, int]) -> int:
    """Find the turn that brings a page upright.

    A 6 turned by 180° is a 9, and 0, 1 and 8 stay what they are, so no digit decides: the logarithms of the
    probabilities of being upright are summed over all. At 90° lines become columns, which the layout tells as well.

    Parameters
    ----------
    parts : list of Part
        Of the page as it is.
    page : (int, int)
        Its height and width, pixels.

    Returns
    -------
    int
        Quarters counter-clockwise, 0 to 3.
    """
    units = [[turn.turned(quarters, page) for turn in parts] for quarters in range(4)]
    lines = [lines_of(turned)[1] for turned in units]
    chosen = [_some([unit for line in turned for unit in line]) for turned in lines]
    if not chosen[0]:
        return 0
    images = np.stack([image_of(unit) for turned in chosen for unit in turned])
    likeliest = np.log(np.maximum(upright(forms_of(images)), LEAST))
    bounds = np.cumsum([0, *map(len, chosen)])
    count = len(chosen[0])
    score = [
        count * (float(likeliest[a:b].mean()) + LAYOUT * in_lines(turned)) if b > a else -np.inf
        for a, b, turned in zip(bounds[:-1], bounds[1:], lines, strict=True)
    ]
    best = int(np.argmax(score))
    return best if score[best] > score[0] + UPRIGHT + EACH * count else 0


def in_lines(lines: list[list[Part]]) -> float:
    """How well parts lie in lines, 0 to 1: the share of a line's neighbours that are nearer than the next line's.

    Parameters
    ----------
    lines : list of list of Part

    Returns
    -------
    float
    """
    units = [unit for line in lines for unit in line]
    if len(units) < 2:
        return 0.0
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    boxes = np.array([unit.box for unit in units], np.float64)
    sideways = np.maximum(boxes[:, None, 0], boxes[None, :, 0]) - np.minimum(boxes[:, None, 2], boxes[None, :, 2])
    upright = np.maximum(boxes[:, None, 1], boxes[None, :, 1]) - np.minimum(boxes[:, None, 3], boxes[None, :, 3])
    away = np.hypot(np.maximum(sideways, 0), np.maximum(upright, 0))
    np.fill_diagonal(away, np.inf)
    return float(np.mean(owner[away.argmin(axis=1)] == owner))


def _some(units: list[Part]) -> list[Part]:
    """At most :data:`MOST` units from all over the page."""
    return units[:: -(-len(units) // MOST)] if units else []
