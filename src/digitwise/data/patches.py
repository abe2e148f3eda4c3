"""Label patches: a CSV of decisions about single images, applied on reading; no file is changed.

Columns: ``sha256`` of the image's uint8 bytes in row order, ``index`` in its split, its ``file`` in a set of files,
``given`` and ``suggested`` label, ``confidence`` in the suggestion, and ``decision``: a label, ``drop``, ``keep``, or
nothing yet. Only ``sha256`` and ``decision`` count; the others help to decide, and may be missing. A cell that
would be a formula has an apostrophe in front, see :func:`digitwise.escaping.cell`.
Where a decision is filled in, all else in the file stays as it is.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import hashlib
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitwise.errors import DataError, about
from digitwise.escaping import cell, from_cell
from digitwise.formats.csv import separator
from digitwise.images import Dataset, ImageSet, Int64, Mask, UInt8

COLUMNS = ("sha256", "index", "file", "given", "suggested", "confidence", "decision")
NAMED = 20  # images that an error message lists


@dataclass(frozen=True, eq=False)
class Patch:
    """Decisions by image.

    Parameters
    ----------
    path : str
    sha256 : str
        Of the file.
    text : str
        Its content.
    decisions : dict of str to str
        By the image's sha256: a label, ``drop`` or ``keep``; images without a decision are left out.
    rows : dict of str to int
        The row of the file that each sha256 stands in, the header being row 1; those without a decision too.
    cells : dict of str to tuple of str
        What stands in each row, in the order of ``COLUMNS``.
    """

    path: str
    sha256: str
    text: str
    decisions: dict[str, str]
    rows: dict[str, int]
    cells: dict[str, tuple[str, ...]]

    @property
    def columns(self) -> list[str]:
        """The names in its header."""
        return _header(csv.reader(io.StringIO(self.text), delimiter=separator(self.text)))

    def require(self, known: Collection[str], name: str) -> None:
        """Make sure that the data has every image that the patch names.

        Raises
        ------
        DataError
            If it lacks some; the message lists them.
        """
        if lacking := [digest for digest in self.rows if digest not in known]:
            listed = ", ".join(f"row {self.rows[d]} ({d[:12]}…)" for d in lacking[:NAMED])
            more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
            raise DataError(
                f"{self.path}: names {len(lacking)} images that {name} lacks: {listed}{more}; "
                f"expected a patch made for this data"
            )

    def of(self, images: ImageSet) -> tuple[Int64, Mask]:
        """What the patch says about images.

        Returns
        -------
        labels : ndarray of int64, shape (n,)
            Corrected where the decision is a label.
        dropped : ndarray of bool, shape (n,)

        Raises
        ------
        DataError
            If a decision is no class of the images; the message names the row.
        """
        numbers = {name: label for label, name in enumerate(images.class_names)}
        labels, dropped = images.labels.copy(), np.zeros(len(images), bool)
        for place, digest in enumerate(digests(images.images)):
            decision = self.decisions.get(digest, "keep")
            if decision == "drop":
                dropped[place] = True
            elif decision != "keep":
                if decision not in numbers:
                    raise DataError(
                        f"{self.path}, row {self.rows[digest]}: decision {decision!r}: expected drop, keep or one of "
                        f"{', '.join(images.class_names[:20])}"
                    )
                labels[place] = numbers[decision]
        return labels, dropped

    def apply(self, dataset: Dataset) -> Dataset:
        """The data set with corrected training labels and without dropped training images.

        The test images stay as given: an evaluation says what they come to as given, corrected, and without the
        dropped ones.

        Raises
        ------
        DataError
            If the patch names images that the data lacks, or a decision is no class.
        """
        self.require({*digests(dataset.train.images), *digests(dataset.test.images)}, dataset.name)
        labels, dropped = self.of(dataset.train)
        test_labels, test_dropped = self.of(dataset.test)
        changed = int((labels != dataset.train.labels)[~dropped].sum())
        note = (
            f"patch {self.path}: {changed} training labels corrected, {int(dropped.sum())} training images dropped; "
            f"test: {int((test_labels != dataset.test.labels).sum())} and {int(test_dropped.sum())}, told apart in "
            f"evaluations"
        )
        kept = np.flatnonzero(~dropped)
        if not len(kept):
            raise DataError(f"{self.path}: drops every training image of {dataset.name}")
        train = ImageSet(dataset.train.images[kept], labels[kept], dataset.train.class_names)
        return dataclasses.replace(dataset, train=train, notes=(*dataset.notes, note), patch=self)


def read_patch(path: str | Path) -> Patch:
    """Read a patch.

    Parameters
    ----------
    path : str or Path
        CSV with a header, comma or semicolon, UTF-8.

    Raises
    ------
    DataError
        If it is no such file, or a row is malformed; the message names the row.
    """
    with about(path, argument="path"):
        return _read(Path(path))


def _read(path: Path) -> Patch:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")  # as spreadsheets write
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a label patch, a CSV in UTF-8, got: {error}") from error
    reader = csv.reader(io.StringIO(text), delimiter=separator(text))
    header = _header(_rows(reader, path))
    if missing := [name for name in ("sha256", "decision") if name not in header]:
        raise DataError.wanted(path, f"the columns {', '.join(COLUMNS)}", f"no {missing[0]}")
    if len(set(header)) < len(header):
        raise DataError.wanted(path, "each column once", ", ".join(header))
    decisions: dict[str, str] = {}
    rows: dict[str, int] = {}
    cells: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(_rows(reader, path), 2):
        if any(cell.strip() for cell in row):
            found = _row(row, header, f"{path}, row {number}")
            digest, decision = found["sha256"], found["decision"]
            if decision and decisions.get(digest, decision) != decision:
                raise DataError(
                    f"{path}, row {number}: decision {decision!r} about the image of row {rows[digest]}, "
                    f"where it is {decisions[digest]!r}: expected one decision an image"
                )
            rows.setdefault(digest, number)
            if decision or digest not in cells:
                cells[digest] = tuple(found.get(column, "") for column in COLUMNS)
            if decision:
                decisions[digest] = decision
    return Patch(str(path), hashlib.sha256(content).hexdigest(), text, decisions, rows, cells)


def patch_text(rows: Sequence[Sequence[object]], earlier: Patch | None = None) -> str:
    """A patch to be filled in, from rows of the columns but the last.

    Decisions taken in an earlier one stay, those about images that are no longer in doubt too.
    """
    decided = {} if earlier is None else {digest: earlier.cells[digest] for digest in earlier.decisions}
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow((*map(cell, row), decided[str(row[0])][-1] if str(row[0]) in decided else ""))
    listed = {str(row[0]) for row in rows}
    writer.writerows(cells for digest, cells in decided.items() if digest not in listed)
    return file.getvalue()


def digests(images: UInt8) -> list[str]:
    """The sha256 of each image's bytes in row order."""
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    return [hashlib.sha256(row.data).hexdigest() for row in rows]


