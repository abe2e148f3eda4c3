"""The test ledger: every use of a test set, by any run, in one file per set of images.

A test set that is used again and again is no test any more; readers of a result should know the count.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from digitwise.errors import RunError
from digitwise.escaping import json_text


@dataclass(frozen=True)
class LedgerEntry:
    """One use of a test set.

    Parameters
    ----------
    time : str
        ISO 8601, UTC.
    run : str
        The run folder whose model was evaluated.
    reason : str
    """

    time: str
    run: str
    reason: str


def note(fingerprint: str, look: LedgerEntry) -> None:
    """Append a use to the ledger of the test images with this fingerprint.

    Raises
    ------
    RunError
        If the ledger cannot be written.
    """
    file = _file(fingerprint)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as ledger:  # one short line: appended whole, also by two at once
            ledger.write(json_text(asdict(look)) + "\n")
    except OSError as error:
        raise RunError(
            f"{file}: the look at the test set cannot be written down: {error.strerror}; "
            f"set DIGITWISE_LEDGER to a folder that can be written"
        ) from error


def looks(fingerprint: str) -> list[LedgerEntry]:
    """All uses of the test images with this fingerprint, oldest first; invalid lines are skipped."""
    try:
        lines = _file(fingerprint).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(LedgerEntry(**json.loads(line)))
        except (ValueError, TypeError, RecursionError):
            continue
    return found


def _file(fingerprint: str) -> Path:
    if given := os.environ.get("DIGITWISE_LEDGER"):
        return Path(given).expanduser() / f"{fingerprint}.jsonl"
    import platformdirs

    return Path(platformdirs.user_data_dir("digitwise")) / "ledger" / f"{fingerprint}.jsonl"
