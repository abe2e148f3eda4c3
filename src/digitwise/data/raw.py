"""Data as it is stored, before anything refuses it: what ``digitwise check`` looks at.

:func:`digitwise.data.load` stops at the first thing that cannot be trained on; here all of it comes through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.data import has_shards, load
from digitwise.data.folders import POLARITY_SAMPLE, class_folders, stack
from digitwise.data.idx import idx_roles, is_idx, read_idx
from digitwise.data.sources import NAMES
from digitwise.data.tables import csv_numbers, npz_arrays
from digitwise.decoding import SUFFIXES, decode, open_picture
from digitwise.errors import DataError
from digitwise.files import expanded
from digitwise.fitting import common_size, is_dark_on_light
from digitwise.images import Dataset, ImageSet, UInt8


@dataclass(frozen=True, eq=False)
class Raw:
    """One split as it is stored.

    Parameters
    ----------
    pixels : ndarray, shape (n, h, w) or (n, h, w, 3)
        Of any numeric dtype and range; perhaps mapped from disk. Those of a folder are decoded, brought to one size
        and turned light on dark, as :func:`~digitwise.data.load` does.
    labels : ndarray, shape (n,) or one-hot (n, k), optional
        Of any dtype; None for pictures without labels.
    class_names : tuple of str, optional
        Where the source has them.
    files : tuple of str
        The file of each picture, for folders.
    unreadable : tuple of (str, str)
        Files that are no picture, and why.
    inverted : bool
        Whether the pictures were turned round on reading.
    """

    pixels: NDArray[Any]
    labels: NDArray[Any] | None
    class_names: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    inverted: bool = False


def read_raw(data: str | Path) -> dict[str, Raw]:
    """Read a data set without judging it.

    Parameters
    ----------
    data : str or Path
        What :func:`digitwise.data.load` takes; besides, pictures without labels: a folder with the pictures in it, an
        ``.npz`` with ``images`` only, IDX files of images only.

    Returns
    -------
    dict of str to Raw
        ``train``, and ``test`` where the source has one: nothing is held out here.

    Raises
    ------
    DataError
        If there is nothing that could be read as pictures.
    """
    path = expanded(data)
    if (not isinstance(data, Path) and data in NAMES) or not path.exists():
        return _loaded(load(data))
    if path.is_dir():
        if any(is_idx(file) for file in path.iterdir() if file.is_file()):
            return _idx(path)
        return _loaded(load(path)) if (path / "mnist").is_dir() or has_shards(path) else _folder(path)
    if path.suffix.lower() == ".npz":
        return _npz(path)
    if path.suffix.lower() == ".csv":
        table = csv_numbers(path)
        return {"train": Raw(_pictures(_whole(table[:, 1:]), str(path)), table[:, 0])}
    return _loaded(load(path))  # which says what was expected


def _loaded(dataset: Dataset) -> dict[str, Raw]:
    def raw(split: ImageSet) -> Raw:
        return Raw(split.images, split.labels, split.class_names)

    return {"train": raw(dataset.train), "test": raw(dataset.test)}


def _idx(folder: Path) -> dict[str, Raw]:
    roles = idx_roles(folder)
    found = {}
    for split in ("train", "test"):
        if images := roles.get(f"{split} images"):
            labels = roles.get(f"{split} labels")
            pixels = _pictures(read_idx(images, mapped=True), str(images))
            found[split] = _matched(pixels, None if labels is None else _idx_labels(labels), str(folder))
    if "train" not in found:
        raise DataError(f"{folder}: expected an IDX file of training images, named so; got none")
    return found


def _idx_labels(file: Path) -> NDArray[Any]:
    values = read_idx(file)
    return values[:, 0] if values.ndim == 2 else values  # QMNIST: class, NIST class, writer, … of each digit


def _npz(path: Path) -> dict[str, Raw]:
    arrays = npz_arrays(path)
    names = tuple(str(name) for name in np.atleast_1d(arrays["class_names"])) if "class_names" in arrays else None
    found = {}
    for split, images, labels in (
        ("train", "x_train", "y_train"),
        ("test", "x_test", "y_test"),
        ("train", "images", "labels"),
    ):
        if images in arrays and split not in found:
            pixels = _pictures(arrays[images], f"{path}, {images}")
            found[split] = _matched(pixels, arrays.get(labels), f"{path}, {labels}", names)
    if "train" not in found:
        raise DataError(f"{path}: expected arrays x_train or images, got {', '.join(arrays) or 'none'}")
    return found


def _matched(
    pixels: NDArray[Any], labels: NDArray[Any] | None, where: str, names: tuple[str, ...] | None = None
) -> Raw:
    if labels is not None and labels.ndim not in (1, 2):
        raise DataError(f"{where}: expected labels (n,) or one-hot rows, got shape {labels.shape}")
    if labels is not None and len(labels) != len(pixels):
        raise DataError(f"{where}: {len(pixels)} images but {len(labels)} labels: expected one label an image")
    return Raw(pixels, labels[:, 0] if labels is not None and labels.shape[1:] == (1,) else labels, names)


def _whole(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers 0 to 255 that a table holds as floats, as uint8; others as they are."""
    whole = np.isfinite(values).all() and values.min() >= 0 and values.max() <= 255 and (values == values.round()).all()
    return values.astype(np.uint8) if whole else values


