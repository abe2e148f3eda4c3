"""Single files: one writer a place, what may be replaced, and how a file gets onto the list of its folder."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from digitwise.files import whole_file, write_json
from digitwise.outputs.marker import STRANGE, Kind, WrittenFile, digest, kept_list, marker_of
from digitwise.temporaries import PREFIX


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
                f"wait for it, or {kind.another}"
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
            if mine and not _is(handle, file):  # the holder before has removed it
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


def check_file(path: Path, kind: Kind) -> None:
    """Check that a file may be written: its place is free, or holds an unchanged file of this kind by digitwise.

    Raises
    ------
    DigitwiseError
        Of the kind, if there is something that digitwise did not write, wrote as something else, or that was changed.
    """
    if not os.path.lexists(path):
        return
    if path.is_dir() and not path.is_symlink():
        raise kind.refused(path, "a folder")
    marker = marker_of(path.parent)
    objection = STRANGE if marker is None else marker.objection(path.parent, path.name)
    if objection or marker is None:
        raise kind.refused(path, f"a {'link' if path.is_symlink() else 'file'} {objection}")
    if (earlier := marker.files[path.name].kind) != kind.name:
        raise kind.refused(path, f"another file that digitwise wrote ({earlier})")


@contextmanager
def output_file(path: Path, kind: Kind) -> Iterator[Path]:
    """Give a temporary name to write to; on leaving, put it in the place of ``path`` and onto the list of its folder.

    Raises
    ------
    DigitwiseError
        Of the kind, if something of the owner's lies there, or another process is writing there.
    """
    check_file(path, kind)
    with claimed(path, kind), whole_file(path) as temporary:
        yield temporary
        check_file(path, kind)  # it may have appeared meanwhile
        listed(path, temporary, kind)
        check_file(path, kind)  # or while others wrote to the list


@contextmanager
def updated_file(path: Path, kind: Kind) -> Iterator[Path]:
    """Give a temporary name as :func:`output_file` does, for a file whose content was read and is kept in the new one.

    ``path`` is a file or nothing.
    """
    with whole_file(path) as temporary:
        yield temporary
        listed(path, temporary, kind)


@contextmanager
def new_file(path: Path, kind: Kind) -> Iterator[Path]:
    """Give a temporary name as :func:`output_file` does, for a file that is the owner's from then on."""
    if os.path.lexists(path):
        raise kind.refused(path, "one that is there and may be somebody's work")
    with whole_file(path) as temporary:
        yield temporary
        if os.path.lexists(path):
            raise kind.refused(path, "one that appeared meanwhile")


def write(path: Path, kind: Kind, content: bytes | str) -> None:
    """Write ``content`` (text as UTF-8) as :func:`output_file` does."""
    with output_file(path, kind) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def write_plain(path: Path, kind: Kind, value: Any) -> None:
    """Write ``value`` as JSON as :func:`output_file` does."""
    with output_file(path, kind) as temporary:
        write_json(temporary, value)


def remove_file(path: Path, kind: Kind) -> None:
    """Remove a file of digitwise's own writing, if it is there."""
    check_file(path, kind)
    path.unlink(missing_ok=True)


def listed(path: Path, new: Path, kind: Kind) -> None:
    """Put a file onto the list of its folder before it is there, so that it is ours whenever it is cut off."""
    folder = path.parent
    with held(folder / f"{PREFIX}-list.lock", wait=True):
        marker = kept_list(folder)
        there = [digest(path)] if path.is_file() and not marker.objection(folder, path.name) else []
        marker.files[path.name] = WrittenFile(kind.name, [digest(new), *there])
        marker.write(folder)
