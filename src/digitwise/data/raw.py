"""Data as it is stored, before anything refuses it: what ``digitwise check`` looks at.

:func:`digitwise.data.load` stops at the first thing that cannot be trained on; here all of it comes through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.data import read_labelled
from digitwise.data.arrays import is_path, is_place, labelled_of, name_of
from digitwise.data.counting import Classes
from digitwise.data.labelled import Labelled
from digitwise.data.sharded import require_room
from digitwise.errors import DataError, about
from digitwise.escaping import printable
from digitwise.files import expanded
from digitwise.formats import BLOCK, Block, Stored, open_splits
from digitwise.formats.csv import Csv
from digitwise.formats.folder import READS, Folder
from digitwise.formats.form import Form, decoded
from digitwise.formats.objects import Held, object_splits
from digitwise.formats.sharded import Shards, blocks
from digitwise.formats.values import Scale, shaped, whole
from digitwise.images import Dataset, ImageSet, UInt8
from digitwise.progress import each_of


@dataclass(frozen=True, eq=False)
class Raw:
    """One split as it is stored.

    Parameters
    ----------
    pixels : ndarray, shape (n, h, w) or (n, h, w, 3)
        Of any numeric dtype and range; perhaps mapped from disk. Those of a folder are decoded, brought to one size
        and turned light on dark, as :func:`~digitwise.data.load` does.
    labels : ndarray, shape (n,) or one-hot (n, k), optional
        Of any dtype; None for images without labels.
    class_names : tuple of str, optional
        Where the source has them.
    files : tuple of str
        The file of each image, printable, for folders; of shards the file and the row.
    unreadable : tuple of (str, str)
        Files that are no image, and why.
    inverted : bool
        Whether the images were turned round on reading.
    """

    pixels: NDArray[Any]
    labels: NDArray[Any] | None
    class_names: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    inverted: bool = False


def read_raw(data: object, *, label_column: str | None = None) -> dict[str, Raw]:
    """Read a data set without judging it.

    Parameters
    ----------
    data : str, Path or object
        What :func:`digitwise.data.load` takes; besides, images without labels: a folder with the images in it, an
        ``.npz`` with ``images`` only, IDX files of images only, an array.
    label_column : str, optional
        As there.

    Returns
    -------
    dict of str to Raw
        ``train``, and ``test`` where the source has one: nothing is held out here.

    Raises
    ------
    DataError
        If there is nothing that could be read as images.
    """
    with about(data if is_path(data) else None, argument="data"):
        return _read(data, label_column) if is_place(data) else _held(data, label_column)


def _read(data: str | Path, label_column: str | None) -> dict[str, Raw]:
    path = expanded(data)
    if not is_path(data) or not path.exists():
        return _loaded(read_labelled(data, label_column=label_column))
    if path.is_dir() and (path / "mnist").is_dir():
        return _loaded(read_labelled(path, label_column=label_column))
    found = open_splits(path, label_column=label_column)
    train = found["train"]
    if isinstance(train, Shards):
        if not _holds_files(train):
            return _loaded(read_labelled(path, label_column=label_column))
        _require_room(train, found.get("test"))
    if isinstance(train, Folder | Shards):
        return _files(str(path), found)
    return {split: _arrays(stored) for split, stored in found.items()}


def _held(data: object, label_column: str | None) -> dict[str, Raw]:
    if isinstance(data, Dataset | ImageSet | Labelled):
        return _loaded(labelled_of(data, label_column=label_column))
    found = object_splits(data, label_column=label_column)
    if isinstance(found["train"].values, list):
        return _files(name_of(data), found)
    return {split: _arrays(stored) for split, stored in found.items()}


def _loaded(found: Labelled) -> dict[str, Raw]:
    def raw(split: ImageSet) -> Raw:
        return Raw(split.images, split.labels, split.class_names)

    return {"train": raw(found.train)} | ({} if found.test is None else {"test": raw(found.test)})


def _holds_files(shards: Shards) -> bool:
    return isinstance(next((block.images for block in shards.blocks(1)), None), list)


def _require_room(train: Shards, test: Stored | None) -> None:
    """Make sure that the images, as large as the first that can be read, take no more than half of the memory.

    Raises
    ------
    DataError
    """
    for file in (file for block in train.blocks() for file in block.images):
        with suppress(DataError):
            (image,) = decoded([file], train.where, [0])
            form = Form(image.shape[:2], image.ndim == 3, encoded=True)
            break
    else:
        return
    require_room([*train.shards, *(test.shards if isinstance(test, Shards) else ())], form, train.where)


def _arrays(stored: Stored) -> Raw:
    """Numbers as they are stored, but flat rows as squares."""
    block = stored.whole(mapped=True)
    assert not isinstance(block.images, list)
    if block.images.dtype.kind not in "buif" or not block.images.size:
        got = f"{block.images.dtype} of shape {block.images.shape}"
        raise DataError.wanted(stored.where, "numbers as pixels", got)
    labels = None if block.labels is None else np.asarray(block.labels)
    pixels = shaped(block.images, stored.where)
    if isinstance(stored, Held) and (scale := Scale.of_counts(pixels)):
        pixels = scale.pixels(pixels)
    return Raw(whole(pixels) if isinstance(stored, Csv) else pixels, labels, stored.class_names)


def _files(where: str, found: Mapping[str, Stored]) -> dict[str, Raw]:
    opened = {split: _opened(stored) for split, stored in found.items()}
    train, test = opened["train"], opened.get("test")
    unreadable = {
        split: [(name if test is None else f"{split}/{name}", why) for name, why in each.unreadable]
        for split, each in opened.items()
    }
    if not train.images:
        named = ", ".join(name for name, _ in unreadable["train"][:3])
        raise DataError(
            f"{where}: expected images in it or in one folder a class, got none that can be read"
            + (f": {named}" if named else "")
        )
    if test is not None and not test.images:  # there is no such split, but its files are reported
        unreadable["train"] += unreadable["test"]
    form = Form.of_files(train.images, test.images if test else None)
    classes = _classes(found, opened)
    return {
        split: Raw(
            form.fitted(each.images),
            np.array([_place(label, classes[split]) for label in each.labels], np.int64) if classes[split] else None,
            classes[split] or None,
            tuple(each.files),
            tuple(unreadable[split]),
            inverted=form.dark,
        )
        for split, each in opened.items()
        if each.images
    }


def _place(label: str, classes: tuple[str, ...]) -> int:
    return classes.index(label) if label in classes else -1


def _classes(found: Mapping[str, Stored], opened: Mapping[str, _Opened]) -> dict[str, tuple[str, ...]]:
    """The classes of each split: its own; else those of the training labels, then those that only it has."""
    if isinstance(found["train"], Folder | Held):
        return {split: stored.class_names or () for split, stored in found.items()}
    classes = Classes.among(opened["train"].told, found["train"].where).names
    strangers = {split: set(each.labels) - set(classes) for split, each in opened.items()}
    return {split: (*classes, *sorted(others)) for split, others in strangers.items()}


@dataclass(frozen=True)
class _Opened:
    """Images, labels and files of a split, and what could not be read."""

    images: list[UInt8]
    told: list[Any]  # labels as they are stored
    files: list[str]
    unreadable: list[tuple[str, str]]

    @property
    def labels(self) -> list[str]:
        return [str(label) for label in self.told]


def _opened(stored: Stored) -> _Opened:
    found = _Opened([], [], [], [])
    for where, parts in _files_of(stored):
        first = 0
        for block in parts:
            labels = [""] * len(block) if block.labels is None else np.asarray(block.labels).tolist()
            files = each_of(block.images, "reading the images")
            for place, (file, label) in enumerate(zip(files, labels, strict=True)):
                name = printable(where + (block.names[place] if block.names else f"row {first + place}"))
                try:
                    if place in block.errors:
                        raise DataError(block.errors[place])
                    found.images.extend(decoded([file], where, [first + place]))
                except DataError as error:
                    reason = str(error).removeprefix(f"{file}: ").removeprefix(f"{where}, image {first + place}: ")
                    found.unreadable.append((name, printable(reason)))
                else:
                    found.told.append(label)
                    found.files.append(name)
            first += len(block)
    if isinstance(stored, Folder):
        found.unreadable.extend((printable(file.name), "an image in no class folder") for file in stored.loose())
        found.unreadable.extend((link, f"a link that leads out of the folder; {READS}") for link in stored.links())
    return found


def _files_of(stored: Stored) -> Iterator[tuple[str, Iterator[Block]]]:
    """What stands before the name of each image, and the blocks, of each shard or of all."""
    if isinstance(stored, Shards):
        for shard in stored.shards:
            yield f"{Path(shard.path).name}, ", blocks(shard, BLOCK, labels=True)
    else:
        yield "", stored.blocks(labels=stored.labelled)
