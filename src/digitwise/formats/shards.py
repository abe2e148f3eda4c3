"""Where shards lie: files, folders of them, and the same behind an address that fsspec knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from digitwise.decoding import READ_SUFFIXES
from digitwise.errors import DataError, DigitwiseError, MissingPartError, one_line
from digitwise.files import expanded, is_pipe, natural

Kind = Literal["parquet", "tar"]
SUFFIXES: dict[str, Kind] = {".parquet": "parquet", ".tar": "tar", ".tar.gz": "tar", ".tgz": "tar"}
VERSIONS = ("ETag", "etag", "LastModified", "last_modified", "mtime", "modified")  # as object stores call them
WANTED = "expected Parquet (.parquet) or tar archives (.tar, .tar.gz)"


@dataclass(frozen=True)
class Shard:
    """One file of pictures.

    Parameters
    ----------
    path : str
        A path, or an address for fsspec.
    kind : {"parquet", "tar"}
    size : int
        Bytes; 0 where the place does not tell.
    version : str
        Another one when the file has changed, where the place tells that.
    """

    path: str
    kind: Kind
    size: int
    version: str = field(default="", compare=False)


def find_shards(source: str) -> list[Shard]:
    """The shards that a name stands for.

    Parameters
    ----------
    source : str
        A file, a folder, whose files count and not those of folders in it, or an address of either: what has ``://``
        or ``::`` goes to fsspec. Hidden files, and those that are no shards by name, are passed over in a folder.

    Returns
    -------
    list of Shard
        At least one; a folder's by name, numbers sorted as numbers.

    Raises
    ------
    DataError
        If there is nothing there, or no shard.
    MissingPartError
        If an address is given and fsspec, or its part for this kind of address, is not installed.
    """
    found = _behind(source) if is_address(source) else _here(source)
    if not found:
        raise DataError(f"{source}: {WANTED} in the folder, got none")
    return sorted(found, key=lambda shard: natural(shard.path))


def is_address(path: str) -> bool:
    """Whether a name is fsspec's to open."""
    return "://" in path or "::" in path


def pictures_behind(address: str) -> list[tuple[str, int, str]]:
    """Addresses of the pictures in a folder and below it, with their bytes and versions; hidden ones are passed over.

    Parameters
    ----------
    address : str
        For fsspec. None are found where it is no folder.

    Raises
    ------
    DataError
        If it cannot be looked at.
    MissingPartError
        If fsspec, or its part for this kind of address, is not installed.
    """
    fsspec = library(address)
    with asked(address):
        system, path = fsspec.core.url_to_fs(address)
        if not system.isdir(path):
            return []
        files = system.find(path, detail=True)
    found = []
    for name, entry in files.items():
        inside = name[len(path.rstrip("/")) :].lstrip("/")
        hidden = any(part.startswith(".") for part in inside.split("/"))
        if not hidden and "." + inside.rpartition(".")[2].lower() in READ_SUFFIXES:
            found.append((child(address, inside), *size_and_version_of(entry)))
    return found


@contextmanager
def open_shard(path: str) -> Iterator[IO[bytes]]:
    """Open a shard for a while.

    Raises
    ------
    DataError
        If it cannot be opened.
    MissingPartError
        If it is an address and fsspec, or its part for this kind of address, is not installed.
    """
    if is_address(path):
        with asked(path):
            opened = library(path).open(path, "rb")  # kept: what it goes through, such as an archive, ends with it
            file: IO[bytes] = opened.open()
    else:
        try:
            file = expanded(path).open("rb")
        except (OSError, ValueError) as error:  # a null byte in the name is a ValueError
            raise DataError(f"{path}: expected a file that can be read, got: {_reason(error)}") from error
    with file:
        yield file


def size_and_version(path: Path) -> tuple[int, str]:
    """Bytes of a file, and when it was written."""
    found = path.stat()
    return found.st_size, _time(found.st_mtime)


def size_and_version_of(entry: Mapping[str, Any]) -> tuple[int, str]:
    """The same of a file behind an address, from what fsspec tells of it: its tag, or when it was written."""
    found = next((entry[key] for key in VERSIONS if entry.get(key)), "")
    return int(entry.get("size") or 0), _time(found) if isinstance(found, float) else str(found)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _here(source: str) -> list[Shard]:
    path = expanded(source)
    try:
        if path.is_dir():
            files = [entry for entry in path.iterdir() if entry.is_file() and not is_pipe(entry)]
            return [
                Shard(str(file), kind, *size_and_version(file))
                for file in files
                if (kind := _kind(file.name)) and not file.name.startswith(".")
            ]
        told = size_and_version(path)
    except FileNotFoundError as error:
        raise DataError(f"{source}: {WANTED} or a folder of them, got a name of nothing; check it") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{source}: {WANTED} or a folder of them, got: {_reason(error)}") from error
    return [Shard(str(path), _kind(path.name) or _kind_inside(str(path)), *told)]


def _behind(source: str) -> list[Shard]:
    fsspec = library(source)
    with asked(source):
        system, path = fsspec.core.url_to_fs(source)
        if system.isdir(path):
            entries = [(_last(entry["name"]), entry) for entry in system.ls(path, detail=True)]
            return [
                Shard(child(source, name), kind, *size_and_version_of(entry))
                for name, entry in entries
                if entry["type"] == "file" and not name.startswith(".") and (kind := _kind(name))
            ]
        told = size_and_version_of(system.info(path))
    return [Shard(source, _kind(_last(path)) or _kind_inside(source), *told)]


def _kind(name: str) -> Kind | None:
    lower = name.partition("?")[0].lower()
    return next((kind for suffix, kind in SUFFIXES.items() if lower.endswith(suffix)), None)


def _kind_inside(path: str) -> Kind:
    """What a file is whose name does not tell."""
    with open_shard(path) as file, asked(path):
        start = file.read(512)
    if start.startswith(b"PAR1"):
        return "parquet"
    if start[257:262] == b"ustar":
        return "tar"
    raise DataError(f"{path}: {WANTED}, got a file that is neither by name nor by content")


def _last(path: str) -> str:
    return Path(path.partition("?")[0].rstrip("/")).name


def child(folder: str, name: str) -> str:
    """The address of a file in a folder: of a chain such as ``simplecache::s3://a``, the first link with a path."""
    links = folder.split("::")
    place = next(i for i, link in enumerate(links) if "/" in link)
    links[place] = f"{links[place].rstrip('/')}/{name}"
    return "::".join(links)


def library(path: str) -> Any:
    """The fsspec library, for an address.

    Raises
    ------
    MissingPartError
        If it is not installed.
    """
    try:
        import fsspec
        import fsspec.core
    except ImportError as error:
        raise MissingPartError(f"{path}: an address needs fsspec: pip install 'digitwise[cluster]'") from error
    return fsspec


@contextmanager
def asked(path: str) -> Iterator[None]:
    """What goes wrong on the way to a file, in one line; libraries for addresses have errors of no common kind."""
    try:
        yield
    except DigitwiseError:
        raise
    except ImportError as error:
        raise MissingPartError(f"{path}: this address needs one more library: {_reason(error)}") from error
    except FileNotFoundError as error:
        raise DataError(f"{path}: {WANTED} or a folder of them, got an address of nothing; check it") from error
    except Exception as error:
        raise DataError(f"{path}: expected an address that can be read, got: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return one_line(getattr(error, "strerror", None) or error, 160)
