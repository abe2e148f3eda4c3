"""A set of digits brought to MNIST's form, as a folder of small images: to look at, check and train on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from digitwise.data import read_labelled
from digitwise.decoding import open_image
from digitwise.errors import DataError
from digitwise.files import expanded, real
from digitwise.formats.folder import Folder, class_folders
from digitwise.images import UInt8, turn_of
from digitwise.normalize import normalize
from digitwise.outputs import Kind, check_folder, claimed, new_folder

NORMALIZED = Kind("normalized", "an earlier set of digitwise data normalize")

Scan = tuple[Path, Path | UInt8]  # its place in the new folder; its file, or uint8 (h, w) or (h, w, 3)


@dataclass(frozen=True)
class NormalizedSet:
    """What was written.

    Parameters
    ----------
    path : Path
    images : int
    blank : tuple of Path
        Images with nothing but paper, left out: their files, or their places in the new folder.
    """

    path: Path
    images: int
    blank: tuple[Path, ...]


def scans_in(source: str | Path) -> list[Scan]:
    """The images of a set of labelled digits, each with its place in a folder set.

    Parameters
    ----------
    source : str or Path
        A folder of images by class, perhaps under ``train`` and ``test``, whose images are opened one by one, without
        links that lead out of it; or anything else that :func:`digitwise.load` takes.

    Raises
    ------
    DataError
        If a file is no image, a class name cannot be a folder's, or there are no images.
    """
    folder = expanded(source)
    splits = [folder / "train", folder / "test"]
    roots = splits if all(split.is_dir() for split in splits) else [folder]
    parts = [Folder(root, class_folders(root, folder), folder) for root in roots if root.is_dir()]
    found: list[Scan] = [(file.relative_to(folder), file) for part in parts for file, _ in part.labelled_files()]
    if found:
        return found
    if folder.is_dir() and class_folders(folder):
        raise DataError(f"{folder}: expected images in one folder a class, got none")
    labelled = read_labelled(source)
    sets = {"train": labelled.train, "test": labelled.test} if labelled.test is not None else {"": labelled.train}
    for split, images in sets.items():
        assert images is not None
        for name in images.class_names:
            if not name or name.startswith(".") or PurePath(name).name != name:
                raise DataError(f"{source}: expected class names that can name folders, got {name!r}")
        width = len(str(len(images)))
        for place, label in enumerate(images.labels):
            found.append((Path(split, images.class_names[label], f"{place:0{width}}.png"), images.images[place]))
    return found


def normalize_set(scans: Iterable[Scan], out: Path, *, turn: str | None = None) -> NormalizedSet:
    """Bring images to MNIST's form, as a reader does.

    Parameters
    ----------
    scans : iterable of (Path, Path or ndarray)
        From :func:`scans_in`; none of them is touched.
    out : Path
        Gets the same folders with PNG files of 28x28, light on dark; appears whole or not at all.
    turn : str, optional
        What to do with each image first, see :func:`digitwise.load`.

    Returns
    -------
    NormalizedSet

    Raises
    ------
    DataError
        If a file is no image, there is no such turn, or ``out`` is something else than an earlier set, unchanged.
    """
    place = real(out)
    turned = None if turn is None else turn_of(turn)
    check_folder(place, NORMALIZED)
    blank, written = [], 0
    with claimed(place, NORMALIZED), new_folder(place, NORMALIZED) as temporary:
        for name, scan in scans:
            image = open_image(scan).image if isinstance(scan, Path) else scan
            found = normalize(image if turned is None else np.ascontiguousarray(turned(image[None])[0]))
            new = (temporary / name).with_suffix(".png")
            if found.blank:
                blank.append(scan if isinstance(scan, Path) else name)
                continue
            if new.exists():
                raise DataError(f"{name}: another image there has this name but for the suffix; rename one")
            new.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(found.image)).save(new)
            written += 1
    return NormalizedSet(out, written, tuple(blank))
