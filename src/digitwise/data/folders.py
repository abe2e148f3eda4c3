"""Data sets as folders of pictures: ``DIR/CLASS/picture.png``, perhaps under ``train/`` and ``test/``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitwise.decoding import SUFFIXES, decode, open_picture
from digitwise.errors import DataError
from digitwise.fitting import common_size, fit_into, grey, is_dark_on_light
from digitwise.images import ImageSet, Int64, UInt8

POLARITY_SAMPLE = 2_000  # training pictures that tell ink from ground


@dataclass(frozen=True, eq=False)
class Pictures:
    """Decoded pictures of one split: each uint8 (h, w) or (h, w, 3), with its label."""

    pictures: list[UInt8]
    labels: Int64


def read_folder(path: Path) -> tuple[ImageSet, ImageSet | None, tuple[str, ...]]:
    """Read pictures sorted into one folder a class.

    Parameters
    ----------
    path : Path
        Holds the class folders, or ``train`` and ``test`` which do. PNG, JPEG, BMP and TIFF of any size; hidden
        files are passed over, anything else is an error.

    Returns
    -------
    train : ImageSet
    test : ImageSet or None
    notes : tuple of str
        What was done to the pictures: a polarity turned round, a common size.

    Raises
    ------
    DataError
        If a file in a class folder is not a picture, a class folder is empty, or there are no class folders.
    """
    has_test = (path / "train").is_dir() and (path / "test").is_dir()
    classes = class_folders(path / "train" if has_test else path)
    if len(classes) < 2:
        raise DataError(f"{path}: expected a folder for each class (two or more), got {len(classes)}")
    train = _read(path / "train" if has_test else path, classes)
    test = _read(path / "test", classes) if has_test else None
    everything = [*train.pictures, *(test.pictures if test else [])]
    size = common_size({picture.shape[:2] for picture in everything})
    colour = sum(picture.ndim == 3 for picture in everything) > len(everything) / 2
    dark = not colour and is_dark_on_light(stack(train.pictures[:POLARITY_SAMPLE], size, colour=False))
    notes = [
        f"pictures brought to {size[0]}x{size[1]}, {'3 channels' if colour else 'grey'}",
        "polarity: colour, left as it is"
        if colour
        else f"polarity: {'dark on light, inverted' if dark else 'light on dark, as MNIST'}",
    ]
    sets = [
        None
        if split is None
        else ImageSet(_light(stack(split.pictures, size, colour=colour), dark), split.labels, classes)
        for split in (train, test)
    ]
    assert sets[0] is not None
    return sets[0], sets[1], tuple(notes)


def _light(images: UInt8, dark: bool) -> UInt8:
    return 255 - images if dark else images


def class_folders(path: Path) -> tuple[str, ...]:
    """The names of the folders in ``path``, in label order: as numbers where all are, else as words."""
    names = [entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    numbers = all(name.isdecimal() for name in names)
    return tuple(sorted(names, key=(lambda n: (int(n), n)) if numbers else None))


def _read(path: Path, classes: tuple[str, ...]) -> Pictures:
    strangers = {e.name for e in path.iterdir() if e.is_dir() and not e.name.startswith(".")} - set(classes)
    if strangers:
        raise DataError(f"{path}: class folder {sorted(strangers)[0]!r} has no counterpart in the training set")
    pictures: list[UInt8] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        for file in picture_files(path / name):
            pictures.append(open_picture(file, decode=decode).picture)
            labels.append(label)
    if not pictures:
        raise DataError(f"{path}: the set is empty: expected pictures in the class folders")
    return Pictures(pictures, np.asarray(labels, np.int64))


def picture_files(folder: Path) -> Iterator[Path]:
    """The pictures of a class folder, in the order of their names; none where there is no such folder.

    Raises
    ------
    DataError
        If something else lies there.
    """
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or file.name in ("Thumbs.db", "desktop.ini"):
            continue
        if file.suffix.lower() not in SUFFIXES:
            raise DataError(
                f"{file}: not a picture: expected {', '.join(sorted(SUFFIXES))}; take it out of the class folder"
            )
        yield file


def stack(pictures: list[UInt8], size: tuple[int, int], *, colour: bool) -> UInt8:
    """Bring pictures to one size and one kind, uint8 (n, h, w) or (n, h, w, 3)."""
    if colour:
        whole = [p if p.ndim == 3 else np.repeat(p[..., None], 3, axis=2) for p in pictures]
        return np.stack([fit_into(p, size) for p in whole])
    return np.stack([fit_into(grey(p), size) for p in pictures])
