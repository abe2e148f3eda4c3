"""Images of one split as they are stored: what there is, and blocks of raw values and labels in bounded memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.formats.room import Room
from digitwise.formats.values import Pixels
from digitwise.images import UInt8

BLOCK = 4_096  # images
BLOCK_BYTES = 2**25  # of a block, where the images are large: whichever is less

Values = NDArray[Any] | list[Any]  # numbers; or contents or paths of image files, None for a missing one
Labels = NDArray[Any] | list[int | str]


@dataclass(frozen=True, eq=False)
class Block:
    """Images in the order of their source, and what stands beside them.

    Parameters
    ----------
    images : ndarray (n, h, w), (n, h, w, 3) or (n, square), or list
        Numbers as they are stored, of any range (:class:`digitwise.formats.values.Pixels` makes them pixels), or
        contents or paths of image files. None in a list is a missing image, or one that was not asked for.
    labels : ndarray (n,) or one-hot (n, k), list of int or str, or None
        None if they were not asked for.
    names : list of str or None
        Names in an archive or a folder; None in arrays and tables, which have none.
    errors : dict of int to str
        Why an image of the block cannot be read, by its place, where that is known.
    """

    images: Values
    labels: Labels | None = None
    names: list[str] | None = None
    errors: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Images, missing ones too."""
        return len(self.images)


class Stored(ABC):
    """The images of one split, as they lie in a file, a folder, or several files.

    Attributes
    ----------
    where : str
        The source, for messages.
    note : str
        Which of several arrays or columns it is.
    notes : tuple of str
        What was understood, for those who use the data: which column is the label, how images lie in an array.
    labelled : bool
        Whether there are labels.
    class_names : tuple of str or None
        Where the source has them.
    """

    where: str
    labelled: bool
    note: str = ""
    notes: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None

    @property
    def rows(self) -> int | None:
        """Images; None where only reading tells."""
        return None

    @abstractmethod
    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """Read it once, in order, at most ``size`` images at a time; labels where they are asked for.

        Raises
        ------
        DataError
            If it is damaged, or lacks what is asked for.
        """

    def images(self, size: int = BLOCK) -> Iterator[UInt8 | list[Any]]:
        """The images in blocks, numbers as pixels, files as they are.

        Raises
        ------
        DataError
            If it is damaged, or numbers are no pixels.
        """
        pixels = Pixels(self.where)
        for block in self.blocks(size):
            yield block.images if isinstance(block.images, list) else pixels(block.images)

    def require_images(self, max_pixels: int) -> None:  # noqa: B027  # most forms tell nothing before reading
        """Refuse what holds no images, or some of more pixels, as far as that is known before reading.

        Raises
        ------
        DataError
        """

    def whole(self, *, labels: bool = True, mapped: bool = False) -> Block:
        """All of it in one block, numbers as one array; labels where there are any.

        Parameters
        ----------
        labels : bool
        mapped : bool
            Numbers may stay on disk, where the form allows that, to be read where they are used.

        Raises
        ------
        DataError
            If it takes more memory than it may.
        """
        room, found = Room(self.where), []
        for block in self.blocks(labels=labels and self.labelled):
            room.take(getattr(block.images, "nbytes", 0))
            found.append(block)
        images: list[Any] = [block.images for block in found]
        marks = [block.labels for block in found if block.labels is not None]
        return Block(np.concatenate(images), np.concatenate(marks) if marks else None)
