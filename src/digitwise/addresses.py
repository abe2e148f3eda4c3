"""Local files, and files behind addresses of fsspec: listing, opening, writing whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

from digitwise.errors import DataError, DigitwiseError, MissingPartError
from digitwise.files import expanded, instead_of_data, whole_file
from digitwise.parts import imported
from digitwise.temporaries import temporary_folder

VERSIONS = ("ETag", "etag", "LastModified", "last_modified", "mtime", "modified")  # as object stores call them
START = 512  # bytes that tell what a file is
FILE = "expected a file that can be read"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file.

    Parameters
    ----------
    path : str
        A path, or an address.
    name : str
        In its folder.
    size : int
        Bytes; 0 if unknown.
    version : str
        Changes with the content, if known: the tag of the file, or its time of modification.
    """

    path: str
    name: str
    size: int = 0
    version: str = ""


def is_address(path: str) -> bool:
    """Whether a name is an address for fsspec."""
    return "://" in path or "::" in path


def listed(source: str, wanted: str = FILE) -> tuple[list[Entry], bool]:
    """The files of a folder, not those of folders in it, or a file itself; and whether it is a folder.

    Parameters
    ----------
    source : str
        A file, a folder, or an address of either: what has ``://`` or ``::``.
    wanted : str
        The expectation in messages.

    Raises
    ------
    DataError
        If there is no file, or it cannot be read.
    MissingPartError
        If an address is given and fsspec, or its part for this kind of address, is not installed.
    """
    with _told(source, wanted):
        if not is_address(source):
            path = expanded(source)
            if not path.is_dir():
                return [entry_of(path)], False
            return [entry_of(file) for file in path.iterdir() if file.is_file()], True
        with _asked(source) as (system, place):
            if not system.isdir(place):
                return [Entry(source, _last(place), *_facts(system.info(place)))], False
            found = [(_last(each["name"]), each) for each in system.ls(place, detail=True) if each["type"] == "file"]
            return [Entry(_child(source, name), name, *_facts(each)) for name, each in found], True


def files_below(address: str) -> list[Entry]:
    """The files in a folder behind an address and below it, hidden ones passed over; none where it is no folder.

    Their names are from the folder on.

    Raises
    ------
    DataError, MissingPartError
        As for :func:`listed`.
    """
    with _told(address, FILE), _asked(address) as (system, place):
        files = system.find(place, detail=True) if system.isdir(place) else {}
    inside = {name[len(place.rstrip("/")) :].lstrip("/"): facts for name, facts in files.items()}
    shown = {name: facts for name, facts in inside.items() if not any(part[:1] == "." for part in name.split("/"))}
    return [Entry(_child(address, name), name, *_facts(facts)) for name, facts in shown.items()]


