"""Objects in memory as splits, like a stored form: arrays, frames, data sets of other libraries.

Other libraries are known by their interface, so that none of them is imported.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitwise.errors import DataError, one_line
from digitwise.files import expanded
from digitwise.formats.array_names import pairs
from digitwise.formats.blocks import BLOCK, Block, Labels, Stored, Values
from digitwise.formats.columns import is_square
from digitwise.formats.frames import frame_columns, hub_label, is_frame, is_hub, split_frames
from digitwise.images import ImageSet

MANY = 10_000  # classes; more are no classes but, say, row numbers
KINDS = (
    "(x, y), ((x_train, y_train), (x_test, y_test)), a Dataset, a pandas frame, a Hugging Face Dataset, "
    "a map-style torch Dataset or a scikit-learn Bunch"
)
CHANNELS = (1, 3)
FILES = (str, Path, bytes, dict, Image.Image)
SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)
class Marks:
    """The labels of a split.

    Parameters
    ----------
    numbers : ndarray, shape (n,) or one-hot (n, k)
        As given, wrong ones too; of text class numbers, -1 where it is missing.
    names : tuple of str or None
        The name of each class; those that only test labels have come last. None where numbers are all there is.
    notes : tuple of str
        What was understood.
    """

    numbers: NDArray[Any]
    names: tuple[str, ...] | None
    notes: tuple[str, ...] = ()

    def words(self) -> list[int | str]:
        """The name of each label, empty where it is no class."""
        names = self.names or self.numbered()
        return [names[number] if 0 <= number < len(names) else "" for number in self._whole]

    def numbered(self) -> tuple[str, ...]:
        """Names of classes that have none: 0 to the highest label."""
        return tuple(str(number) for number in range(min(max(self._whole, default=-1) + 1, MANY)))

    @property
    def _whole(self) -> list[int]:
        numbers = self.numbers.argmax(axis=1) if self.numbers.ndim == 2 else self.numbers
        return [int(value) if math.isfinite(value) and value == int(value) else -1 for value in numbers.tolist()]


def marks_of(y: Any, where: str, names: Sequence[str] | None = None, train: Marks | None = None) -> Marks:
    """The labels of a split.

    Parameters
    ----------
    y : array, tensor, list or pandas Series, shape (n,) or (n, 1); or one-hot array or frame, (n, k)
        Numbers, or text. The columns of a one-hot frame name the classes, and the categories of a Series.
    where : str
        What they are called in messages.
    names : sequence of str, optional
        The name of each class, where it is known.
    train : Marks, optional
        Of the training images, if these are test images.

    Raises
    ------
    DataError
        If it is none of these, or text is not among ``names``.
    """
    if is_frame(y):
        names = names or (list(map(str, y.columns)) if y.shape[1] > 1 else None)
        y = y.to_numpy()
    categories = getattr(getattr(y, "dtype", None), "categories", None)
    if names is None and train is None and categories is not None and all(isinstance(each, str) for each in categories):
        used = set(y)  # what a frame was cut from may have had more
        names = [name for name in categories if name in used]
    try:
        array = np.asarray(y)
    except Exception as error:  # torch refuses tensors of a graph or on a GPU, NumPy rows of several lengths
        raise DataError.wanted(where, "labels (n,) or one-hot rows", one_line(error, 160), argument=where) from error
    array = array[:, 0] if array.shape[1:] == (1,) else array
    if array.ndim not in (1, 2):
        raise DataError.wanted(where, "labels (n,) or one-hot rows", f"shape {array.shape}", argument=where)
    known = None if names is None else tuple(map(str, names))
    if array.dtype.kind in "buif":
        return Marks(array, known, (f"labels: one-hot, {array.shape}",) if array.ndim == 2 else ())
    values = [_plain(value) for value in array.reshape(-1).tolist()]
    if not any(isinstance(value, str) for value in values):
        return Marks(np.array([math.nan if value is None else value for value in values], np.float64), known)
    return _of_text([None if value is None else str(value) for value in values], where, known, train)


def _of_text(texts: list[str | None], where: str, names: tuple[str, ...] | None, train: Marks | None) -> Marks:
    found = {text for text in texts if text}
    by_number = all(text.isdecimal() for text in found)
    ordered = sorted(found, key=(lambda text: (int(text), text)) if by_number else None)
    if len(ordered) > MANY:
        raise DataError.wanted(where, f"labels of at most {MANY:,} classes", f"{len(ordered):,}", argument=where)
    known = names or (train.names if train else None) or tuple(ordered)
    others = tuple(name for name in ordered if name not in known)
    if others and names is not None:
        raise DataError.wanted(where, f"the classes {', '.join(names[:10])}", repr(others[0]), argument="class_names")
    number = {name: place for place, name in enumerate((*known, *others))}
    told = () if names or train else (f"labels: text, classes in the order of {'numbers' if by_number else 'words'}",)
    return Marks(np.array([number.get(text or "", -1) for text in texts], np.int64), (*known, *others), told)


def _plain(value: Any) -> str | float | None:
    """Text or a number; None for what is missing."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str | int | float):
        return None if isinstance(value, float) and math.isnan(value) else value
    return None


