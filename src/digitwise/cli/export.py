"""``digitwise export`` and ``digitwise calibrate``: a model in another form, or with guarantees for your own images."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitwise.cli.console import JsonFlag, LabelColumnOption, bar_for, out, print_json, table, telling_warnings
from digitwise.cli.options import InputScaleOption, ModelOption, share

if TYPE_CHECKING:
    from digitwise.exporting.export import Export
DATA = typer.Argument(
    metavar="DATA",
    help="Some hundred labelled images that the model was not trained on: a folder with one folder for each class, as "
    "serve --collect fills one, a CSV of paths and labels, or any labelled set, of which the test images are taken.",
)


class ExportFormat(StrEnum):
    """The forms a model can be written in."""

    ONNX = "onnx"
    KERAS = "keras"
    JSON_H5 = "json+h5"
    SAVED_MODEL = "saved-model"


def export(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN|MODEL", help="A run folder; or a Keras model of digits from elsewhere, for ONNX."),
    ],
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="onnx takes uint8 images and gives calibrated probabilities; the others take what the Keras model "
            "takes, float32 images in [0, 1] with a channel axis. saved-model needs Keras on TensorFlow.",
        ),
    ] = ExportFormat.ONNX,
    place: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="A file, or a folder for json+h5 and saved-model.  [default: RUN/model.onnx, RUN/saved-model; "
            "the others lie in RUN already and are checked; for a model its name with .onnx]",
        ),
    ] = None,
    input_scale: InputScaleOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a run's model, or one from elsewhere, in another form, and verify that its answers are the same."""
    from digitwise.exporting.elsewhere import export_model
    from digitwise.exporting.export import export as write
    from digitwise.runs import is_model

    if is_model(run):
        if form != ExportFormat.ONNX:
            raise typer.BadParameter("expected --format onnx with a model that is no run, got another")
        with telling_warnings():
            found, understood = export_model(run, place, input_scale=input_scale)
        if as_json:
            print_json({**found.as_dict(), "input": understood.as_dict()})
            return
        out.print(understood.words)
        _tell_file(found)
        return
    if input_scale is not None:
        raise typer.BadParameter("expected --input-scale with a model in a file, got none")
    found = write(run, form.value, place)
    if as_json:
        print_json(found.as_dict())
        return
    _tell_file(found)
    _tell(found)


def _tell_file(found: Export) -> None:
    out.print(
        f"{found.path}: {found.size:,} bytes; answers as the model does, "
        f"differences on drawn images at most {found.max_difference:.1g}"
    )


def _tell(found: Export) -> None:
    test = found.metrics["test"]
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


def calibrate(
    data: Annotated[str, DATA],
    model: ModelOption = None,
    label_column: LabelColumnOption = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            parser=share, metavar="SHARE", help="One more guarantee: at most this share of what is read is wrong."
        ),
    ] = None,
    place: Annotated[Path, typer.Option("--out", metavar="FILE", help="File for the copy of the model.")] = Path(
        "calibrated.onnx"
    ),
    as_json: JsonFlag = False,
) -> None:
    """Calibrate a reader on your own labelled images, and write its guarantees into a copy of the model."""
    from digitwise.exporting.judging import calibrate as calibrate_model

    with bar_for("calibrating"):
        found = calibrate_model(data, model, max_error=max_error, label_column=label_column, out=place)
    if as_json:
        print_json({"model": str(place), **found.as_dict()})
        return
    told = {p.max_error: (f"{p.coverage:.1%}", f"{p.errors} of {p.answered:,}") for p in found.policies}
    more, wrong = "takes {:,} images or more", "too many of the surest"
    told |= {level: ("", more.format(least) if least > found.n else wrong) for level, least in found.refused}
    rows = [(f"{level:.2%}", *told[level]) for level in sorted(told)]
    out.print(table(("at most wrong", f"read of {found.n:,}", "of these wrong"), rows))
    out.print(f"{place}: digitwise read --model {place} keeps these guarantees on such images with 95 % confidence")
