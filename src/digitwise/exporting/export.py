"""From a run to its model in the form that somebody else needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitwise.errors import ExportError
from digitwise.exporting.card import card_of
from digitwise.exporting.forms import FORMS, looked_at
from digitwise.exporting.parity import PICTURES, largest_difference
from digitwise.exporting.pictures import drawings
from digitwise.exporting.writers import keras_answers
from digitwise.files import real
from digitwise.runs import Run


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
        The largest difference of a probability between it and the run's model, on 1,000 pictures.
    temperature : float
        Fitted to the validation answers. ONNX has it inside; the other forms give the model's own probabilities.
    normalization : str
        How a picture must be brought to the input: ``ink-1`` or ``none``.
    metrics : dict
        Errors on validation and test pictures.
    policies : list of dict
        When to answer, for each promise that the validation pictures can carry.
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
        ONNX takes pictures as they are stored, uint8 (n, h, w) or (n, h, w, 3), and gives probabilities calibrated by
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
        own = keras_answers(model, card.temperature if form.calibrated else 1.0)
        difference = largest_difference(exported, own, drawings(PICTURES, model.input_shape[1:]), form.batches)
    return Export(
        path=place,
        format=format,
        size=size,
        max_difference=difference,
        temperature=card.temperature,
        normalization=card.normalization,
        metrics=card.metrics,
        policies=card.policies,
    )


def _size(place: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(file.stat().st_size for file in files if file.is_file())
