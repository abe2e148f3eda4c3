"""One writer a place: a lock that the system frees when its process dies."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from digitwise.outputs.marker import PREFIX, Kind


@contextmanager
def claimed(place: Path, kind: Kind, *, inside: bool = False) -> Iterator[None]:
    """Keep others from writing to a place; they are refused, not made to wait.

    Parameters
    ----------
    place : Path
        What is written.
    kind : Kind
    inside : bool
        Whether ``place`` is a folder that is written into, not replaced: it is made, and removed if it stays empty.

    Raises
    ------
    DigitwiseError
        Of the kind, if another process or thread is writing there.
    """
    folder = place if inside else place.parent
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if inside:
        place.parent.mkdir(parents=True, exist_ok=True)
    if not inside or not os.access(place.parent, os.W_OK):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / (f"{PREFIX}.lock" if inside else f"{PREFIX}-{place.name}.lock"), place, kind):
            yield
        return
    with claimed(place, kind):  # before the folder is made: who makes it has it alone, and is the one to remove it
        made = not place.exists()
        place.mkdir(exist_ok=True)
        try:
            with _alone(place / f"{PREFIX}.lock", place, kind):  # for those who can write only here
                yield
        finally:
            if made:
                with suppress(OSError):
                    place.rmdir()


@contextmanager
def _alone(lock: Path, place: Path, kind: Kind) -> Iterator[None]:
    """Hold a lock, or refuse by the name of the place."""
    with held(lock) as mine:
        if not mine:
            raise kind.error(
                f"{place}: expected to write there alone, got another digitwise that is writing there now; "
                f"wait for it, or choose another {kind.option}"
            )
        yield


@contextmanager
def waiting_for(file: Path) -> Iterator[None]:
    """Let one process and thread at a time read a file and write it anew; the others wait."""
    with held(file.with_name(f"{PREFIX}-{file.name}.lock"), wait=True):
        yield


@contextmanager
def held(file: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold a lock by a file that is there as long; gives whether it could be had."""
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            mine = _lock(handle, file, wait=wait)
            if mine and not _is(handle, file):  # whoever held it has removed it
                continue
            try:
                yield mine
            finally:
                if mine:
                    with suppress(OSError):  # some systems keep a file that is open
                        os.unlink(file)
            return
        finally:
            os.close(handle)


def _lock(handle: int, file: Path, *, wait: bool) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:  # a disk without locks
        raise OSError(error.errno, error.strerror, str(file)) from error
    return True


def _is(handle: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(file, follow_symlinks=False))
    except FileNotFoundError:
        return False
