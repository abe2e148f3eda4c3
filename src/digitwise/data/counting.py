"""One pass over the labels of shards, before any image is looked at: the classes, and a sample of rows to validate by.

Memory does not grow with the number of rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.data.splits import quotas
from digitwise.errors import DataError
from digitwise.formats.listing import Shard
from digitwise.formats.sharded import labels_of
from digitwise.formats.values import as_labels
from digitwise.images import Float64, Int64

MANY = 10_000  # classes; more are no classes but, say, row numbers
Told = Callable[[str, int, int], None]  # what is done, how many shards are, of how many
KINDS = {"i": "whole numbers", "U": "names"}


def plain(labels: Sequence[Any] | NDArray[Any] | None, where: str) -> NDArray[Any]:
    """Labels of a block as int64 or as text, shape (n,).

    Raises
    ------
    DataError
        If there are none, one is missing, or they are neither whole numbers nor text.
    """
    if labels is None:
        raise DataError.wanted(where, "a label for each image", "none")
    if isinstance(labels, list) and (None in labels):
        raise DataError.wanted(where, "a label for each image", f"none for image {labels.index(None)}")
    if isinstance(labels, list) and len({isinstance(label, str) for label in labels}) > 1:
        raise DataError.wanted(where, "labels that are all numbers or all names", "both")
    values = np.asarray(labels)
    return values if values.dtype.kind == "U" else as_labels(values, where)


@dataclass(frozen=True)
class Classes:
    """What labels mean.

    Parameters
    ----------
    names : tuple of str
        The name of each class, in label order.
    numbered : bool
        Whether labels are class numbers; else they are names.
    """

    names: tuple[str, ...]
    numbered: bool

    @classmethod
    def among(cls, labels: Iterable[Any], where: str) -> Classes:
        """The classes of all labels of a training set, either whole numbers or text.

        Numbers stand for 0 to the highest one. Names are sorted, as numbers where all are such.

        Raises
        ------
        DataError
            If there are very many.
        """
        found = set(labels)
        numbered = all(isinstance(label, int) for label in found)
        most = max(found, default=-1) + 1 if numbered else len(found)
        if most > MANY:
            raise DataError.wanted(where, f"labels of at most {MANY:,} classes", f"{most:,}", "check the label column")
        if numbered:
            return cls(tuple(str(i) for i in range(most)), numbered=True)
        decimal = all(name.isdecimal() for name in found)
        return cls(tuple(sorted(found, key=(lambda n: (int(n), n)) if decimal else None)), numbered=False)

    def numbers(self, labels: NDArray[Any], where: str) -> Int64:
        """Class numbers, int64 of shape (n,), of what :func:`plain` gave.

        Raises
        ------
        DataError
            If a label is no class.
        """
        values, places = np.unique(labels, return_inverse=True)
        meant: Iterable[Any] = range(len(self.names)) if self.numbered else self.names
        known = {label: number for number, label in enumerate(meant)}
        strange = next((value for value in values.tolist() if value not in known), None)
        if strange is not None:
            few = ", ".join(self.names[:5]) + (", …" if len(self.names) > 5 else "")
            raise DataError.wanted(where, f"labels of the training set ({few})", repr(strange))
        return np.array([known[value] for value in values.tolist()], np.int64)[places.reshape(-1)]


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


@dataclass(frozen=True, eq=False)
class Counted:
    """What the labels of shards tell.

    Parameters
    ----------
    rows : tuple of int
        Of each shard.
    counts : Counter
        Of each label, int or str.
    draw : Draw
        That saw all rows.
    digest : str
        The sha256 over all labels.
    """

    rows: tuple[int, ...]
    counts: Counter[Any]
    draw: Draw
    digest: str


def count_labels(shards: Sequence[Shard], most: int = 1, *, seed: int = 0, told: Told | None = None) -> Counted:
    """Count the labels of training shards, and draw among their rows.

    Parameters
    ----------
    shards : sequence of Shard
    most : int
        Rows that may be drawn.
    seed : int
        Of the draw.
    told : callable, optional
        Called with what is done, how many of how many.

    Raises
    ------
    DataError
        If a label is missing, or is text where those before are numbers, or there are very many different ones.
    """
    kind: str | None = None
    rows, counts, draw, digest = [], Counter[Any](), Draw(most, seed=seed), hashlib.sha256()
    for number, shard in enumerate(shards):
        if told is not None:
            told("counting labels", number, len(shards))
        first = 0
        for block in labels_of(shard):
            labels = plain(block, shard.path)
            kind = kind or labels.dtype.kind
            if labels.dtype.kind != kind:
                raise DataError.wanted(
                    shard.path, f"{KINDS[kind]} as labels, as the first shard has", KINDS[labels.dtype.kind]
                )
            values, sizes = np.unique(labels, return_counts=True)
            counts.update(dict(zip(values.tolist(), sizes.tolist(), strict=True)))
            Classes.among(counts, shard.path)  # refuses row numbers now: to draw of each would take for ever
            draw.see(number, first, labels)
            digest.update(repr(labels.tolist()).encode())
            first += len(labels)
        rows.append(first)
    return Counted(tuple(rows), counts, draw, digest.hexdigest())