class Held(Stored):
    """Images in memory.

    Parameters
    ----------
    where : str
        What they are called in messages.
    values : ndarray or list
        Numbers, (n, h, w), (n, h, w, 1), (n, h, w, 3) or (n, square); or paths, contents or PIL images.
    marks : Marks, optional
        Their labels.
    notes : tuple of str
        What was understood.

    Raises
    ------
    DataError
        If there is not one label an image.
    """

    def __init__(self, where: str, values: Values, marks: Marks | None, notes: tuple[str, ...] = ()) -> None:
        self.where, self.values, self.marks, self.labelled = where, values, marks, marks is not None
        self.class_names = None if marks is None else marks.names
        if marks is not None and isinstance(values, list):
            self.class_names = marks.names or marks.numbered()
        self.notes = (*notes, *(marks.notes if marks else ()))
        if marks is not None and len(marks.numbers) != len(values):
            came = f"{len(values)} images and {len(marks.numbers)} labels"
            if not isinstance(values, list):
                came = f"images of shape {values.shape} and labels of shape {marks.numbers.shape}"
            raise DataError.wanted(where, "one label an image, images along the first axis", came, argument=where)

    @property
    def rows(self) -> int:
        """Images."""
        return len(self.values)

    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """See :class:`~digitwise.formats.blocks.Stored`; beside files a label is the name of its class."""
        for start in range(0, self.rows, size):
            place = slice(start, start + size)
            part = self.values[place]
            named = isinstance(part, list) and all(isinstance(file, Path) for file in part)
            yield Block(part, self._labels(place) if labels else None, list(map(str, part)) if named else None)

    def whole(self, *, labels: bool = True, mapped: bool = False) -> Block:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        return Block(self.values, self._labels(slice(None)) if labels else None)

    def _labels(self, place: slice) -> Labels | None:
        if self.marks is None:
            return None
        return self.marks.words()[place] if isinstance(self.values, list) else self.marks.numbers[place]


@dataclass
class GivenSplit:
    """Images and labels of a split as they were given; ``names`` are what they are called in messages."""

    x: Any
    y: Any
    names: tuple[str, str]
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def object_splits(
    data: object, *, label_column: str | None = None, class_names: Sequence[str] | None = None
) -> dict[str, Held]:
    """What an object holds: ``train``, and ``test`` where it tells them apart.

    Parameters
    ----------
    data : object
        See :data:`KINDS`; images may be NumPy arrays, tensors, lists of these, PIL images, or paths or contents of
        image files.
    label_column : str, optional
        Of a frame or a Hugging Face Dataset, see :func:`digitwise.formats.columns.layout`.
    class_names : sequence of str, optional
        The names of the classes, in label order; by default the data's own, else the labels.

    Raises
    ------
    DataError
        If it is none of these, or labels and images do not belong together.
    """
    found: dict[str, Held] = {}
    for split, part in _parts(data, label_column).items():
        names = part.class_names if class_names is None else tuple(class_names)
        train = found["train"].marks if found else None
        marks = None if part.y is None else marks_of(part.y, part.names[1], names, train)
        values, told = images_of(part.x, part.names[0])
        found[split] = Held(part.names[0], values, marks, (*part.notes, *told))
    return found


