"""From sources to cuts, the same ones every time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from digitwise.decoding import READ_SUFFIXES
from digitwise.errors import DataError
from digitwise.files import expanded, natural
from digitwise.formats.shards import SUFFIXES, Shard, find_shards, is_address, size_and_version
from digitwise.reading.shards.cuts import Cut
from digitwise.reading.sources import STDIN, sources_of

ROWS = 100_000  # of a table in one cut, about: row groups are not divided
FILES = 2_000  # pictures of a folder in one cut
FOOTERS = 16  # read side by side: each is a wait, on a network's disk
Picture = tuple[str, int, str]  # name, bytes, version


def plan(arguments: Sequence[str]) -> list[Cut]:
    """Cut sources into what becomes a file of rows each.

    Parameters
    ----------
    arguments : sequence of str
        Parquet files, tar archives and pictures, folders of either, and addresses of these for fsspec.

    Returns
    -------
    list of Cut
        In the order of the arguments; of a folder by name, numbers sorted as numbers.

    Raises
    ------
    DataError
        If a source is none of these or cannot be opened, or a table has no pictures, or has them in other columns
        than the first one of its folder.
    MissingPartError
        If pyarrow or fsspec is needed and not installed.
    """
    cuts: list[Cut] = []
    for loose, group in groupby(arguments, _is_picture):
        if loose:
            cuts += _of_pictures([(name, *_told(name)) for name in group])
        else:
            for argument in group:
                cuts += _of_source(argument)
    return cuts


def _is_picture(argument: str) -> bool:
    path = expanded(argument)
    return not is_address(argument) and path.suffix.lower() in READ_SUFFIXES and not path.is_dir()


def _of_source(argument: str) -> list[Cut]:
    if argument in ("", STDIN):
        raise DataError(
            f"{argument or 'SOURCE'}: expected files or folders to be read into --out DIR, got "
            + ("the standard input" if argument else "an empty name")
        )
    shards, pictures = _inside(argument)
    if shards and pictures:
        raise DataError(
            f"{argument}: expected a folder of pictures or of shards, got {len(pictures):,} pictures and "
            f"{len(shards):,} shards; name what is to be read"
        )
    return _of_pictures(pictures) if pictures else _of_shards(shards)


def _inside(argument: str) -> tuple[list[Shard], list[Picture]]:
    """The shards that a source is or holds, and its pictures."""
    if is_address(argument):
        pictures = _behind(argument)
        shards = [] if pictures else find_shards(argument)
        return shards, pictures
    path = expanded(argument)
    if not path.is_dir():
        return find_shards(argument), []
    has_shards = any(entry.name.lower().endswith(tuple(SUFFIXES)) for entry in path.iterdir())
    shards = find_shards(argument) if has_shards else []
    try:
        pictures = [(name, *_told(name)) for name in sources_of([argument])]
    except DataError:
        if not shards:
            raise DataError(
                f"{argument}: expected Parquet, tar archives or pictures in the folder, got none of them"
            ) from None
        pictures = []
    return shards, pictures


def _behind(address: str) -> list[Picture]:
    from digitwise.formats.shards import pictures_behind

    return sorted(pictures_behind(address), key=lambda found: natural(found[0]))


def _of_pictures(found: Sequence[Picture]) -> list[Cut]:
    here, cuts = os.getcwd(), []
    for start in range(0, len(found), FILES):
        some = found[start : start + FILES]
        files, sizes, versions = zip(*some, strict=True)
        version = hashlib.sha256("\0".join(versions).encode()).hexdigest()[:16]
        cuts.append(Cut("pictures", files[0], sum(sizes), version, len(some), files=files, here=here))
    return cuts


def _told(name: str) -> tuple[int, str]:
    try:
        return size_and_version(expanded(name))
    except (OSError, ValueError):
        return 0, ""  # which becomes a row that tells why


def _of_shards(shards: Sequence[Shard]) -> list[Cut]:
    tables = [shard for shard in shards if shard.kind == "parquet"]
    cuts = dict(zip([shard.path for shard in tables], _of_tables(tables), strict=True))
    here = os.getcwd()
    found: list[Cut] = []
    for shard in shards:
        found += cuts.get(shard.path) or [Cut("tar", shard.path, shard.size, shard.version, here=here)]
    return found


def _of_tables(shards: Sequence[Shard]) -> Iterator[list[Cut]]:
    if not shards:
        return
    from digitwise.formats.parquet import footer

    with ThreadPoolExecutor(FOOTERS) as pool:
        footers = list(pool.map(footer, shards))
    expected = footers[0].columns
    for shard, found in zip(shards, footers, strict=True):
        if found.columns != expected:
            raise DataError(
                f"{shard.path}: expected pictures in {_words(expected)} as in {shards[0].path}, got "
                f"{_words(found.columns)}; read it by itself"
            )
        yield list(_of_groups(shard, found.rows))


def _words(columns: tuple[str, ...]) -> str:
    return f"column {columns[0]}" if len(columns) == 1 else f"{len(columns)} columns from {columns[0]} to {columns[-1]}"


def _of_groups(shard: Shard, rows: tuple[int, ...]) -> Iterator[Cut]:
    here, first, start, held = os.getcwd(), 0, 0, 0
    for group, count in enumerate((*rows, 0)):
        if group == len(rows) or (held and held + count > ROWS):
            yield Cut("parquet", shard.path, shard.size, shard.version, held, first, (start, group), here=here)
            first, start, held = first + held, group, 0
        held += count
