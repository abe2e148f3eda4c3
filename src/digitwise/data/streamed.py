"""A data set whose training images stay in their shards; those to validate and to test with are in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from digitwise.addresses import is_address
from digitwise.data.counting import Classes, Told, count_labels
from digitwise.data.sharded import HeldShard, ShardedSet, form_of_first, read_set, require_room
from digitwise.data.splits import VALIDATION_SIZE, split_validation, validation_size
from digitwise.errors import DataError, RunError
from digitwise.formats.blocks import BLOCK
from digitwise.formats.listing import Shard
from digitwise.formats.sharded import Shards, splits
from digitwise.images import Dataset, ImageSet, Splits, check_fit

NONE = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class StreamedDataset:
    """What a :class:`~digitwise.images.Dataset` is to a training in memory.

    Parameters
    ----------
    name, source : str
    train : ShardedSet
        Without the validation images.
    validation, test : ImageSet
    notes : tuple of str
    loaded : dict of str to str
        As in :class:`~digitwise.images.Dataset`.
    """

    name: str
    source: str
    train: ShardedSet
    validation: ImageSet
    test: ImageSet
    notes: tuple[str, ...] = ()
    loaded: Mapping[str, str] = field(default_factory=dict)

    embedded = False
    patch = None

    def __post_init__(self) -> None:
        check_fit(self.name, self.train, self.test)

    @property
    def fingerprint(self) -> dict[str, str]:
        """The sha256 of each split."""
        return {"train": self.train.fingerprint, "test": self.test.fingerprint}


AnyDataset = Dataset | StreamedDataset


def in_memory(dataset: AnyDataset, what: str) -> Dataset:
    """A data set whose training images are at hand.

    Raises
    ------
    RunError
        If they are not, because the run was trained from shards; ``what`` needs them.
    """
    if not isinstance(dataset, Dataset):
        raise RunError(
            f"{what} needs all training images in memory, expected a run trained so, got one trained with --stream; "
            f"train again without it"
        )
    return dataset


def training_splits(dataset: AnyDataset, *, size: int | None, seed: int) -> Splits:
    """What to train on, and what to validate with: split off now, or put aside when the set was opened."""
    if isinstance(dataset, StreamedDataset):
        return Splits(dataset.train, dataset.validation)
    return split_validation(dataset.train, size=size, seed=seed)


def open_streamed(
    source: str,
    *,
    validation: int | None = None,
    seed: int = 0,
    label_column: str | None = None,
    told: Told | None = None,
) -> StreamedDataset:
    """Open a folder of shards to train on without holding the training images.

    One pass over the labels counts classes and draws the validation images, of every class its share; a second one
    over all images fetches these and finds what is wrong with any before the training begins.

    Parameters
    ----------
    source : str
        Folder, or any place that fsspec knows, with ``train`` and ``test`` that hold Parquet or tar shards.
    validation : int, optional
        Images to validate with, by default as for any set.
    seed : int
        Of their draw.
    label_column : str, optional
        As for :func:`digitwise.data.load`.
    told : callable, optional
        Called with what is done, how many of how many.

    Raises
    ------
    DataError
        If there is no ``train`` or no ``test``, or a shard is not as the others.
    """
    told = told or (lambda what, done, of: None)
    found = splits(source, label_column)
    if "test" not in found:
        raise DataError(
            f"{source}: expected folders train and test with shards in each, to train without holding the images; "
            f"put some shards aside as test"
        )
    train = Shards([_everywhere(shard) for shard in found["train"].shards], source)
    test = found["test"].shards
    form = form_of_first(train)
    require_room(test, form, source)
    counted = count_labels(train.shards, validation or VALIDATION_SIZE, seed=seed, told=told)
    classes = Classes.among(counted.counts, source)
    size = validation_size(sum(counted.rows), len(classes.names), validation)
    held = counted.draw.drawn(size)
    parts = [
        HeldShard(shard, rows, held.get(number, NONE))
        for number, (shard, rows) in enumerate(zip(train.shards, counted.rows, strict=True))
    ]
    labels = [str(label) if classes.numbered else label for label in counted.counts]
    totals = dict(zip(labels, counted.counts.values(), strict=True))
    whole = ShardedSet(tuple(parts), form, classes, np.array([totals.get(name, 0) for name in classes.names]), "")
    images = _collect(whole, told)
    remaining = ShardedSet(
        whole.parts, form, classes, whole.class_counts - images.class_counts, _fingerprint(whole, counted.digest)
    )
    notes, loaded = (*train.notes, *form.notes), {} if label_column is None else {"label_column": label_column}
    return StreamedDataset(source, source, remaining, images, read_set(test, form, classes), notes, loaded)


def _everywhere(shard: Shard) -> Shard:
    """The shard by a path that holds in other processes too, whatever folder they run in."""
    return shard if is_address(shard.path) else replace(shard, path=str(Path(shard.path).absolute()))


def _collect(train: ShardedSet, told: Told) -> ImageSet:
    images, labels, of, part = [], [], len(train.parts), None
    for current, (more, classes) in train.held(BLOCK):
        if current is not part:
            part = current
            told("fetching validation images", train.parts.index(part), of)
        images.append(more)
        labels.append(classes)
    together = np.concatenate(images)
    return ImageSet(together if together.shape[3] == 3 else together[..., 0], np.concatenate(labels), train.class_names)


def _fingerprint(train: ShardedSet, labels: str) -> str:
    digest = hashlib.sha256(repr((train.image_shape, train.class_names, labels)).encode())
    for part in train.parts:
        digest.update(repr((part.shard.path.rsplit("/", 1)[-1], part.shard.size, part.rows)).encode())
        digest.update(part.held.tobytes())
    return digest.hexdigest()