def kind_of(data: object) -> str:
    """An object's type in words, for messages."""
    kind = type(data)
    home = kind.__module__.partition(".")[0]
    return kind.__name__ if home == "builtins" else f"{home}'s {kind.__name__}"


def _parts(data: object, column: str | None) -> dict[str, GivenSplit]:
    if is_frame(data):
        frames, notes = split_frames(data)
        parts = {split: _of_table(frame, "frame", column) for split, frame in frames.items()}
        parts["train"].notes = (*notes, *parts["train"].notes)
        return parts
    if isinstance(data, Mapping) and "train" not in data and all(map(is_hub, data.values())):
        return {"train": _of_hub_split(data, column)}
    if isinstance(data, Mapping) and "train" in data and _is_set(data["train"]):
        found = {split: _one(data[split], column, split) for split in SPLITS if split in data}
        if left := ", ".join(sorted(str(name) for name in data if name not in SPLITS)):
            found["train"].notes = (*found["train"].notes, f"left out: {left}")
        return found
    if isinstance(data, Mapping):
        _refuse_column(column, data)
        return _by_name(data)
    if isinstance(data, tuple) and len(data) == 2 and _is_set(data[1], beside=data[0]):
        return {split: _one(part, column, split) for split, part in zip(SPLITS, data, strict=True)}
    return {"train": _one(data, column, "")}


def _is_set(data: Any, beside: Any = None) -> bool:
    """Whether this is a set with labels, not an array of images or labels."""
    if is_frame(data):
        return beside is None or (is_frame(beside) and list(beside.columns) == list(data.columns))
    if isinstance(data, tuple | ImageSet):
        return True
    return hasattr(data, "__getitem__") and not (hasattr(data, "__array__") or isinstance(data, list | str | bytes))


def _one(data: Any, column: str | None, split: str) -> GivenSplit:
    """One split."""
    if is_frame(data):
        return _of_table(data, "frame", column)
    if is_hub(data):
        return _of_hub(data, column)
    _refuse_column(column, data)
    names = (f"x_{split}", f"y_{split}") if split else ("x", "y")
    if isinstance(data, ImageSet):
        return GivenSplit(data.images, data.labels, names, data.class_names)
    if isinstance(data, tuple):
        if len(data) != 2:
            four = "give digitwise.Dataset.from_arrays(x_train, y_train, x_test, y_test)" if len(data) == 4 else ""
            raise DataError.wanted("data", KINDS, f"a tuple of {len(data)}", four, argument="data")
        return GivenSplit(*data, names)
    if hasattr(data, "__array__"):
        return GivenSplit(data, None, names)
    return _of_items(data, names)


def _refuse_column(column: str | None, data: object) -> None:
    if column is not None:
        raise DataError.wanted(
            "label_column", "it with a frame or a Hugging Face Dataset", kind_of(data), argument="label_column"
        )


def _of_table(table: Any, where: str, column: str | None) -> GivenSplit:
    images, labels, notes = frame_columns(table, where, column)
    return GivenSplit(images, labels, (where, f"{where}, labels"), notes=notes)


def _of_hub_split(data: Mapping[Any, Any], column: str | None) -> GivenSplit:
    """The only split of a Hugging Face DatasetDict, which is not called train."""
    if len(data) != 1:
        got = ", ".join(map(str, data)) or "none"
        raise DataError.wanted("data", "splits train and test", got, "give one of them alone", argument="data")
    [(name, only)] = data.items()
    part = _of_hub(only, column)
    part.notes = (f"split: {name}", *part.notes)
    return part


def _of_hub(data: Any, column: str | None) -> GivenSplit:
    """A Hugging Face Dataset: a table whose features name the classes."""
    columns = {name: list(data[name]) for name in data.column_names}
    part = _of_table(columns, "Dataset", column or hub_label(data))
    label = next((name for name, values in columns.items() if values is part.y), None)
    names = getattr(data.features.get(label), "names", None)
    part.class_names = tuple(map(str, names)) if names else None
    return part


