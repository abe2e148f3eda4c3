"""Images as files, in one folder a class (``DIR/CLASS/image.png``), perhaps under ``train/`` and ``test/``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from digitwise.decoding import SUFFIXES
from digitwise.errors import DataError
from digitwise.escaping import printable
from digitwise.formats.blocks import BLOCK, Block, Stored
from digitwise.formats.links import leads_out, links_out, note_on

JUNK = ("Thumbs.db", "desktop.ini")  # what systems leave in folders
OTHER = f"not an image: expected {', '.join(sorted(SUFFIXES))}"


class Folder(Stored):
    """The images of one split.

    Parameters
    ----------
    root : Path
    classes : tuple of str
        The folders in it, in label order; none where the images lie in ``root`` itself, without labels.
    top : Path, optional
        The data folder, by default ``root``; links that lead out of it are left out, see
        :mod:`digitwise.formats.links`.
    """

    def __init__(self, root: Path, classes: tuple[str, ...], top: Path | None = None) -> None:
        self.top = top or root
        self.root, self.where, self.class_names, self.labelled = root, str(root), classes, bool(classes)

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`~digitwise.formats.blocks.Stored`; about the whole data folder."""
        return note_on(links_out(self.top))

    def blocks(self, size: int = BLOCK, *, labels: bool = False) -> Iterator[Block]:
        """See :class:`~digitwise.formats.blocks.Stored`; images are paths, labels the names of their folders.

        Whatever else lies among them is an image that cannot be read.
        """
        files = list(self._files())
        for start in range(0, len(files), size):
            part = files[start : start + size]
            names = [printable(str(file.relative_to(self.root))) for file in part]
            wrong = {place: OTHER for place, file in enumerate(part) if file.suffix.lower() not in SUFFIXES}
            found: list[bytes | Path | None] = [None if place in wrong else file for place, file in enumerate(part)]
            yield Block(found, [file.parent.name for file in part] if labels else None, names, wrong)

    def whole(self, *, labels: bool = True, mapped: bool = False) -> Block:
        """See :class:`~digitwise.formats.blocks.Stored`."""
        return next(self.blocks(2**62, labels=labels and self.labelled), Block([], [] if labels else None, []))

    def labelled_files(self) -> Iterator[tuple[Path, str]]:
        """Each file and the name of its folder.

        Raises
        ------
        DataError
            If something else lies there.
        """
        for block in self.blocks(labels=True):
            if block.errors:
                place, reason = min(block.errors.items())
                name = (block.names or [""])[place]
                raise DataError(f"{self.root / name}: {reason}; take it out of the class folder")
            for file, name in zip(block.images, block.labels or (), strict=True):
                yield Path(file), str(name)

    def loose(self) -> list[Path]:
        """Images beside the class folders."""
        return image_files(self.root, self.top) if self.labelled else []

    def links(self) -> list[str]:
        """The links that are left out."""
        return links_out(self.root, self.top)

    def _files(self) -> Iterator[Path]:
        for folder in [self.root / name for name in self.class_names or ()] or [self.root]:
            for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
                shown = not entry.name.startswith(".") and entry.name not in JUNK
                if shown and (self.labelled or entry.is_file()) and not leads_out(entry, self.top):
                    yield entry


def splits(path: Path) -> Mapping[str, Folder]:
    """The splits in a folder.

    The classes of the test part are those of training, then those that only it has. A folder with images in it and
    at most one folder beside them has no classes.

    Raises
    ------
    DataError
        If there is but one class, or nothing but links that lead out of the folder.
    """
    parts = [path / "train", path / "test"]
    has_test = all(part.is_dir() and not leads_out(part, path) for part in parts)
    root = path / "train" if has_test else path
    classes = class_folders(root, path)
    if len(classes) < 2 and image_files(root, path):
        classes = ()
    elif not classes and (links := note_on(links_out(root, path))):
        raise DataError.wanted(root, "images or a folder for each class", "links only", links[0])
    if len(classes) == 1:
        raise DataError.wanted(root, "a folder for each class (two or more)", "1")
    found: dict[str, Folder] = {"train": Folder(root, classes, path)}
    if has_test:
        others = class_folders(path / "test", path) if classes else ()
        found["test"] = Folder(path / "test", (*classes, *(name for name in others if name not in classes)), path)
    return found


def class_folders(path: Path, top: Path | None = None) -> tuple[str, ...]:
    """The names of the folders in ``path``, in label order: as numbers where all are, else as words."""
    shown = [entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    names = [entry.name for entry in shown if not leads_out(entry, top or path)]
    numbers = all(name.isdecimal() for name in names)
    return tuple(sorted(names, key=(lambda n: (int(n), n)) if numbers else None))


def image_files(folder: Path, top: Path) -> list[Path]:
    """The files of a folder that are images by their names, sorted by these."""
    files = (file for file in folder.iterdir() if file.is_file() and file.suffix.lower() in SUFFIXES)
    return sorted(file for file in files if not leads_out(file, top))
