"""What becomes one file of rows: some row groups of a table, an archive, or some pictures of a folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any, Literal

from digitwise.files import expanded, printable
from digitwise.formats.shards import is_address


@dataclass(frozen=True)
class Cut:
    """A part of a source, read by one worker from front to back.

    Parameters
    ----------
    kind : {"parquet", "tar", "pictures"}
    source : str
        A file, or the folder or the first of several pictures, as it was given.
    size : int
        Bytes: of the whole file, or of the pictures together.
    version : str
        Another one when what is read has changed, even where its size has not.
    rows : int or None
        Pictures; None where only reading tells.
    first : int
        The row of the source that comes first.
    groups : (int, int), optional
        Row groups of a table, from and before which.
    files : tuple of str
        Pictures of a folder.
    here : str
        The folder that names which are no addresses are relative to.
    """

    kind: Literal["parquet", "tar", "pictures"]
    source: str
    size: int
    version: str
    rows: int | None = None
    first: int = 0
    groups: tuple[int, int] | None = None
    files: tuple[str, ...] = ()
    here: str = ""

    @property
    def name(self) -> str:
        """For messages."""
        if self.kind == "pictures":
            return f"{printable(self.files[0])} to {printable(self.files[-1])}"
        rows = "" if self.groups is None or self.rows is None else f", rows {self.first:,} to {self.last:,}"
        return printable(self.source) + rows

    @property
    def last(self) -> int:
        """The row of the source that comes last, where their number is known."""
        return self.first + (self.rows or 1) - 1

    @property
    def document(self) -> dict[str, Any]:
        """What a manifest says of it."""
        told: dict[str, Any] = {"source": printable(self.source), "kind": self.kind, "size": self.size}
        told |= {"version": self.version, "rows": self.rows}
        if self.groups is not None:
            told |= {"first": self.first, "row_groups": list(self.groups)}
        if self.files:
            names = "\0".join(map(printable, self.files)).encode()
            told |= {"files": [printable(self.files[0]), printable(self.files[-1])]}
            told |= {"names_sha256": hashlib.sha256(names).hexdigest()}
        return told

    def place(self, name: str) -> str:
        """Where a file of this cut is to be opened, whatever folder a worker is in."""
        return name if is_address(name) else os.path.join(self.here, expanded(name))
