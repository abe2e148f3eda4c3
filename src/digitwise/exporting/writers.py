"""Writing a model in each form, and asking what was written.

A writer gets a place of its own, which nobody sees before the answers have been compared.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.errors import ExportError, RunError
from digitwise.evaluation.calibration import at_temperature
from digitwise.exporting.card import Card
from digitwise.exporting.parity import Ask
from digitwise.images import Predictions
from digitwise.reading.card import KEY
from digitwise.runs import Run

PAIR = ("model.json", "model.weights.h5")


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


def _copy(run: Run, name: str, place: Path) -> None:
    source = run.path / name
    if not source.is_file():
        raise RunError(f"{source}: expected the model's file of this run, found none; train again")
    shutil.copyfile(source, place)