def _header(reader: Iterator[list[str]]) -> list[str]:
    return [name.strip().lower() for name in next(reader, [])]


def _rows(reader: Iterator[list[str]], path: Path) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(f"{path}: expected rows of short cells, got: {error}") from error


def _row(row: list[str], header: list[str], where: str) -> dict[str, str]:
    if len(row) != len(header):
        raise DataError.wanted(where, f"{len(header)} cells", len(row))
    cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
    digest = cells["sha256"].lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise DataError.wanted(where, "a sha256 of 64 hexadecimal digits", repr(cells["sha256"][:70]))
    decision = from_cell(cells["decision"])
    return {
        **cells,
        "sha256": digest,
        "decision": decision.lower() if decision.lower() in ("drop", "keep") else decision,
    }


def rows_of(patch: Patch) -> dict[str, dict[str, str]]:
    """Every column of every image's first row as text, by its sha256, in the order of the file."""
    reader = csv.reader(io.StringIO(patch.text), delimiter=separator(patch.text))
    header = [name.strip().lower() for name in next(reader)]
    found: dict[str, dict[str, str]] = {}
    for row in reader:
        if any(text.strip() for text in row):
            cells = dict(zip(header, (from_cell(text.strip()) for text in row), strict=True))
            found.setdefault(cells["sha256"].lower(), cells)
    return found


def with_decision(content: bytes, digest: str, decision: str) -> bytes:
    """A patch's content with another decision in the rows of an image.

    Parameters
    ----------
    content : bytes
        Of a file that :func:`read_patch` reads.
    digest : str
        The image's sha256.
    decision : str
        A label, ``drop``, ``keep``, or nothing, to decide later.
    """
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    text = content.decode("utf-8-sig")
    between = separator(text.replace("\r", "\n"))
    taken: list[str] = []  # the lines of the row that is being read
    reader = csv.reader(_noted(io.StringIO(text, newline=""), taken), delimiter=between)
    out = io.StringIO(newline="")
    for place, row in enumerate(reader):
        line = "".join(taken)
        taken.clear()
        if place == 0:
            header = [name.strip().lower() for name in row]
        elif len(row) == len(header) and row[header.index("sha256")].strip().lower() == digest:
            row[header.index("decision")] = cell(decision)
            end = line[len(line.rstrip("\r\n")) :]
            csv.writer(out, delimiter=between, lineterminator=end).writerow(row)
            continue
        out.write(line)
    return mark + out.getvalue().encode()


def _noted(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line
