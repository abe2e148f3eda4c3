"""``digitwise export``: a run's model in the form that somebody else needs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import JsonFlag, out, print_json

if TYPE_CHECKING:
    from digitwise.exporting.export import Export


class Form(StrEnum):
    """The forms a model can be written in."""

    ONNX = "onnx"
    KERAS = "keras"
    JSON_H5 = "json+h5"
    SAVED_MODEL = "saved-model"


def export(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    form: Annotated[
        Form,
        typer.Option(
            "--format",
            help="onnx takes uint8 images and gives calibrated probabilities; the others take what the Keras model "
            "takes, float32 images in [0, 1] with a channel axis. saved-model needs Keras on TensorFlow.",
        ),
    ] = Form.ONNX,
    place: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="A file, or a folder for json+h5 and saved-model.  [default: RUN/model.onnx, RUN/saved-model; "
            "the others lie in RUN already and are checked]",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a run's model in another form, and make sure that it answers as before."""
    from digitwise.exporting.export import export as write

    found = write(run, form.value, place)
    if as_json:
        print_json(found.as_dict())
        return
    _tell(found)


def _tell(found: Export) -> None:
    test = found.metrics["test"]
    out.print(
        f"{found.path}: {found.size:,} bytes; answers as the model does, "
        f"differences on drawn images at most {found.max_difference:.1g}"
    )
    out.print(
        f"test errors {test['errors']:,} of {test['n']:,}; normalization {found.normalization}; "
        f"temperature {found.temperature:.3f}{'' if found.format == 'onnx' else ', not inside'}"
    )
    for policy in found.policies:
        out.print(
            f"at most {policy['max_error']:.1%} wrong: answer from {policy['threshold']:.4f} on at temperature "
            f"{policy['temperature']}, {policy['coverage']:.1%} of the validation images"
        )
    if not found.policies:
        out.print("no reading policy: the validation images carry none of the guarantees")
