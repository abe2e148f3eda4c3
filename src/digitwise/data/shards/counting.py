"""One pass over the labels of shards, before any picture is looked at."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.data.shards.classes import Classes, plain
from digitwise.data.shards.drawing import Draw
from digitwise.data.shards.listing import Shard
from digitwise.data.shards.reading import labels_of
from digitwise.errors import DataError

Told = Callable[[str, int, int], None]  # what is done, how many shards are, of how many
KINDS = {"i": "whole numbers", "U": "names"}


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
        Told about the progress.

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
                raise DataError(
                    f"{shard.path}: expected {KINDS[kind]} as labels, as the first shard has, "
                    f"got {KINDS[labels.dtype.kind]}"
                )
            values, sizes = np.unique(labels, return_counts=True)
            counts.update(dict(zip(values.tolist(), sizes.tolist(), strict=True)))
            Classes.among(counts, shard.path)  # refuses row numbers now: to draw of each would take for ever
            draw.see(number, first, labels)
            digest.update(repr(labels.tolist()).encode())
            first += len(labels)
        rows.append(first)
    return Counted(tuple(rows), counts, draw, digest.hexdigest())
