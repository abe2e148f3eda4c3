"""Images in many files: as one set in memory, or as one whose training images stay where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from digitwise.data.counting import Classes, count_labels, plain
from digitwise.errors import DataError
from digitwise.escaping import printable
from digitwise.formats.blocks import BLOCK, Block
from digitwise.formats.form import SAMPLE, Form
from digitwise.formats.listing import Shard
from digitwise.formats.room import Room
from digitwise.formats.sharded import Shards, blocks, rows_of
from digitwise.images import ImageSet, Int64, UInt8

Rows = tuple[UInt8, Int64]  # images (n, h, w, c) and labels (n,)


@dataclass(frozen=True, eq=False)
class HeldShard:
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
            raise DataError.wanted(
                self.shard.path,
                f"{self.rows:,} images as when it was opened",
                f"{row:,}",
                "leave shards alone while they are trained on",
            )


@dataclass(frozen=True, eq=False)
class ShardedSet:
    """A :class:`~digitwise.images.TrainingImages` of which no image is in memory.

    Parameters
    ----------
    parts : tuple of HeldShard
    form : Form
    classes : Classes
    class_counts : ndarray of int64, shape (n_classes,)
        Images of each class, without those left out.
    fingerprint : str
        The sha256 over the shards' names, sizes and labels, and the rows left out: the images themselves are too
        many.
    """

    parts: tuple[HeldShard, ...]
    form: Form
    classes: Classes
    class_counts: Int64
    fingerprint: str

    def __len__(self) -> int:
        return int(self.class_counts.sum())

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels (1 or 3) of each image."""
        return self.form.shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class, in label order."""
        return tuple(map(printable, self.classes.names))

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes.names)

    def rows(self, part: HeldShard, size: int) -> Iterator[Rows]:
        """The training images of one of the parts, at most ``size`` at a time, in order.

        Raises
        ------
        DataError
            If an image or a label is not as those of the set are, or the shard has changed.
        """
        for first, block in part.blocks(size):
            kept = np.ones(len(block), np.bool_)
            kept[held_among(part.held, first, len(kept)) - first] = False
            yield chosen(block, np.flatnonzero(kept), first, part.shard.path, self.form, self.classes)

    def held(self, size: int) -> Iterator[tuple[HeldShard, Rows]]:
        """The images left out, in the order of the shards, after each block whether it has some or not."""
        for part in self.parts:
            for first, block in part.blocks(size):
                own = held_among(part.held, first, len(block)) - first
                yield part, chosen(block, own, first, part.shard.path, self.form, self.classes)


def held_among(held: Int64, first: int, size: int) -> Int64:
    """Which of the rows left out are among those from ``first`` on."""
    start, stop = np.searchsorted(held, [first, first + size])
    return held[start:stop]


def chosen(block: Block, places: Int64, first: int, where: str, form: Form, classes: Classes) -> Rows:
    """Some rows of a block, whose first one is row ``first`` of a shard, as images of a set and their classes."""
    labels = classes.numbers(plain(block.labels, where)[places], where)
    everything, values = len(places) == len(block), block.images
    if not everything:
        values = [values[place] for place in places] if isinstance(values, list) else values[places]
    images = form.images(values, where, (first + places).tolist())
    return (images if images.ndim == 4 else images[..., None]), labels


def read_shards(train: Shards, test: Shards | None) -> tuple[ImageSet, ImageSet | None, tuple[str, ...]]:
    """Read shards into memory.

    Returns
    -------
    train : ImageSet
    test : ImageSet or None
    notes : tuple of str
        What was done to the images.

    Raises
    ------
    DataError
        If a shard is not as the others, or the images would take more than half of the memory available.
    """
    form = form_of_first(train)
    classes = Classes.among(count_labels(train.shards).counts, train.where)
    require_room([*train.shards, *(test.shards if test else ())], form, train.where)
    sets = [None if part is None else read_set(part.shards, form, classes) for part in (train, test)]
    assert sets[0] is not None
    return sets[0], sets[1], form.notes


def read_set(shards: Sequence[Shard], form: Form, classes: Classes) -> ImageSet:
    """Read shards into memory, in their order."""
    rows = [rows_of(shard) for shard in shards]
    height, width, channels = form.shape
    images = np.empty((sum(rows), height, width, channels), np.uint8)
    labels = np.empty(sum(rows), np.int64)
    done = 0
    for shard in shards:
        first = 0
        for block in blocks(shard, BLOCK, labels=True):
            size = len(block)
            own = chosen(block, np.arange(size), first, shard.path, form, classes)
            images[done : done + size], labels[done : done + size] = own
            first, done = first + size, done + size
    return ImageSet(images if channels == 3 else images[..., 0], labels, classes.names)


def form_of_first(train: Shards) -> Form:
    """The form that the first images decide."""
    for shard in train.shards:
        for block in islice(blocks(shard, SAMPLE), 1):
            if len(block):
                return Form.of(block.images, shard.path)
    raise DataError(f"{train.where}: the set is empty: expected images in its shards")


def require_room(shards: Sequence[Shard], form: Form, source: str) -> None:
    """Make sure that the images take no more memory than they may, see :class:`digitwise.formats.room.Room`.

    Raises
    ------
    DataError
    """
    rows, sizes = sum(rows_of(shard) for shard in shards), [shard.size for shard in shards]
    room = Room(source, sum(sizes) if all(sizes) else None, "train by digitwise train --stream, take fewer shards")
    room.require(rows * int(np.prod(form.shape)), f"{rows:,} images take")
