"""Ink that is no digit: found, so that nothing of a digit's size goes by in silence."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Int64, Mask, UInt8
from digitwise.reading.finder import TALL, Sight
from digitwise.reading.results import Kind

WINDOW = 65  # pixels of what was looked at: paper is what most of such a window is
STRENGTH = 0.45  # share of the digits' own contrast from which something is ink
FAINT = 18.0  # grey levels: without digits to compare with, less is no ink
SMALL, LONG = 0.45, 6.0  # heights of a digit from which ink counts; times as long as wide from which it is a rule
STROKE = 0.6, 2.0  # heights of a digit between which a standing stroke may be a 1
HAIR = 30  # times as long as thick: a line, not a digit
COVERED = 0.5  # share of a piece's pixels in digits' boxes from which it is theirs
MOST = 5_000  # pieces told at most, the largest first


def others_of(sight: Sight, digits: Int64, signs: Int64) -> list[tuple[Kind, Float32]]:
    """What ink of a digit's size or more is left beside digits and signs.

    Parameters
    ----------
    sight : Sight
    digits, signs : ndarray of int64
        Which of what was found they are.

    Returns
    -------
    list of (str, ndarray of float32, shape (4,))
        "digit?", "rule", "border" or "mark", and its box in the pixels of the upright image.
    """
    from scipy.ndimage import find_objects, label

    boxes = sight.found.boxes * np.float32(sight.scale)
    mask = ink_of(sight.seen, boxes[digits])
    taken = np.zeros(mask.shape, bool)
    for left, top, right, bottom in _grown(boxes[np.concatenate([digits, signs])]):
        taken[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    usual = min(TALL, min(mask.shape) / 2)  # where no digit tells it
    height = float(np.median(boxes[digits, 3] - boxes[digits, 1])) if len(digits) else usual
    pieces, _ = label(mask, np.ones((3, 3)))
    found: list[tuple[float, Kind, Float32]] = []
    for number, place in enumerate(find_objects(pieces), 1):
        tall, wide = (part.stop - part.start for part in place)
        if max(tall, wide) < SMALL * height:
            continue
        own = pieces[place] == number
        if taken[place][own].mean() >= COVERED:
            continue
        edges = np.array([place[1].start, place[0].start, place[1].stop, place[0].stop], np.float32)
        # A standing stroke may be a 1; where no digit tells the size, a pen is no thinner than that.
        sized = STROKE[0] < tall / height < STROKE[1] if len(digits) else own.sum() > tall * tall / HAIR
        kind = "digit?" if sized and tall > 2 * wide else _kind(edges, own, mask.shape)
        found.append((float(tall * wide), kind, edges / np.float32(sight.scale)))
    found.sort(key=lambda each: -each[0])
    return [(kind, edges) for _, kind, edges in found[:MOST]]


def ink_of(seen: UInt8, digits: Float32) -> Mask:
    """Which pixels are ink, bool (h, w), judged by how far the digits in boxes (n, 4) stand off from the paper."""
    from scipy.ndimage import uniform_filter

    values = seen.astype(np.float32)
    paper = uniform_filter(values, WINDOW, mode="nearest")
    away = values - paper
    inside = np.zeros(seen.shape, bool)
    for left, top, right, bottom in np.rint(digits).astype(int).tolist():
        inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    if inside.any():
        low, high = np.percentile(away[inside], (8, 92))
        light, strength = high > -low, max(-low, high)
    else:
        low, high = np.percentile(away, (0.5, 99.5))
        light, strength = high > -low, max(-low, high)
    least = max(STRENGTH * float(strength), FAINT)
    return np.asarray(away > least if light else away < -least)


def _grown(boxes: Float32) -> list[list[int]]:
    """Boxes with a tenth of their height around them, in whole pixels."""
    rim = 0.1 * (boxes[:, 3:] - boxes[:, 1:2]) + 1
    edges = np.concatenate([boxes[:, :2] - rim, boxes[:, 2:] + rim], axis=1)
    return [[int(edge) for edge in box] for box in np.rint(edges).tolist()]


def _kind(edges: Float32, own: Mask, shape: tuple[int, ...]) -> Kind:
    """What a piece of ink looks like."""
    tall, wide = own.shape
    thick = own.sum() / max(tall, wide)
    if max(tall, wide) > LONG * max(min(tall, wide), thick) or own.mean() < 0.08:
        return "rule"
    left, top, right, bottom = edges
    return "border" if left <= 1 or top <= 1 or right >= shape[1] - 1 or bottom >= shape[0] - 1 else "mark"
