"""Single files: what may be replaced, and how it gets onto the list of its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from digitwise.files import whole_file, write_json
from digitwise.outputs.locks import claimed, held
from digitwise.outputs.marker import PREFIX, STRANGE, Entry, Kind, digest, kept_list, marker_of


def check_file(path: Path, kind: Kind) -> None:
    """Make sure that nothing of the owner's lies where a file shall be written.

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
    with claimed(path, kind), whole_file(path, prefix=f"{PREFIX}-") as temporary:
        yield temporary
        check_file(path, kind)  # it may have appeared meanwhile
        listed(path, temporary, kind)
        check_file(path, kind)  # or while others wrote to the list


@contextmanager
def updated_file(path: Path, kind: Kind) -> Iterator[Path]:
    """Give a temporary name as :func:`output_file` does, for a file whose content was read and is kept in the new one.

    ``path`` is a file or nothing.
    """
    with whole_file(path, prefix=f"{PREFIX}-") as temporary:
        yield temporary
        listed(path, temporary, kind)


@contextmanager
def new_file(path: Path, kind: Kind) -> Iterator[Path]:
    """Give a temporary name as :func:`output_file` does, for a file that is the owner's from then on."""
    if os.path.lexists(path):
        raise kind.refused(path, "one that is there and may be somebody's work")
    with whole_file(path, prefix=f"{PREFIX}-") as temporary:
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
        marker.files[path.name] = Entry(kind.name, [digest(new), *there])
        marker.write(folder)
