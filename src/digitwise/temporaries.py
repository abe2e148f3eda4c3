"""Temporary files and folders: their names, and how those of killed processes are removed.

A process that is killed removes nothing. What it leaves is removed by the next that writes into the same folder, or
makes a temporary folder. Only names that are formed as below count, and only while no living process holds them:

- **Files** lie beside the file that they become, ``.digitwise-STEM-8HEX.SUFFIX``. Their writer holds the folder with a
  shared lock; a process that can have it alone knows that nobody is writing there. The file itself is not locked,
  since HDF5 locks it.
- **Locks**, ``.digitwise-NAME.lock``, of processes that write to a place are removed too, if they can be had.
- **Folders** lie where the system has temporary ones, ``.digitwise-16HEX``, and are locked themselves.

Where the system or the disk locks no folders, as on Windows, they stay.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PREFIX = ".digitwise"  # names of this beginning are ours
LOCK = re.compile(rf"{re.escape(PREFIX)}(-.*)?\.lock", re.DOTALL)
FILE = re.compile(rf"{re.escape(PREFIX)}-.*-[0-9a-f]{{8}}(\.[^/]*)?", re.DOTALL)
FOLDER = re.compile(rf"{re.escape(PREFIX)}-[0-9a-f]{{16}}")
TRIES, SECONDS_BETWEEN_TRIES = 5, 0.01  # others hold a folder alone only while they remove files


def temporary_name(path: Path) -> Path:
    """A new name beside a file; it keeps the suffix, for writers that choose the format by it."""
    return path.parent / f"{PREFIX}-{path.stem}-{os.urandom(4).hex()}{''.join(path.suffixes[-2:])}"


@contextmanager
def lying_in(folder: Path) -> Iterator[None]:
    """Keep the temporary files in a folder from being removed by others; those of killed processes are removed first.

    Parameters
    ----------
    folder : Path
        Where they lie.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            if _locked(handle):
                _remove_files(folder)
            for _ in range(TRIES):
                if _locked(handle, shared=True):
                    break
                time.sleep(SECONDS_BETWEEN_TRIES)
        yield


def _remove_files(folder: Path) -> None:
    """Remove the temporary files in a folder where nobody is writing, and the locks that nobody holds."""
    for entry in list(os.scandir(folder)):
        if not entry.name.startswith(PREFIX) or not entry.is_file(follow_symlinks=False):
            continue
        with suppress(OSError), ExitStack() as stack:
            if LOCK.fullmatch(entry.name):
                handle = os.open(entry.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
                stack.callback(os.close, handle)
                if _locked(handle) and os.path.samestat(os.fstat(handle), os.lstat(entry.path)):
                    os.unlink(entry.path)
            elif FILE.fullmatch(entry.name):
                os.unlink(entry.path)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is removed at the end, whatever its content and permissions; those of killed processes are first.

    Yields
    ------
    Path
        It lies where the system has temporary folders.
    """
    place = Path(tempfile.gettempdir())
    _remove_left(place)
    with ExitStack() as stack:
        folder = _made(place, stack)
        try:
            yield folder
        finally:
            remove(folder)


@contextmanager
def for_libraries() -> Iterator[None]:
    """Let what libraries make of temporary files and folders lie in one of ours; only for who owns the process.

    Where none can be made, they lie where they always do.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            folder = stack.enter_context(temporary_folder())
            stack.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
            tempfile.tempdir = str(folder)
        yield


def _made(place: Path, stack: ExitStack) -> Path:
    """A new folder, locked as long as the stack."""
    while True:
        folder = place / f"{PREFIX}-{os.urandom(8).hex()}"
        folder.mkdir(0o700)
        try:
            handle = _opened(folder)
        except FileNotFoundError:  # taken for one that was left, in the moment before it is locked
            continue
        except OSError:  # a system that opens no folders
            return folder
        stack.callback(os.close, handle)
        with suppress(OSError):
            if not _locked(handle) or not os.path.samestat(os.fstat(handle), os.lstat(folder)):
                continue
            return folder
        if folder.exists():  # a disk without locks
            return folder


def _remove_left(place: Path) -> None:
    """Remove the temporary folders of this user whose process is dead."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        for entry in list(os.scandir(place)):
            if not FOLDER.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
                continue
            with suppress(OSError), ExitStack() as stack:
                if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                    handle = _opened(Path(entry.path))
                    stack.callback(os.close, handle)
                    if _locked(handle):
                        remove(Path(entry.path))


def remove(folder: Path) -> None:
    """Remove a folder without recursion, as thousands may be nested in it, and whatever the permissions in it."""
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        with suppress(OSError):
            os.chmod(place, 0o700)
            for entry in list(os.scandir(place)):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)
                    waiting.append(Path(entry.path).rename(folder.joinpath(os.urandom(8).hex())))
                else:
                    os.unlink(entry.path)
            if place != folder:
                os.rmdir(place)
    with suppress(OSError):
        os.rmdir(folder)


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0))


def _locked(handle: int, *, shared: bool = False) -> bool:
    """Whether a lock could be had; an OSError where there are none."""
    if sys.platform == "win32":
        raise OSError("Windows locks no folders")
    import fcntl

    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