def _pictures(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Flat rows as squares, a lone channel dropped."""
    if values.dtype.kind not in "buif" or not values.size:
        raise DataError(f"{where}: expected numbers as pixels, got {values.dtype} of shape {values.shape}")
    if values.ndim == 2:
        side = math.isqrt(values.shape[1])
        values = values.reshape(-1, side, side) if side * side == values.shape[1] else values
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim == 3 or (values.ndim == 4 and values.shape[3] == 3):
        return values
    raise DataError(f"{where}: expected shape (n, h, w), (n, h, w, 3) or (n, square), got {values.shape}")


def _folder(path: Path) -> dict[str, Raw]:
    """Pictures by class, perhaps under ``train`` and ``test``, or all in one folder without labels."""
    has_test = (path / "train").is_dir() and (path / "test").is_dir()
    roots = {"train": path / "train", "test": path / "test"} if has_test else {"train": path}
    classes = _class_names(roots)
    opened = {split: _opened(root, classes) for split, root in roots.items()}
    unreadable = {
        split: [(f"{split}/{name}" if has_test else name, why) for name, why in each.unreadable]
        for split, each in opened.items()
    }
    if not opened["train"].pictures:
        named = ", ".join(name for name, _ in unreadable["train"][:3])
        raise DataError(
            f"{path}: expected pictures in it or in one folder a class, got none that can be read"
            + (f": {named}" if named else "")
        )
    if has_test and not opened["test"].pictures:  # there is no such split, but its files are told
        unreadable["train"] += unreadable["test"]
    everything = [picture for each in opened.values() for picture in each.pictures]
    size = common_size({picture.shape[:2] for picture in everything})
    colour = sum(picture.ndim == 3 for picture in everything) > len(everything) / 2
    stacks = {split: stack(each.pictures, size, colour=colour) for split, each in opened.items() if each.pictures}
    dark = not colour and is_dark_on_light(stacks["train"][:POLARITY_SAMPLE])
    trained = class_folders(roots["train"]) if classes else ()
    return {
        split: Raw(
            255 - pixels if dark else pixels,
            np.array(opened[split].labels, np.int64) if classes else None,
            (trained if split == "train" else classes) or None,
            tuple(opened[split].files),
            tuple(unreadable[split]),
            inverted=dark,
        )
        for split, pixels in stacks.items()
    }


def _class_names(roots: dict[str, Path]) -> tuple[str, ...]:
    """The classes of training, then those that only the test set has; none for a folder of pictures.

    Raises
    ------
    DataError
        If there is but one class folder.
    """
    names = class_folders(roots["train"])
    if len(names) < 2 and _loose(roots["train"]):
        return ()
    if len(names) == 1:
        raise DataError(f"{roots['train']}: expected a folder for each class (two or more), got 1")
    strangers = class_folders(roots["test"]) if "test" in roots and names else ()
    return (*names, *(name for name in strangers if name not in names))


@dataclass(frozen=True)
class Opened:
    """Pictures, labels and files of a split, and what could not be read."""

    pictures: list[UInt8]
    labels: list[int]
    files: list[str]
    unreadable: list[tuple[str, str]]


def _opened(root: Path, classes: tuple[str, ...]) -> Opened:
    found = Opened([], [], [], [])
    for label, file in _listed(root, classes):
        name = _printable(file.relative_to(root))
        try:
            if file.suffix.lower() not in SUFFIXES:
                raise DataError(f"not a picture: expected {', '.join(sorted(SUFFIXES))}")
            found.pictures.append(open_picture(file, decode=decode).picture)
        except DataError as error:
            found.unreadable.append((name, _printable(str(error).removeprefix(f"{file}: "))))
        else:
            found.labels.append(label)
            found.files.append(name)
    if classes:
        found.unreadable.extend((_printable(file.name), "a picture in no class folder") for file in _loose(root))
    return found


def _listed(root: Path, classes: tuple[str, ...]) -> Iterator[tuple[int, Path]]:
    for label, folder in enumerate([root / name for name in classes] or [root]):
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            if file.is_file() and not file.name.startswith(".") and file.name not in ("Thumbs.db", "desktop.ini"):
                yield label, file


def _loose(root: Path) -> list[Path]:
    """Pictures beside the class folders."""
    return sorted(file for file in root.iterdir() if file.is_file() and file.suffix.lower() in SUFFIXES)


def _printable(name: str | Path) -> str:
    """A file name that can be printed and stored, also where it is no UTF-8."""
    return str(name).encode("utf-8", "backslashreplace").decode()
