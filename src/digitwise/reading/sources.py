"""Which files are to be read, in which order, and labelled ones."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from digitwise.decoding import READ_SUFFIXES
from digitwise.errors import DataError
from digitwise.files import expanded, is_pipe, natural
from digitwise.formats.folder import Folder, class_folders
from digitwise.images import Int64

STDIN = "-"
FILE = "file", "path", "filename", "image"  # headers of a table's column of paths
LABEL = "label", "class", "digit", "truth", "target", "y"


def sources_of(arguments: Sequence[str]) -> list[str]:
    """Files as they were given, folders by the images in them.

    Parameters
    ----------
    arguments : sequence of str
        Paths, ``-`` for the standard input. In a folder, and in those below it, all images and PDFs that are not
        hidden, nor pipes, are taken, numbers in their names sorted as numbers, and folders that cannot be looked into:
        they are told as what cannot be read.

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
        if argument != STDIN and os.path.isdir(path):  # unlike Path's it is False where nobody may look
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
            if not name.startswith(".") and path.suffix.lower() in READ_SUFFIXES and not is_pipe(path):
                yield str(path)
    yield from closed


def labelled_files(path: str | Path, class_names: tuple[str, ...]) -> tuple[list[Path], Int64]:
    """The files of labelled images, and their labels.

    Parameters
    ----------
    path : str or Path
        A folder with one folder for each class, as ``digitwise serve --collect`` fills one too; or a CSV with a column
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
        raise DataError(f"{place}: expected a folder of class folders or a CSV of paths and labels, got nothing there")
    pairs = list(_of_folder(place) if place.is_dir() else _of_table(place))
    if not pairs:
        raise DataError(f"{place}: expected labelled images, got none")
    known = {name: label for label, name in enumerate(class_names)}
    for file, name in pairs:
        if name not in known:
            raise DataError(f"{file}: expected a label that the model knows, {', '.join(class_names)}; got {name!r}")
    return [file for file, _ in pairs], np.array([known[name] for _, name in pairs], np.int64)


def _of_folder(folder: Path) -> Iterator[tuple[Path, str]]:
    names = class_folders(folder)
    if {"train", "test"} & set(names):
        raise DataError(f"{folder}: expected one folder for each class, got train or test; give {folder / 'test'}")
    yield from Folder(folder, names).labelled_files()


def _of_table(file: Path) -> Iterator[tuple[Path, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: expected a CSV of paths and labels in UTF-8, got: {error}") from error
    head = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(), delimiter=";" if head.count(";") > head.count(",") else ",")
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
