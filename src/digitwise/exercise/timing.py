"""How long a stranger's process has worked, whatever else its machine does, and how slow this machine is."""

from __future__ import annotations

import time

import numpy as np

WINDOW_SECONDS = 1.0  # a system counts processor time in steps of 10 ms; a look each 0.2 s would see few of them
IDLE_SHARE = 0.1  # of a core: with less a process waits of its own accord, as far as can be told from outside
# One product of two 1024 x 1024 matrices in float32 on one core of an Intel Xeon with AVX-512, by OpenBLAS.
SIDE, REFERENCE_SECONDS = 1024, 0.0165
ROUNDS = 8  # the fastest counts: whatever comes between makes a round slower, nothing makes it faster
SLOWEST = 10.0
SLOWER = 1.2  # worth telling


class Clock:
    """The time that a process has had.

    It runs with the processor time that the process and all it has started get, at most a second a second; so a
    process that waits for its turn on a busy machine is not charged for that. One that asks for next to nothing waits
    of its own accord, which counts in full, else it would never end.

    Parameters
    ----------
    now : float
        Seconds of a clock on the wall.
    processor_seconds : float
        What the process has taken before.
    """

    def __init__(self, now: float, processor_seconds: float = 0.0) -> None:
        self.seconds = 0.0
        self._looked, self._used = now, processor_seconds

    def look(self, now: float, processor_seconds: float) -> float:
        """Count on.

        Parameters
        ----------
        now : float
            Seconds of the clock on the wall.
        processor_seconds : float
            What the process and all it has started have taken so far.

        Returns
        -------
        float
            The time it has had, in seconds.
        """
        if (passed := now - self._looked) >= WINDOW_SECONDS:
            self.seconds += counted(passed, processor_seconds - self._used)
            self._looked, self._used = now, processor_seconds
        return self.seconds


def counted(passed: float, used: float) -> float:
    """How many of the seconds that have passed count, if so many of processor time were used in them."""
    return passed if used < IDLE_SHARE * passed else min(used, passed)


def slowness() -> float:
    """How many times as long as the reference a core of this machine takes; from 1 to ``SLOWEST``.

    Measured in a fifth of a second, in processor time of one thread, so that other work of this machine hardly shows.
    """
    from threadpoolctl import threadpool_limits

    matrix = np.ones((SIDE, SIDE), np.float32)
    seconds = []
    with threadpool_limits(1):
        for _ in range(ROUNDS):
            began = time.thread_time()
            matrix @ matrix
            seconds.append(time.thread_time() - began)
    return min(max(min(seconds) / REFERENCE_SECONDS, 1.0), SLOWEST)
