"""Where the paper is: told from a desk by its edges, and from a shadow on it by the desk's texture."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Mask, UInt8
from digitwise.reading.pages.shrink import to_working_size

MAP_SIDE = 256  # pixels: pens are thinner than a pixel here, edges of paper still sharp
EDGE = 0.16  # share of its brightness that paper loses within three pixels of the map only at its edge
LEAST = 0.12  # share of the picture: a smaller smooth region is not the page
DARKEST = 0.35  # share of the page's brightness: no shadow with a sharp edge is as dark, but a table is
ROUGHER = 2.0  # how many times as rough as the page a surface beside it is, at least, to be a desk


def paper_of(picture: UInt8) -> Mask:
    """Find the paper.

    Regions without sharp edges in them are grown; the page is the largest bright one. Others belong to it if they
    are as smooth as it is (a part in shadow, a second sheet), and are taken for a desk if they are
    rough, very dark, or all around it. What the
    page encloses is the page's.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        A map of at most 256 pixels a side; all True where no page stands out.
    """
    from scipy.ndimage import binary_dilation, binary_erosion, binary_fill_holes, label, mean, sum_labels

    small, _ = to_working_size(picture, MAP_SIDE)
    values = np.atleast_3d(small).astype(np.float32)  # (rows, columns, channels)
    edges = _edges(values)
    names, count = label(~edges)
    if not count:
        return np.ones(edges.shape, bool)
    index = np.arange(1, count + 1)
    sizes = sum_labels(~edges, names, index)
    brightness = mean(values.mean(axis=2), names, index)
    main = int(np.argmax(sizes * brightness))
    if sizes[main] < LEAST * edges.size:
        return np.ones(edges.shape, bool)
    rough = _roughness(picture, edges.shape)
    limit = ROUGHER * np.quantile(rough[names == main + 1], 0.3) + 0.005
    page = binary_fill_holes(names == main + 1)
    frame = binary_dilation(page, iterations=3)  # the page's own edge, where another surface goes on beside it
    for i in np.flatnonzero((sizes > 30) & (brightness > DARKEST * brightness[main])):
        region = names == i + 1
        if i != main and _smooth(rough[region], limit) and not _around(region, page):
            page |= binary_fill_holes(region) & ~frame
    return np.asarray(binary_erosion(page, iterations=1, border_value=1))


def _around(region: Mask, page: Mask) -> bool:
    """Whether a region goes beyond the page on three sides or more, as only what lies under it does."""
    sides = 0
    for axis in (0, 1):
        mine, its = np.flatnonzero(region.any(axis=axis)), np.flatnonzero(page.any(axis=axis))
        sides += int(mine[0] < its[0] - 2) + int(mine[-1] > its[-1] + 2)
    return sides >= 3


def _smooth(rough: Float32, limit: float) -> bool:
    """Whether a region's quieter parts, which no ink lies on, are quiet enough for paper."""
    return bool(np.quantile(rough, 0.3) <= limit)


def _edges(values: Float32) -> Mask:
    """Where brightness changes sharply once strokes are smoothed away, bool (rows, columns)."""
    from scipy.ndimage import maximum_filter, median_filter, minimum_filter

    edges = np.zeros(values.shape[:2], bool)
    for channel in np.moveaxis(values, 2, 0):
        calm = median_filter(channel, size=5, mode="nearest")
        high, low = maximum_filter(calm, size=3), minimum_filter(calm, size=3)
        edges |= high - low > EDGE * (high + 32)
    return edges


def _roughness(picture: UInt8, shape: tuple[int, int]) -> Float32:
    """Spread within the block behind each pixel of the map, relative to its brightness, float32 of ``shape``."""
    from PIL import Image

    grey = picture if picture.ndim == 2 else picture[..., 1]  # green has the least noise, and no sum is needed
    size = (shape[1], shape[0])
    values = grey.astype(np.float32)
    middle = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))
    square = np.asarray(Image.fromarray(values * values).resize(size, Image.Resampling.BOX))
    return np.asarray(np.sqrt(np.maximum(square - middle * middle, 0)) / (middle + 16), np.float32)
