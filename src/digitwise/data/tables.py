"""Data sets in one file: NumPy archives (.npz) and tables of label and pixels (.csv)."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitwise.data.labels import as_labels, as_pixels
from digitwise.errors import DataError, one_line
from digitwise.images import Float32, Int64, UInt8

Pair = tuple[UInt8, Int64]


def read_npz(path: Path) -> tuple[Pair, Pair | None, tuple[str, ...] | None]:
    """Read ``x_train, y_train, x_test, y_test`` or ``images, labels`` from a NumPy archive.

    Parameters
    ----------
    path : Path
        Never unpickled: an archive of Python objects is refused.

    Returns
    -------
    train : (images, labels)
    test : (images, labels) or None
    class_names : tuple of str or None
        From the archive's ``class_names``, where it has them.

    Raises
    ------
    DataError
        If the file is no archive, or has neither set of names.
    """
    arrays = npz_arrays(path)
    names = tuple(str(name) for name in np.atleast_1d(arrays["class_names"])) if "class_names" in arrays else None
    if {"x_train", "y_train"} <= arrays.keys():
        test = _pair(path, arrays, "x_test", "y_test") if {"x_test", "y_test"} <= arrays.keys() else None
        return _pair(path, arrays, "x_train", "y_train"), test, names
    if {"images", "labels"} <= arrays.keys():
        return _pair(path, arrays, "images", "labels"), None, names
    raise DataError(
        f"{path}: expected arrays x_train, y_train (x_test, y_test) or images, labels; "
        f"got {', '.join(arrays) or 'none'}"
    )


def npz_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """All arrays of an archive by name, as they are stored; never unpickled.

    Raises
    ------
    DataError
        If the file is no archive of plain arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, TypeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: expected a NumPy archive of plain arrays, got: {one_line(error, 200)}") from error


def read_csv(path: Path) -> Pair:
    """Read rows of ``label, pixel, pixel, …`` (785 columns for 28x28), with or without a header line.

    Parameters
    ----------
    path : Path

    Returns
    -------
    images, labels

    Raises
    ------
    DataError
        If a row is short, a value is no number, or the pixels are not a square.
    """
    table = csv_numbers(path)
    return as_pixels(table[:, 1:], str(path)), as_labels(table[:, 0], f"{path}, first column")


def csv_numbers(path: Path) -> Float32:
    """All numbers of such a table, float32 (n, 1 + pixels), as they stand there.

    Raises
    ------
    DataError
        If a row is short or a value is no number.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:  # spreadsheets put a mark in front
            lines = file.readlines()
        rows = lines if lines and is_numbers(lines[0]) else lines[1:]
        table = np.loadtxt(rows, delimiter=",", dtype=np.float32, ndmin=2) if rows else np.empty((0, 0), np.float32)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected rows of label and pixels, got: {one_line(error, 200)}") from error
    if table.size == 0 or table.shape[1] < 2:
        raise DataError(f"{path}: expected rows of label and pixels, got {table.shape[0]} rows of {table.shape[1]}")
    return table


def _pair(path: Path, arrays: dict[str, NDArray[np.generic]], images: str, labels: str) -> Pair:
    return as_pixels(arrays[images], f"{path}, {images}"), as_labels(arrays[labels], f"{path}, {labels}")


def is_numbers(line: str) -> bool:
    """Whether a line of a table holds numbers, and is no header."""
    try:
        [float(cell) for cell in line.split(",")]
    except ValueError:
        return False
    return True
