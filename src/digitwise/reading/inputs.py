"""What a caller gives: files and folders to read, labelled files, and single images of any kind."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitwise.decoding import MAX_PIXELS, READ_SUFFIXES, Decoded, decode_colour, decode_opened, open_image
from digitwise.decoding.modes import white_of
from digitwise.errors import DataError, DigitwiseError
from digitwise.escaping import printable
from digitwise.files import expanded, is_pipe, natural
from digitwise.formats import kind_of
from digitwise.formats.csv import separator
from digitwise.formats.folder import Folder, class_folders, has_idx, has_shards, inner_folder, leads_out
from digitwise.formats.values import as_pixels
from digitwise.images import Int64, UInt8
from digitwise.planes import Box

STDIN = "-"
FILE = "file", "path", "filename", "image"  # headers of a table's column of paths
ROW = 784  # numbers of an image of MNIST as a row
LONGEST_HEAD = 100_000  # characters
LABEL = "label", "class", "digit", "truth", "target", "y"
OneImage = str | Path | bytes | bytearray | memoryview | Image.Image
KINDS = "a path, bytes, a PIL image or an array (h, w), (h, w, 3) or (n, h, w)"


def sources_of(arguments: Sequence[str]) -> list[str]:
    """Expand folders to the images in them; files stay as given.

    Parameters
    ----------
    arguments : sequence of str
        Paths, or ``-`` for standard input. Of a folder and its subfolders, all images and PDFs that are neither
        hidden nor pipes, nor links that lead out of the folder, sorted by name with numbers as numbers; also
        subfolders that cannot be listed, so that they are reported as unreadable.

    Raises
    ------
    DataError
        If a name is empty, there is no image in a folder, or the standard input is named twice.
    """
    if list(arguments).count(STDIN) > 1:
        raise DataError("-: expected the standard input once, got it twice")
    if "" in arguments:
        raise DataError("expected the name of a file or folder, got an empty one")
    found: list[str] = []
    for argument in arguments:
        path = expanded(argument)
        if argument != STDIN and os.path.isdir(path):  # unlike Path.is_dir, False without permission
            inside = sorted(_images(path), key=natural)
            if not inside:
                raise DataError(f"{argument}: expected images in the folder ({', '.join(sorted(READ_SUFFIXES))})")
            found += inside
        else:
            found.append(argument)
    return found


def _images(folder: Path) -> Iterator[str]:
    closed: list[str] = []
    for root, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(root) / name
            is_image = not name.startswith(".") and path.suffix.lower() in READ_SUFFIXES
            if is_image and not leads_out(path, folder) and not is_pipe(path):
                yield str(path)
    yield from closed


def is_labelled_files(path: Path) -> bool:
    """Whether a path is for :func:`labelled_files`: a folder that holds no set in one file, or a table of paths."""
    if path.is_dir():
        folder = inner_folder(path)
        return not has_idx(folder) and not has_shards(folder)
    if kind_of(path) != "csv":
        return False
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = file.readline(LONGEST_HEAD)
    except (OSError, UnicodeDecodeError):
        return False
    return not set(FILE).isdisjoint(name.strip(' "').lower() for name in re.split("[,;]", head.rstrip()))


def labelled_files(path: str | Path, class_names: tuple[str, ...]) -> tuple[list[Path], Int64]:
    """The files of labelled images, and their labels.

    Parameters
    ----------
    path : str or Path
        A folder with one folder for each class, as ``digitwise serve --collect`` fills one too, or with ``train`` and
        ``test`` that have these, of which ``test`` is taken; or a CSV with a column
        of paths (``file``, ``path``, ``filename`` or ``image``), which start at the CSV's folder, and one of labels
        (``label``, ``class``, ``digit``, ``truth``, ``target`` or ``y``).
    class_names : tuple of str
        Of the model.

    Returns
    -------
    (list of Path, ndarray of int64 of shape (n,))
        A label is a place in ``class_names``.

    Raises
    ------
    DataError
        If there is no image, or a label is no class of the model.
    """
    place = expanded(path)
    if not place.exists():
        raise DataError.wanted(place, "a folder of class folders or a CSV of paths and labels", "nothing there")
    found = _of_folder(place) if place.is_dir() else _of_table(place)
    pairs = [(file, printable(name)) for file, name in found]  # as the model has the names of its classes
    if not pairs:
        raise DataError.wanted(place, "labelled images", "none")
    known = {name: label for label, name in enumerate(class_names)}
    for file, name in pairs:
        if name not in known:
            raise DataError(f"{file}: expected a label that the model knows, {', '.join(class_names)}; got {name!r}")
    return [file for file, _ in pairs], np.array([known[name] for _, name in pairs], np.int64)


def _of_folder(folder: Path) -> Iterator[tuple[Path, str]]:
    if {"train", "test"} <= set(class_folders(folder)):
        folder = folder / "test"
    yield from Folder(folder, class_folders(folder)).labelled_files()


def _of_table(file: Path) -> Iterator[tuple[Path, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: expected a CSV of paths and labels in UTF-8, got: {error}") from error
    head = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(), delimiter=separator(text))
    headers = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
    paths, labels = (next((headers[name] for name in names if name in headers), None) for names in (FILE, LABEL))
    if paths is None or labels is None:
        missing, names = ("paths", FILE) if paths is None else ("labels", LABEL)
        raise DataError(
            f"{file}: expected a header with a column of {missing}, {' or '.join(names)}; got {head[:80]!r}"
        )
    for row in rows:
        yield file.parent / _cell(row, paths, file, rows.line_num), _cell(row, labels, file, rows.line_num)


def _cell(row: Mapping[str, str | None], column: str, file: Path, line: int) -> str:
    cell = (row[column] or "").strip()
    if not cell:
        raise DataError(f"{file}, line {line}: expected something in the column {column}, got nothing")
    return cell


def path_of(source: Any) -> str | None:
    """The file's name, where the source is one."""
    return str(source) if isinstance(source, str | Path) else None


