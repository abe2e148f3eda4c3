"""What a command writes, and how it is spoken of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digitwise.errors import DataError, DigitwiseError


@dataclass(frozen=True)
class Kind:
    """A kind of output: only the same kind is replaced by it.

    Parameters
    ----------
    name : str
        As it stands in the list of what was written.
    words : str
        For messages, with its article.
    error : type
        What is raised where something else is in the way.
    option : str
        What chooses the place.
    """

    name: str
    words: str
    error: type[DigitwiseError] = DataError
    option: str = "--out"

    def refused(self, place: Path, got: str) -> DigitwiseError:
        """The error that names what is in the way."""
        return self.error(
            f"{place}: expected a new name or {self.words} to replace, got {got}; choose another {self.option}"
        )
