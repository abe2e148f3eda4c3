"""Images as files, in one folder a class (``DIR/CLASS/image.png``), perhaps under ``train/`` and ``test/``.

Links in a folder that lead out of it are left out and named, unless they are asked for. A folder may also hold a set
further down, as torchvision's root and a data set of Hugging Face's hub do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from digitwise.decoding import SUFFIXES
from digitwise.errors import DataError
from digitwise.escaping import printable
from digitwise.files import natural, real
from digitwise.formats import idx
from digitwise.formats.blocks import BLOCK, Block, Stored
from digitwise.formats.listing import is_shard

ARROW = (
    "expected Parquet, got Arrow files of datasets' save_to_disk: in Python, "
    "datasets.load_from_disk({path!r}){split}.to_parquet('train-0.parquet')"
)
FOLLOW = "DIGITWISE_FOLLOW_LINKS"  # an environment variable: it holds for every command and the library alike
READS = f"{FOLLOW}=1 reads what it leads to"
NAMED = 5  # links that a note lists
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
        :func:`leads_out`.
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


def leads_out(entry: Path, top: Path) -> bool:
    """Whether an entry of a folder is a link to somewhere outside of ``top`` that is not asked for."""
    return entry.is_symlink() and not os.environ.get(FOLLOW) and not real(entry).is_relative_to(real(top))


def links_out(folder: Path, top: Path | None = None) -> list[str]:
    """The links in a folder and its subfolders that lead out of ``top``, by default the folder; printable, sorted."""
    found, waiting = [], [folder]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_symlink():
                    if not entry.name.startswith(".") and leads_out(path, top or folder):
                        found.append(printable(path.relative_to(folder)))
                elif entry.is_dir() and not entry.name.startswith("."):
                    waiting.append(path)
    return sorted(found, key=natural)


def note_on(links: list[str]) -> tuple[str, ...]:
    """What is said of links that are left out; nothing where there are none."""
    more = f" and {len(links) - NAMED:,} more" if len(links) > NAMED else ""
    named = ", ".join(links[:NAMED]) + more
    return (f"left out, since links lead out of the folder: {named}; {FOLLOW}=1 reads them",) if links else ()


def inner_folder(path: Path) -> Path:
    """Where the set lies: the folder itself, or the only one below it that has IDX files or shards.

    Raises
    ------
    DataError
        If several have, or there are Arrow files.
    """
    if has_idx(path) or has_shards(path):
        return path
    below = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    if any(_holds(folder, lambda file: file.suffix == ".arrow") for folder in (path, *below)):
        split = "" if (path / "state.json").is_file() else "['train']"  # a Dataset, or a DatasetDict of such
        raise DataError(f"{path}: {ARROW.format(path=str(path), split=split)}")
    raw = [path / "raw", *(folder / "raw" for folder in below)]
    found = [folder for folder in raw if folder.is_dir() and has_idx(folder)]
    found += [folder for folder in below if has_shards(folder)]
    if len(found) > 1:
        names = ", ".join(str(folder.relative_to(path)) for folder in found)
        raise DataError.wanted(path, "one set in the folder", names, "give the folder of one of them")
    return found[0] if found else path


def has_idx(folder: Path) -> bool:
    """Whether a folder holds IDX files, by their names."""
    return _holds(folder, idx.is_idx)


def has_shards(folder: Path) -> bool:
    """Whether a folder, or its ``train``, holds Parquet or tar files."""
    return any(_holds(place, is_shard) for place in (folder, folder / "train"))


def _holds(folder: Path, wanted: Callable[[Path], bool]) -> bool:
    return folder.is_dir() and any(wanted(file) and file.is_file() for file in folder.iterdir())
