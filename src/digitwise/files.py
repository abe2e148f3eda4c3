"""Files that appear whole or not at all, and files that are read unpacked."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from digitwise.escaping import json_text
from digitwise.temporaries import lying_in, temporary_name

FULL = {errno.ENOSPC, errno.EFBIG, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else [])}  # which Windows lacks
PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
UNPACKING = (EOFError, OSError, zlib.error, lzma.LZMAError)  # what damage to a packed file raises
NEXT = re.compile(r",\n\s+")  # no text holds a line break: JSON writes it as \n


def expanded(path: str | Path) -> Path:
    """A path with ``~`` expanded; that of an unknown user is unchanged."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def real(path: str | Path) -> Path:
    """The absolute path with all links resolved."""
    return Path(os.path.realpath(expanded(path)))


def is_pipe(path: Path) -> bool:
    """Whether a path is a pipe, a socket or a device, which can be read only once."""
    try:
        kind = path.stat().st_mode
    except (OSError, ValueError):  # a null byte in the name is a ValueError
        return False
    return not stat.S_ISREG(kind) and not stat.S_ISDIR(kind)


def is_packed(start: bytes) -> bool:
    """Whether a file is packed by gzip, bzip2 or xz, by its first bytes."""
    return start.startswith(tuple(PACKED))


def open_unpacked(path: Path) -> IO[bytes]:
    """Open a file to read bytes, unpacked little by little where it is packed by gzip, bzip2 or xz.

    Damage raises one of ``UNPACKING`` when it is read.
    """
    with path.open("rb") as file:
        start = file.read(max(map(len, PACKED)))
    opened: IO[bytes] = next((opener for mark, opener in PACKED.items() if start.startswith(mark)), open)(path, "rb")
    return opened


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """A sort key with numbers in natural order: ``scan2`` before ``scan10``."""
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def instead_of_data(start: bytes) -> str | None:
    """What was saved under the name of a data file, in words, by its first 512 bytes; None where it may be data.

    That is a pointer of Git LFS or git-annex, or the page or message of a server that did not give the file.
    """
    text = start.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    if text.startswith("version https://git-lfs"):
        size = re.search(r"^size (\d+)", text, re.MULTILINE)
        of = f" of {int(size[1]):,} bytes" if size else ""
        return f"a Git LFS pointer to a file{of}; fetch that with git lfs pull"
    if re.match(r"(\.\./)*(\.git)?/annex/objects/", text):
        return "a git-annex pointer; fetch the file with git annex get"
    if re.match(r"<(!doctype html|html|head|body)\b", text, re.IGNORECASE):
        return _answer("an HTML page", re.search(r"<title[^>]*>\s*([^<]{1,80})", text, re.IGNORECASE))
    if text.startswith(("<?xml", "<Error>")):
        return _answer("an XML document", re.search(r"<Code>\s*([^<]{1,80})", text))
    return None


def _answer(what: str, words: re.Match[str] | None) -> str:
    told = f" ({' '.join(words[1].split())!r})" if words else ""
    return f"{what}{told}, as a server sends that does not give the file; fetch the file again"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the path to errors without one, such as a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` to write to; on leaving, rename it, on an error, remove it.

    It does not check what ``path`` holds: commands write through :mod:`digitwise.outputs`. What killed processes left
    beside it is removed, see :mod:`digitwise.temporaries`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of our own, not mkstemp's: it is known before the file is there, so that no interrupt leaves one behind.
    temporary = temporary_name(path)
    with lying_in(path.parent):
        try:
            with naming(path):
                temporary.touch(0o600, exist_ok=False)
                yield temporary
            os.chmod(temporary, _mode(path))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def atomic_write(path: Path, content: bytes | str) -> None:
    """Write ``content`` (text as UTF-8) to ``path``, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def atomic_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON to ``path``, whole or not at all."""
    with whole_file(path) as temporary:
        write_json(temporary, value)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, lists of plain values in one line each, to ``path``, a temporary name."""
    text = json_text(value, indent=2)
    text = re.sub(r"\[\n\s+([^\[\]{}]*?)\n\s+\]", lambda found: f"[{NEXT.sub(', ', found[1])}]", text)
    path.write_text(text + "\n", encoding="utf-8")


def _mode(path: Path) -> int:
    """The mode of an existing file, or the default mode of new ones."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
