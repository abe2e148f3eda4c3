"""Where files of rows are written: a folder here, or behind an address; each file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from digitwise.errors import MissingPartError, one_line
from digitwise.files import expanded, whole_file
from digitwise.formats.shards import is_address
from digitwise.outputs import Kind, claimed

SHARDS = Kind("shards", "a folder of this job")


class Place(Protocol):
    """A folder of files; it can be sent to other processes.

    What goes wrong in it is an OSError.
    """

    @property
    def name(self) -> str:
        """For messages."""

    def names(self) -> list[str]:
        """What is in it, hidden files too; nothing where it does not exist."""

    def open(self, name: str) -> IO[bytes]:
        """Open a file to be read."""

    def writing(self, name: str) -> Any:
        """A context manager that gives a temporary file; on leaving without an error that is the file."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep other jobs out, where that is possible; they are refused."""


@dataclass(frozen=True)
class Here:
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

    def names(self) -> list[str]:  # noqa: D102  # see Place
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

    def alone(self) -> AbstractContextManager[None]:  # noqa: D102
        return claimed(Path(self.path), SHARDS)


@dataclass(frozen=True)
class Behind:
    """A folder behind an address that fsspec knows.

    Parameters
    ----------
    name : str
        The address.
    """

    name: str

    def names(self) -> list[str]:  # noqa: D102
        with self._asked() as (system, path):
            try:
                found = system.ls(path, detail=False, refresh=True) if system.exists(path) else []
            except TypeError:  # not every one keeps what it listed
                found = system.ls(path, detail=False)
            return sorted(each.rstrip("/").rpartition("/")[2] for each in found)

    def open(self, name: str) -> IO[bytes]:  # noqa: D102
        with self._asked() as (system, path):
            file: IO[bytes] = system.open(f"{path}/{name}", "rb")
            return file

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:  # noqa: D102
        handle, temporary = tempfile.mkstemp(suffix=Path(name).suffix)
        os.close(handle)
        try:
            yield Path(temporary)
            with self._asked() as (system, path):
                system.makedirs(path, exist_ok=True)
                system.put_file(temporary, f"{path}/{name}")
        finally:
            os.unlink(temporary)

    def remove(self, name: str) -> None:  # noqa: D102
        with self._asked() as (system, path):
            if system.exists(f"{path}/{name}"):
                system.rm_file(f"{path}/{name}")

    def alone(self) -> AbstractContextManager[None]:  # noqa: D102
        return nullcontext()  # addresses have no locks; what two jobs write twice is the same

    @contextmanager
    def _asked(self) -> Iterator[tuple[Any, str]]:
        try:
            import fsspec.core
        except ImportError as error:
            raise MissingPartError(f"{self.name}: an address needs fsspec: pip install 'digitwise[cluster]'") from error
        try:
            system, path = fsspec.core.url_to_fs(self.name)
            yield system, path.rstrip("/")
        except ImportError as error:
            raise MissingPartError(f"{self.name}: this address needs one more library: {error}") from error
        except OSError:
            raise
        except Exception as error:  # of libraries whose errors have no common base but this
            raise OSError(None, one_line(error, 160), self.name) from error


def place_of(out: str) -> Place:
    """The folder that a name or an address stands for."""
    return Behind(out) if is_address(out) else Here(out, os.path.abspath(expanded(out)))
