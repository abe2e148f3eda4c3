"""From a name or a path to a data set.

:func:`load` is the one door: whatever stands behind it, what comes out is a :class:`~digitwise.images.Dataset`.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.arrays import Pair, image_sets, is_path, is_place, labelled_of
from digitwise.data.download import cache_folder, check_content, fetch
from digitwise.data.embedded import load_digits
from digitwise.data.labelled import Labelled
from digitwise.data.patches import read_patch
from digitwise.data.sharded import read_shards
from digitwise.data.sources import DIGITS, EMBEDDED, SOURCES, Source, source
from digitwise.data.texts import read_texts
from digitwise.errors import DataError, DataNotFoundError, about
from digitwise.escaping import printable
from digitwise.files import expanded
from digitwise.formats import Stored, open_splits
from digitwise.formats.columns import NO_COLUMN
from digitwise.formats.folder import Folder
from digitwise.formats.form import Form, decoded
from digitwise.formats.idx import Idx
from digitwise.formats.sharded import Shards
from digitwise.formats.values import Scale, as_labels, as_pixels
from digitwise.images import Dataset, ImageSet
from digitwise.normalization import VERSION, form_of
from digitwise.progress import showing

__all__ = ["load", "load_or_embedded", "locate", "read_labelled"]


def load(
    data: object = "mnist",
    *,
    patch: str | Path | None = None,
    label_column: str | None = None,
    turn: str | None = None,
    progress: Any = None,
) -> Dataset:
    """Load a data set by name or path, or from arrays, frames and data sets of other libraries.

    Parameters
    ----------
    data : str, Path or object
        A name (mnist, fashion-mnist, kmnist, qmnist, emnist-digits, usps, optdigits, semeion, digits), or a path: a
        folder of images by class, a folder of IDX files or one that holds ``mnist/``, an ``.npz``, a ``.csv``, Parquet
        or tar shards (a file, a folder of them, or one with ``train`` and ``test``), and others, see docs/data.md. A
        named set is looked for in ``$DIGITWISE_DATA``, then in the user's cache, then on its mirrors. Or an object:
        ``(x, y)``, ``((x_train, y_train), (x_test, y_test))`` as ``keras.datasets`` gives them, a pandas frame, a
        Hugging Face ``Dataset`` or ``DatasetDict``, a map-style torch ``Dataset``, a scikit-learn ``Bunch``, a
        :class:`~digitwise.images.Dataset` or :class:`~digitwise.images.ImageSet`; shapes and ranges as for
        :meth:`Dataset.from_arrays <digitwise.images.Dataset.from_arrays>`.
    patch : str or Path, optional
        A label patch to apply, see :mod:`digitwise.data.patches`.
    label_column : str, optional
        The column of labels in a CSV or Parquet table with a column for each pixel, or in a frame: its name, ``first``
        or ``last``.
        By default it is found by its name (label, class, target, y, digit) or by its values.
    turn : str, optional
        What to do with all images of a set that lies wrong, as check DW035 says: transpose, transverse, mirror, flip,
        rotate-90, rotate-180 or rotate-270 (counter-clockwise). A patch is applied after that.
    progress : bool or object, optional
        Whether to show a bar, of a download too; by default on a terminal and in a notebook. Or an object that is told
        the bytes of a download, see :func:`digitwise.data.download.fetch`; there is no bar then.

    Returns
    -------
    Dataset
        Without test images in the source, a fifth is held out, stratified; its notes say so, and what was understood
        of the source, such as which column is the label.

    Raises
    ------
    DataError
        If a file is not what it should be, the patch does not fit the data, or there is no such turn.
    DataNotFoundError
        If nothing has that name and nothing lies at that path.

    Examples
    --------
    >>> dataset = load("digits")
    >>> dataset.train.images.shape
    (1437, 28, 28)
    >>> x, y = dataset.train.images / 255, dataset.train.labels
    >>> load((x, y)).notes[0]
    'pixels 0 to 1, brought to 0 to 255'
    """
    if patch is not None:
        decisions = read_patch(patch)  # before the data: what is wrong with it is refused at once
        return decisions.apply(load(data, label_column=label_column, turn=turn, progress=progress))
    if isinstance(data, Dataset) and turn is None:
        return data
    told = None if isinstance(progress, bool) else progress
    with showing(progress if told is None else False, "reading the data"):
        found = read_labelled(data, label_column=label_column, progress=told)
    with about(data if is_path(data) else None, argument="data"):
        split = (found if turn is None else found.turned(turn)).split()
    loaded = {name: value for name, value in (("label_column", label_column), ("turn", turn)) if value is not None}
    return dataclasses.replace(split, embedded=isinstance(data, str) and data == EMBEDDED, loaded=loaded)


def read_labelled(data: object, *, label_column: str | None = None, progress: Any = None) -> Labelled:
    """All images of a set, as for :func:`load`, of which nothing is held out."""
    with about(data if is_path(data) else None, argument="data"):
        if is_place(data):
            return _read(data, label_column, progress)
        return labelled_of(data, label_column=label_column)


def _read(data: str | Path, label_column: str | None, progress: Any) -> Labelled:
    path = expanded(data)
    is_name = not is_path(data)
    if label_column is not None and is_name:
        raise DataError.wanted(data, NO_COLUMN, "a named set", argument="label_column")
    if data == EMBEDDED:
        digits = load_digits()
        return Labelled(digits.name, digits.source, digits.train, digits.test, digits.notes)
    if not is_name and path.exists():  # a folder called mnist does not shadow the name; ./mnist does
        return _read_path(path, label_column)
    named = source(str(data))
    folder = locate(named)
    if folder is None:
        folder = fetch(named, progress=progress)
    return _read_named(named, folder)


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
    """The folder on this machine that holds a named set's files, or else a part of it; None where there is none."""
    places = [cache_folder() / named.name]
    if root := os.environ.get("DIGITWISE_DATA"):
        base = expanded(root)
        alone = named.name == "mnist" or not named.is_idx  # the names of the others' files are those of MNIST's
        places = [base / named.name, *([base] if alone else []), *places]
    whole = (place for place in places if _has_files(named, place))
    parts = (place for place in places for part in named.parts if (place / part.name).is_file())
    return next(whole, None) or next(parts, None)


