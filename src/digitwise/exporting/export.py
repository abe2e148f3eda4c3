"""Exports a run's model in another format; the files appear only after a comparison with the original."""

from __future__ import annotations

import json
import shutil
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
from digitwise.outputs import Kind, check_file, check_folder, claimed, new_folder, output_file, together
from digitwise.parts import require
from digitwise.predictions import Predictions
from digitwise.reading.model import KEY
from digitwise.runs import Run, is_model
from digitwise.temporaries import temporary_folder

EXPORT = Kind("export", "an earlier export", ExportError)
SAVED_MODEL = Kind("saved-model", "an earlier saved model", ExportError)
PAIR = ("model.json", "model.weights.h5")


@dataclass(frozen=True)
class Export:
    """An exported model.

    Parameters
    ----------
    path : Path
        The file, or the folder of a format with several files.
    format : {"onnx", "keras", "json+h5", "saved-model"}
    size : int
        In bytes, of all its files.
    max_difference : float
        The largest difference of a probability between it and the run's model, on 1,000 images.
    temperature : float
        Fitted to the validation predictions. ONNX includes it; the other formats give uncalibrated probabilities.
    normalization : str
        Of the input: ``ink-1`` or ``none``.
    metrics : dict
        Errors on validation and test images.
    policies : list of dict
        The reading policy for each error guarantee that the validation images support.

    Examples
    --------
    >>> import digitwise
    >>> export = digitwise.export("results/augmented")  # doctest: +SKIP
    >>> export.format, export.size  # doctest: +SKIP
    ('onnx', 372911)
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
    *,
    input_scale: str | None = None,
) -> Export:
    """Write a run's model in another format, and check that its outputs stay the same.

    Parameters
    ----------
    run : str, Path or Run
        Or a Keras model of digits from elsewhere, in a file or pair that :func:`digitwise.load_model` reads, for ONNX.
    format : {"onnx", "keras", "json+h5", "saved-model"}
        ONNX takes stored images, uint8 (n, h, w) or (n, h, w, 3), and gives calibrated probabilities; the others have
        the Keras model's input, float32 (n, h, w, c) in [0, 1], and output. A saved model needs Keras on TensorFlow.
    out : str or Path, optional
        A file, or for ``json+h5`` and ``saved-model`` a folder. By default ``model.onnx`` or ``saved-model`` in the
        run folder; the other two formats are there already and are only checked. For a model
        from elsewhere its name with the ending ``.onnx``. An earlier export is replaced.
    input_scale : str, optional
        Of a model from elsewhere, as for :func:`digitwise.evaluate`.

    Raises
    ------
    ExportError
        If the model cannot be written in that format, its outputs differ, or ``out`` holds something other than an
        earlier export; nothing is written then.
    RunError
        If ``run`` is not a complete run.

    Examples
    --------
    >>> import digitwise
    >>> digitwise.export("results/augmented").path  # doctest: +SKIP
    PosixPath('results/augmented/model.onnx')
    """
    if format not in FORMS:
        raise ExportError.wanted("format", ", ".join(FORMS), repr(format), argument="format")
    if not isinstance(run, Run) and is_model(run):
        if format != "onnx":
            raise ExportError.wanted("format", "onnx for a model that is no run", repr(format), argument="format")
        from digitwise.exporting.elsewhere import export_model

        return export_model(run, out, input_scale=input_scale)[0]
    if input_scale is not None:
        what = "input_scale", "it with a model that is no run", "a run"
        raise ExportError.wanted(*what, argument="input_scale")
    opened = run if isinstance(run, Run) else Run.open(run)
    form = FORMS[format]
    place = Path(out) if out is not None else opened.path / form.place
    there = form.trained and real(place) == real(opened.path / form.place)
    if not there:
        form.check_place(real(place))
    card = card_of(opened)
    from digitwise.training.saving import load_model  # Keras takes seconds to import

    model = load_model(opened.path)
    with _looked_at(place) if there else form.temporary(real(place)) as temporary:
        own = keras_answers(model, card["temperature"] if form.calibrated else 1.0)
        with advising(form.advice):
            exported = form.write(opened, model, card, temporary)
            size = _size(temporary)
            difference = largest_difference(exported, own, drawings(IMAGES, model.input_shape[1:]), form.batches)
    return Export(
        path=place,
        format=format,
        size=size,
        max_difference=difference,
        **{name: card[name] for name in ("temperature", "normalization", "metrics", "policies")},
    )


@contextmanager
def advising(advice: str) -> Iterator[None]:
    """Add what to do to the error where a model cannot be written."""
    try:
        yield
    except ExportError as error:
        raise ExportError(f"{error}; {advice}" if advice else str(error)) from error


def _size(place: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(file.stat().st_size for file in files if file.is_file())


@dataclass(frozen=True)
class ExportForm:
    """One format of exports."""

    place: str  # the default path, relative to the run folder
    suffix: str  # of the file's name; empty for a folder
    check: Callable[[Path], None]  # raises if a path holds something other than an earlier export
    # from a path to a context with a temporary path, whose content moves to the path at the end
    temporary: Callable[[Path], AbstractContextManager[Path]]
    # writes to a temporary path, and gives a function that predicts with the written model
    write: Callable[[Run, Any, Card, Path], Ask]
    batches: tuple[int, ...] = BATCHES  # batch sizes for the comparison
    calibrated: bool = False  # whether it includes the temperature
    trained: bool = False  # whether a training writes it into the run folder
    advice: str = ""  # what to do where a model cannot be written so

    def check_place(self, place: Path) -> None:
        """Check that a path may be written: it is free, or holds an earlier export."""
        if self.suffix:
            if place.suffix != self.suffix:
                raise ExportError(f"{place}: expected a name that ends in {self.suffix}; choose another out (--out)")
            if place.is_dir():
                raise ExportError(f"{place}: expected a file to write, got a folder; choose another out (--out)")
        elif place.exists() and not place.is_dir():
            raise ExportError(f"{place}: expected a folder to write into, got a file; choose another out (--out)")
        self.check(place)


@contextmanager
def _looked_at(place: Path) -> Iterator[Path]:
    """Give a temporary path of the same name, for an export that exists already and is only checked."""
    with temporary_folder() as temporary:
        yield temporary / place.name if place.suffix else temporary


def _check_pair(folder: Path) -> None:
    for name in PAIR:
        check_file(folder / name, EXPORT)


@contextmanager
def _pair(folder: Path) -> Iterator[Path]:
    """Give a temporary folder, and at the end move the two files into ``folder``, which may hold other files."""
    files = {name: (folder / name, EXPORT) for name in PAIR}
    with claimed(folder, EXPORT), together(folder, EXPORT, files, {}) as temporary:
        yield temporary
        folder.mkdir(exist_ok=True)


@contextmanager
def _saved_model(folder: Path) -> Iterator[Path]:
    """Give a temporary folder, and at the end replace ``folder`` by it."""
    with claimed(folder, SAVED_MODEL), new_folder(folder, SAVED_MODEL) as temporary:
        yield temporary


def keras_answers(model: Any, temperature: float = 1.0) -> Ask:
    """A function that predicts with a Keras model at a temperature."""

    def ask(images: Any) -> Any:
        found = np.asarray(model.predict_on_batch(to_input(images)), np.float32)
        if temperature == 1:
            return found
        names = tuple(str(i) for i in range(found.shape[1]))
        return at_temperature(Predictions(np.zeros(len(found), np.int64), found, names), temperature).probabilities

    return ask


def write_onnx(run: Run, model: Any, card: Card, place: Path) -> Ask:
    """Write the run's ONNX file, see :func:`written_onnx`."""
    return written_onnx(model, card, place)