def _of_items(data: Any, names: tuple[str, str]) -> GivenSplit:
    """A map-style torch Dataset, or anything else whose items are (image, label), or images."""
    if hasattr(data, "tensors"):
        return GivenSplit(data.tensors[0], data.tensors[1] if len(data.tensors) > 1 else None, names)
    if isinstance(data, str | bytes) or not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        do = "load it without streaming, or make a list of it" if hasattr(data, "__iter__") else ""
        raise DataError.wanted("data", f"a name, a path, {KINDS}", kind_of(data), do, argument="data")
    if not len(data):
        raise DataError(
            "the set is empty: expected at least one image", argument="data", expected="at least one image", got=0
        )
    items = [data[place] for place in range(len(data))]
    if not (isinstance(items[0], tuple | list) and len(items[0]) == 2):
        return GivenSplit(items, None, names)
    classes = list(map(str, getattr(data, "classes", None) or ()))
    plain = [name.partition(" - ")[0] for name in classes]  # torchvision's MNIST has "0 - zero"
    told = plain if plain == list(map(str, range(len(plain)))) else classes
    return GivenSplit([item[0] for item in items], [item[1] for item in items], names, tuple(told) or None)


def _by_name(data: Mapping[Any, Any]) -> dict[str, GivenSplit]:
    """Arrays by name, as a Bunch or an opened ``.npz`` has them."""
    arrays = {str(name): value for name, value in data.items() if hasattr(value, "shape") or isinstance(value, list)}
    shapes = {name: tuple(getattr(value, "shape", (len(value),))) for name, value in arrays.items()}
    found, notes = pairs({name: shape for name, shape in shapes.items() if not name.endswith("_names")}, "data")
    told = arrays.get("class_names", arrays.get("target_names"))
    names = tuple(map(str, told)) if told is not None and len(told) > 1 else None  # of OpenML that of the column
    return {
        split: GivenSplit(
            arrays[pair.images],
            None if pair.labels is None else arrays[pair.labels],
            (pair.images, pair.labels or ""),
            names,
            notes,
        )
        for split, pair in found.items()
    }


def images_of(x: Any, where: str) -> tuple[Values, tuple[str, ...]]:
    """Numbers (n, h, w), (n, h, w, 1), (n, h, w, 3) or (n, square), or files; and what was understood."""
    values = array_of(x, where)
    if isinstance(values, list):
        return values, ()
    if values.ndim == 4 and values.shape[1] in CHANNELS and values.shape[3] not in CHANNELS:
        return np.moveaxis(values, 1, 3), (f"{where}: channels first, {values.shape}",)
    if values.ndim == 2 and is_square(values.shape[1]):
        side = math.isqrt(values.shape[1])
        return values, (f"{where}: rows of {values.shape[1]} pixels, {side}x{side}",)
    return values, ()


def array_of(x: Any, where: str) -> Values:
    """Images as one array of numbers; or a list, where they are PIL images, or paths or contents of image files.

    Raises
    ------
    DataError
        If it is none of these, or they are arrays of several sizes.
    """
    x = x.to_numpy() if is_frame(x) else x.toarray() if hasattr(x, "toarray") else x  # a sparse matrix
    several = isinstance(x, list | tuple) or str(getattr(x, "dtype", "")) in ("object", "str", "string")
    first = next((item for item in x if item is not None), None) if several else None
    if isinstance(first, FILES):
        return [_file(item) for item in x]
    try:
        array = np.stack([np.asarray(item) for item in x]) if several and len(x) else np.asarray(x)
    except Exception as error:  # torch refuses tensors of a graph or on a GPU, NumPy images of several sizes
        wanted = "an array, a tensor on the CPU, or images of one size"
        raise DataError.wanted(where, wanted, one_line(error, 160), argument=where) from error
    return [_file(item) for item in array.tolist()] if array.dtype.kind in "US" else array


def _file(item: Any) -> Any:
    """A path, the content of a file, or a PIL image; None for a missing one."""
    if isinstance(item, dict):  # of Hugging Face's Image, not decoded
        item = item.get("bytes") or item.get("path")
    return expanded(item) if isinstance(item, str) else item
