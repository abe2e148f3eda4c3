"""A Keras model that digitwise did not make as an ONNX file to read with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digitwise import runs
from digitwise.errors import ExportError
from digitwise.exporting.export import FORMS, Export, advising, written_onnx
from digitwise.exporting.parity import BATCHES, IMAGES, drawings, largest_difference
from digitwise.files import expanded, real
from digitwise.formats.models import TO_ONNX
from digitwise.normalization import SIDE, VERSION
from digitwise.reading.foreign import SCALES, Understood, known_digits
from digitwise.reading.model import FORMAT
from digitwise.version import __version__

ADVICE = "write it as ONNX by another converter (Keras' model.export, tf2onnx), which Reader (read --model) takes"


def export_model(
    model: str | Path, out: str | Path | None = None, *, input_scale: str | None = None
) -> tuple[Export, Understood]:
    """Write a Keras model of digits as ONNX for :class:`digitwise.Reader`, and check that its outputs stay the same.

    Parameters
    ----------
    model : str or Path
        A file or pair that :func:`digitwise.load_model` reads, from 28x28 pixels to the ten digits.
    out : str or Path, optional
        By default the name of the model with the ending ``.onnx``; ``model.onnx`` in a folder.
    input_scale : str, optional
        One of :data:`digitwise.reading.foreign.SCALES`, instead of the one found by asking about known digits.

    Returns
    -------
    (Export, Understood)
        The ONNX file takes stored images, and gives probabilities that are not calibrated; it has no error guarantees.

    Raises
    ------
    ExportError
        If it is no model of digits, a layer cannot be written, its outputs differ, or ``out`` holds something else.
    RunError, ModelError
        If it cannot be loaded or asked.
    """
    from digitwise.training.predict import foreign_of
    from digitwise.training.saving import load_model

    path = expanded(model)
    if path.suffix.lower() == ".onnx":
        do = "Reader (read --model) takes it as it is"
        raise ExportError.wanted(model, "a Keras model", "ONNX", do, path=model, argument="run")
    if (path / "saved_model.pb").is_file():
        told = f"{TO_ONNX['a SavedModel'].format(path=model)}; Reader (read --model) and evaluate take it as it is"
        raise ExportError.wanted(
            model,
            "a Keras model (.keras, .h5, or JSON with its weights)",
            "a SavedModel",
            told,
            path=model,
            argument="run",
        )
    place = Path(out) if out is not None else path / "model.onnx" if path.is_dir() else path.with_suffix(".onnx")
    form = FORMS["onnx"]
    form.check_place(real(place))
    network = load_model(path)
    found = foreign_of(network, str(model)).understood(known_digits(), scale=input_scale)
    if found.doubtful and input_scale is None:
        raise ExportError(f"expected a model of the digits 0 to 9, got {found.words}")
    card = {
        "format": FORMAT,
        "digitwise": __version__,
        "created": runs.now(),
        "class_names": list("0123456789"),
        "normalization": VERSION,
        "temperature": 1.0,
        "metrics": {},
        "policies": [],
        "elsewhere": {"name": path.name, **found.as_dict()},
    }
    with form.temporary(real(place)) as temporary, advising(ADVICE):
        exported = written_onnx(_from_stored(network, found), card, temporary)
        size = temporary.stat().st_size
        images = drawings(IMAGES, (SIDE, SIDE, 1))
        difference = largest_difference(exported, found.probabilities, images, BATCHES)
    return Export(place, "onnx", size, difference, 1.0, VERSION, {}, []), found


def _from_stored(network: Any, found: Understood) -> Any:
    """The network between layers that bring pixels 0 to 1 to its scale and layout, and its outputs to probabilities."""
    from digitwise.training.backend import keras

    if found.layout == "channels first" or found.outputs == "independent probabilities":
        what = found.layout if found.layout == "channels first" else found.outputs
        raise ExportError(f"{found.model.name}: a model of {what} cannot be written as ONNX")
    factor, added = SCALES[found.scale]
    before = {"flat rows": [keras.layers.Flatten()], "without channels": [keras.layers.Reshape((SIDE, SIDE))]}
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            *([keras.layers.Rescaling(255 * factor, added)] if found.scale != "0-1" else []),
            *before.get(found.layout, []),
            network,
            *([keras.layers.Activation("softmax")] if found.outputs == "logits" else []),
        ]
    )
