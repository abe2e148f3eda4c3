"""Members of a tar archive, in one pass from front to back, without holding what is not wanted."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from digitwise.addresses import is_address, opened
from digitwise.errors import DataError, DigitwiseError
from digitwise.files import printable

GZIP = b"\x1f\x8b"
LONGEST_NAME = 2**20  # bytes of a header that names the next member: a longer one is damage, or malice
NAMING = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
DAMAGE = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError, tarfile.HeaderError)


@dataclass(frozen=True, eq=False)
class Member:
    """A file in an archive.

    Parameters
    ----------
    name : str
    size : int
        Bytes.
    content : callable
        Reads them; to be called before the next member is asked for.
    """

    name: str
    size: int
    content: Callable[[], bytes]


def members(path: str) -> Generator[Member, None, None]:
    """The files in an archive, in its order; folders, links and hidden files are passed over.

    Parameters
    ----------
    path : str
        A tar archive, plain or compressed, or an address of one.

    Raises
    ------
    DataError
        If it cannot be opened, is no archive, is damaged, or has no end.
    """
    with opened(path) as file, _read_from(path):
        yield from _members(file, path)


@contextmanager
def _read_from(path: str) -> Iterator[None]:
    """Damage, or a place that fails, in one line."""
    failures = (Exception,) if is_address(path) else DAMAGE  # libraries for addresses have errors of no common kind
    try:
        yield
    except DigitwiseError:
        raise
    except failures as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise DataError(f"{path}: damaged tar: expected a whole archive, got: {reason}; fetch it again") from error


class _Header(tarfile.TarInfo):
    """A header that is looked at before what it announces is read, and that tells how the archive ended."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Any:
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in NAMING and header.size > LONGEST_NAME):
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header

    @classmethod
    def fromtarfile(cls, archive: Any) -> Any:
        try:
            return super().fromtarfile(archive)
        except Exception as error:
            archive.ended = error  # tarfile takes damage after the first member for the end, and says nothing
            raise


def _members(file: IO[bytes], path: str) -> Iterator[Member]:
    seen: Any = file if hasattr(file, "peek") else io.BufferedReader(file)
    packed = seen.peek(2)[:2] == GZIP
    plain: Any = gzip.GzipFile(fileobj=seen) if packed else seen  # tarfile itself does not look at its checksum
    archive: Any
    with tarfile.open(fileobj=plain, mode="r|" if packed else "r|*", tarinfo=_Header) as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # else it remembers every one
            if member.isreg() and not _hidden(member.name):
                yield Member(printable(member.name), member.size, partial(_content, archive, member, path))
        ended = getattr(archive, "ended", None)
        if not isinstance(ended, tarfile.HeaderError) or str(ended) != "end of file header":
            raise tarfile.ReadError(f"no end of the archive ({ended})")
        while rest := archive.fileobj.read(2**20):  # tarfile takes one empty header for the end, as damage may leave it
            if rest.strip(b"\0"):
                raise tarfile.ReadError("more behind its end, as where a part is erased, or archives are put together")
    while packed and plain.read(2**20):
        pass


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> bytes:
    with _read_from(path):
        file = archive.extractfile(member)
        content = file.read() if file is not None else b""
        if len(content) < member.size:
            raise tarfile.ReadError("unexpected end of data")
    return content


def _hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))
