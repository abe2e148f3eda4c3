"""Images in tar archives, as WebDataset has them: ``KEY.png``, and ``KEY.cls``, ``.json`` or ``.txt`` beside it."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import IO, Any

from digitwise.addresses import is_address, opened
from digitwise.decoding import READ_SUFFIXES
from digitwise.errors import DataError, one_line
from digitwise.escaping import printable
from digitwise.formats.blocks import BLOCK_BYTES, Block
from digitwise.formats.damage import damage_of
from digitwise.formats.idx import GZIP_MAGIC
from digitwise.formats.listing import Shard

IMAGES = READ_SUFFIXES - {".pdf"}
LABELS = (".cls", ".json", ".txt")  # the likeliest first: a .txt may be a caption
LARGEST = 2**26  # bytes of an image
LARGEST_LABEL = 2**20
MOST_OF_A_KEY = 1_000  # images that share a label
LONGEST_NAME = 2**20  # bytes of a header that names the next member: a longer one is damage, or malice
NAMING = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
WHOLE = "damaged tar: expected a whole archive, got"
DAMAGE = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError, tarfile.HeaderError)


@dataclass(frozen=True, eq=False)
class _Image:
    name: str
    content: bytes | None
    error: str | None
    label: int | str | None = None


def blocks(
    shard: Shard, size: int, labels: bool = False, *, images: bool = True, largest: int = LARGEST
) -> Iterator[Block]:
    """Read a shard in one pass.

    Parameters
    ----------
    shard : Shard
    size : int
        Images in a block, at most; fewer where that would be more than about 32 MiB.
    labels, images : bool
        What is read. Images that are not are None. Several images of one key share its label, and follow one
        another in the archive as its label does.
    largest : int
        Bytes of an image. A larger one is not read, but is None with its reason in the block's errors.

    Raises
    ------
    DataError
        If the shard is damaged, or labels are asked for and an image has none.
    """
    found = _labelled(shard, images, largest) if labels else _images(shard, images, largest)
    held: list[_Image] = []
    weight = 0
    with closing(found):
        for image in found:
            more = len(image.content or b"")
            if held and (len(held) >= size or weight + more > BLOCK_BYTES):
                yield _block(held, labels)
                held, weight = [], 0
            held.append(image)
            weight += more
    if held:
        yield _block(held, labels)


def count(shard: Shard) -> int:
    """How many images a shard holds, which only a pass through it tells.

    Raises
    ------
    DataError
        If it is damaged.
    """
    return sum(_ending(member.name) in IMAGES for member in members(shard.path))


def _images(shard: Shard, wanted: bool, largest: int) -> Generator[_Image, None, None]:
    with closing(members(shard.path)) as found:
        yield from (_image(member, wanted, largest) for member in found if _ending(member.name) in IMAGES)


def _image(member: Member, wanted: bool, largest: int) -> _Image:
    if member.size > largest:
        return _Image(member.name, None, f"expected an image of at most {largest:,} bytes, got {member.size:,}")
    return _Image(member.name, member.content() if wanted else None, None)


def _labelled(shard: Shard, wanted: bool, largest: int) -> Generator[_Image, None, None]:
    with closing(members(shard.path)) as found:
        for key, group in groupby(found, lambda member: _key(member.name)):
            yield from _of_key(group, f"{shard.path}: {key}", wanted, largest)


def _of_key(group: Iterator[Member], where: str, wanted: bool, largest: int) -> Iterator[_Image]:
    waiting: list[_Image] = []
    marks: dict[str, int | str] = {}
    weight = 0
    for member in group:
        ending = _ending(member.name)
        if ending in IMAGES:
            waiting.append(_image(member, wanted, largest))
            weight += len(waiting[-1].content or b"")
            if len(waiting) > MOST_OF_A_KEY or weight > max(BLOCK_BYTES, largest):
                raise DataError.wanted(
                    where,
                    "an image or few with one label",
                    f"{len(waiting):,} of one key, the name up to its first dot",
                    "pack them under different ones",
                )
        elif ending in LABELS:
            mark = _label(member, f"{where}{ending}")
            if mark is not None:
                marks[ending] = mark
    label = next((marks[ending] for ending in LABELS if ending in marks), None)
    if waiting and label is None:
        raise DataError.wanted(
            where, f'a label beside {waiting[0].name}, a .cls, .txt or .json ({{"label": …}}) of this name', "none"
        )
    yield from (replace(image, label=label) for image in waiting)


def _label(member: Member, where: str) -> int | str | None:
    """What a member says of its key; None where it is empty, or JSON without a label."""
    if member.size > LARGEST_LABEL:
        raise DataError.wanted(where, f"a label of at most {LARGEST_LABEL:,} bytes", f"{member.size:,}")
    try:
        text = member.content().decode("utf-8-sig").strip()
        value: Any = json.loads(text) if _ending(member.name) == ".json" else text
    except ValueError as error:
        raise DataError(f"{where}: expected a label as text, got: {one_line(error, 160)}") from error
    if isinstance(value, dict):
        value = value.get("label")
    if value is None or value == "" or isinstance(value, list):
        return None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value) else value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise DataError.wanted(where, "a whole number or a word as label", repr(str(value)[:40]))


def _block(held: list[_Image], labels: bool) -> Block:
    return Block(
        [image.content for image in held],
        [image.label for image in held if image.label is not None] if labels else None,
        [image.name for image in held],
        {place: image.error for place, image in enumerate(held) if image.error is not None},
    )


def _key(name: str) -> str:
    """The name up to the first dot of its last part."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def _ending(name: str) -> str:
    return "." + name.rpartition("/")[2].rpartition(".")[2].lower()


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


def _read_from(path: str) -> AbstractContextManager[None]:
    """Damage, or a place that fails, in one line."""
    return damage_of(path, WHOLE, (Exception,) if is_address(path) else DAMAGE)


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
    packed = seen.peek(2)[:2] == GZIP_MAGIC
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