def stack_of(source: Any) -> UInt8 | None:
    """Several images in one array, as uint8 (n, h, w) or (n, h, w, 3); None for any other source.

    Raises
    ------
    DataError
        If the values are not pixel values, or it has rows of 784 numbers: these may be as many images, or one.
    """
    if isinstance(source, str | Path | bytes | Image.Image | list | tuple) or not hasattr(source, "__array__"):
        return None
    array = np.asarray(source)
    if array.ndim == 2 and array.shape[1] == ROW:
        came = f"an array of shape {array.shape}, perhaps rows of pixels"
        do = "give x.reshape(-1, 28, 28), or [x] if it is one image"
        raise DataError.wanted("x", "images (n, h, w) or one image (h, w)", came, do, argument="x")
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] not in (1, 3, 4):  # channels first
        array = np.moveaxis(array, 1, 3)
    several = array.ndim == 4 or (array.ndim == 3 and array.shape[2] not in (1, 3, 4))
    return as_pixels(_eight_bits(array), "the array") if several else None


def image_of(source: Any, *, max_pixels: int, at_least: int | None = None) -> Decoded:
    """One image.

    Parameters
    ----------
    source : str, Path, bytes, PIL image, or array (h, w), (h, w, 1), (h, w, 3) or, with transparency, (h, w, 4)
        Arrays of uint8, of whole numbers to 255, of 16 bits, or of floats from 0 to 1.
    max_pixels : int
    at_least : int, optional
        As for :func:`digitwise.decoding.open_image`.

    Raises
    ------
    DataError
        If it is none of these, or cannot be read.
    """
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if isinstance(source, bytes) or (hasattr(source, "read") and not hasattr(source, "__array__")):
        return open_image(source, max_pixels=max_pixels, at_least=at_least)
    if isinstance(source, str | Path):
        return open_image(expanded(source), max_pixels=max_pixels, at_least=at_least, name=str(source))
    if isinstance(source, Image.Image):
        return Decoded(_of_image(source))
    if not hasattr(source, "__array__"):
        raise DataError(
            f"expected {KINDS}, got {type(source).__name__}", argument="x", expected=KINDS, got=type(source).__name__
        )
    return Decoded(_of_array(np.asarray(source)))


def to_draw_on(image: Any) -> Decoded:
    """What a caller gives to have a reading drawn on it; see :func:`image_of`."""
    return image_of(image, max_pixels=MAX_PIXELS)


def file_of(path: str | None) -> Decoded | None:
    """The image at a path; None where there is none, or no longer one."""
    try:
        return None if path is None else to_draw_on(path)
    except (DigitwiseError, OSError):
        return None


def _of_image(image: Image.Image) -> UInt8:
    if not image.width * image.height:
        raise DataError(f"expected an image with pixels, got an image of {image.width}x{image.height}")
    return decode_opened(image, decode_colour)


def _of_array(array: NDArray[Any]) -> UInt8:
    one = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not one or not array.size:
        raise DataError(
            f"expected {KINDS}, got an array of shape {array.shape}", argument="x", expected=KINDS, got=array.shape
        )
    array = _eight_bits(array)
    if array.shape[2:] == (4,):
        layers = [as_pixels(array[..., i][None], "the array")[0] for i in range(4)]
        return decode_colour(Image.fromarray(np.stack(layers, axis=2), "RGBA"))
    image: UInt8 = as_pixels(array[None], "the array")[0]
    return image


def _eight_bits(array: NDArray[Any]) -> NDArray[Any]:
    """Scale 16-bit values above 255, as scanners give them, to 8 bits."""
    if array.dtype == np.uint16 and array.size and array.max() > 255:
        return np.asarray((array * (255 / white_of(float(array.max())))).round(), np.uint8)
    return array


def cut_out(decoded: Decoded, box: Box) -> UInt8:
    """Cut out a digit with a margin of a quarter of its height."""
    x, y = decoded.origin
    left, top, right, bottom = (edge / decoded.scale for edge in (box[0] - x, box[1] - y, box[2] - x, box[3] - y))
    rim = 0.25 * (bottom - top)
    rows, columns = (
        slice(max(0, int(top - rim)), int(bottom + rim) + 1),
        slice(max(0, int(left - rim)), int(right + rim) + 1),
    )
    part: UInt8 = decoded.image[rows, columns]
    return part
