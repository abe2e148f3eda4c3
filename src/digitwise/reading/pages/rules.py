"""Ruled and squared paper: long thin lines found and taken out, digits across them left whole."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Int64, Mask

Curve = np.polynomial.Polynomial

LENGTH = 0.25  # share of the shorter side of the page from which a thin run may be a line, and no stroke
STROKES = 50.0  # thicknesses: no digit is so tall in strokes; a fine pen's long 7 comes to 30
SLOPE = 0.25  # rise over run, at most
PIECE = 6.0  # thicknesses: shorter horizontal pieces are parts of digits rather than of a line
CHAIN = 16.0  # thicknesses: a shorter chain is left alone
COVERED = 0.4  # share of its length on which a line is seen: near dark ink a pale one is below the threshold
DARKER = 1.5  # times as dark as the line is usually: that is a pen's stroke along it
FAMILY = 3  # lines: once there are so many, less has to be seen of others
PARALLEL = 0.02  # rise over run by which these may differ from the family's
GAP = 8.0  # thicknesses that a line is followed across: where a digit's strokes cross it
THICKEST = 1 / 60  # share of the shorter side: a line is not thicker


def without_rules(mask: Mask, contrast: Float32) -> Mask:
    """Take out printed lines, horizontal ones first and then vertical ones.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Ink.
    contrast : ndarray of float32, shape (h, w)
        How much darker than paper.

    Returns
    -------
    ndarray of bool, shape (h, w)
        A new mask. Where ink above or below a line shows that a stroke crosses it, or much darker ink that one runs
        along it, the line stays.
    """
    mask = _without_horizontal(mask, contrast)
    return np.ascontiguousarray(_without_horizontal(np.ascontiguousarray(mask.T), contrast.T).T)


def _without_horizontal(mask: Mask, contrast: Float32) -> Mask:
    """Take out lines that run along axis 1."""
    columns, starts, lengths = _vertical_runs(mask)
    if not len(lengths):
        return mask
    thickness = _common_thickness(lengths, THICKEST * min(mask.shape))
    thin = lengths <= 1.5 * thickness + 1
    columns, starts, lengths = columns[thin], starts[thin], lengths[thin]
    middles = starts + lengths // 2
    chosen = np.zeros(len(columns), bool)
    for curve in _lines(mask.shape, columns, middles, thickness):
        near = np.flatnonzero(np.abs(middles - curve(columns)) <= max(1.0, thickness))
        darkness = contrast[middles[near], columns[near]]
        chosen[near[darkness <= DARKER * np.median(darkness)]] = True
    return _erased(mask, columns[chosen], starts[chosen], lengths[chosen]) if chosen.any() else mask


def _vertical_runs(mask: Mask) -> tuple[Int64, Int64, Int64]:
    """Column, first row and length in pixels of each unbroken vertical run of ink, int64 (runs,)."""
    height = mask.shape[0] + 1  # a row of paper parts the columns
    flat = np.zeros((mask.shape[1], height), np.int8)
    flat[:, 1:] = mask.T
    steps = np.diff(flat.ravel(), append=0)
    first, last = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return first // height, first % height, last - first


def _common_thickness(lengths: Int64, most: float) -> int:
    """The most frequent run length: on lined paper that of the lines, else the pen's, which does no harm."""
    counts = np.bincount(lengths[lengths <= max(2.0, most)], minlength=3)
    return max(1, int(counts.argmax()))


