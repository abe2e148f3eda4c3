"""Numbers of a stream as pixels: what the first pictures say of their range holds for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.data.labels import as_pixels
from digitwise.decoding.values import white_of
from digitwise.errors import DataError
from digitwise.images import UInt8


class Pixels:
    """Turns blocks of numbers into pictures.

    Parameters
    ----------
    where : str
        The file, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.white: float | None = None  # when a picture has told

    def __call__(self, values: NDArray[Any]) -> UInt8:
        """Pictures uint8 (n, h, w) or (n, h, w, 3) from numbers of that shape, (n, h, w, 1) or (n, square).

        Raises
        ------
        DataError
            If they are no pixels, as negative ones are not, or exceed the range that earlier ones had.
        """
        if values.dtype == np.uint8 or values.dtype.kind not in "uif" or not values.size:
            return as_pixels(values, self.where)
        low, high = float(values.min()), float(values.max())
        if low < 0:
            raise DataError(
                f"{self.where}: expected pixels 0 to 1 or 0 to 255, got {low:g} to {high:g}; undo any standardisation"
            )
        if self.white is None and high > 0:
            self.white = _white(values.dtype, high)
        white = self.white or 1.0
        if high > white:
            raise DataError(f"{self.where}: expected pixels up to {white:g}, as those before, got {high:g}")
        return as_pixels(values if white == 1 else (values * (255 / white)).round().astype(_kept(values)), self.where)


def _white(dtype: np.dtype[Any], high: float) -> float:
    if dtype.kind == "f" and high <= 1:
        return 1.0
    return white_of(high) if dtype.kind == "u" and high > 255 else 255.0


def _kept(values: NDArray[Any]) -> type:
    """Whole numbers, which are not taken for shares of white; but NaN and infinity must still be seen as such."""
    return np.int64 if np.isfinite(values).all() else np.float64
