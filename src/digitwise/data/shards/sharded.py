"""Training pictures that stay in their shards: what is known of them, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from digitwise.data.shards.classes import Classes, plain
from digitwise.data.shards.form import Form
from digitwise.data.shards.listing import Shard
from digitwise.data.shards.reading import Block, blocks
from digitwise.errors import DataError
from digitwise.images import Int64, UInt8

Rows = tuple[UInt8, Int64]  # pictures (n, h, w, c) and labels (n,)


@dataclass(frozen=True, eq=False)
class Part:
    """A shard of a set.

    Parameters
    ----------
    shard : Shard
    rows : int
    held : ndarray of int64, shape (k,)
        Rows that are left out because they validate, sorted.
    """

    shard: Shard
    rows: int
    held: Int64

    def blocks(self, size: int) -> Iterator[tuple[int, Block]]:
        """All rows, ``size`` at a time, each block with the number of its first row.

        Raises
        ------
        DataError
            If there are others than when the set was opened.
        """
        row = 0
        for block in blocks(self.shard, size, labels=True):
            yield row, block
            row += len(block)
        if row != self.rows:
            raise DataError(
                f"{self.shard.path}: expected {self.rows:,} pictures as when it was opened, got {row:,}; "
                f"leave shards alone while they are trained on"
            )


@dataclass(frozen=True, eq=False)
class ShardedSet:
    """A :class:`~digitwise.images.TrainingPictures` of which no picture is in memory.

    Parameters
    ----------
    parts : tuple of Part
    form : Form
    classes : Classes
    class_counts : ndarray of int64, shape (n_classes,)
        Pictures of each class, without those left out.
    fingerprint : str
        The sha256 over the shards' names, sizes and labels, and the rows left out: the pictures themselves are too
        many.
    """

    parts: tuple[Part, ...]
    form: Form
    classes: Classes
    class_counts: Int64
    fingerprint: str

    def __len__(self) -> int:
        return int(self.class_counts.sum())

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels (1 or 3) of each picture."""
        return self.form.shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class, in label order."""
        return self.classes.names

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes.names)

    def rows(self, part: Part, size: int) -> Iterator[Rows]:
        """The training pictures of one of the parts, at most ``size`` at a time, in order.

        Raises
        ------
        DataError
            If a picture or a label is not as those of the set are, or the shard has changed.
        """
        for first, block in part.blocks(size):
            kept = np.ones(len(block), np.bool_)
            kept[held_among(part.held, first, len(kept)) - first] = False
            yield chosen(block, np.flatnonzero(kept), first, part.shard.path, self.form, self.classes)

    def held(self, size: int) -> Iterator[tuple[Part, Rows]]:
        """The pictures left out, in the order of the shards, after each block whether it has some or not."""
        for part in self.parts:
            for first, block in part.blocks(size):
                own = held_among(part.held, first, len(block)) - first
                yield part, chosen(block, own, first, part.shard.path, self.form, self.classes)


def held_among(held: Int64, first: int, size: int) -> Int64:
    """Which of the rows left out are among those from ``first`` on."""
    start, stop = np.searchsorted(held, [first, first + size])
    return held[start:stop]


def chosen(block: Block, places: Int64, first: int, where: str, form: Form, classes: Classes) -> Rows:
    """Some rows of a block, whose first one is row ``first`` of a shard, as pictures of a set and their classes."""
    labels = classes.numbers(plain(block.labels, where)[places], where)
    everything, pictures = len(places) == len(block), block.pictures
    if not everything:
        pictures = [pictures[place] for place in places] if isinstance(pictures, list) else pictures[places]
    images = form.images(pictures, where, (first + places).tolist())
    return (images if images.ndim == 4 else images[..., None]), labels
