"""The reading of a line that is likeliest: one digit or several, as the classifier sees it.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86
(1998), section V: heuristic over-segmentation, a graph of candidates, and the best path through it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.normalize import centred, stroke_width
from digitwise.reading.pages.forms import SEVERAL, forms_of, whole
from digitwise.reading.pages.joining import gap_between
from digitwise.reading.pages.parts import Part, joined
from digitwise.reading.pages.touching import Cut, cuts_of, pieces_of

Probabilities = Callable[[UInt8], Float32]  # uint8 (n, 28, 28) to float32 (n, classes)

# All costs are in nats, as the negative logarithm of a probability that they are added to.
WIDE = 1.0  # widths for one height: digits are hardly ever wider
WIDER = 1.7  # times the line's usual width: that neither
NARROWEST = 0.6  # digit heights: so wide a digit may be on any line, also one of 1s
TOO_WIDE = 4.0  # for a width of twice that
LOW = 0.5  # digit heights: what is lower is oftener a stroke than a digit
TOO_LOW = 6.0  # for each digit height below that
CUTTING = 1.2  # for a cut through one stroke
THICK_CUT = 0.6  # for each stroke more
JOINING = 0.5  # for two parts side by side read as one digit
GAP = 6.0  # for each digit height between them
CLOSE = 0.15  # digit heights between parts that may be one digit, at most
SURE = 0.85  # a part of usual width that is read with less may be two
SEEN_TWICE = 0.1  # so probable that it is several digits, it may be two as well
LEAST_WHOLE = 0.003  # as LEAST, of being one whole digit
LEAST = 0.02  # probabilities below this are all alike: how wrong a candidate is does not count


@dataclass(frozen=True, eq=False)
class Candidate:
    """What may be one digit.

    Parameters
    ----------
    first, stop : int
        The atoms of the line that it is made of: from ``first`` to before ``stop``.
    part : Part
    image : ndarray of uint8, shape (28, 28)
    cost : float
        What speaks against it but for its reading, in nats.
    """

    first: int
    stop: int
    part: Part
    image: UInt8
    cost: float


@dataclass(frozen=True, eq=False)
class Chosen:
    """A digit and its reading.

    Parameters
    ----------
    part : Part
    image : ndarray of uint8, shape (28, 28)
    probabilities : ndarray of float32, shape (classes,)
    """

    part: Part
    image: UInt8
    probabilities: Float32


@dataclass(frozen=True)
class Hand:
    """How large somebody writes on a line.

    Parameters
    ----------
    height, width : float
        The usual digit's, pixels.
    """

    height: float
    width: float

    def limit(self, part: Part) -> float:
        """The width from which a part is hardly one digit, pixels."""
        tall = min(part.height, 1.2 * self.height)
        return min(max(WIDER * self.width, NARROWEST * self.height), WIDE * max(tall, 0.8 * self.height))


def hand_of(line: list[Part], height: float) -> Hand:
    """The hand of a line of parts with digits of the given height."""
    return Hand(height, float(np.median([part.width for part in line])))


def image_of(part: Part) -> UInt8:
    """The part in MNIST's form, uint8 (28, 28)."""
    return np.asarray(centred(np.ascontiguousarray(part.amount, np.float32)), np.uint8)


def read_lines(lines: list[list[Part]], heights: list[float], probabilities: Probabilities) -> list[list[Chosen]]:
    """Read lines of parts, some of which may be several digits, or a digit only together.

    Parameters
    ----------
    lines : list of list of Part
        From left to right.
    heights : list of float
        The usual height of a digit on each line, pixels.
    probabilities : callable
        The classifier: uint8 (n, 28, 28) to float32 (n, classes). It is asked twice, for all lines at once.

    Returns
    -------
    list of list of Chosen
    """
    images = [image_of(unit) for line in lines for unit in line]
    if not images:
        return [[] for _ in lines]
    answers, forms = np.asarray(probabilities(np.stack(images)), np.float32), forms_of(np.stack(images))
    doubts = (answers.max(axis=1) < SURE) | (forms[:, SEVERAL] > SEEN_TWICE)
    starts = np.cumsum([0, *map(len, lines)])
    graphs = [
        candidates_of(line, images[a:b], doubts[a:b], height)
        for line, height, a, b in zip(lines, heights, starts[:-1], starts[1:], strict=True)
    ]
    asked = np.stack([candidate.image for graph in graphs for candidate in graph])
    answers, wholes = np.asarray(probabilities(asked), np.float32), whole(forms_of(asked))
    bounds = np.cumsum([0, *map(len, graphs)])
    return [
        best_path(graph, answers[a:b], wholes[a:b]) for graph, a, b in zip(graphs, bounds[:-1], bounds[1:], strict=True)
    ]


