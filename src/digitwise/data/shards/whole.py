"""Shards read into memory, as one set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from digitwise.data.shards.classes import Classes
from digitwise.data.shards.counting import count_labels
from digitwise.data.shards.form import SAMPLE, Form
from digitwise.data.shards.listing import Shard, find_shards
from digitwise.data.shards.reading import blocks, rows_of
from digitwise.data.shards.sharded import chosen
from digitwise.errors import DataError
from digitwise.images import ImageSet
from digitwise.system import memory_available

BLOCK = 4_096  # pictures
MOST = 0.5  # share of the memory available that the pictures of a set may take


def splits_of(source: str) -> tuple[list[Shard], list[Shard] | None]:
    """The shards of the training and the test pictures; without folders train and test all are training pictures.

    Raises
    ------
    DataError
        If there are none, or only one of the two folders has some.
    """
    found = {name: _found(f"{source.rstrip('/')}/{name}") for name in ("train", "test")}
    if not any(found.values()):
        return find_shards(source), None
    if missing := next((name for name, shards in found.items() if not shards), None):
        raise DataError(f"{source}: expected shards in its folders train and test, got none in {missing}")
    return found["train"], found["test"]


def _found(place: str) -> list[Shard]:
    try:
        return find_shards(place)
    except DataError:
        return []


def read_shards(source: str) -> tuple[ImageSet, ImageSet | None, tuple[str, ...]]:
    """Read a folder of shards into memory.

    Parameters
    ----------
    source : str
        Holds ``*.parquet`` or ``*.tar``, or folders ``train`` and ``test`` which do.

    Returns
    -------
    train : ImageSet
    test : ImageSet or None
    notes : tuple of str
        What was done to the pictures.

    Raises
    ------
    DataError
        If a shard is not as the others, or the pictures would take more than half of the memory available.
    """
    train, test = splits_of(source)
    form = form_of_first(train, source)
    classes = Classes.among(count_labels(train).counts, source)
    require_room([*train, *(test or [])], form, source)
    sets = [None if shards is None else read_set(shards, form, classes) for shards in (train, test)]
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


def form_of_first(shards: Sequence[Shard], source: str) -> Form:
    """The form that the first pictures decide."""
    for shard in shards:
        for block in islice(blocks(shard, SAMPLE), 1):
            if len(block):
                return Form.of(block.pictures, shard.path)
    raise DataError(f"{source}: the set is empty: expected pictures in its shards")


def require_room(shards: Sequence[Shard], form: Form, source: str) -> None:
    """Make sure that the pictures take no more than half of the memory available.

    Raises
    ------
    DataError
    """
    rows, available = sum(rows_of(shard) for shard in shards), memory_available()
    size = rows * int(np.prod(form.shape))
    if available is not None and size > MOST * available:
        raise DataError(
            f"{source}: {rows:,} pictures take {_gigabytes(size)} in memory: expected at most half of the "
            f"{_gigabytes(available)} available; train on them with --stream, or take fewer shards"
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.2f} GB"