def _read_path(path: Path, label_column: str | None) -> Labelled:
    if path.is_dir() and _has_files(SOURCES["mnist"], path / "mnist"):
        return _read_named(SOURCES["mnist"], path / "mnist")
    splits = open_splits(path, label_column=label_column)
    train, test = splits["train"], splits.get("test")
    notes: tuple[str, ...] = ()
    if isinstance(train, Shards):
        assert test is None or isinstance(test, Shards)
        train_set, test_set, notes = read_shards(train, test)
    elif isinstance(train, Folder):
        train_set, test_set, notes = _files(path, train, test)
    else:
        found = [_pair(stored) for stored in (train, test) if stored is not None]
        train_set, test_set = image_sets(str(path), [pair for pair, _ in found], train.class_names)
        notes = found[0][1]
    return Labelled(str(path), str(path.resolve()), train_set, test_set, (*train.notes, *notes))


def _pair(stored: Stored) -> tuple[Pair, tuple[str, ...]]:
    """Images and labels of arrays or a table and their scale in words, or the first thing that is wrong with them."""
    block = stored.whole()
    if block.labels is None:
        raise DataError.wanted(stored.where, "a label for each image", "none")
    assert not isinstance(block.images, list)
    pixels = as_pixels(block.images, stored.where)
    scale = Scale.of(block.images)
    labels = as_labels(np.asarray(block.labels), f"{stored.where}, labels")
    return (pixels, labels), scale.notes if scale else ()


def _files(path: Path, train: Folder, test: Stored | None) -> tuple[ImageSet, ImageSet | None, tuple[str, ...]]:
    if not train.labelled:
        raise DataError.wanted(path, "a folder for each class (two or more)", "none")
    assert train.class_names is not None
    classes = train.class_names
    if test is not None and (strangers := (test.class_names or ())[len(classes) :]):
        raise DataError(f"{test.where}: class folder {strangers[0]!r} has no counterpart in the training set")
    opened, labels, names = [], [], []
    for split in (train, test):
        found = list(split.labelled_files()) if isinstance(split, Folder) else []
        if split is not None and not found:
            raise DataError(f"{split.where}: the set is empty: expected images in the class folders")
        files = [file for file, _ in found]
        opened.append(decoded(files, "", range(len(files))))
        labels.append(np.array([classes.index(name) for _, name in found], np.int64))
        names.append(tuple(printable(f"{file.parent.name}/{file.name}") for file in files))
    form = Form.of_files(*opened)
    parts = zip(opened, labels, names, strict=True)
    sets = [ImageSet(form.fitted(each), own, classes, files) for each, own, files in parts if each]
    notes = form.notes
    if classes == DIGITS and form_of(sets[0].images) != VERSION:
        told = "the digits are not in MNIST's form, as a reader brings them to"
        notes = (*notes, f"{told}: digitwise.normalize, or digitwise data normalize {path}")
    return sets[0], sets[1] if test is not None else None, notes


def _read_named(named: Source, folder: Path) -> Labelled:
    if not named.is_idx:
        found = named.files if _has_files(named, folder) else named.parts[:1]
        return read_texts(named, [path for file in found if (path := _existing(folder, file.name))])
    paths = [_existing(folder, file.name) for file in named.files]
    for path, file in zip(paths, named.files, strict=True):
        if path is None:
            raise DataNotFoundError.wanted(folder, f"{file.name} of {named.name}", "nothing of that name")
        check_content(path, file)
    files = [path for path in paths if path is not None]
    pairs = [_oriented(named, _pair(Idx(*files[place : place + 2]))[0]) for place in (0, 2)]
    train, test = (ImageSet(*pair, named.class_names) for pair in pairs)
    return Labelled(named.name, str(folder.resolve()), train, test)


def _oriented(named: Source, pair: Pair) -> Pair:
    images, labels = pair
    return (np.ascontiguousarray(images.transpose(0, 2, 1)), labels) if named.transposed else pair


def _existing(folder: Path, name: str) -> Path | None:
    places = (folder / name, folder / name.removesuffix(".gz").removesuffix(".bz2"))
    return next((place for place in places if place.is_file()), None)


def _has_files(named: Source, folder: Path) -> bool:
    return all(_existing(folder, file.name) for file in named.files)
