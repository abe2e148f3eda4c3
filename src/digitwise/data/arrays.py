"""Arrays, frames and data sets of other libraries, as they lie in memory, to labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from digitwise.data.labelled import Labelled
from digitwise.data.sources import NAMES
from digitwise.errors import DataError, about
from digitwise.formats.columns import OPTION
from digitwise.formats.form import Form, decoded
from digitwise.formats.objects import Held, object_splits
from digitwise.formats.values import Scale, as_labels, as_pixels
from digitwise.images import Dataset, ImageSet, Int64, UInt8

IN_MEMORY = "memory"  # the source of what was given as an object
FEW = 100  # classes that a set of less images may name: it may be there to test with
Pair = tuple[UInt8, Int64]


def is_place(data: object) -> TypeGuard[str | Path]:
    """Whether this is a name or a path; else it is an object that holds the data."""
    return isinstance(data, str | Path)


def is_path(data: object) -> bool:
    """Whether this is a path; no set has its name."""
    return isinstance(data, Path) or (isinstance(data, str) and data not in NAMES)


def name_of(data: object) -> str:
    """What data is called in results: its name or path, or what kind of object it is."""
    if isinstance(data, Dataset | Labelled):
        return data.name
    if is_place(data):
        return str(data)
    kind = type(data)
    return {"builtins": "arrays", "numpy": "arrays", "pandas": "frame"}.get(
        kind.__module__.split(".")[0], kind.__name__
    )


def labelled_of(
    data: object,
    *,
    label_column: str | None = None,
    class_names: Sequence[str] | None = None,
    white: float | None = None,
    name: str | None = None,
) -> Labelled:
    """Labelled images of an object, of which nothing is held out.

    Parameters
    ----------
    data : object
        See :data:`digitwise.formats.objects.KINDS`.
    label_column : str, optional
        Of a frame or a Hugging Face Dataset, as for :func:`digitwise.data.load`.
    class_names, white, name
        As for :meth:`digitwise.images.Dataset.from_arrays`.

    Raises
    ------
    DataError
        If it is no such object, or cannot be trained on; ``argument`` names what settles it where two answers are
        possible.
    """
    if isinstance(data, Labelled):
        return data
    if isinstance(data, Dataset):
        return Labelled(data.name, data.source, data.train, data.test, data.notes)
    called = name or name_of(data)
    if isinstance(data, ImageSet):
        return Labelled(called, IN_MEMORY, data, None)
    parts = list(object_splits(data, label_column=label_column, class_names=class_names).values())
    labels = [_labels(part, parts[0]) for part in parts]
    images, notes = _decoded(parts) if isinstance(parts[0].values, list) else _scaled(parts, white)
    train, test = image_sets(called, list(zip(images, labels, strict=True)), parts[0].class_names)
    return Labelled(called, IN_MEMORY, train, test, (*parts[0].notes, *notes))


def image_sets(where: str, pairs: list[Pair], names: tuple[str, ...] | None) -> tuple[ImageSet, ImageSet | None]:
    """Images and labels of the training split, and of the test split where there is one, as sets.

    Parameters
    ----------
    where : str
        The source, for messages.
    pairs : list of (ndarray, ndarray)
        uint8 images and int64 labels.
    names : tuple of str or None
        Of the classes; None where they are numbered.

    Raises
    ------
    DataError
        If labels are out of range.
    """
    labels = pairs[0][1]
    highest = int(labels.max(initial=-1))
    if names is None and highest >= max(len(labels), FEW):
        raise DataError(f"{where}: labels out of range: expected 0, 1, 2, … for {len(labels)} images, got {highest}")
    classes = names or tuple(str(i) for i in range(highest + 1))
    try:
        sets = [ImageSet(*pair, classes) for pair in pairs]
    except DataError as error:
        raise DataError(f"{where}: {error}", argument=error.argument, expected=error.expected, got=error.got) from error
    return sets[0], sets[1] if len(sets) > 1 else None


def _labels(part: Held, train: Held) -> Int64:
    marks = part.marks
    if marks is None:
        do = f"in a table, {OPTION}"
        raise DataError.wanted(part.where, "a label for each image", "none", do, argument="label_column")
    names = train.class_names or ()
    if len(strangers := (part.class_names or ())[len(names) :]):
        raise DataError.wanted(part.where, f"labels of the training set ({', '.join(names[:5])})", repr(strangers[0]))
    if marks.names is not None and marks.numbers.ndim == 1 and (missing := np.flatnonzero(marks.numbers == -1)).size:
        raise DataError.wanted(part.where, "a label for each image", f"none for image {missing[0]}")
    return as_labels(marks.numbers, f"{part.where}, labels")


def _decoded(parts: Sequence[Held]) -> tuple[list[UInt8], tuple[str, ...]]:
    opened = [decoded(_files(part), part.where, range(len(part.values))) for part in parts]
    form = Form.of_files(*opened)
    return [form.fitted(images) for images in opened], form.notes


def _files(part: Held) -> list[Any]:
    if not isinstance(part.values, list):
        raise DataError.wanted(part.where, "image files, as for training", "numbers", argument=part.where)
    if not part.values:
        raise DataError.wanted(part.where, "at least one image", "none", argument=part.where)
    return part.values


def _scaled(parts: Sequence[Held], white: float | None) -> tuple[list[UInt8], tuple[str, ...]]:
    images: list[UInt8] = []
    notes: tuple[str, ...] = ()
    for part in parts:
        if isinstance(part.values, list):
            raise DataError.wanted(part.where, "numbers, as for training", "image files", argument=part.where)
        with about(argument=part.where):
            scale = Scale.told(part.values, part.where, white)
            notes = notes or scale.notes
            if white is not None or scale.white != 255:
                images.append(as_pixels(scale.pixels(part.values.astype(np.float32)), part.where))
            else:
                images.append(as_pixels(part.values, part.where))
    return images, notes
