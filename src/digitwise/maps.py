"""The format of the finder's maps, shared by its network, its training scenes and the reader.

A map has a cell for each 4x4 pixels of an image, and in each cell 24 planes: the logit of an object whose middle lies
there, 15 logits of classes, 4 logits of turns, and four numbers of its box: its middle's x and y from the cell's middle
in cells, the logarithms of its width and height in :data:`UNIT`.
"""

from __future__ import annotations

import math

import numpy as np

from digitwise.images import UInt8

SIGNS = "0123456789.,-=/"  # what is found on a page; a class is a place in here
CLASSES = len(SIGNS)
TURNS = 4  # quarters counter-clockwise that bring a digit upright
STRIDE = 4  # pixels a cell
PLANES = 1 + CLASSES + TURNS + 4  # object; classes; turns; middle's x and y, logarithms of width and height
MULTIPLE = 16  # the network halves an image four times: sides are multiples of it
UNIT = 32.0  # pixels: widths and heights are kept as logarithms of their share of it


def padded_with(image: UInt8) -> int:
    """The grey value, 0 to 255, that surrounds an image, uint8 (h, w), where the finder wants a larger one: its median.

    The median of about 20,000 pixels will do, and costs the same for any image.
    """
    step = max(1, int(math.sqrt(image.size / 20_000)))
    return int(np.median(image[::step, ::step]))
