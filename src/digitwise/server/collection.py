"""Labelled images that people send, as a folder set of the owner's own: ``DIR/CLASS/START-OF-SHA256.png``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from digitwise.decoding import MAX_PIXELS, open_image
from digitwise.errors import DataError
from digitwise.files import whole_file
from digitwise.images import UInt8
from digitwise.outputs import waiting_for

NAME = 20  # hexadecimal digits of the sha256 that name a file: enough to tell any number of images apart


@dataclass(frozen=True)
class Collected:
    """Where an image lies now.

    Parameters
    ----------
    path : str
        Below the folder, with ``/``.
    outcome : {"new", "known", "moved"}
        Whether it was there already, under this label or another one.
    """

    path: str
    outcome: Literal["new", "known", "moved"]


class Collection:
    """A folder set that grows image by image; any number of threads and processes may add to it.

    An image is stored as it was decoded: upright, and without what else its file said, such as place and time.

    Parameters
    ----------
    folder : str or Path
        Is made where it does not exist.
    class_names : sequence of str
        What labels there are; each becomes a folder when it gets its first image.
    max_pixels : int
        Larger images are refused.

    Raises
    ------
    DataError
        If the folder cannot be written to or holds ``train`` and ``test``, or a class cannot name a folder.
    """

    def __init__(self, folder: str | Path, class_names: Sequence[str], *, max_pixels: int = MAX_PIXELS) -> None:
        self.folder = Path(folder)
        self.class_names = tuple(class_names)
        self.max_pixels = max_pixels
        if odd := [name for name in self.class_names if not _names_a_folder(name)]:
            raise DataError(f"{self.folder}: expected classes whose names can be folders, got {odd[0]!r}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self.folder}: expected a folder to collect in, got: {error.strerror}") from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise DataError(f"{self.folder}: expected a folder that can be written to; choose another")
        if (self.folder / "train").is_dir() and (self.folder / "test").is_dir():
            raise DataError(
                f"{self.folder}: expected one folder a class, got train and test; collect in {self.folder / 'train'}"
            )

    def add(self, image: bytes | UInt8, label: str) -> Collected:
        """Store an image under a label; the same image under another one is moved.

        Parameters
        ----------
        image : bytes or ndarray of uint8, shape (h, w) or (h, w, 3)
            A file's content, or pixels.
        label : str
            A class name.

        Returns
        -------
        Collected

        Raises
        ------
        DataError
            If the label is no class, or the image cannot be read.
        OSError
            If it cannot be written.
        """
        if label not in self.class_names:
            raise DataError(f"label: expected one of {', '.join(self.class_names[:20])}, got {label[:40]!r}")
        pixels = open_image(image, max_pixels=self.max_pixels).image if isinstance(image, bytes) else image
        file = f"{_digest(pixels)[:NAME]}.png"
        place = self.folder / label / file
        with waiting_for(self.folder / "images"):
            if place.exists():
                return Collected(f"{label}/{file}", "known")
            earlier = [path for name in self.class_names if (path := self.folder / name / file).exists()]
            if earlier:
                place.parent.mkdir(exist_ok=True)
                earlier[0].replace(place)
                with suppress(OSError):  # an empty folder would be a class without images; others hold more
                    earlier[0].parent.rmdir()
            else:
                with whole_file(place) as temporary:
                    Image.fromarray(pixels).save(temporary)
        return Collected(f"{label}/{file}", "moved" if earlier else "new")


def _digest(pixels: UInt8) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def _names_a_folder(name: str) -> bool:
    """Whether a folder of this name would be read as this class: hidden ones are passed over."""
    plain = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    return plain and 0 < len(name.encode()) <= 200 and name == name.strip() and not name.startswith(".")
