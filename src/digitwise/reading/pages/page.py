"""The ink of a page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.reading.pages.light import flattened
from digitwise.reading.pages.noise import noise_of
from digitwise.reading.pages.paper import paper_of
from digitwise.reading.pages.rules import without_rules
from digitwise.reading.pages.shade import shade_of
from digitwise.reading.pages.shrink import cells, spread_out, stretched, to_working_size

HALF = 0.42  # share of the strongest ink about a place from which a pixel is ink: an edge's middle, blurred or not
OVER_NOISE = 5.0  # how many times the paper's spread ink stands above it, at least
SMOOTHED = 0.15  # stroke widths, standard deviation: what noise is looked through, without closing loops
LEAST_SMOOTHED = 0.6  # pixels


@dataclass(frozen=True, eq=False)
class PageInk:
    """How much ink lies where.

    Parameters
    ----------
    amount : ndarray of float32, shape (h, w)
        0 for paper, 1 in the middle of a stroke, however faint the pen or dark the shadow.
    mask : ndarray of bool, shape (h, w)
        Where there is ink; ruled lines are taken out.
    contrast : ndarray of float32, shape (h, w)
        How far each pixel stands off its paper, relative to the paper's brightness.
    noise : ndarray of float32, shape (h, w)
        The paper's own spread of that.
    paper : ndarray of bool, shape (h, w)
        Where the paper is.
    scale : float
        Pixels here for one of the picture.
    """

    amount: Float32
    mask: Mask
    contrast: Float32
    noise: Float32
    paper: Mask
    scale: float


def page_ink(picture: UInt8) -> PageInk:
    """Find the ink on a photographed or scanned page.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
        Any size; above 2,000 pixels a side it is shrunk first.

    Returns
    -------
    PageInk

    Notes
    -----
    The threshold is half the local contrast, as Bernsen's is, with a floor that rises with the paper's own noise, which
    is what Sauvola's and Wolf's formulas aim at with the local standard deviation; dividing the light out first
    makes the floor the same in light and shadow.

    References
    ----------
    J. Bernsen, Dynamic Thresholding of Grey-Level Images, ICPR 1986.
    J. Sauvola, M. Pietikäinen, Adaptive Document Image Binarization, Pattern Recognition 33 (2000).
    C. Wolf, J.-M. Jolion, Extraction and Recognition of Artificial Text in Multimedia Documents, PAA 6 (2003).
    """
    from scipy.ndimage import gaussian_filter

    small, scale = to_working_size(picture)
    paper = paper_of(small)
    on_paper = _inside(stretched(paper, small.shape[:2]))
    flat = flattened(shade_of(small, paper), paper)
    contrast = gaussian_filter(flat.contrast, max(LEAST_SMOOTHED, SMOOTHED * flat.stroke), truncate=2.5)
    grain = noise_of(contrast, flat.cell, stretched(paper, cells(contrast, flat.cell).shape[::2]))
    full = _full_ink(contrast, grain, flat.cell)
    noise = spread_out(grain, flat.cell, contrast.shape)
    mask = contrast > np.maximum(HALF * full, OVER_NOISE * noise)
    mask = without_rules(mask & on_paper, contrast)
    amount = np.clip((contrast - 0.15 * full) / (0.75 * full), 0, 1)
    return PageInk(amount, mask, contrast, noise, on_paper, scale)


def _full_ink(contrast: Float32, grain: Float32, cell: int) -> Float32:
    """The strongest contrast about each pixel, float32 (h, w), above the noise."""
    from scipy.ndimage import gaussian_filter, maximum_filter

    strongest = cells(contrast, cell).max(axis=(1, 3))
    strongest = gaussian_filter(maximum_filter(strongest, size=3), 1.0)
    return spread_out(np.maximum(strongest, OVER_NOISE * grain), cell, contrast.shape)


def _inside(paper: Mask) -> Mask:
    """The paper without the outermost pixels of the picture, which end it as an edge of the paper does."""
    paper = paper.copy()
    paper[[0, -1]] = paper[:, [0, -1]] = False
    return paper
