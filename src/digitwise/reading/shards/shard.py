"""One shard: its pictures in blocks through a reader, its rows into a file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from digitwise.data.blocks.pixels import Pixels
from digitwise.data.shards.places import Shard, is_address, open_shard
from digitwise.data.shards.tar import LARGEST
from digitwise.errors import DataError, DigitwiseError
from digitwise.files import printable
from digitwise.reading.reader import Reader
from digitwise.reading.rows import GROUP, arrow_schema
from digitwise.reading.shards.cuts import Cut
from digitwise.reading.shards.parts import Counts, footer_of, part_name
from digitwise.reading.shards.places import Place
from digitwise.reading.shards.rows import Rows, reason_of

BLOCK = 4_096  # pictures
FILES = 256  # pictures of a folder, which become small one by one
UNNAMED = "the picture"  # what messages call one that came as its content
FETCHED = 32  # of them behind an address, whose contents are held


def read_shard(reader: Reader, cut: Cut, place: Place, job: str, number: int) -> Counts:
    """Read a cut, and write its rows.

    Parameters
    ----------
    reader : Reader
    cut : Cut
    place : Place
        Where ``part-00000.parquet`` of this number is written; its footer has the job, the number and the counts.
    job : str
        The job's id.
    number : int

    Raises
    ------
    DataError
        If the source is damaged, or holds fewer or more pictures than it said.
    OSError
        If the rows cannot be written.
    """
    from pyarrow import RecordBatch, Table
    from pyarrow.parquet import ParquetWriter

    counts = Counts()
    with place.writing(part_name(number)) as temporary, ParquetWriter(temporary, arrow_schema()) as writer:
        waiting: list[RecordBatch] = []
        for rows in rows_of(reader, cut):
            counts += rows.counts
            waiting.append(rows.batch())
            if sum(map(len, waiting)) >= GROUP:
                writer.write_table(Table.from_batches(waiting))
                waiting.clear()
        if cut.rows is not None and counts.rows != cut.rows:
            raise DataError(f"{cut.name}: expected {cut.rows:,} pictures, got {counts.rows:,}; fetch the file again")
        writer.write_table(Table.from_batches(waiting, arrow_schema()))
        writer.add_key_value_metadata(footer_of(job, number, counts))
    return counts


def rows_of(reader: Reader, cut: Cut) -> Iterator[Rows]:
    """Read a cut block by block.

    Raises
    ------
    DataError
        If it is damaged.
    """
    return {"parquet": _of_table, "tar": _of_archive, "pictures": _of_pictures}[cut.kind](reader, cut)


def _of_table(reader: Reader, cut: Cut) -> Iterator[Rows]:
    from digitwise.data.shards.parquet import blocks

    name, first, pixels = printable(cut.source), cut.first, Pixels(cut.source)
    groups = None if cut.groups is None else range(*cut.groups)
    for block in blocks(Shard(cut.place(cut.source), "parquet", cut.size), BLOCK, groups=groups):
        if isinstance(block.pictures, list):
            answers, places, errors = reader.answers_each(block.pictures)
            yield Rows(name, answers, first, places, errors)
        else:
            yield Rows(name, reader.answers(pixels(block.pictures)), first)
        first += len(block)


def _of_archive(reader: Reader, cut: Cut) -> Iterator[Rows]:
    from digitwise.data.shards.tar import blocks

    first, archive = cut.first, printable(cut.source)
    for block in blocks(Shard(cut.place(cut.source), "tar", cut.size), BLOCK):
        answers, places, errors = reader.answers_each(list(block.pictures))
        paths = [f"{archive}/{name}" for name in block.names or ()]
        reasons = {place: reason_of(error, UNNAMED) for place, error in errors.items()}
        yield Rows(paths, answers, first, places, reasons | block.errors)
        first += len(block)


def _of_pictures(reader: Reader, cut: Cut) -> Iterator[Rows]:
    fetched = is_address(cut.files[0])
    size = FETCHED if fetched else FILES
    for start in range(0, len(cut.files), size):
        names = cut.files[start : start + size]
        places_here = [cut.place(name) for name in names]
        contents, missing = _contents(places_here)
        answers, places, errors = reader.answers_each(contents)
        told = {place: missing.get(place, error) for place, error in errors.items()}
        called = [UNNAMED] * len(names) if fetched else places_here
        reasons = {place: reason_of(error, called[place]) for place, error in told.items()}
        yield Rows([printable(name) for name in names], answers, None, places, reasons)


def _contents(names: Sequence[str]) -> tuple[list[str | bytes | None], dict[int, str]]:
    """Names of files here, contents of those behind addresses; why some are None."""
    contents: list[str | bytes | None] = []
    missing: dict[int, str] = {}
    for place, name in enumerate(names):
        try:
            if name.lower().endswith(".pdf"):
                raise DataError("expected a picture of one digit, got a PDF; read it by itself, without --out DIR")
            contents.append(_fetched(name) if is_address(name) else name)
        except DigitwiseError as error:
            contents.append(None)
            missing[place] = str(error)
    return contents, missing


def _fetched(address: str) -> bytes:
    with open_shard(address) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise DataError(f"{address}: expected a picture of at most {LARGEST:,} bytes, got more")
    return content
