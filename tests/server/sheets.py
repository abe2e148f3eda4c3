"""Images of sheets."""

from __future__ import annotations

import numpy as np


def row_of(mnist):
    """Five digits beside each other, dark on light."""
    page = np.full((60, 200), 240, np.uint8)
    for place in range(5):
        page[16:44, 20 + 34 * place : 48 + 34 * place] = 240 - (mnist.test.images[place] * 0.9).astype(np.uint8)
    return page


def written_page(row):
    """The row, a scribble below it and a frame around both."""
    page = np.full((260, 300), 240, np.uint8)
    page[40:100, 50:250] = row
    for place in range(60):  # no digit has that form
        top, left = 180 + round(20 * np.sin(place / 3)), 100 + 2 * place
        page[top : top + 5, left : left + 4] = 60
    page[[8, 9, 250, 251], 8:292] = page[8:252, [8]] = page[8:252, [291]] = 90
    return page
