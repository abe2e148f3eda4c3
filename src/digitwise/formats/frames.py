"""Tables in memory: a column for each pixel, or one of images, their paths or contents; perhaps a column of labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitwise.errors import DataError
from digitwise.formats.columns import label_named, layout

# Names of a column of images or of their files, the likeliest first; else it is the first that may hold images.
IMAGES = ("image", "images", "img", "pixels", "file", "path", "filename", "file_name", "filepath", "image_path")
SAMPLED = 512  # rows, from all over the table, that tell what the columns are
SPLITS = {"train": "train", "training": "train", "test": "test"}


def is_frame(data: object) -> bool:
    """Whether this is a pandas frame, or like one."""
    return hasattr(data, "columns") and hasattr(data, "iloc") and hasattr(data, "to_numpy")


def is_hub(data: object) -> bool:
    """Whether this is a Hugging Face Dataset, at hand as a whole."""
    return hasattr(data, "column_names") and hasattr(data, "features") and hasattr(data, "__len__")


def hub_label(data: Any) -> str | None:
    """The column of a Hugging Face Dataset that its features tell to be the label, where no column is named so."""
    if label_named(data.column_names, None, len(data.column_names), "Dataset") is not None:
        return None
    classes = [name for name in data.column_names if getattr(data.features.get(name), "names", None)]
    return classes[0] if len(classes) == 1 else None


def split_frames(frame: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The rows of each split, where a column ``split`` says train and test; else all for training; and what it means.

    Other rows than these, such as those to validate with, are left out.
    """
    place = next((i for i, name in enumerate(frame.columns) if str(name).lower() == "split"), None)
    if place is None:
        return {"train": frame}, ()
    told = [SPLITS.get(str(value).lower(), "") for value in frame.iloc[:, place]]
    if not {"train", "test"} <= set(told):
        return {"train": frame}, ()
    rest = frame.iloc[:, [i for i in range(frame.shape[1]) if i != place]]
    rows = {split: np.flatnonzero(np.array(told) == split) for split in ("train", "test")}
    left = told.count("")
    notes = ("splits: column 'split'", *((f"left out: {left:,} rows of other splits",) if left else ()))
    return {split: rest.iloc[where] for split, where in rows.items()}, notes


def frame_columns(
    table: Any, where: str, label_column: str | None = None
) -> tuple[NDArray[Any] | list[Any], Any, tuple[str, ...]]:
    """Images and labels of a table.

    Parameters
    ----------
    table : pandas frame, or mapping of str to list
        Of columns of one length.
    where : str
        What it is called in messages.
    label_column : str, optional
        See :func:`digitwise.formats.columns.layout`.

    Returns
    -------
    images : ndarray (n, pixels) or (n, h, w), or list
        Numbers; or arrays, images or their files.
    labels : column, or None
        None where there are none.
    notes : tuple of str
        What was understood.

    Raises
    ------
    DataError
        If there are no images, or several columns may be the label.
    """
    names, columns = _columns(table)
    kinds = [_kind(column) for column in columns]
    may_be = [place for place, kind in enumerate(kinds) if kind in ("numbers", "words")]
    found = label_named([names[place] for place in may_be], label_column, len(may_be), where) if may_be else None
    label = None if found is None else may_be[found]
    place = _image_column(names, kinds, label)
    if place is not None:
        notes = [f"images: column {names[place]!r}", *([] if label is None else [f"label: column {names[label]!r}"])]
        return list(columns[place]), None if label is None else columns[label], tuple(notes)
    numbers = [place for place in may_be if kinds[place] == "numbers" or place == label]
    if len(numbers) < 2:
        raise DataError.wanted(
            where, f"a column of images ({', '.join(IMAGES[:5])}) or one for each pixel", ", ".join(names[:8])
        )
    sample = _sample([columns[place] for place in numbers], [place == label for place in numbers])
    told = layout([names[place] for place in numbers], sample, where, None if label is None else names[label])
    pixels = _together(table, columns, [numbers[place] for place in told.pixels])
    return told.shaped(pixels), None if told.label is None else columns[numbers[told.label]], told.notes


def _together(table: Any, columns: list[Any], places: list[int]) -> NDArray[Any]:
    if is_frame(table):
        whole = table.iloc[:, places].to_numpy()  # many times as fast as column by column
        if whole.dtype.kind in "buif":
            return np.asarray(whole)
    return np.stack([_numbers(columns[place]) for place in places], axis=1)


def _columns(table: Any) -> tuple[list[str], list[Any]]:
    if isinstance(table, Mapping):
        return [str(name) for name in table], list(table.values())
    return [str(name) for name in table.columns], [table.iloc[:, place] for place in range(table.shape[1])]


def _image_column(names: list[str], kinds: list[str], label: int | None) -> int | None:
    """The column of images or of their files; None where there is none."""
    rest = [place for place in range(len(names)) if place != label]
    plain = {names[place].strip().lower(): place for place in rest if kinds[place] != "numbers"}
    named = [plain[name] for name in IMAGES if name in plain]
    images = [place for place in rest if kinds[place] == "images"]
    alone = rest if len(rest) == 1 and kinds[rest[0]] == "words" else []
    return next(iter(named or images or alone), None)


def _kind(column: Any) -> str:
    """Whether a column holds numbers, words or images, by its first value."""
    kind = getattr(getattr(column, "dtype", None), "kind", "O")
    if kind != "O":
        return "numbers" if kind in "buif" else "words"
    first: Any = next((value for value in column if not _is_missing(value)), None)
    if isinstance(first, bytes | dict | Path | Image.Image) or np.ndim(first) > 0:
        return "images"
    return "numbers" if isinstance(first, bool | int | float | np.number) else "words"


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _sample(columns: list[Any], labels: list[bool]) -> NDArray[np.float64]:
    """Rows from all over, the first ones in front; a label that its name tells is NaN, whatever it holds."""
    n = len(columns[0])
    rows = np.unique(np.concatenate([np.arange(min(n, SAMPLED // 2)), np.linspace(0, n - 1, SAMPLED // 2).astype(int)]))
    return np.stack(
        [
            np.full(len(rows), np.nan) if is_label else _numbers(column)[rows].astype(np.float64)
            for column, is_label in zip(columns, labels, strict=True)
        ],
        axis=1,
    )


def _numbers(column: Any) -> NDArray[Any]:
    """A column as an array of numbers; missing ones are NaN."""
    array = np.asarray(column)
    if array.dtype.kind in "buif":
        return array
    values = column.to_numpy(np.float64, na_value=np.nan) if hasattr(column, "to_numpy") else array
    return np.asarray(values, np.float64)
