"""Links in a folder of images that lead out of it: they are left out and named, unless they are asked for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from digitwise.escaping import printable
from digitwise.files import natural, real

FOLLOW = "DIGITWISE_FOLLOW_LINKS"  # an environment variable: it holds for every command and the library alike
READS = f"{FOLLOW}=1 reads what it leads to"
NAMED = 5  # links that a note lists


def leads_out(entry: Path, top: Path) -> bool:
    """Whether an entry of a folder is a link to somewhere outside of ``top`` that is not asked for."""
    return entry.is_symlink() and not os.environ.get(FOLLOW) and not real(entry).is_relative_to(real(top))


def links_out(folder: Path, top: Path | None = None) -> list[str]:
    """The links in a folder and its subfolders that lead out of ``top``, by default the folder; printable, sorted."""
    found, waiting = [], [folder]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_symlink():
                    if not entry.name.startswith(".") and leads_out(path, top or folder):
                        found.append(printable(path.relative_to(folder)))
                elif entry.is_dir() and not entry.name.startswith("."):
                    waiting.append(path)
    return sorted(found, key=natural)


def note_on(links: list[str]) -> tuple[str, ...]:
    """What is said of links that are left out; nothing where there are none."""
    more = f" and {len(links) - NAMED:,} more" if len(links) > NAMED else ""
    named = ", ".join(links[:NAMED]) + more
    return (f"left out, since links lead out of the folder: {named}; {FOLLOW}=1 reads them",) if links else ()
