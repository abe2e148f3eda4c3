"""Arrays in files, read from front to back: what NumPy's formats and IDX have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from digitwise.addresses import refuse_no_data
from digitwise.errors import DataError
from digitwise.formats.blocks import BLOCK, BLOCK_BYTES, Block, Stored
from digitwise.formats.damage import damage_of
from digitwise.formats.room import Room


@dataclass(frozen=True, eq=False)
class ArrayFile:
    """An array on disk, opened.

    Parameters
    ----------
    path : Path
    source : binary stream
        The file itself.
    file : binary stream
        What is in it, unpacked; stands at the first value.
    shape : tuple of int
    dtype : dtype
    by_columns : bool
        Whether the first axis runs fastest, as in Fortran.
    """

    path: Path
    source: IO[bytes]
    file: IO[bytes]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool = False

    def blocks(self, size: int) -> Iterator[NDArray[Any]]:
        """The values, ``size`` rows at a time, or fewer where these are large; the file is closed at the end.

        Raises
        ------
        DataError
            If there are fewer or more than the header says, or the compression is damaged.
        """
        rows, inner = self.shape[0], self.shape[1:]
        row_bytes = prod(inner) * self.dtype.itemsize
        size = rows if self.by_columns else max(1, min(size, BLOCK_BYTES // max(row_bytes, 1)))
        with self.source, self.file as file:
            Room(self.path).require_array((min(size, rows), *inner), self.dtype)
            if rows and not row_bytes:
                raise DataError.wanted(self.path, "values in each row", f"an array of shape {self.shape}")
            for start in range(0, rows, max(size, 1)):
                count = min(size, rows - start)
                content = _read(file, count * row_bytes, self.path)
                if len(content) < count * row_bytes:
                    raise DataError(
                        f"{self.path}: truncated: expected {rows:,} rows of shape {inner}, "
                        f"got {start + len(content) // max(row_bytes, 1):,}; fetch the file again"
                    )
                values = np.frombuffer(content, self.dtype)
                if self.by_columns:
                    yield values.reshape(self.shape, order="F")
                else:
                    yield values.reshape(count, *inner)
            if _read(file, 1, self.path):  # at the end an archive's checksum is looked at too
                raise DataError(f"{self.path}: oversized: expected {rows:,} rows of shape {inner}, got more; check it")

    def close(self) -> None:
        """Close the file, nothing read."""
        self.source.close()

    def whole(self) -> NDArray[Any]:
        """All values.

        Raises
        ------
        DataError
            If they take more memory than they may.
        """
        try:
            Room(self.path).require_array(self.shape, self.dtype)
        except DataError:
            self.close()
            raise
        found = list(self.blocks(self.shape[0]))
        return found[0] if len(found) == 1 else np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *found])


class Readable(Protocol):
    """An array in a file: an :class:`ArrayFile`, or a :class:`digitwise.formats.lazy.LazyArray`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""

    def blocks(self, size: int) -> Iterator[NDArray[Any]]:
        """The values, at most ``size`` rows at a time; the file is closed at the end."""

    def whole(self) -> NDArray[Any]:
        """All values; the file is closed."""

    def close(self) -> None:
        """Close the file, nothing read."""


Opener = Callable[[], Readable]


class Arrays(Stored):
    """Images in one array, labels perhaps in another one.

    Parameters
    ----------
    where : str
        The file of the images.
    images : callable
        Opens their array.
    labels : (str, callable), optional
        Where the labels lie, in words, and what opens them.
    note : str
        The array's name in an archive.
    class_names : tuple of str, optional
    notes : tuple of str
        What was understood.
    """

    def __init__(
        self,
        where: str,
        images: Opener,
        labels: tuple[str, Opener] | None = None,
        note: str = "",
        class_names: tuple[str, ...] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.where, self.note, self.class_names, self._notes = where, note, class_names, notes
        self.labelled = labels is not None
        self._images, self._labels = images, labels
        array = images()
        self.shape, self.dtype = array.shape, array.dtype
        array.close()

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`~digitwise.formats.blocks.Stored`."""
        return self._notes

    @property
    def rows(self) -> int:
        """Images."""
        return self.shape[0]

    def require_images(self, max_pixels: int) -> None:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        if self.dtype.kind not in "buif":
            raise DataError.wanted(self.where, "numbers as pixels", self.dtype)
        if len(self.shape) < 2 or min(self.shape) < 1:
            raise DataError.wanted(self.where, "images (n, h, w), (n, h, w, 3) or (n, square)", f"shape {self.shape}")
        if prod(self.shape[1:]) > 3 * max_pixels:
            raise DataError(
                f"{self.where}: too large: expected images of at most {max_pixels:,} pixels, got {self.shape[1:]}"
            )

    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        marks, first = self.marks() if labels else None, 0
        for values in self._images().blocks(size):
            yield Block(values, None if marks is None else marks[first : first + len(values)])
            first += len(values)

    def whole(self, *, labels: bool = True, mapped: bool = False) -> Block:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        return Block(self._images().whole(), self.marks() if labels else None)

    def marks(self) -> NDArray[Any] | None:
        """The labels as they are stored, (n,) or one-hot (n, k); None where there are none.

        Raises
        ------
        DataError
            If they are not as many as the images.
        """
        if self._labels is None:
            return None
        where, opener = self._labels
        values = opener().whole()
        if values.ndim not in (1, 2):
            raise DataError.wanted(where, "labels (n,) or one-hot rows", f"shape {values.shape}")
        if len(values) != self.rows:
            raise DataError(f"{where}: {self.rows} images but {len(values)} labels: expected one label an image")
        return values[:, 0] if values.shape[1:] == (1,) else values


def opened(path: Path, kind: str, header: Callable[[IO[bytes]], ArrayFile]) -> ArrayFile:
    """Open an array by what reads its header.

    Raises
    ------
    DataError
        If the file cannot be opened, or the header is damaged.
    """
    try:
        source = path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        with damage_of(path, f"damaged {kind} file"):
            return header(source)
    except BaseException as error:
        source.close()
        if isinstance(error, DataError):
            refuse_no_data(str(path))
        raise


def _read(file: IO[bytes], size: int, path: Path) -> bytes:
    parts: list[bytes] = []
    with damage_of(path, "truncated or damaged"):
        # Little at a time: a header may tell of more than there is, or than memory holds.
        while size and (part := file.read(min(size, BLOCK_BYTES))):
            parts.append(part)
            size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
