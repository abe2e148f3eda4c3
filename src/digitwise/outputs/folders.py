"""Folders that are replaced as a whole, and several things that are replaced together."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from digitwise.files import naming
from digitwise.outputs.marker import (
    MARKER,
    STRANGE,
    Kind,
    Marker,
    in_the_way,
    kept_list,
    marker_of,
    sealed,
    things,
    unfinished,
)
from digitwise.outputs.single_file import check_file, held, listed
from digitwise.temporaries import PREFIX

PLAN = "plan.json"  # of what is replaced together; is there once all of it is written
EARLIER = "earlier-"  # what was replaced
HERE = -100  # AT_FDCWD of Linux
LINUX_EXCHANGE, MACOS_SWAP = 2, 2
CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
CANNOT |= {errno.EPERM}  # what older containers answer to a call that they do not know


def check_folder(place: Path, kind: Kind) -> None:
    """Check that a folder may take a place: it is free, or holds only a folder of this kind made by digitwise.

    Raises
    ------
    DigitwiseError
        Of the kind, if something else is there.
    """
    if not os.path.lexists(place):
        return
    if place.is_symlink() or not place.is_dir():
        raise kind.refused(place, "a link" if place.is_symlink() else "a file")
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        raise kind.refused(place, "a folder that may not be written to")
    marker = marker_of(place)
    if found := in_the_way(place, marker or Marker()):
        raise kind.refused(place, f"a folder with {found}")
    if marker is not None and marker.kind != kind.name:
        raise kind.refused(place, f"a folder of another kind ({marker.kind or 'of several things'})")


def put_folder(new: Path, place: Path, kind: Kind) -> None:
    """Put a finished folder in its place; what digitwise made there before is deleted, and nothing else.

    Raises
    ------
    DigitwiseError
        Of the kind, if something else is there; ``new`` stays then.
    """
    sealed(new, kind.name).write(new)
    check_folder(place, kind)
    if not os.path.lexists(place):
        os.rename(new, place)
        return
    if not exchange(new, place):
        _by_renames(new, place)
    discard(new, kind)


def exchange(one: Path, other: Path) -> bool:
    """Exchange what lies in two places; False where this system or disk cannot.

    Raises
    ------
    OSError
        If it can, and it fails.

    References
    ----------
    renameat2(2) of Linux, with RENAME_EXCHANGE; renamex_np(2) of macOS, with RENAME_SWAP.
    """
    library: Any = None if sys.platform == "win32" else ctypes.CDLL(None, use_errno=True)
    a, b = os.fsencode(one), os.fsencode(other)
    if hasattr(library, "renameat2"):
        failed = library.renameat2(HERE, a, HERE, b, LINUX_EXCHANGE)
    elif hasattr(library, "renamex_np"):
        failed = library.renamex_np(a, b, MACOS_SWAP)
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _by_renames(new: Path, place: Path) -> None:
    """Exchange two folders where the system cannot; :func:`recover` takes back what is cut off."""
    aside = _aside(place)
    os.rename(place, aside)
    try:
        os.rename(new, place)
    except OSError:
        os.rename(aside, place)
        raise
    os.rename(aside, new)


def recover(place: Path, kind: Kind) -> None:
    """Undo an interrupted replacement, or, if the new folder is in its place, delete the old one."""
    aside = _aside(place)
    if not os.path.lexists(aside) or aside.is_symlink() or marker_of(aside) is None:
        return
    if os.path.lexists(place):
        discard(aside, kind)
    else:
        os.rename(aside, place)


def recover_unless_written(place: Path, kind: Kind) -> None:
    """Recover a place before reading it, unless another process is writing there."""
    earlier = place.parent / f".{place.name}.old"  # of versions that kept no list; else the owner's, kept on purpose
    if os.path.lexists(_aside(place)) or os.path.lexists(earlier):
        with held(place.parent / f"{PREFIX}-{place.name}.lock") as mine:
            if mine:
                recover(place, kind)
                if not os.path.lexists(place) and not os.path.lexists(earlier / MARKER) and marker_of(earlier):
                    os.rename(earlier, place)


def _aside(place: Path) -> Path:
    return place.parent / f"{PREFIX}-{place.name}.old"


def discard(folder: Path, kind: Kind, keep: str = "") -> None:
    """Delete a temporary or replaced folder and all that digitwise wrote into it.

    Parameters
    ----------
    folder : Path
    kind : Kind
    keep : str
        Files of this pattern stay.

    Raises
    ------
    DigitwiseError
        Of the kind, if something else is in it, which stays.
    """
    if folder.is_symlink():
        raise kind.error(f"{folder}: expected a folder that digitwise made, got a link; move it")
    found = list(things(folder, unfinished(folder)))
    for path, objection in found:
        if not objection and path != folder / MARKER and not (keep and path.match(keep)):
            with suppress(OSError):  # a folder that something stays in
                path.rmdir() if path.is_dir() else path.unlink()
    strange = next((path for path, objection in found if objection), None)
    if strange is not None:
        raise kind.error(
            f"{strange}: expected nothing but what digitwise wrote in a folder that was replaced, got this; move it"
        )
    (folder / MARKER).unlink(missing_ok=True)
    if not keep:
        folder.rmdir()


@contextmanager
def new_folder(place: Path, kind: Kind) -> Iterator[Path]:
    """Give a folder beside ``place``, which is claimed; on leaving, put it in its place, on an error, remove it.

    Raises
    ------
    DigitwiseError
        Of the kind, if something of the owner's is there.
    """
    recover(place, kind)
    check_folder(place, kind)
    with _staging(place, kind) as made:
        yield made
        put_folder(made, place, kind)


Places = Mapping[str, tuple[Path, Kind]]  # by names in a folder where all are written first


@contextmanager
def together(place: Path, kind: Kind, files: Places, folders: Places) -> Iterator[Path]:
    """Give a folder to write several things into; on leaving, each is put in its place, if need be on the next start.

    Parameters
    ----------
    place : Path
        Is claimed; the folder lies beside it.
    kind : Kind
    files, folders : dict of str to (Path, Kind)

    Raises
    ------
    DigitwiseError
        Of its kind, if something of the owner's is in one of the places; all places are as they were then.
    """
    with _staging(place, kind) as made:
        check_places(files, folders)
        yield made
        check_places(files, folders)
        for name, (path, own) in files.items():
            listed(path, made / name, own)
        for name, (_, own) in folders.items():
            sealed(made / name, own.name).write(made / name)
        plan = {name: os.path.relpath(path, made.parent) for name, (path, _) in {**folders, **files}.items()}
        (made / "plan").write_text(json.dumps(plan), encoding="utf-8")
        os.rename(made / "plan", made / PLAN)
        _carry_out(made, kind)


def check_places(files: Places, folders: Places) -> None:
    """Check that none of the places of several outputs holds files of the owner; see :func:`together`."""
    for path, kind in files.values():
        check_file(path, kind)
    for path, kind in folders.values():
        check_folder(path, kind)


@contextmanager
def _staging(place: Path, kind: Kind) -> Iterator[Path]:
    """A folder beside a place to write into; an interrupted earlier one is completed first."""
    made = place.parent / f"{PREFIX}-{place.name}.new"
    _cleared(made, kind)
    made.mkdir(parents=True)
    try:
        with naming(place):
            yield made
    finally:
        _cleared(made, kind)


def _cleared(made: Path, kind: Kind) -> None:
    if not made.exists():
        return
    if not made.is_symlink() and (made / PLAN).exists():
        _carry_out(made, kind)
    if made.is_symlink() or marker_of(made) is not None:  # what was exchanged for a new folder
        discard(made, kind)
        return
    for earlier in made.glob(f"{EARLIER}*"):
        discard(earlier, kind)
    shutil.rmtree(made)


def _carry_out(made: Path, kind: Kind) -> None:
    """Move everything to its place that is not there yet; can be interrupted anywhere, and repeated."""
    for name, place in _planned(made, kind).items():
        if not (made / name).exists():
            continue
        if (own := marker_of(made / name)) is not None:
            check_folder(place, replace(kind, name=own.kind))  # so do folders
            if os.path.lexists(place):
                os.rename(place, made / f"{EARLIER}{name}")
        elif os.path.lexists(place) and (kept_list(place.parent).objection(place.parent, place.name)):
            raise kind.refused(place, f"a file {STRANGE}")  # it appeared after the others were put in their places
        os.replace(made / name, place)
    (made / PLAN).unlink()


def _planned(made: Path, kind: Kind) -> dict[str, Path]:
    """The plan: names in a folder, and the places beside it or below that they go to."""
    try:
        plan = json.loads((made / PLAN).read_text(encoding="utf-8"))
        names = [part for name, where in plan.items() for part in (name, *PurePath(where).parts)]
        if any(name in ("", "..") or PurePath(name).name != name for name in names):
            raise ValueError
        return {name: made.parent / where for name, where in plan.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise kind.error(
            f"{made / PLAN}: expected digitwise's plan of what goes where, got another; move it"
        ) from error
