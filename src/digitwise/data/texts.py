"""USPS, optdigits and Semeion: named sets of text files, and parts of them as ``.npz``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from digitwise.data.download import check_content
from digitwise.data.labelled import Labelled
from digitwise.data.sources import Source
from digitwise.errors import DataError, one_line
from digitwise.formats.blocks import Stored
from digitwise.formats.csv import Csv
from digitwise.formats.libsvm import Libsvm
from digitwise.formats.npz import splits
from digitwise.formats.values import Scale, as_labels, as_pixels, shaped
from digitwise.images import ImageSet, Int64, UInt8

Pair = tuple[UInt8, Int64]
DARKEST = 16  # of optdigits' 8x8 images: the count of ink among 4x4 pixels


def read_texts(named: Source, files: list[Path]) -> Labelled:
    """Read a set of the files that publish it, those of training first, or of a part of it.

    Raises
    ------
    DataError
        If a file is not what it should be.
    """
    part = next((part for part in named.parts if part.name == files[0].name), None)
    for path, file in zip(files, [part] if part else named.files, strict=True):
        check_content(path, file)
    sets = [ImageSet(*(_npz if part else READERS[named.name])(path), named.class_names) for path in files]
    notes = (f"{part.name}: a part of {named.name}, {part.what}",) if part else ()
    return Labelled(named.name, str(files[0].resolve().parent), sets[0], sets[1] if len(sets) > 1 else None, notes)


def _stored(stored: Stored, white: float | None = None) -> Pair:
    block = stored.whole()
    assert not isinstance(block.images, list)
    pixels = shaped(block.images, stored.where)
    if white is not None:
        pixels = Scale(white=white).pixels(pixels)
    return as_pixels(pixels, stored.where), as_labels(np.asarray(block.labels), stored.where)


def _npz(path: Path) -> Pair:
    return _stored(splits(path)["train"])


def _usps(path: Path) -> Pair:
    return _stored(Libsvm(path))


def _optdigits(path: Path) -> Pair:
    return _stored(Csv(path, "last"), DARKEST)


def _semeion(path: Path) -> Pair:
    """Rows of 256 pixels, 0 or 1, and of the label one-hot."""
    try:
        table = np.loadtxt(path)
        if table.shape[1:] != (266,) or not np.isin(table, (0, 1)).all() or (table[:, 256:].sum(axis=1) != 1).any():
            raise ValueError(f"{table.shape[0]:,} rows of {table.shape[-1]:,} numbers")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: expected rows of 256 pixels and ten columns for the label, 0 or 1, got: {one_line(error, 160)}"
        ) from error
    return Scale(white=1).pixels(table[:, :256].reshape(-1, 16, 16)), table[:, 256:].argmax(axis=1).astype(np.int64)


READERS: dict[str, Callable[[Path], Pair]] = {"usps": _usps, "optdigits": _optdigits, "semeion": _semeion}