def _lines(shape: tuple[int, ...], columns: Int64, middles: Int64, thickness: int) -> list[Curve]:
    """The long smooth lines that thin runs, given by column and middle row, lie on."""
    chains = _chains(shape, columns, middles, thickness)
    least = max(LENGTH * min(shape), STROKES * thickness)
    lines: list[tuple[Curve, Int64]] = []
    doubtful: list[tuple[Curve, Int64]] = []
    while chains and np.ptp(columns[chains[0]]) >= STROKES / 2 * thickness:
        members = _in_one_line(chains, columns, middles, thickness)
        x, y = columns[members], middles[members]
        curve = _curve(x, y, thickness) if np.ptp(x) >= least else None
        if curve is not None:
            (lines if _covered(curve, x, y, thickness) >= COVERED else doubtful).append((curve, x))
    if len(lines) >= FAMILY:
        slope = float(np.median([_slope(*line) for line in lines]))
        lines += [line for line in doubtful if abs(_slope(*line) - slope) <= PARALLEL]
    return [curve for curve, _ in lines]


def _in_one_line(chains: list[Int64], columns: Int64, middles: Int64, thickness: int) -> Int64:
    """Take the longest chain and those in line with it out of the list; their runs, int64 (k,)."""
    first = chains.pop(0)
    x, y = columns[first], middles[first]
    direction = np.polynomial.Polynomial.fit(x, y, 1)
    found = [first]
    for chain in list(chains):
        middle_x, middle_y = columns[chain].mean(), middles[chain].mean()
        beyond = max(x.min() - middle_x, middle_x - x.max(), 0)
        if abs(direction(middle_x) - middle_y) <= 1.5 * thickness + 0.015 * beyond:
            found.append(chain)
            chains[:] = [other for other in chains if other is not chain]
    return np.concatenate(found)


def _chains(shape: tuple[int, ...], columns: Int64, middles: Int64, thickness: int) -> list[Int64]:
    """Join thin runs side by side to chains: indices of each one's runs, the longest chain first."""
    from scipy.ndimage import find_objects, label, maximum_filter1d, minimum_filter1d

    thin = np.zeros(shape, np.uint8)
    for offset in (-1, 0, 1):  # three rows high, so that a sloping line hangs together across steps
        thin[np.clip(middles + offset, 0, shape[0] - 1), columns] = 1
    piece, gap = round(PIECE * thickness) | 1, round(GAP * thickness) | 1
    long = minimum_filter1d(thin, piece, axis=1)
    names, _ = label(maximum_filter1d(long, piece + gap, axis=1), np.ones((3, 3)))
    owner = names[middles, columns]
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(names.max() + 2))
    chains = []
    for name, box in enumerate(find_objects(names), 1):
        wide, high = box[1].stop - box[1].start, box[0].stop - box[0].start
        members = order[bounds[name] : bounds[name + 1]]
        if wide >= CHAIN * thickness and high <= SLOPE * wide + 4 * thickness and len(members) > 10:
            chains.append((wide, members))
    return [members for _, members in sorted(chains, key=lambda chain: -chain[0])]


def _curve(x: Int64, y: Int64, thickness: int) -> Curve | None:
    """The smooth curve that most points lie on, None if they are on no line.

    A parabola, since paper bends; fitted again without what lies off it, such as the bar of a 7 near the line.
    """
    near = np.ones(len(x), bool)
    for _ in range(4):
        curve = np.polynomial.Polynomial.fit(x[near], y[near], 2)
        off = np.abs(y - curve(x))
        near = off <= max(thickness, 1.5 * float(np.median(off)))
        if near.sum() < 10:
            return None
    return curve if float(np.median(off)) <= thickness else None


def _covered(curve: Curve, x: Int64, y: Int64, thickness: int) -> float:
    """The share of a line's length on which there is ink."""
    return len(np.unique(x[np.abs(y - curve(x)) <= thickness])) / float(np.ptp(x) + 1)


def _slope(curve: Curve, x: Int64) -> float:
    """Rise over run between a line's ends."""
    first, last = float(x.min()), float(x.max())
    return float(curve(last) - curve(first)) / (last - first)


def _erased(mask: Mask, columns: Int64, starts: Int64, lengths: Int64) -> Mask:
    """The mask without the given vertical runs."""
    mask = mask.copy()
    for offset in range(int(lengths.max())):
        at = lengths > offset
        mask[starts[at] + offset, columns[at]] = False
    return mask
