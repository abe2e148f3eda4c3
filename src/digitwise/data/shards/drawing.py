"""Drawing a sample of rows while their labels go by, in memory that the number of rows does not change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.data.splits import quotas
from digitwise.images import Float64, Int64


@dataclass
class Candidates:
    """The rows of one class with the smallest keys so far, and how many rows there were."""

    keys: Float64
    shards: Int64
    rows: Int64
    count: int = 0

    @classmethod
    def none(cls) -> Candidates:
        """No row yet."""
        return cls(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))

    def add(self, keys: Float64, shard: int, rows: Int64) -> None:
        """Join some rows of a shard."""
        self.count += len(rows)
        self.keys = np.concatenate([self.keys, keys])
        self.shards = np.concatenate([self.shards, np.full(len(rows), shard, np.int64)])
        self.rows = np.concatenate([self.rows, rows])

    def keep(self, most: int) -> None:
        """Let go of all but the ``most`` smallest keys."""
        best = np.argsort(self.keys, kind="stable")[:most]
        self.keys, self.shards, self.rows = self.keys[best], self.shards[best], self.rows[best]


class Draw:
    """Every row gets a random key; of each class, those with the smallest keys are drawn.

    Parameters
    ----------
    most : int
        Rows to draw in all, at most.
    seed : int
        The same one draws the same rows of the same shards.
    """

    def __init__(self, most: int, *, seed: int) -> None:
        self.most = most
        self.classes: dict[Any, Candidates] = {}
        self._rng = np.random.default_rng(seed)

    def see(self, shard: int, first: int, labels: NDArray[Any]) -> None:
        """Look at the labels (n,) of the rows of a shard from ``first`` on; rows come in order."""
        keys = self._rng.random(len(labels))
        for label in np.unique(labels):
            own = np.flatnonzero(labels == label)
            candidates = self.classes.setdefault(label.item(), Candidates.none())
            candidates.add(keys[own], shard, first + own)
            if len(candidates.keys) > 2 * self.most:
                candidates.keep(self.most)

    def drawn(self, size: int) -> dict[int, Int64]:
        """The rows drawn of each shard, sorted: ``size`` in all, of every class its share."""
        classes = [self.classes[label] for label in sorted(self.classes)]
        for candidates, share in zip(classes, quotas(np.array([c.count for c in classes]), size), strict=True):
            candidates.keep(int(share))
        shards = np.concatenate([candidates.shards for candidates in classes])
        rows = np.concatenate([candidates.rows for candidates in classes])
        return {int(shard): np.sort(rows[shards == shard]) for shard in np.unique(shards)}
