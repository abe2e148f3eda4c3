"""From a name or a path to a data set.

:func:`load` is the one door: whatever stands behind it, what comes out is a :class:`~digitwise.images.Dataset`.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.download import cache_folder, check_content, fetch
from digitwise.data.embedded import load_digits
from digitwise.data.folders import read_folder
from digitwise.data.idx import idx_roles, is_idx, read_idx
from digitwise.data.labels import as_labels, as_pixels
from digitwise.data.patches import read_patch
from digitwise.data.sources import EMBEDDED, SOURCES, Source, source
from digitwise.data.splits import stratified_indices
from digitwise.data.tables import Pair, read_csv, read_npz
from digitwise.errors import DataError, DataNotFoundError
from digitwise.files import expanded
from digitwise.images import Dataset, ImageSet
from digitwise.normalize import VERSION, form_of

TEST_SHARE = 0.2  # held out of a set that came without test pictures
SHARD_SUFFIXES = {".parquet", ".tar"}
TEST_SEED = 0  # fixed: the test set must not change with the seed of a training

__all__ = ["load", "load_or_embedded", "locate"]

DIGITS = tuple("0123456789")


def load(data: str | Path = "mnist", *, patch: str | Path | None = None, progress: Any = None) -> Dataset:
    """Load a data set by name or path.

    Parameters
    ----------
    data : str or Path
        A name (mnist, fashion-mnist, kmnist, qmnist, emnist-digits, digits), or a path: a folder of pictures by
        class, a folder of IDX files or one that holds ``mnist/``, an ``.npz``, a ``.csv``, Parquet or tar shards (a
        file, a folder of them, or one with ``train`` and ``test``). A named set is looked for in ``$DIGITWISE_DATA``,
        then in the user's cache, then on its mirrors.
    patch : str or Path, optional
        A label patch to apply, see :mod:`digitwise.data.patches`.
    progress : object, optional
        Told the bytes of a download; see :func:`digitwise.data.download.fetch`.

    Returns
    -------
    Dataset
        Without test pictures in the source, a fifth is held out, stratified; its notes say so.

    Raises
    ------
    DataError
        If a file is not what it should be, or the patch does not fit the data.
    DataNotFoundError
        If nothing has that name and nothing lies at that path.

    Examples
    --------
    >>> dataset = load("digits")
    >>> dataset.train.images.shape
    (1437, 28, 28)
    """
    if patch is not None:
        decisions = read_patch(patch)  # before the data: what is wrong with it is told at once
        return decisions.apply(load(data, progress=progress))
    path = expanded(data)
    if data == EMBEDDED:
        return load_digits()
    if (
        isinstance(data, Path) or data not in SOURCES
    ) and path.exists():  # a folder called mnist does not shadow the name; ./mnist does
        return _load_path(path)
    named = source(str(data))
    folder = locate(named)
    if folder is None:
        folder = fetch(named, progress=progress)
    return _load_named(named, folder)


def load_or_embedded(name: str = "mnist", *, patch: str | Path | None = None, progress: Any = None) -> Dataset:
    """Load a named set, or the embedded one where the named one is not within reach.

    The stand-in is never silent: ``embedded`` is set on what comes back, and its notes open with the reason.
    """
    try:
        return load(name, patch=patch, progress=progress)
    except DataNotFoundError as error:
        digits = load(EMBEDDED, patch=patch)
        note = f"stand-in: {error}"
        return dataclasses.replace(digits, notes=(note, *digits.notes), embedded=True)


def locate(named: Source) -> Path | None:
    """The folder on this machine that holds a named set's four files, or None."""
    places = [cache_folder() / named.name]
    if root := os.environ.get("DIGITWISE_DATA"):
        base = expanded(root)
        places = [base / named.name, *([base] if named.name == "mnist" else []), *places]
    return next((place for place in places if _has_files(named, place)), None)


def _load_path(path: Path) -> Dataset:
    if path.is_dir():
        mnist = path / "mnist"
        return _load_named(SOURCES["mnist"], mnist) if _has_files(SOURCES["mnist"], mnist) else _load_folder(path)
    if path.suffix.lower() == ".npz":
        train, test, names = read_npz(path)
        return _dataset(path, train, test, names)
    if path.suffix.lower() == ".csv":
        return _dataset(path, read_csv(path), None, None)
    if path.suffix.lower() in SHARD_SUFFIXES:
        return _load_shards(path)
    if is_idx(path):
        raise DataError(f"{path}: expected the folder that holds the IDX files, got one of them; give {path.parent}")
    raise DataError(
        f"{path}: expected a folder of pictures by class, IDX files, .npz, .csv, .parquet or .tar; "
        f"got a {path.suffix} file"
    )


