"""The list of the files that digitwise wrote into a folder, ``.digitwise.json``; and other files in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from digitwise.errors import DataError, DigitwiseError
from digitwise.files import whole_file
from digitwise.temporaries import PREFIX

MARKER = f"{PREFIX}.json"
STAGED = re.compile(rf"(^|/){re.escape(PREFIX)}-[^/]*\.new/")  # in what is written there first, and may be cut off
UNFINISHED = re.compile(r"\..+\.partial", re.DOTALL)  # see digitwise.unfinished
FORMAT = 1
STRANGE = "which digitwise did not write"
CHANGED = "which was changed since digitwise wrote it"

# What versions that kept no list put into a run folder; such a run is known by its run.json and by these names.
RUN = (
    *("run.json", "history.csv", "validation.npz", "test.npz", "features.npz", "labels.csv", "policy.json"),
    *("slices.json", "improvement.json", "model.keras", "model.json", "model.weights.h5", "checkpoint-[0-9]*.npz"),
)
CHARTS = ("loss", "accuracy", "reliability", "risk-coverage", "map")
BESIDE = {
    "run": RUN,
    "figures": ("first_prediction.png", "confusion.png", "confusion_normalized.png", "errors.png", "{recipe}_plot.???"),
    "report": ("report.html", "report.json"),
    "export": ("model.onnx",),
}
INSIDE = {  # by the folder's name, which is its kind's too
    "report-figures": (
        *(f"{name}.???" for name in CHARTS),
        *("confusion.png", "errors.png", "slices.png", "comparison.png"),
    ),
    "saved-model": ("saved_model.pb", "fingerprint.pb", "variables/variables.*"),
}
NEEDED = {"format", "recipe", "data", "results", "versions"}  # of a run.json of any version


@dataclass(frozen=True)
class Kind:
    """A kind of output: only the same kind is replaced by it.

    Parameters
    ----------
    name : str
        As it stands in the list of what was written.
    words : str
        For messages, with its article.
    error : type
        What is raised where something else is in the way.
    option : str
        What chooses the place.
    """

    name: str
    words: str
    error: type[DigitwiseError] = DataError
    option: str = "--out"

    @property
    def another(self) -> str:
        """What to do where a place is taken."""
        argument = self.option.removeprefix("--")
        return f"choose another {argument}" + ("" if argument == self.option else f" ({self.option})")

    def refused(self, place: Path, got: str) -> DigitwiseError:
        """The error that names what is in the way."""
        wanted, do = f"a new name or {self.words} to replace", self.another
        return self.error.wanted(place, wanted, got, do, argument=self.option.removeprefix("--"))


@dataclass
class WrittenFile:
    """A file that was written.

    Parameters
    ----------
    kind : str
        What it was written as.
    sha256 : list of str
        Of its content, and of the content before it, since a replacement may be cut off. None for a file of an
        earlier version, which is known by its name.
    """

    kind: str
    sha256: list[str] = field(default_factory=list)


@dataclass
class Marker:
    """What digitwise wrote into a folder.

    Parameters
    ----------
    kind : str
        Of the whole folder, where digitwise made it; empty where it only wrote into it.
    files : dict of str to WrittenFile
        By their path below the folder, with ``/``.
    folders : list of str
        Those it made in it that have no list of their own.
    """

    kind: str = ""
    files: dict[str, WrittenFile] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    def objection(self, folder: Path, name: str) -> str:
        """Why a file may not be replaced; empty where it may."""
        path, entry = folder / name, self.files.get(name)
        if entry is None or path.is_symlink() or not path.is_file():
            return STRANGE
        return "" if not entry.sha256 or digest(path) in entry.sha256 else CHANGED

    def write(self, folder: Path) -> None:
        """Put it into its folder."""
        document = {
            "format": FORMAT,
            "folder": self.kind,
            "folders": self.folders,
            "files": {name: vars(entry) for name, entry in sorted(self.files.items())},
        }
        with whole_file(folder / MARKER) as temporary:
            temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


class Thing(NamedTuple):
    """Something that lies in a folder, and why it may not be deleted; empty where it may."""

    path: Path
    objection: str


def digest(path: Path) -> str:
    """The sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def marker_of(folder: Path) -> Marker | None:
    """The list of a folder; of an earlier version's run folder one by its names; None where digitwise wrote nothing.

    Raises
    ------
    DataError
        If something else is called as the list is.
    """
    file = folder / MARKER
    if not os.path.lexists(file):
        return _earlier(folder)
    try:
        if file.is_symlink() or not file.is_file():  # a pipe would be waited for
            raise ValueError
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError
        files = {name: WrittenFile(str(each["kind"]), list(each["sha256"])) for name, each in found["files"].items()}
        if not all(entry.sha256 for entry in files.values()):  # by which any content would pass
            raise ValueError
        return Marker(str(found["folder"]), files, list(found["folders"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{file}: expected digitwise's list of what it wrote, got something else; move it") from error


def unfinished(folder: Path) -> Marker:
    """The list of a folder in which a run is being made, or which a finished one has been exchanged for."""
    return marker_of(folder) or _by_name("run", _matching(folder, dict.fromkeys((*RUN, ".?*"), "run")))


def kept_list(folder: Path) -> Marker:
    """The list of a folder to be added to; that of an earlier version's run is written now, while it is known."""
    found = marker_of(folder)
    if found is None:
        return Marker()
    if not os.path.lexists(folder / MARKER):
        for inside in (folder, *(folder / name for name in INSIDE)):
            made = marker_of(inside)
            if made is not None:
                for name, entry in made.files.items():
                    entry.sha256 = [digest(inside / name)]
                made.write(inside)
        return kept_list(folder)
    return found


def sealed(folder: Path, kind: str) -> Marker:
    """The list of all that is in a folder now, but for folders that have their own."""
    made, waiting = Marker(kind), [folder]
    while waiting:
        for path in waiting.pop().iterdir():
            name = path.relative_to(folder).as_posix()
            if not path.is_dir():
                made.files |= {} if path.name.startswith(PREFIX) else {name: WrittenFile(kind, [digest(path)])}
            elif not (path / MARKER).exists():
                made.folders.append(name)
                waiting.append(path)
    return made


def things(folder: Path, marker: Marker, below: str = "") -> Iterator[Thing]:
    """All that lies in a folder, the content of folders before them, each with why it may not be deleted.

    The list itself comes last, so that a deletion that is cut off leaves it.
    """
    for path in sorted((folder / below).iterdir(), key=lambda path: (path.name == MARKER, path.name)):
        name = below + path.name
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            yield Thing(path, STRANGE)
        elif path.is_file():
            ours = path.name.startswith(PREFIX) or STAGED.search(name)
            yield Thing(path, "" if ours else marker.objection(folder, name))
        elif (own := _own(path, marker)) is not None:
            yield from things(path, own)
            yield Thing(path, "")
        else:
            yield from things(folder, marker, f"{name}/")
            ours = name in marker.folders or path.name.startswith(PREFIX) or STAGED.search(name)
            yield Thing(path, "" if ours else STRANGE)


def _own(folder: Path, above: Marker) -> Marker | None:
    """The list of a folder in another one; where that is ours, of a run as well whose making was cut off."""
    return unfinished(folder) if above.kind and UNFINISHED.fullmatch(folder.name) else marker_of(folder)


def in_the_way(folder: Path, marker: Marker) -> str:
    """The first thing in a folder that may not be deleted, in words; empty where there is none."""
    for path, objection in things(folder, marker):
        if objection:
            return f"{path.relative_to(folder)}, {objection}"
    return ""


def _by_name(kind: str, files: dict[str, str]) -> Marker:
    folders = {str(above) for name in files for above in Path(name).parents} - {"."}
    extra = {"assets"} if kind == "saved-model" else set()  # which TensorFlow makes and leaves empty
    return Marker(kind, {name: WrittenFile(each) for name, each in files.items()}, sorted(folders | extra))


def _earlier(folder: Path) -> Marker | None:
    """What would be the list of a folder that an earlier version made; None where none did."""
    if (recipe := _recipe(folder)) is not None:
        names = {name.format(recipe=recipe): kind for kind, patterns in BESIDE.items() for name in patterns}
        return _by_name("run", _matching(folder, names))
    if folder.name in INSIDE and _recipe(folder.parent) is not None and not folder.is_symlink():
        return _by_name(folder.name, _matching(folder, dict.fromkeys(INSIDE[folder.name], folder.name)))
    return None


def _recipe(folder: Path) -> str | None:
    """The recipe of a run folder; None where it is none."""
    file = folder / "run.json"
    try:
        if file.is_symlink() or not file.is_file():
            return None
        found = json.loads(file.read_text(encoding="utf-8"))
        return str(found["recipe"]["name"]) if found.keys() >= NEEDED else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _matching(folder: Path, patterns: dict[str, str]) -> dict[str, str]:
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        kind = next((kind for pattern, kind in patterns.items() if fnmatchcase(name, pattern)), None)
        if kind is not None and path.is_file() and not path.is_symlink():
            found[name] = kind
    return found
