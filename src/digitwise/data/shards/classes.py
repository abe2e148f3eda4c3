"""The labels of shards, whole numbers or names, as classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.data.labels import as_labels
from digitwise.errors import DataError
from digitwise.images import Int64

MANY = 10_000  # classes; more are no classes but, say, row numbers


def plain(labels: Sequence[Any] | NDArray[Any] | None, where: str) -> NDArray[Any]:
    """Labels of a block as int64 or as text, shape (n,).

    Raises
    ------
    DataError
        If there are none, one is missing, or they are neither whole numbers nor text.
    """
    if labels is None:
        raise DataError(f"{where}: expected a label for each picture, got none")
    if isinstance(labels, list) and (None in labels):
        raise DataError(f"{where}: expected a label for each picture, got none for picture {labels.index(None)}")
    if isinstance(labels, list) and len({isinstance(label, str) for label in labels}) > 1:
        raise DataError(f"{where}: expected labels that are all numbers or all names, got both")
    values = np.asarray(labels)
    return values if values.dtype.kind == "U" else as_labels(values, where)


@dataclass(frozen=True)
class Classes:
    """What labels mean.

    Parameters
    ----------
    names : tuple of str
        The name of each class, in label order.
    numbered : bool
        Whether labels are class numbers; else they are names.
    """

    names: tuple[str, ...]
    numbered: bool

    @classmethod
    def among(cls, labels: Iterable[Any], where: str) -> Classes:
        """The classes of all labels of a training set, either whole numbers or text.

        Numbers stand for 0 to the highest one. Names are sorted, as numbers where all are such.

        Raises
        ------
        DataError
            If there are very many.
        """
        found = set(labels)
        numbered = all(isinstance(label, int) for label in found)
        most = max(found, default=-1) + 1 if numbered else len(found)
        if most > MANY:
            raise DataError(
                f"{where}: expected labels of at most {MANY:,} classes, got {most:,}; check the label column"
            )
        if numbered:
            return cls(tuple(str(i) for i in range(most)), numbered=True)
        decimal = all(name.isdecimal() for name in found)
        return cls(tuple(sorted(found, key=(lambda n: (int(n), n)) if decimal else None)), numbered=False)

    def numbers(self, labels: NDArray[Any], where: str) -> Int64:
        """Class numbers, int64 of shape (n,), of what :func:`plain` gave.

        Raises
        ------
        DataError
            If a label is no class.
        """
        values, places = np.unique(labels, return_inverse=True)
        meant: Iterable[Any] = range(len(self.names)) if self.numbered else self.names
        known = {label: number for number, label in enumerate(meant)}
        strange = next((value for value in values.tolist() if value not in known), None)
        if strange is not None:
            few = ", ".join(self.names[:5]) + (", …" if len(self.names) > 5 else "")
            raise DataError(f"{where}: expected labels of the training set ({few}), got {strange!r}")
        return np.array([known[value] for value in values.tolist()], np.int64)[places.reshape(-1)]
