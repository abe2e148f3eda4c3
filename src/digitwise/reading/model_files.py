"""What lies at a path that is given as a model, told by names and first bytes: no library is imported for it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from digitwise.files import expanded

Other = Literal["a Keras model", "a SavedModel", "a run"]
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
SUFFIXES = (".keras", ".json")
KERAS_FORMS = ("a Keras model", "a SavedModel")
KERAS = ("model.keras", "model.json", "model.h5")  # in a folder
TO_ONNX: dict[str, str] = {
    "a Keras model": "digitwise export {path} writes one to read with",
    "a SavedModel": "python -m tf2onnx.convert --saved-model {path} --output model.onnx writes one to read with",
    "a run": "digitwise export {path} writes its model.onnx, to read with",
}


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
