"""How sure one can be of a rate that was counted."""

from __future__ import annotations

import math

Z95 = 1.959963984540054


def wilson(count: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of a share.

    Parameters
    ----------
    count, n : int
        Successes and trials.
    z : float
        Normal quantile; the default gives 95 %.

    Returns
    -------
    (float, float)
        Bounds in [0, 1]; (0, 1) where there were no trials.

    References
    ----------
    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).

    Examples
    --------
    >>> low, high = wilson(50, 10_000)
    >>> round(low * 10_000), round(high * 10_000)
    (38, 66)
    """
    if n == 0:
        return 0.0, 1.0
    share = count / n
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)
