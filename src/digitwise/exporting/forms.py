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
from digitwise.outputs import Kind, check_file, check_folder, claimed, new_folder, output_file, together
from digitwise.runs import Run

EXPORT = Kind("export", "an earlier export", ExportError)
SAVED_MODEL = Kind("saved-model", "an earlier saved model", ExportError)


def _check_file(place: Path) -> None:
    check_file(place, EXPORT)


def _check_pair(folder: Path) -> None:
    for name in PAIR:
        check_file(folder / name, EXPORT)


def _check_folder(place: Path) -> None:
    check_folder(place, SAVED_MODEL)


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
    trained : bool
        Whether a training leaves it in the run folder.
    check : callable
        Raises where something else than an earlier export lies.
    """

    place: str
    suffix: str
    temporary: Callable[[Path], AbstractContextManager[Path]]
    write: Callable[[Run, Any, Card, Path], Ask]
    batches: tuple[int, ...] = BATCHES
    calibrated: bool = False
    trained: bool = False
    check: Callable[[Path], None] = _check_file

    def check_place(self, place: Path) -> None:
        """Make sure that nothing else is replaced there than an earlier export."""
        if self.suffix:
            if place.suffix != self.suffix:
                raise ExportError(f"{place}: expected a name that ends in {self.suffix}; choose another --out")
            if place.is_dir():
                raise ExportError(f"{place}: expected a file to write, got a folder; choose another --out")
        elif place.exists() and not place.is_dir():
            raise ExportError(f"{place}: expected a folder to write into, got a file; choose another --out")
        self.check(place)


@contextmanager
def looked_at(place: Path) -> Iterator[Path]:
    """Give a temporary place of the same name, for what lies in ``place`` already and is only to be checked."""
    with tempfile.TemporaryDirectory(prefix="digitwise-") as temporary:
        yield Path(temporary) / place.name if place.suffix else Path(temporary)


@contextmanager
def _file(place: Path) -> Iterator[Path]:
    with output_file(place, EXPORT) as temporary:
        yield temporary


@contextmanager
def _pair(folder: Path) -> Iterator[Path]:
    """Give a temporary folder, and on leaving put the two files into ``folder``, where others may lie."""
    files = {name: (folder / name, EXPORT) for name in PAIR}
    with claimed(folder, EXPORT), together(folder, EXPORT, files, {}) as temporary:
        yield temporary
        folder.mkdir(exist_ok=True)


@contextmanager
def _saved_model(folder: Path) -> Iterator[Path]:
    """Give a temporary folder, and on leaving put it in the place of ``folder``, which holds nothing else."""
    with claimed(folder, SAVED_MODEL), new_folder(folder, SAVED_MODEL) as temporary:
        yield temporary


ONE_BATCH = (500,)  # a copy of the same Keras model has no batches of its own to get wrong

FORMS = {
    "onnx": Form("model.onnx", ".onnx", _file, write_onnx, calibrated=True),
    "keras": Form("model.keras", ".keras", _file, write_keras, ONE_BATCH, trained=True),
    "json+h5": Form(".", "", _pair, write_pair, ONE_BATCH, trained=True, check=_check_pair),
    "saved-model": Form("saved-model", "", _saved_model, write_saved_model, check=_check_folder),
}
