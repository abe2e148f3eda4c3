"""A set of digits brought to MNIST's form, as a folder of small images: to look at, check and train on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import overload

import numpy as np
from PIL import Image

from digitwise.data import read_labelled
from digitwise.data.arrays import is_place
from digitwise.data.labelled import Labelled
from digitwise.decoding import open_image
from digitwise.errors import DataError
from digitwise.files import expanded, real
from digitwise.formats.folder import Folder, class_folders
from digitwise.formats.form import decoded
from digitwise.formats.objects import images_of, kind_of
from digitwise.formats.values import as_pixels
from digitwise.images import ImageSet, UInt8
from digitwise.normalization import normalize as normalize_one
from digitwise.outputs import Kind, check_folder, claimed, new_folder
from digitwise.progress import each_of, showing
from digitwise.turns import turn_of

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


@overload
def normalize(data: object, out: None = None, *, turn: str | None = None, progress: bool | None = None) -> UInt8: ...
@overload
def normalize(
    data: object, out: str | Path, *, turn: str | None = None, progress: bool | None = None
) -> NormalizedSet: ...
def normalize(
    data: object, out: str | Path | None = None, *, turn: str | None = None, progress: bool | None = None
) -> UInt8 | NormalizedSet:
    """Bring images of digits to MNIST's form, as the reader does: images in memory, or a set to a folder.

    Parameters
    ----------
    data : array (h, w), (h, w, 3), (n, h, w) or (n, h, w, 3), PIL image, list, ``(x, y)`` or ImageSet; or any set
        Images of one digit each, dark on light or light on dark, uint8 or other numbers 0 to 255, or 0 to 1. With
        ``out`` labelled images: a folder of images by class, whose files are opened one by one, or what else
        :func:`digitwise.load` takes. Without, the labels of ``(x, y)`` and of an ImageSet stay as they are.
    out : str or Path, optional
        Folder for the images as PNG files, with one folder a class; blank ones are left out. A new one, or that of an
        earlier time.
    turn : str, optional
        What to do with all images first, as for :func:`digitwise.load`.
    progress : bool, optional
        Whether to show a bar; by default on a terminal and in a notebook.

    Returns
    -------
    ndarray of uint8, shape (28, 28) or (n, 28, 28), or NormalizedSet
        Light on dark, all 0 where an image is blank; with ``out`` what was written.

    Raises
    ------
    DataError
        If images cannot be read or there is no such turn; if there is no ``out`` for a labelled set, or it is
        something else than an earlier set, unchanged.

    Examples
    --------
    >>> import digitwise
    >>> scan = np.full((60, 40), 255, np.uint8)
    >>> scan[10:50, 18:22] = 40
    >>> digitwise.normalize(scan).shape
    (28, 28)
    """
    if turn is not None:
        turn_of(turn)  # before the data is read
    with showing(progress, "normalising"):
        return _formed(data, turn) if out is None else normalize_set(scans_in(data), Path(out), turn=turn)


def _formed(data: object, turn: str | None) -> UInt8:
    """Images in memory in MNIST's form."""
    if isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], tuple | ImageSet):
        data = data[0]  # of (x, y) the images
    elif isinstance(data, ImageSet):
        data = data.images
    if isinstance(data, str | Path | tuple) or (
        not isinstance(data, list | Image.Image) and not hasattr(data, "__array__")
    ):
        do = "give out, a folder for them"
        raise DataError.wanted("data", "images in memory", kind_of(data), do, argument="out")
    values, _ = images_of([data] if isinstance(data, Image.Image) else data, "data")
    one = not isinstance(data, list) and (isinstance(values, list) or values.ndim == 2 or values.shape[2:] == (3,))
    if isinstance(values, list):
        images = decoded(values, "data", range(len(values)))
    else:
        images = list(as_pixels(values[None] if one else values, "data"))
    forms = np.stack([normalize_one(_turned(image, turn)).image for image in each_of(images, "normalising")])
    return forms[0] if one else forms


def _turned(image: UInt8, turn: str | None) -> UInt8:
    return image if turn is None else np.ascontiguousarray(turn_of(turn)(image[None])[0])


def scans_in(source: object) -> list[Scan]:
    """The images of a set of labelled digits, each with its place in a folder set.

    Parameters
    ----------
    source : str, Path or object
        A folder of images by class, perhaps under ``train`` and ``test``, whose images are opened one by one, without
        links that lead out of it; or anything else that :func:`digitwise.load` takes.

    Raises
    ------
    DataError
        If a file is no image, a class name cannot be a folder's, or there are no images.
    """
    if not is_place(source):
        return _scans_of(read_labelled(source))
    folder = expanded(source)
    splits = [folder / "train", folder / "test"]
    roots = splits if all(split.is_dir() for split in splits) else [folder]
    parts = [Folder(root, class_folders(root, folder), folder) for root in roots if root.is_dir()]
    found: list[Scan] = [(file.relative_to(folder), file) for part in parts for file, _ in part.labelled_files()]
    if found:
        return found
    if folder.is_dir() and class_folders(folder):
        raise DataError.wanted(folder, "images in one folder a class", "none")
    return _scans_of(read_labelled(source))


def _scans_of(labelled: Labelled) -> list[Scan]:
    found: list[Scan] = []
    sets = {"train": labelled.train, "test": labelled.test} if labelled.test is not None else {"": labelled.train}
    for split, images in sets.items():
        assert images is not None
        for name in images.class_names:
            if not name or name.startswith(".") or PurePath(name).name != name:
                raise DataError.wanted(labelled.name, "class names that can name folders", repr(name))
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
    if turn is not None:
        turn_of(turn)
    check_folder(place, NORMALIZED)
    blank, written = [], 0
    with claimed(place, NORMALIZED), new_folder(place, NORMALIZED) as temporary:
        for name, scan in each_of(scans, "normalising"):
            image = open_image(scan).image if isinstance(scan, Path) else scan
            found = normalize_one(_turned(image, turn))
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
