"""Read one shard: images in blocks, rows into a file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digitwise.addresses import OutputFolder, is_address, opened
from digitwise.errors import DataError, DigitwiseError
from digitwise.escaping import printable
from digitwise.formats.listing import Shard
from digitwise.formats.tar import LARGEST
from digitwise.formats.values import Pixels
from digitwise.reading.answers import Answers, Expected
from digitwise.reading.reader import Reader
from digitwise.reading.rows import GROUP, arrow_schema
from digitwise.reading.shards.manifest import Counts, footer_of, part_name
from digitwise.reading.shards.plan import Cut

STATUSES = ("read", "unsure", "blank", "error")
BLOCK = 4_096  # images
FILES = 256  # image files read together
UNNAMED = "the image"  # the name in messages of an image given by its content
FETCHED = 32  # the same behind addresses, where contents are held in memory


@dataclass(frozen=True, eq=False)
class ShardRows:
    """The rows of some images.

    Parameters
    ----------
    paths : str or sequence of str
        Of each image, or of all.
    answers : Answers
        About the readable images.
    first : int, optional
        The row of the first image in its source; None for image files.
    places : sequence of int, optional
        Indices of the answers among the images; None if all could be read.
    errors : dict of int to str
        Errors of the others by index.
    """

    paths: str | Sequence[str]
    answers: Answers
    first: int | None = None
    places: Sequence[int] | None = None
    errors: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.answers) + len(self.errors)

    @property
    def status(self) -> Any:
        """Of each image, int (n,): its place in ``STATUSES``."""
        answers = self.answers
        status = np.full(len(self), STATUSES.index("error"))
        status[self._places] = np.select([answers.blank, answers.sure], [2, 0], 1)
        return status

    @property
    def _places(self) -> Any:
        return slice(None) if self.places is None else np.asarray(self.places, int)

    @property
    def counts(self) -> Counts:
        """Counts by status."""
        expected = Expected()
        expected.add_answers(self.answers)
        read, unsure, blank, error = np.bincount(self.status, minlength=len(STATUSES)).tolist()
        return Counts(read, unsure, blank, error, expected.errors, expected.variance)

    def batch(self) -> Any:
        """A pyarrow.RecordBatch of ``digitwise.reading.rows.COLUMNS``."""
        import pyarrow

        n, status, answers = len(self), self.status, self.answers
        labels, confidence = np.zeros(n, int), np.zeros(n)
        if len(answers):
            labels[self._places] = answers.probabilities.argmax(axis=1)
            confidence[self._places] = answers.probabilities.max(axis=1)
        unknown = status >= STATUSES.index("blank")
        string = pyarrow.string()
        columns = {
            "path": pyarrow.repeat(self.paths, n) if isinstance(self.paths, str) else pyarrow.array(self.paths, string),
            "row": None if self.first is None else pyarrow.array(np.arange(self.first, self.first + n)),
            "label": pyarrow.array(answers.class_names, string).take(pyarrow.array(labels, mask=unknown)),
            # A float32 times a million is exact in double, so that this rounds as Python's round does.
            "confidence": pyarrow.array(confidence.round(6), mask=unknown),
            "status": pyarrow.array(STATUSES, string).take(pyarrow.array(status)),
            "error": pyarrow.array([self.errors.get(i) for i in range(n)], string) if self.errors else None,
        }
        schema = arrow_schema()
        found = {name: column for name, column in columns.items() if column is not None}
        arrays = [found.get(kind.name, pyarrow.nulls(n, kind.type)) for kind in schema]
        return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def reason_of(error: str, name: str) -> str:
    """An error message without the name of the image, which has its own column."""
    return printable(error.removeprefix(f"{name}: "))


def read_shard(reader: Reader, cut: Cut, folder: OutputFolder, job: str, number: int) -> Counts:
    """Read a cut and write its rows.

    Parameters
    ----------
    reader : Reader
    cut : Cut
    folder : OutputFolder
        Where ``part-00000.parquet`` of this number is written; its footer has the job, the number and the counts.
    job : str
        The job's id.
    number : int

    Raises
    ------
    DataError
        If the source is damaged, or has another number of images than planned.
    OSError
        If the rows cannot be written.
    """
    from pyarrow import RecordBatch, Table
    from pyarrow.parquet import ParquetWriter

    counts = Counts()
    with folder.writing(part_name(number)) as temporary, ParquetWriter(temporary, arrow_schema()) as writer:
        waiting: list[RecordBatch] = []
        for rows in rows_of(reader, cut):
            counts += rows.counts
            waiting.append(rows.batch())
            if sum(map(len, waiting)) >= GROUP:
                writer.write_table(Table.from_batches(waiting))
                waiting.clear()
        if cut.rows is not None and counts.rows != cut.rows:
            raise DataError(f"{cut.name}: expected {cut.rows:,} images, got {counts.rows:,}; fetch the file again")
        writer.write_table(Table.from_batches(waiting, arrow_schema()))
        writer.add_key_value_metadata(footer_of(job, number, counts))
    return counts


def rows_of(reader: Reader, cut: Cut) -> Iterator[ShardRows]:
    """Read a cut block by block.

    Raises
    ------
    DataError
        If it is damaged.
    """
    return {"parquet": _of_table, "tar": _of_archive, "images": _of_images}[cut.kind](reader, cut)


def _of_table(reader: Reader, cut: Cut) -> Iterator[ShardRows]:
    from digitwise.formats.parquet import blocks

    name, first, pixels = printable(cut.source), cut.first, Pixels(cut.source)
    groups = None if cut.groups is None else range(*cut.groups)
    shard = Shard(cut.place(cut.source), "parquet", cut.size, label_column=cut.label_column)
    for block in blocks(shard, BLOCK, groups=groups):
        if isinstance(block.images, list):
            answers, places, errors = reader.answers_each(block.images)
            yield ShardRows(name, answers, first, places, errors)
        else:
            yield ShardRows(name, reader.answers(pixels(block.images)), first)
        first += len(block)


def _of_archive(reader: Reader, cut: Cut) -> Iterator[ShardRows]:
    from digitwise.formats.tar import blocks

    first, archive = cut.first, printable(cut.source)
    for block in blocks(Shard(cut.place(cut.source), "tar", cut.size), BLOCK):
        answers, places, errors = reader.answers_each(list(block.images))
        paths = [f"{archive}/{name}" for name in block.names or ()]
        reasons = {place: reason_of(error, UNNAMED) for place, error in errors.items()}
        yield ShardRows(paths, answers, first, places, reasons | block.errors)
        first += len(block)


def _of_images(reader: Reader, cut: Cut) -> Iterator[ShardRows]:
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
        yield ShardRows([printable(name) for name in names], answers, None, places, reasons)


def _contents(names: Sequence[str]) -> tuple[list[str | bytes | None], dict[int, str]]:
    """Names of local files, contents of remote ones; and the errors of those that are None."""
    contents: list[str | bytes | None] = []
    missing: dict[int, str] = {}
    for place, name in enumerate(names):
        try:
            if name.lower().endswith(".pdf"):
                raise DataError("expected an image of one digit, got a PDF; read it by itself, without --out DIR")
            contents.append(_fetched(name) if is_address(name) else name)
        except DigitwiseError as error:
            contents.append(None)
            missing[place] = str(error)
    return contents, missing


def _fetched(address: str) -> bytes:
    with opened(address) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise DataError(f"{address}: expected an image of at most {LARGEST:,} bytes, got more")
    return content
