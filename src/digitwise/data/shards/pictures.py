"""Pictures in a folder behind an address."""

from __future__ import annotations

from digitwise.data.shards.places import asked, child, library, size_and_version_of
from digitwise.decoding import READ_SUFFIXES


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