def candidates_of(line: list[Part], images: list[UInt8], doubts: Mask, height: float) -> list[Candidate]:
    """All that may be a digit on a line: its units, pieces of doubtful ones, pairs of close ones."""
    hand = hand_of(line, height)
    found: list[Candidate] = []
    atom, last_atom = 0, 0
    for i, unit in enumerate(line):
        cuts = cuts_of(unit, height) if _doubtful(unit, bool(doubts[i]), hand) else []
        stop = atom + len(cuts) + 1
        found.append(Candidate(atom, stop, unit, images[i], _shape_cost(unit, hand)))
        found += _pieces(unit, cuts, atom, hand)
        if i and (pair := _pair(line[i - 1], unit, hand)) is not None:
            both, cost = pair
            found.append(Candidate(last_atom, stop, both, image_of(both), cost))
        last_atom, atom = atom, stop
    return found


def best_path(graph: list[Candidate], answers: Float32, wholes: Float32) -> list[Chosen]:
    """The cheapest way through a line's candidates, by dynamic programming.

    Parameters
    ----------
    graph : list of Candidate
    answers : ndarray of float32, shape (len(graph), classes)
    wholes : ndarray of float32, shape (len(graph),)
        How probable it is that a candidate is one whole digit.

    Returns
    -------
    list of Chosen
        From left to right.
    """
    end = max((candidate.stop for candidate in graph), default=0)
    best = [0.0] + [np.inf] * end
    via = [-1] * (end + 1)
    said = np.log(np.maximum(answers.max(axis=1), LEAST)) + np.log(np.maximum(wholes, LEAST_WHOLE))
    costs = [candidate.cost - float(own) for candidate, own in zip(graph, said, strict=True)]
    for i in sorted(range(len(graph)), key=lambda i: graph[i].stop):
        total = best[graph[i].first] + costs[i]
        if total < best[graph[i].stop]:
            best[graph[i].stop], via[graph[i].stop] = total, i
    path = []
    while end > 0:
        chosen = graph[via[end]]
        path.append(Chosen(chosen.part, chosen.image, answers[via[end]]))
        end = chosen.first
    return path[::-1]


def _doubtful(unit: Part, doubt: bool, hand: Hand) -> bool:
    """Whether a unit may be several digits: too wide for one, or in doubt for its looks."""
    return unit.width > hand.limit(unit) or (unit.width > 0.5 * hand.height and doubt)


def _shape_cost(part: Part, hand: Hand) -> float:
    """What a part's shape says against it being a digit, in nats."""
    wide = TOO_WIDE * max(0.0, part.width / hand.limit(part) - 1)
    low = max(0.0, LOW - part.height / hand.height)
    return wide if not low or _has_hole(part) else wide + TOO_LOW * low  # many hands write a small 0


def _has_hole(part: Part) -> bool:
    """Whether ink surrounds paper."""
    from scipy.ndimage import binary_fill_holes

    return int(binary_fill_holes(part.mask).sum()) - int(part.mask.sum()) >= 3


def _pieces(unit: Part, cuts: list[Cut], atom: int, hand: Hand) -> list[Candidate]:
    """The runs of pieces between any two cuts (or ends) of a unit, but for the unit itself."""
    if not cuts:
        return []
    piece, stroke = pieces_of(unit, cuts), stroke_width(unit.mask.astype(np.float32))
    found = []
    for first in range(len(cuts) + 1):
        for stop in range(first + 1, len(cuts) + 2):
            if stop - first == len(cuts) + 1:
                continue
            part = _within(unit, (piece >= first) & (piece < stop))
            if part is None or part.width > 1.3 * hand.height + stroke:
                continue
            ends = [cuts[k] for k in (first - 1, stop - 1) if 0 <= k < len(cuts)]
            # Each cut ends one piece and begins another: half of its cost each.
            cutting = sum(CUTTING + THICK_CUT * max(0.0, cut.thickness / stroke - 1) for cut in ends) / 2
            cost = cutting + _shape_cost(part, hand)
            found.append(Candidate(atom + first, atom + stop, part, image_of(part), cost))
    return found


def _within(unit: Part, where: np.ndarray) -> Part | None:
    """The part of a unit in a region, None if there is hardly any ink."""
    mask = unit.mask & where
    if mask.sum() < 12:
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.s_[max(0, rows[0] - 1) : rows[-1] + 2, max(0, columns[0] - 1) : columns[-1] + 2]
    top, left = box[0].start, box[1].start
    return Part(unit.left + left, unit.top + top, np.where(where, unit.amount, np.float32(0))[box], mask[box])


def _pair(one: Part, other: Part, hand: Hand) -> tuple[Part, float] | None:
    """Two neighbours as one digit, and its cost; None if they are too far apart or too wide together."""
    height = hand.height
    if max(one.right, other.right) - min(one.left, other.left) > 1.1 * height:
        return None
    if other.left - one.right > CLOSE * height or (gap := gap_between(one, other)) > CLOSE * height:
        return None
    both = joined([one, other])
    return both, JOINING + GAP * gap / height + _shape_cost(both, hand)
