"""Fetching a named set from its mirrors into the user's cache, checked by content."""

from __future__ import annotations

import os
import socket
import threading
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from digitwise.addresses import refuse_no_data
from digitwise.data.sources import Source, SourceFile
from digitwise.errors import DataError, DataNotFoundError, one_line
from digitwise.files import atomic_write
from digitwise.formats.idx import content_digest
from digitwise.progress import DownloadBar

CONNECT_SECONDS = 4  # a mirror that does not answer in this time is passed over
READ_SECONDS = 30


def cache_folder() -> Path:
    """Where fetched sets are kept: the platform's cache folder, or ``$DIGITWISE_CACHE``."""
    if given := os.environ.get("DIGITWISE_CACHE"):
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("digitwise"))


def fetch(source: Source, *, progress: Any = None) -> Path:
    """Make sure that a named set lies in the cache, whole and known by its checksums.

    Parameters
    ----------
    source : Source
    progress : object with ``total``, ``update``, ``reset``, ``close``, optional
        What pooch tells the bytes received; by default the bar of the call, if any.

    Returns
    -------
    Path
        The set's folder in the cache.

    Raises
    ------
    DataNotFoundError
        If no mirror could be reached, or none gave what was published; or if the set is not fetched at all.
    """
    folder, progress = cache_folder() / source.name, progress or DownloadBar()
    if not source.mirrors and _missing(source, folder):
        raise DataNotFoundError(
            f"{source.name}: not on this machine, and not fetched, since the checksum of a file is not known: "
            f"{_by_hand(source)}"
        )
    reachable = [mirror for mirror in source.mirrors if _answers(mirror)] if _missing(source, folder) else []
    if source.archive is not None and _missing(source, folder):
        _unzip(_download(source.archive, source, reachable, folder, progress), source, folder)
    for file in _missing(source, folder):
        _download(file, source, reachable, folder, progress).replace(folder / file.name)
    return folder


def check_content(path: Path, file: SourceFile) -> None:
    """Compare a gzipped or raw file with its published checksum.

    Raises
    ------
    DataError
        If they differ.
    """
    if not file.sha256:
        return
    got = content_digest(path)
    if got != file.sha256:
        refuse_no_data(str(path))
        raise DataError.wanted(path, f"content with sha256 {file.sha256[:16]}…", f"{got[:16]}…", "fetch it again")


def _missing(source: Source, folder: Path) -> list[SourceFile]:
    return [file for file in source.files if not _is_whole(folder / file.name, file)]


def _is_whole(path: Path, file: SourceFile) -> bool:
    try:
        check_content(path, file)
    except DataError:
        return False
    return path.is_file()


def _download(file: SourceFile, source: Source, mirrors: list[str], folder: Path, progress: Any) -> Path:
    import pooch

    pooch.get_logger().setLevel("ERROR")
    part = folder / f"{file.name}.part"
    faults: list[str] = []
    for mirror in list(mirrors):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            downloader = pooch.HTTPDownloader(progressbar=progress, timeout=(CONNECT_SECONDS, READ_SECONDS))
            pooch.retrieve(
                mirror + file.name,
                known_hash=f"md5:{file.md5}" if file.md5 else None,
                fname=part.name,
                path=folder,
                downloader=downloader,
            )
            check_content(part, file)
            return part
        except (OSError, ValueError, DataError) as error:  # requests' errors are OSErrors, a wrong md5 a ValueError
            part.unlink(missing_ok=True)
            mirrors.remove(mirror)
            faults.append(f"{urlsplit(mirror).hostname}: {one_line(error, 200)}")
        finally:
            progress.close()
    raise DataNotFoundError(
        f"{source.name}: not on this machine and none of {len(source.mirrors)} mirrors gave {file.name}"
        f"{' (' + '; '.join(faults) + ')' if faults else ''}; {_by_hand(source)}"
    )


def _by_hand(source: Source) -> str:
    if source.is_idx:
        return "give its folder as data (--data), or set $DIGITWISE_DATA"
    names = " and ".join(file.name for file in source.files)
    return f"get {source.page or source.mirrors[0]} and put {names} of it into $DIGITWISE_DATA/{source.name}"


def _unzip(archive: Path, source: Source, folder: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        for file in source.files:
            atomic_write(folder / file.name, members.read(f"gzip/{file.name}"))
    archive.unlink()


def _answers(mirror: str) -> bool:
    """Whether a mirror takes a connection in time; name look-up, which has no time limit of its own, included."""
    address = urlsplit(mirror)
    answer: list[bool] = []

    def knock() -> None:
        try:
            port = address.port or (443 if address.scheme == "https" else 80)
            socket.create_connection((address.hostname or "", port), timeout=CONNECT_SECONDS).close()
            answer.append(True)
        except OSError:
            pass

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return bool(answer)