def entry_of(path: Path) -> Entry:
    """A file of this machine.

    Raises
    ------
    OSError, ValueError
        If there is none, or no file can have that name.
    """
    found = path.stat()
    return Entry(str(path), path.name, found.st_size, _time(found.st_mtime))


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open a file for a while.

    Raises
    ------
    DataError
        If it cannot be opened.
    MissingPartError
        As for :func:`listed`.
    """
    with _told(path, FILE):
        if is_address(path):
            with _asked(path) as (system, place):  # the file system, such as an archive, must outlive the file
                file: IO[bytes] = system.open(place, "rb")
        else:
            file = expanded(path).open("rb")
    with file:
        yield file


def refuse_no_data(path: str) -> None:
    """Name what lies there in place of data, if it is one of those that :func:`digitwise.files.instead_of_data` knows.

    Raises
    ------
    DataError
    """
    try:
        with opened(path) as file:
            instead = instead_of_data(file.read(START))
    except DigitwiseError:
        return
    if instead is not None:
        raise DataError(f"{path}: expected data, got {instead}")


class OutputFolder(Protocol):
    """A folder of files to be written; it can be sent to other processes.

    Its errors are OSErrors.
    """

    @property
    def name(self) -> str:
        """For messages."""

    def names(self) -> list[str]:
        """Names of all files, hidden ones too; none if the folder does not exist."""

    def open(self, name: str) -> IO[bytes]:
        """Open a file to be read."""

    def writing(self, name: str) -> Any:
        """A context manager that yields a temporary file, which takes the name on leaving without an error."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine, or of a disk that machines share.

    Parameters
    ----------
    name : str
        As it was given.
    path : str
        From the root.
    """

    name: str
    path: str

    def names(self) -> list[str]:  # noqa: D102  # see OutputFolder
        return sorted(os.listdir(self.path)) if os.path.exists(self.path) else []

    def open(self, name: str) -> IO[bytes]:  # noqa: D102
        return open(os.path.join(self.path, name), "rb")

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:  # noqa: D102
        with whole_file(Path(self.path, name)) as temporary:
            yield temporary

    def remove(self, name: str) -> None:  # noqa: D102
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(self.path, name))


@dataclass(frozen=True)
class RemoteFolder:
    """A folder behind an address.

    Parameters
    ----------
    name : str
        The address.
    """

    name: str

    def names(self) -> list[str]:  # noqa: D102
        with _asked(self.name) as (system, place):
            try:
                found = system.ls(place, detail=False, refresh=True) if system.exists(place) else []
            except TypeError:  # not every one keeps what it listed
                found = system.ls(place, detail=False)
            return sorted(_last(each) for each in found)

    def open(self, name: str) -> IO[bytes]:  # noqa: D102
        with _asked(self.name) as (system, place):
            file: IO[bytes] = system.open(_in(place, name), "rb")
            return file

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:  # noqa: D102
        with temporary_folder() as folder:
            temporary = folder / name
            temporary.touch()
            yield temporary
            with _asked(self.name) as (system, place):
                system.makedirs(place, exist_ok=True)
                system.put_file(str(temporary), _in(place, name))

    def remove(self, name: str) -> None:  # noqa: D102
        with _asked(self.name) as (system, place):
            if system.exists(_in(place, name)):
                system.rm_file(_in(place, name))


def folder_of(name: str) -> OutputFolder:
    """The folder that a name or an address stands for."""
    return RemoteFolder(name) if is_address(name) else LocalFolder(name, os.path.abspath(expanded(name)))


@contextmanager
def _asked(address: str) -> Iterator[tuple[Any, str]]:
    """The file system of an address, and the path in it; any error of its library becomes an OSError."""
    core = imported("fsspec.core", f"{address}: an address")
    try:
        system, place = core.url_to_fs(address)
        yield system, place
    except (DigitwiseError, OSError):
        raise
    except ImportError as error:
        raise MissingPartError(f"{address}: this address needs one more library: {_reason(error)}") from error
    except Exception as error:
        raise OSError(None, _reason(error), address) from error


@contextmanager
def _told(path: str, wanted: str) -> Iterator[None]:
    """Turn errors of a file into a DataError of one line."""
    try:
        yield
    except FileNotFoundError as error:
        nothing = "an address" if is_address(path) else "a name"
        raise DataError(f"{path}: {wanted}, got {nothing} of nothing; check it") from error
    except (OSError, ValueError) as error:  # a null byte in a name is a ValueError
        wanted = "expected an address that can be read" if is_address(path) else wanted
        raise DataError(f"{path}: {wanted}, got: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())[:160]


def _facts(entry: Mapping[str, Any]) -> tuple[int, str]:
    """Size and version from fsspec's entry of a file."""
    found = next((entry[key] for key in VERSIONS if entry.get(key)), "")
    return int(entry.get("size") or 0), _time(found) if isinstance(found, float) else str(found)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _last(path: str) -> str:
    return path.partition("?")[0].rstrip("/").rpartition("/")[2]


def _in(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _child(folder: str, name: str) -> str:
    """The address of a file in a folder: of a chain such as ``simplecache::s3://a``, the first link with a path."""
    links = folder.split("::")
    place = next(i for i, link in enumerate(links) if "/" in link)
    links[place] = _in(links[place], name)
    return "::".join(links)