def written_onnx(model: Any, card: Card, place: Path) -> Ask:
    """Write an ONNX file with the card in its metadata; predict by onnxruntime."""
    import onnxruntime

    require("writing ONNX", "onnx")
    from digitwise.exporting.convert import INPUT, OUTPUT, convert

    converted = convert(model, card["temperature"])
    converted.metadata_props.add(key=KEY, value=json.dumps(card, ensure_ascii=False))
    place.write_bytes(converted.SerializeToString())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a second thread does not pay for a small image
    session = onnxruntime.InferenceSession(place, options, providers=["CPUExecutionProvider"])

    def ask(images: Any) -> Any:
        return session.run([OUTPUT], {INPUT: images})[0]

    return ask


def write_keras(run: Run, model: Any, card: Card, place: Path) -> Ask:
    """Copy the run's ``model.keras``; predict by the loaded copy."""
    from digitwise.training.saving import load_model

    _copy(run, "model.keras", place)
    return keras_answers(load_model(place))


def write_pair(run: Run, model: Any, card: Card, folder: Path) -> Ask:
    """Copy the run's ``model.json`` and ``model.weights.h5``; predict by the loaded copies."""
    from digitwise.training.saving import load_model

    for name in PAIR:
        _copy(run, name, folder / name)
    return keras_answers(load_model(folder / PAIR[0]))


def write_saved_model(run: Run, model: Any, card: Card, folder: Path) -> Ask:
    """Write TensorFlow's SavedModel; predict by its endpoint ``serve``, which has the Keras model's input."""
    from digitwise.training.backend import BACKEND

    if BACKEND != "tensorflow":
        raise ExportError(
            f"format saved-model: expected Keras on TensorFlow, got {BACKEND}; set KERAS_BACKEND=tensorflow, "
            f"or use format onnx (--format)"
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
        raise RunError(f"{source}: expected the model file of this run, found none; train again")
    shutil.copyfile(source, place)


ONE_BATCH = (500,)  # the batch size cannot change the outputs of a copied Keras model
FILE = (partial(check_file, kind=EXPORT), partial(output_file, kind=EXPORT))
FOLDER = (partial(check_folder, kind=SAVED_MODEL), _saved_model)

FORMS = {
    "onnx": ExportForm(
        "model.onnx",
        ".onnx",
        *FILE,
        write_onnx,
        calibrated=True,
        advice="use format keras (--format keras), or build the network of the layers in digitwise.models",
    ),
    "keras": ExportForm("model.keras", ".keras", *FILE, write_keras, ONE_BATCH, trained=True),
    "json+h5": ExportForm(".", "", _check_pair, _pair, write_pair, ONE_BATCH, trained=True),
    "saved-model": ExportForm("saved-model", "", *FOLDER, write_saved_model),
}
