"""Models at a path, given as one or instead of data: told by names and first bytes, no library is imported for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from digitwise.decoding import READ_SUFFIXES
from digitwise.errors import DataError
from digitwise.files import expanded

Other = Literal["a Keras model", "a SavedModel", "a run"]
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
SUFFIXES = (".keras", ".json")
KERAS_FORMS = ("a Keras model", "a SavedModel")
KERAS = ("model.keras", "model.json", "model.h5")  # in a folder
TO_ONNX: dict[str, str] = {
    "a Keras model": "digitwise export {path} (in Python digitwise.export) writes one to read with",
    "a SavedModel": "python -m tf2onnx.convert --saved-model {path} --output model.onnx writes one to read with",
    "a run": "digitwise export {path} (in Python digitwise.export) writes its model.onnx, to read with",
}
USE: dict[str, str] = {
    "a Keras model": "digitwise evaluate {path} --data DATA (in Python digitwise.evaluate)",
    "a SavedModel": "digitwise evaluate {path} --data DATA (in Python digitwise.evaluate)",
    "a run": "digitwise evaluate {path} (in Python digitwise.evaluate)",
}
# What Keras gives the groups of a file of weights or of a whole model: attributes of earlier ones, groups of Keras 3.
KERAS_ATTRIBUTES = ("model_config", "layer_names", "layer_names0", "keras_version")
KERAS_GROUPS = ("layers", "_layer_checkpoint_dependencies")


def other_form(path: str | Path) -> Other | None:
    """What a path holds instead of ONNX: a model of Keras or TensorFlow, or a run; None where it is none of these."""
    place = expanded(path)
    if place.is_dir():
        if (place / "run.json").is_file():
            return "a run"
        if (place / "saved_model.pb").is_file():
            return "a SavedModel"
        return "a Keras model" if any((place / name).is_file() for name in KERAS) else None
    try:
        with place.open("rb") as file:
            start = file.read(len(HDF5))
    except OSError:
        return None
    named = place.suffix.lower() in SUFFIXES and start.startswith((ZIP, b"{"))
    return "a Keras model" if named or start == HDF5 else None


def refuse_as_data(path: Path) -> None:
    """Refuse an image, a model or a run given as a set of images, with the command that takes it.

    Raises
    ------
    DataError
        If it is one of these; what HDF5 holds is told by :func:`refuse_weights`.
    """
    if path.is_file() and path.suffix.lower() in READ_SUFFIXES:
        raise DataError.wanted(path, "a set of images", "an image", f"digitwise read {path} (in Python Reader.read)")
    form = None if path.is_file() and path.suffix.lower() not in SUFFIXES else other_form(path)
    held = path.is_dir() and form != "a SavedModel" and any(each.is_dir() for each in path.glob("[!.]*"))
    if form is not None and not held:
        raise DataError.wanted(path, "a set of images", form, USE[form].format(path=path))


def refuse_weights(path: Path, file: Any) -> None:
    """Refuse an opened HDF5 file with the weights of a Keras model."""
    if any(name in file.attrs for name in KERAS_ATTRIBUTES) or any(name in file for name in KERAS_GROUPS):
        form = "a Keras model"
        raise DataError.wanted(path, "a set of images", form, USE[form].format(path=path))
