"""A stroke worn down to the line in its middle."""

from __future__ import annotations

from functools import cache

import numpy as np

from digitwise.images import Mask, UInt8

AROUND = 7, 6, 3, 0, 1, 2, 5, 8  # bits of the pixels around, clockwise from above; 4 is the middle one


def centre_line(mask: Mask) -> Mask:
    """The strokes as lines of one pixel, as connected as they were; bool of shape (h, w), as given.

    References
    ----------
    T. Y. Zhang, C. Y. Suen, A Fast Parallel Algorithm for Thinning Digital Patterns, CACM 27 (1984).
    """
    line = np.pad(mask, 1).astype(np.uint8)
    inner = line[1:-1, 1:-1]
    while True:
        before = np.count_nonzero(inner)
        for stays in _stays():
            rows = (line[:, :-2] << 2 | line[:, 1:-1] << 1 | line[:, 2:]).astype(np.uint16)
            inner[:] = stays[rows[:-2] << 6 | rows[1:-1] << 3 | rows[2:]]
        if np.count_nonzero(inner) == before:
            return inner.astype(bool)


@cache
def _stays() -> tuple[UInt8, UInt8]:
    """For either half-step and each of the 512 looks of a pixel and its neighbours: 1 where it is ink and stays."""
    looks = (np.arange(512)[:, None] >> np.arange(9)) & 1  # (512, 9): the row above is bits 8, 7, 6
    ring = looks[:, AROUND]
    neighbours = ring.sum(axis=1)
    crossings = ((ring == 0) & (np.roll(ring, -1, axis=1) == 1)).sum(axis=1)
    outer = (neighbours >= 2) & (neighbours <= 6) & (crossings == 1)
    up, right, down, left = (ring[:, k] == 1 for k in (0, 2, 4, 6))
    first = outer & ~(up & right & down) & ~(right & down & left)
    second = outer & ~(up & right & left) & ~(up & down & left)
    ink = looks[:, 4] == 1
    return (ink & ~first).astype(np.uint8), (ink & ~second).astype(np.uint8)
