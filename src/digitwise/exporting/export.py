"""From a run to its model in the form that somebody else needs: where each goes, and how it gets there whole.

What writes a form gets a place of its own, which nobody sees before the answers have been compared.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.errors import ExportError, RunError
from digitwise.evaluation.calibration import at_temperature
from digitwise.exporting.card import Card, card_of
from digitwise.exporting.parity import BATCHES, IMAGES, Ask, drawings, largest_difference
from digitwise.files import real
from digitwise.images import Predictions
from digitwise.outputs import Kind, check_file, check_folder, claimed, new_folder, output_file, together
from digitwise.reading.model import KEY
from digitwise.runs import Run

EXPORT = Kind("export", "an earlier export", ExportError)
SAVED_MODEL = Kind("saved-model", "an earlier saved model", ExportError)
PAIR = ("model.json", "model.weights.h5")


@dataclass(frozen=True)
class Export:
    """A model as it was written.

    Parameters
    ----------
    path : Path
        The file, or the folder of a form of several files.
    format : {"onnx", "keras", "json+h5", "saved-model"}
    size : int
        In bytes, of all its files.
    max_difference : float
        The largest difference of a probability between it and the run's model, on 1,000 images.
    temperature : float
        Fitted to the validation answers. ONNX has it inside; the other forms give the model's own probabilities.
    normalization : str
        How an image must be brought to the input: ``ink-1`` or ``none``.
    metrics : dict
        Errors on validation and test images.
    policies : list of dict
        When to answer, for each guarantee that the validation images can carry.
    """

    path: Path
    format: str
    size: int
    max_difference: float
    temperature: float
    normalization: str
    metrics: dict[str, Any]
    policies: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "path": str(self.path)}


def export(
    run: str | Path | Run,
    format: str = "onnx",  # noqa: A002  # named as the option is, and as Keras' own model.export has it
    out: str | Path | None = None,
) -> Export:
    """Write a run's model in another form, and make sure that it answers as before.

    Parameters
    ----------
    run : str, Path or Run
    format : {"onnx", "keras", "json+h5", "saved-model"}
        ONNX takes images as they are stored, uint8 (n, h, w) or (n, h, w, 3), and gives probabilities calibrated by
        temperature; the others take and give what the Keras model does, float32 (n, h, w, c) in [0, 1] to its own
        probabilities. A saved model needs Keras on TensorFlow.
    out : str or Path, optional
        A file, or for ``json+h5`` and ``saved-model`` a folder. By default ``model.onnx`` or ``saved-model`` in the
        run folder; the other two are there already and are only checked. What lies there is replaced at the end.

    Returns
    -------
    Export

    Raises
    ------
    ExportError
        If the model cannot be written in that form, or answers differently in it, or something else than an earlier
        export lies there; nothing is left then.
    RunError
        If ``run`` is not a whole run.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    if format not in FORMS:
        raise ExportError(f"format: expected {', '.join(FORMS)}, got {format!r}")
    form = FORMS[format]
    place = Path(out) if out is not None else opened.path / form.place
    there = form.trained and real(place) == real(opened.path / form.place)
    if not there:
        form.check_place(real(place))
    card = card_of(opened)
    from digitwise.training.saving import load_model  # Keras takes seconds to import

    model = load_model(opened.path)
    with looked_at(place) if there else form.temporary(real(place)) as temporary:
        exported = form.write(opened, model, card, temporary)
        size = _size(temporary)
        own = keras_answers(model, card["temperature"] if form.calibrated else 1.0)
        difference = largest_difference(exported, own, drawings(IMAGES, model.input_shape[1:]), form.batches)
    return Export(
        path=place,
        format=format,
        size=size,
        max_difference=difference,
        **{name: card[name] for name in ("temperature", "normalization", "metrics", "policies")},
    )


def _size(place: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(file.stat().st_size for file in files if file.is_file())


@dataclass(frozen=True)
class Form:
    """One way to pass a model on.

    Parameters
    ----------
    place : str
        Where it goes if nothing else is said, seen from the run folder.
    suffix : str
        Of the file's name; empty for a folder.
    check : callable
        Raises where something else than an earlier export lies.
    temporary : callable
        From the place to a context that gives a temporary one and on leaving puts what is there in its place.
    write : callable
        Writes to a temporary place; gives who answers from what was written.
    batches : tuple of int
        How many images at once it is asked about for comparison.
    calibrated : bool
        Whether the temperature is inside.
    trained : bool
        Whether a training leaves it in the run folder.
    """

    place: str
    suffix: str
    check: Callable[[Path], None]
    temporary: Callable[[Path], AbstractContextManager[Path]]
    write: Callable[[Run, Any, Card, Path], Ask]
    batches: tuple[int, ...] = BATCHES
    calibrated: bool = False
    trained: bool = False

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


def _check_pair(folder: Path) -> None:
    for name in PAIR:
        check_file(folder / name, EXPORT)


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


def keras_answers(model: Any, temperature: float = 1.0) -> Ask:
    """Ask a Keras model, and soften or sharpen what it answers."""

    def ask(images: Any) -> Any:
        found = np.asarray(model.predict_on_batch(to_input(images)), np.float32)
        if temperature == 1:
            return found
        names = tuple(str(i) for i in range(found.shape[1]))
        return at_temperature(Predictions(np.zeros(len(found), np.int64), found, names), temperature).probabilities

    return ask


def write_onnx(run: Run, model: Any, card: Card, place: Path) -> Ask:
    """Write the ONNX file, the card in its metadata, and give onnxruntime on it."""
    import onnxruntime

    from digitwise.exporting.convert import INPUT, OUTPUT, convert

    converted = convert(model, card["temperature"])
    converted.metadata_props.add(key=KEY, value=json.dumps(card, ensure_ascii=False))
    place.write_bytes(converted.SerializeToString())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # for a single small image waking a second thread costs more than it does
    session = onnxruntime.InferenceSession(place, options, providers=["CPUExecutionProvider"])

    def ask(images: Any) -> Any:
        return session.run([OUTPUT], {INPUT: images})[0]

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

    def ask(images: Any) -> Any:
        return loaded.serve(to_input(images)).numpy()

    return ask


def _copy(run: Run, name: str, place: Path) -> None:
    source = run.path / name
    if not source.is_file():
        raise RunError(f"{source}: expected the model's file of this run, found none; train again")
    shutil.copyfile(source, place)


ONE_BATCH = (500,)  # a copy of the same Keras model has no batches of its own to get wrong
FILE = (partial(check_file, kind=EXPORT), partial(output_file, kind=EXPORT))
FOLDER = (partial(check_folder, kind=SAVED_MODEL), _saved_model)

FORMS = {
    "onnx": Form("model.onnx", ".onnx", *FILE, write_onnx, calibrated=True),
    "keras": Form("model.keras", ".keras", *FILE, write_keras, ONE_BATCH, trained=True),
    "json+h5": Form(".", "", _check_pair, _pair, write_pair, ONE_BATCH, trained=True),
    "saved-model": Form("saved-model", "", *FOLDER, write_saved_model),
}
