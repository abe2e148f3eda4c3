"""Arrays by name, as .npz, .mat and HDF5 hold them: which are images, which are labels, and how the images lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from digitwise.errors import DataError
from digitwise.formats.columns import is_square

IMAGES = ("x", "images", "image", "imgs", "data", "inputdata", "inputs", "pixels", "features")
LABELS = ("y", "labels", "label", "target", "targets", "targetdata", "class", "classes")
PARTS = re.compile(r"(training|train|testing|test|t10k|validation|valid|val)(set)?")
WANTED = "expected arrays x_train, y_train (x_test, y_test) or images, labels (or X, y; data, target), or one of images"
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Pair:
    """The arrays of a split.

    Parameters
    ----------
    images : str
    labels : str or None
        None where there are none.
    """

    images: str
    labels: str | None


def pairs(shapes: Shapes, where: str) -> tuple[dict[str, Pair], tuple[str, ...]]:
    """The images and labels of each split.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Of arrays of numbers, by name; a name may be a path such as ``train/data``.
    where : str
        The file, for messages.

    Returns
    -------
    splits : dict of str to Pair
        ``train``, and perhaps ``test``.
    notes : tuple of str
        Which arrays were left out that belong to a split of their own.

    Raises
    ------
    DataError
        If the names do not tell, or several arrays have the same part.
    """
    found: dict[tuple[str, str], list[str]] = {}
    tops = {name.partition("/")[0] + "/" for name in shapes}
    top = len(tops.pop()) if len(tops) == 1 and all("/" in name for name in shapes) else 0  # all is in one group
    for name in shapes:
        if part := _part(name[top:]):
            found.setdefault(part, []).append(name)
    splits: dict[str, Pair] = {}
    for split, stem in (("train", "train"), ("train", ""), ("test", "test")):
        if split not in splits and (stem, "images") in found:
            images, labels = found[stem, "images"], found.get((stem, "labels"), [])
            flat_too = [name for name in images if len(shapes[name]) > 2] if len(images) > 1 else images
            splits[split] = Pair(_only(flat_too or images, where), _only(labels, where) if labels else None)
    several = [name for name, shape in shapes.items() if sum(size > 1 for size in shape) > 1]
    if not splits and len(several) == 1:
        splits["train"] = Pair(several[0], None)
    if not splits:
        raise DataError(f"{where}: {WANTED}; got {', '.join(list(shapes)[:12]) or 'none'}")
    kept = sorted(name for (stem, _), names in found.items() if stem == "validation" for name in names)
    notes = (f"left out, to validate with: {', '.join(kept)}",) if kept else ()
    return (splits if "train" in splits else {"train": splits["test"]}), notes


def _part(name: str) -> tuple[str, str] | None:
    """The split and whether it is images or labels, by a name in any case and with any marks between its words."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    told = PARTS.search(plain)
    stem = PARTS.sub("", plain, count=1) if told else plain
    split = "" if told is None else {"tr": "train", "te": "test", "t1": "test"}.get(told[1][:2], "validation")
    role = "images" if stem in IMAGES else "labels" if stem in LABELS else None
    return None if role is None else (split, role)


def _only(names: list[str], where: str) -> str:
    if len(names) > 1:
        raise DataError.wanted(where, "one array for each part", " and ".join(names), "take one out")
    return names[0]


def axes(shape: tuple[int, ...], count: int | None, where: str) -> tuple[int, ...]:
    """The order of axes that brings images to (n, pixels), (n, h, w) or (n, h, w, channels).

    Parameters
    ----------
    shape : tuple of int
        Axes of length 1 at the end may be channels.
    count : int or None
        Labels; None where there are none.
    where : str

    Raises
    ------
    DataError
        If no axis is as long as there are labels, or there are more axes than images have.
    """
    if not 2 <= len(shape) <= 4 or not min(shape):
        raise DataError.wanted(where, "images (n, pixels), (n, h, w), (h, w, n) or (h, w, 3, n)", f"shape {shape}")
    last = len(shape) - 1
    ends = [axis for axis in (0, last) if (shape[axis] == count if count is not None else True)]
    if not ends:
        raise DataError(f"{where}: {count:,} labels, but images of shape {shape}: expected one label an image")
    first = ends[0] if len(ends) == 1 else _of_images(shape)
    rest = [axis for axis in range(len(shape)) if axis != first]
    if len(rest) == 3 and shape[rest[0]] in (1, 3) and shape[rest[2]] not in (1, 3):  # channels first
        rest = [*rest[1:], rest[0]]
    return (first, *rest)


def _of_images(shape: tuple[int, ...]) -> int:
    """The first axis or the last one, where both may count images: what is left has to make an image."""
    last = len(shape) - 1
    if len(shape) == 2:
        return last if is_square(shape[0]) and not is_square(shape[1]) else 0
    if len(shape) == 3:
        return last if shape[0] == shape[1] != shape[2] else 0
    return last if shape[2] in (1, 3) and shape[3] not in (1, 3) else 0


def label_count(shape: tuple[int, ...], images: tuple[int, ...]) -> int | None:
    """How many labels an array of labels holds, (n,), (n, 1), (1, n) or one-hot (n, k), (k, n)."""
    sizes = [size for size in shape if size > 1] or [1]
    return next((size for size in sizes if size in images), sizes[0]) if len(sizes) < 3 else None


def label_axes(shape: tuple[int, ...], count: int | None) -> tuple[int, ...]:
    """The order of axes that brings labels to (n,), (n, 1) or one-hot (n, k)."""
    return (1, 0) if len(shape) == 2 and shape[0] != count == shape[1] else tuple(range(len(shape)))
