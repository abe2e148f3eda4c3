"""The forms a model can be written in: where each goes, and how it gets there whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitwise.errors import ExportError
from digitwise.exporting.card import Card
from digitwise.exporting.parity import BATCHES, Ask
from digitwise.exporting.writers import PAIR, write_keras, write_onnx, write_pair, write_saved_model
from digitwise.files import whole_file, whole_folder
from digitwise.runs import Run


@dataclass(frozen=True)
class Form:
    """One way to pass a model on.

    Parameters
    ----------
    place : str
        Where it goes if nothing else is said, seen from the run folder.
    suffix : str
        Of the file's name; empty for a folder.
    temporary : callable
        From the place to a context that gives a temporary one and on leaving puts what is there in its place.
    write : callable
        Writes to a temporary place; gives who answers from what was written.
    batches : tuple of int
        How many pictures at once it is asked about for comparison.
    calibrated : bool
        Whether the temperature is inside.
    """

    place: str
    suffix: str
    temporary: Callable[[Path], AbstractContextManager[Path]]
    write: Callable[[Run, Any, Card, Path], Ask]
    batches: tuple[int, ...] = BATCHES
    calibrated: bool = False

    def check_place(self, place: Path) -> None:
        """Make sure that nothing else is replaced there than an earlier export."""
        if self.suffix:
            if place.suffix != self.suffix:
                raise ExportError(f"{place}: expected a name that ends in {self.suffix}; choose another --out")
            if place.is_dir():
                raise ExportError(f"{place}: expected a file to write, got a folder; choose another --out")
        elif place.exists() and not place.is_dir():
            raise ExportError(f"{place}: expected a folder to write into, got a file; choose another --out")


@contextmanager
def _pair(folder: Path) -> Iterator[Path]:
    """Give a temporary folder, and on leaving put the two files into ``folder``, where others may lie."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        yield Path(temporary)
        folder.mkdir(exist_ok=True)
        for name in PAIR:
            (Path(temporary) / name).replace(folder / name)


@contextmanager
def _saved_model(folder: Path) -> Iterator[Path]:
    """Give a temporary folder, and on leaving put it in the place of ``folder``, which holds nothing else."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "saved_model.pb").is_file():
        raise ExportError(f"{folder}: expected a new folder or an earlier saved model; choose another --out")
    with whole_folder(folder) as temporary:
        yield temporary


ONE_BATCH = (500,)  # a copy of the same Keras model has no batches of its own to get wrong

FORMS = {
    "onnx": Form("model.onnx", ".onnx", whole_file, write_onnx, calibrated=True),
    "keras": Form("model.keras", ".keras", whole_file, write_keras, ONE_BATCH),
    "json+h5": Form(".", "", _pair, write_pair, ONE_BATCH),
    "saved-model": Form("saved-model", "", _saved_model, write_saved_model),
}
