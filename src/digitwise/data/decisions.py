"""Filling in a label patch decision by decision; all else in the file stays as it is."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from digitwise.data.patches import Patch
from digitwise.escaping import cell, from_cell
from digitwise.formats.csv import separator


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
        Of a file that :func:`digitwise.data.patches.read_patch` reads.
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
