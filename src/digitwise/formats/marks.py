"""Labels in memory: numbers as they are, text as numbers and the names of classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError, one_line
from digitwise.formats.frames import is_frame

MANY = 10_000  # classes; more are no classes but, say, row numbers


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
