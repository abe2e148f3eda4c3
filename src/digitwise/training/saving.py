"""Models on disk: Keras' own file, and the exercise's pair of JSON and weights."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from digitwise.errors import RunError, one_line
from digitwise.files import atomic_write, whole_file
from digitwise.training.backend import keras

# The exercise saved its weights as model.h5, a name that Keras 3 keeps for another format.
WEIGHT_NAMES = ("model.weights.h5", "model.h5")


def save_model(model: Any, folder: Path) -> None:
    """Write ``model.keras``, ``model.json`` and ``model.weights.h5`` into ``folder``, each whole or not at all."""
    with whole_file(folder / "model.keras") as path:
        model.save(path)
    atomic_write(folder / "model.json", model.to_json(indent=2))
    with whole_file(folder / "model.weights.h5") as path:
        model.save_weights(path, overwrite=True)


def load_model(path: Path) -> Any:
    """Load a model from a run folder, a ``.keras`` or ``.h5`` file, or the pair of JSON and weights.

    Parameters
    ----------
    path : Path
        A folder holding ``model.keras``, or ``model.json`` with ``model.weights.h5`` or the exercise's ``model.h5``;
        or one of these files.

    Returns
    -------
    keras.Model
        Gives bit for bit the predictions of the model that was saved.

    Raises
    ------
    RunError
        If there is no model, or it would run code on loading.
    """
    path = Path(path)
    if path.is_dir():
        path = next(
            (path / name for name in ("model.keras", "model.json", "model.h5") if (path / name).is_file()), path
        )
    if not path.is_file():
        raise RunError(f"{path}: expected a model (model.keras, or model.json with its weights), found none")
    try:
        beside = path.with_name("model.json")
        if path.name in WEIGHT_NAMES and beside.is_file():
            path = beside
        return _from_json(path) if path.suffix == ".json" else _from_file(path)
    except (ValueError, TypeError, KeyError, OSError, AttributeError) as error:
        raise RunError(f"{path}: cannot be loaded as a model: {one_line(error, 200)}") from error


def _from_file(path: Path) -> Any:
    return keras.models.load_model(path, compile=False, safe_mode=True)


def _from_json(path: Path) -> Any:
    weights = next((path.with_name(name) for name in WEIGHT_NAMES if path.with_name(name).is_file()), None)
    if weights is None:
        raise RunError(f"{path}: expected {' or '.join(WEIGHT_NAMES)} beside it, found neither")
    import h5py

    with h5py.File(weights) as file:
        whole, old = "model_config" in file.attrs, "layer_names" in file.attrs
    if whole:
        return _from_file(weights)
    with tempfile.TemporaryDirectory() as folder:
        return _from_old_pair(path, weights, Path(folder)) if old else _from_pair(path, weights, Path(folder))


def _from_pair(path: Path, weights: Path, folder: Path) -> Any:
    model = keras.models.model_from_json(path.read_text(encoding="utf-8"))
    model.load_weights(shutil.copy(weights, folder / "model.weights.h5"))  # Keras knows the format by the name alone
    return model


def _from_old_pair(path: Path, weights: Path, folder: Path) -> Any:
    """Put Keras 2's JSON and weights together into the one old file that Keras 3 still reads whole."""
    import h5py

    joined = folder / "joined.h5"
    with h5py.File(weights) as parts, h5py.File(joined, "w") as file:
        file.attrs["model_config"] = path.read_text(encoding="utf-8")
        for name in ("keras_version", "backend"):
            file.attrs[name] = parts.attrs.get(name, b"")
        parts.copy(parts, file, name="model_weights")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about how Keras 2 wrote down the input
        return _from_file(joined)
