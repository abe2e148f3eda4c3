"""Uneven light divided out: how far each pixel stands off the paper about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Int64, Mask
from digitwise.reading.pages.shrink import cells, spread_out, stretched

CELLS = 160  # cells along the longer side: light changes slowly, so few places tell it
PARTS = 3  # a cell's paper is the brightest of its 3x3 parts, so that a stroke through it does not darken it
WIDEST = 0.1  # share of the shorter side that strokes are taken to be wide before they are measured
STROKES = 4.0  # stroke widths: a dark valley that is wider is no stroke, but a shadow
WINDOW = 0.15  # share of the shorter side in which the paper is looked for
PAPER = 35  # percentile of the cells about a place, from the lightest, that is paper
DARK = 8.0  # grey levels added to what is divided by, so that the noise of black is not blown up


@dataclass(frozen=True, eq=False)
class Flat:
    """A page under even light.

    Parameters
    ----------
    contrast : ndarray of float32, shape (h, w)
        About 0 on paper, up to 1 in black ink; light ink on dark paper is positive too.
    cell : int
        Side of a cell, pixels.
    stroke : float
        The usual width of the strongest strokes, pixels.
    """

    contrast: Float32
    cell: int
    stroke: float


def flattened(shade: Float32, paper: Mask) -> Flat:
    """Divide the light out, and find the polarity.

    Parameters
    ----------
    shade : ndarray of float32, shape (h, w)
    paper : ndarray of bool, shape (rows, columns)
        A small map of the paper.

    Returns
    -------
    Flat
    """
    cell = PARTS * max(1, round(max(shade.shape) / CELLS / PARTS))
    on_paper = stretched(paper, (-(-shade.shape[0] // cell), -(-shade.shape[1] // cell)))
    parts = cells(shade, cell // PARTS).mean(axis=(1, 3))
    parts = continued(parts, stretched(paper, parts.shape))
    sign = _polarity(parts)
    window = max(5, round(WIDEST * min(on_paper.shape))) | 1
    contrast = _contrast(shade, parts, sign, window, cell)
    stroke = _stroke(contrast, paper)
    if (narrow := max(5, round(STROKES * stroke / cell)) | 1) != window:
        contrast = _contrast(shade, parts, sign, narrow, cell)
    contrast -= spread_out(_bias(contrast, cell, on_paper), cell, shade.shape)
    return Flat(contrast, cell, stroke)


def continued(coarse: Float32, on_paper: Mask) -> Float32:
    """Beyond the paper its nearest brightness goes on, so that the desk does not darken the paper's edge."""
    from scipy.ndimage import distance_transform_edt

    if on_paper.all() or not on_paper.any():
        return coarse
    nearest = distance_transform_edt(~on_paper, return_distances=False, return_indices=True)
    return np.asarray(coarse[tuple(nearest)])


def _contrast(shade: Float32, parts: Float32, sign: int, window: int, cell: int) -> Float32:
    """How far pixels stand off the paper on the ink's side, relative to its brightness, float32 (h, w)."""
    light = spread_out(_light(parts * -sign, window) * -sign, cell, shade.shape)
    gain = np.float32(sign) / (light + np.float32(DARK))
    return np.asarray(shade * gain - light * gain, np.float32)


def _light(parts: Float32, window: int) -> Float32:
    """The paper's brightness by cell, for ink that is darker, float32 (rows, columns).

    A closing fills dark valleys that are narrower than its window and leaves slopes as they are.
    """
    from scipy.ndimage import gaussian_filter, grey_closing

    brightest = cells(parts, PARTS).max(axis=(1, 3))
    closed = grey_closing(brightest, size=window, mode="nearest")
    return np.asarray(gaussian_filter(closed, 1.0, mode="nearest"), np.float32)


def _bias(contrast: Float32, cell: int, on_paper: Mask) -> Float32:
    """How far paper stands off the brightest parts of its cells: the more, the noisier it is; by cell."""
    from scipy.ndimage import gaussian_filter, percentile_filter

    middle = continued(cells(contrast, cell).mean(axis=(1, 3)), on_paper)
    window = max(3, round(WINDOW * min(middle.shape) / 2)) | 1
    paper = percentile_filter(middle[::2, ::2], PAPER, size=window, mode="nearest")
    paper = gaussian_filter(paper, window / 8, mode="nearest").repeat(2, axis=0).repeat(2, axis=1)
    return np.asarray(paper[: middle.shape[0], : middle.shape[1]])


def _polarity(parts: Float32) -> int:
    """-1 for ink darker than its paper, 1 for lighter: noise is symmetric about the paper, ink is not."""
    from scipy.ndimage import median_filter

    coarse = cells(parts, 2 * PARTS).mean(axis=(1, 3))
    window = max(3, round(WINDOW * min(coarse.shape))) | 1
    around = spread_out(median_filter(coarse, size=window, mode="nearest"), 2 * PARTS, parts.shape)
    # Not relative to the brightness: what is dark, such as a table that was taken for paper, should count for less.
    return 1 if float(np.sum(((parts - around) / 255) ** 3)) > 0 else -1


def _stroke(contrast: Float32, paper: Mask) -> float:
    """The usual width of the strongest strokes, pixels.

    Most unbroken runs of ink along rows and columns go across a stroke, few along one.
    """
    step = -(-max(contrast.shape) // 1200)
    sample = contrast[::step, ::step]
    sample = np.where(stretched(paper, sample.shape), sample, 0)
    mask = sample > 0.5 * np.quantile(sample, 0.998)
    lengths = np.concatenate([run_lengths(mask), run_lengths(mask.T)])
    return float(np.median(lengths)) * step if len(lengths) else 1.0


def run_lengths(mask: Mask) -> Int64:
    """The lengths of the unbroken runs along axis 1, int64 (runs,)."""
    flat = np.zeros((mask.shape[0], mask.shape[1] + 1), np.int8)  # a column of paper parts the rows
    flat[:, 1:] = mask
    steps = np.diff(flat.ravel(), append=0)
    return np.asarray(np.flatnonzero(steps == -1) - np.flatnonzero(steps == 1), np.int64)
