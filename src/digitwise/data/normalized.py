"""A folder of scans brought to MNIST's form, as a folder of small images: to look at, check and train on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from digitwise.decoding import open_image
from digitwise.errors import DataError
from digitwise.files import real
from digitwise.formats.folder import Folder, class_folders
from digitwise.normalize import normalize
from digitwise.outputs import Kind, check_folder, claimed, new_folder

NORMALIZED = Kind("normalized", "an earlier set of digitwise data normalize")


@dataclass(frozen=True)
class NormalizedSet:
    """What was written.

    Parameters
    ----------
    path : Path
    images : int
    blank : tuple of Path
        Files with nothing but paper, left out.
    """

    path: Path
    images: int
    blank: tuple[Path, ...]


def scans_in(folder: Path) -> list[Path]:
    """The images of a folder set: in a folder a class, perhaps under ``train`` and ``test``; no links out of it.

    Raises
    ------
    DataError
        If a file is no image, or there are none.
    """
    splits = [folder / "train", folder / "test"]
    roots = splits if all(split.is_dir() for split in splits) else [folder]
    parts = [Folder(root, class_folders(root, folder), folder) for root in roots if root.is_dir()]
    found = [file for part in parts for file, _ in part.labelled_files()]
    if not found:
        raise DataError(f"{folder}: expected images in one folder a class, got none")
    return found


def normalize_folder(folder: Path, files: Iterable[Path], out: Path) -> NormalizedSet:
    """Bring the images of a folder set to MNIST's form, by the road that a reader takes.

    Parameters
    ----------
    folder : Path
        Is not touched.
    files : iterable of Path
        Images in it, see :func:`scans_in`.
    out : Path
        Gets the same folders with PNG files of 28x28, light on dark; appears whole or not at all.

    Returns
    -------
    NormalizedSet

    Raises
    ------
    DataError
        If a file is no image, or ``out`` is something else than an earlier set, unchanged.
    """
    place = real(out)
    check_folder(place, NORMALIZED)
    blank, written = [], 0
    with claimed(place, NORMALIZED), new_folder(place, NORMALIZED) as temporary:
        for file in files:
            found = normalize(open_image(file).image)
            image = (temporary / file.relative_to(folder)).with_suffix(".png")
            if found.blank:
                blank.append(file)
                continue
            if image.exists():
                raise DataError(f"{file}: another image there has this name but for the suffix; rename one")
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(found.image)).save(image)
            written += 1
    return NormalizedSet(out, written, tuple(blank))
