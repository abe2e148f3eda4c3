"""HDF5: datasets of numbers by name, read in blocks. Links to other files are not followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

from digitwise.errors import DataError
from digitwise.formats.arrays import Arrays, Opener
from digitwise.formats.damage import damage_of
from digitwise.formats.lazy import LazyArray, lazy_splits
from digitwise.formats.models import refuse_weights
from digitwise.parts import imported

MAGIC = b"\x89HDF\r\n\x1a\n"
LARGEST_CHUNK = 2**30  # bytes that are unpacked at once


def splits(path: Path) -> Mapping[str, Arrays]:
    """The splits in a file, see :func:`digitwise.formats.array_names.pairs`: ``train/data``, ``train/target`` in USPS.

    Raises
    ------
    DataError
        If it is damaged, or has no such datasets.
    """
    return lazy_splits(path, datasets(path), lambda name, order: opener(path, name, order))


def datasets(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each array of numbers by its name, those in groups as ``group/name``."""
    with reading(path) as file:
        refuse_weights(path, file)
        return {name: item.shape for name, item in _items(file, {file}) if _is_plain(item)}


def _items(group: Any, seen: set[Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """What a group holds, also in groups, each once, by links that lead to no other place.

    HDF5's own visit asks for the sizes of trees too, and does not end where a damaged one is its own neighbour.
    """
    for name in group:
        is_cell = not within and name.startswith("#")  # as MATLAB names what its cells hold
        if is_cell or type(group.get(name, getlink=True)).__name__ != "HardLink":
            continue
        item = group[name]
        if item in seen:
            continue
        seen.add(item)
        yield f"{within}{name}", item
        if hasattr(item, "keys"):
            yield from _items(item, seen, f"{within}{name}/")


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """An opened file; damage in one line."""
    h5py = imported("h5py", "HDF5")
    with damage_of(path, "damaged HDF5"), h5py.File(path, "r") as file:
        yield file


def opener(path: Path, name: str, order: tuple[int, ...]) -> Opener:
    """What opens a dataset, its axes in this order."""

    @contextmanager
    def opened() -> Iterator[Any]:
        with reading(path) as file:
            yield file[name]

    def array() -> LazyArray:
        with opened() as found:
            if (chunk := prod(found.chunks or ()) * found.dtype.itemsize) > LARGEST_CHUNK:
                raise DataError(f"{path}, {name}: expected chunks of at most {LARGEST_CHUNK:,} bytes, got {chunk:,}")
            return LazyArray(path, opened, found.shape, found.dtype, order)

    return array


def _is_plain(item: Any) -> bool:
    """Whether it is an array of numbers in this file, not in another one."""
    import h5py

    is_array = isinstance(item, h5py.Dataset) and bool(item.shape) and item.dtype.kind in "buif"
    return is_array and not item.is_virtual and item.external is None