def _load_folder(path: Path) -> Dataset:
    if any(is_idx(file) for file in path.iterdir() if file.is_file()):
        files = _idx_roles(path)
        test = _idx_pair(files[2:]) if len(files) == 4 else None
        return _dataset(path, _idx_pair(files[:2]), test, None)
    if has_shards(path):
        return _load_shards(path)
    train, test_set, notes = read_folder(path)
    if train.class_names == DIGITS and form_of(train.images) != VERSION:
        notes = (
            *notes,
            f"the digits are not in MNIST's form, as a reader brings them to: digitwise data normalize {path}",
        )
    return _with_test(str(path), str(path.resolve()), train, test_set, notes)


def _load_shards(path: Path) -> Dataset:
    from digitwise.data.shards.whole import read_shards

    train, test, notes = read_shards(str(path.resolve()))
    return _with_test(str(path), str(path.resolve()), train, test, notes)


def has_shards(folder: Path) -> bool:
    """Whether a folder, or its ``train``, holds Parquet or tar files."""
    places = [place for place in (folder, folder / "train") if place.is_dir()]
    return any(file.suffix.lower() in SHARD_SUFFIXES for place in places for file in place.iterdir())


def _load_named(named: Source, folder: Path) -> Dataset:
    paths = [_existing(folder, file.name) for file in named.files]
    for path, file in zip(paths, named.files, strict=True):
        if path is None:
            raise DataNotFoundError(f"{folder}: expected {file.name} of {named.name}, got nothing of that name")
        check_content(path, file)
    found = [path for path in paths if path is not None]
    sets = [ImageSet(*_oriented(named, _idx_pair(pair)), named.class_names) for pair in (found[:2], found[2:])]
    return Dataset(named.name, str(folder.resolve()), sets[0], sets[1])


def _oriented(named: Source, pair: Pair) -> Pair:
    images, labels = pair
    return (np.ascontiguousarray(images.transpose(0, 2, 1)), labels) if named.transposed else pair


def _dataset(path: Path, train: Pair, test: Pair | None, names: tuple[str, ...] | None) -> Dataset:
    highest = int(train[1].max(initial=-1))
    if names is None and highest >= max(len(train[1]), 1):
        raise DataError(f"{path}: labels out of range: expected 0, 1, 2, … for {len(train[1])} pictures, got {highest}")
    classes = names or tuple(str(i) for i in range(highest + 1))
    try:
        sets = [None if pair is None else ImageSet(*pair, classes) for pair in (train, test)]
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    assert sets[0] is not None
    return _with_test(str(path), str(path.resolve()), sets[0], sets[1], ())


def _with_test(name: str, where: str, train: ImageSet, test: ImageSet | None, notes: tuple[str, ...]) -> Dataset:
    if test is not None:
        return Dataset(name, where, train, test, notes)
    size = round(len(train) * TEST_SHARE)
    if not 1 <= size <= len(train) - train.n_classes:
        raise DataError(
            f"{name}: {len(train)} pictures of {train.n_classes} classes are too few to hold a test set out: "
            f"expected at least {max(5, train.n_classes + 2)}"
        )
    kept, held = stratified_indices(train.labels, size, seed=TEST_SEED)
    note = f"test: no test pictures given, {size} of {len(train)} held out, stratified, seed {TEST_SEED}"
    return Dataset(name, where, train.take(kept), train.take(held), (*notes, note))


def _idx_roles(folder: Path) -> list[Path]:
    """The IDX files of a folder in the order train images, train labels, test images, test labels."""
    roles = idx_roles(folder)
    if not {"train images", "train labels"} <= roles.keys():
        names = ", ".join(file.name for file in sorted(roles.values())) or "none whose names say so"
        raise DataError(f"{folder}: expected IDX files of training images and labels, got {names}")
    test = [roles[name] for name in ("test images", "test labels") if name in roles]
    if len(test) == 1:
        raise DataError(f"{folder}: expected IDX files of test images and labels, got only {test[0].name}")
    return [roles["train images"], roles["train labels"], *test]


def _idx_pair(files: list[Path]) -> Pair:
    images, labels = as_pixels(read_idx(files[0]), str(files[0])), _idx_labels(files[1])
    if len(images) != len(labels):
        raise DataError(
            f"{files[1]}: expected {len(images)} labels, one an image of {files[0].name}, got {len(labels)}"
        )
    return images, labels


def _idx_labels(file: Path) -> np.ndarray:
    values = read_idx(file)
    if values.ndim == 2:  # QMNIST: class, NIST class, writer, … of each digit
        values = values[:, 0]
    return as_labels(values, str(file))


def _existing(folder: Path, name: str) -> Path | None:
    places = (folder / name, folder / name.removesuffix(".gz"))
    return next((place for place in places if place.is_file()), None)


def _has_files(named: Source, folder: Path) -> bool:
    return all(_existing(folder, file.name) for file in named.files)
