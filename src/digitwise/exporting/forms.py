"""Writing a model in each form, and asking what was written.

A form's function gets a place of its own, which nobody sees before the answers have been compared.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.errors import ExportError, RunError
from digitwise.evaluation.calibration import at_temperature
from digitwise.exporting.card import KEY, Card
from digitwise.exporting.parity import BATCHES, Ask
from digitwise.files import whole_file, whole_folder
from digitwise.images import Predictions
from digitwise.runs import Run

PAIR = ("model.json", "model.weights.h5")


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


def keras_answers(model: Any, temperature: float = 1.0) -> Ask:
    """Ask a Keras model, and soften or sharpen what it answers."""

    def ask(pictures: Any) -> Any:
        found = np.asarray(model.predict_on_batch(to_input(pictures)), np.float32)
        if temperature == 1:
            return found
        names = tuple(str(i) for i in range(found.shape[1]))
        return at_temperature(Predictions(np.zeros(len(found), np.int64), found, names), temperature).probabilities

    return ask


def write_onnx(run: Run, model: Any, card: Card, place: Path) -> Ask:
    """Write the ONNX file, the card in its metadata, and give onnxruntime on it."""
    import onnxruntime

    from digitwise.exporting.convert import INPUT, OUTPUT, convert

    converted = convert(model, card.temperature)
    converted.metadata_props.add(key=KEY, value=json.dumps(card.document, ensure_ascii=False))
    place.write_bytes(converted.SerializeToString())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # for a single small picture waking a second thread costs more than it does
    session = onnxruntime.InferenceSession(place, options, providers=["CPUExecutionProvider"])

    def ask(pictures: Any) -> Any:
        return session.run([OUTPUT], {INPUT: pictures})[0]

    return ask


def write_keras(run: Run, model: Any, card: Card, place: Path) -> Ask:
    """Copy the run's ``model.keras``, and give the copy loaded anew."""
    from digitwise.training.saving import load_model

    _copy(run, "model.keras", place)
    return keras_answers(load_model(place))


def write_pair(run: Run, model: Any, card: Card, folder: Path) -> Ask:
    """Copy the run's ``model.json`` and ``model.weights.h5``, and give the pair loaded anew."""
    from digitwise.training.saving import load_model

    for name in PAIR:
        _copy(run, name, folder / name)
    return keras_answers(load_model(folder / PAIR[0]))


def write_saved_model(run: Run, model: Any, card: Card, folder: Path) -> Ask:
    """Write TensorFlow's SavedModel, and give its endpoint ``serve``, which takes what the Keras model takes."""
    from digitwise.training.backend import BACKEND

    if BACKEND != "tensorflow":
        raise ExportError(
            f"--format saved-model: expected Keras on TensorFlow, got {BACKEND}; set KERAS_BACKEND=tensorflow, "
            f"or use --format onnx"
        )
    import tensorflow

    model.export(folder, format="tf_saved_model", verbose=False)
    loaded = tensorflow.saved_model.load(folder)

    def ask(pictures: Any) -> Any:
        return loaded.serve(to_input(pictures)).numpy()

    return ask


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


def _copy(run: Run, name: str, place: Path) -> None:
    source = run.path / name
    if not source.is_file():
        raise RunError(f"{source}: expected the model's file of this run, found none; train again")
    shutil.copyfile(source, place)


ONE_BATCH = (500,)  # a copy of the same Keras model has no batches of its own to get wrong

FORMS = {
    "onnx": Form("model.onnx", ".onnx", whole_file, write_onnx, calibrated=True),
    "keras": Form("model.keras", ".keras", whole_file, write_keras, ONE_BATCH),
    "json+h5": Form(".", "", _pair, write_pair, ONE_BATCH),
    "saved-model": Form("saved-model", "", _saved_model, write_saved_model),
}
