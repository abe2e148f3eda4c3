"""The card in an exported model: classes, provenance, errors and reading policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digitwise import runs
from digitwise.data.sources import NAMES
from digitwise.errors import RunError
from digitwise.evaluation.calibration import fit_temperature
from digitwise.evaluation.selective import reading_policy
from digitwise.normalization import VERSION
from digitwise.predictions import Predictions
from digitwise.reading.model import FORMAT, UNTOUCHED
from digitwise.runs import Run
from digitwise.version import __version__

LEVELS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05)  # error guarantees to store thresholds for
MNIST_FORM = ("mnist", "qmnist", "emnist-digits")  # data sets with digits centred and scaled like MNIST's
Card = dict[str, Any]


def card_of(run: Run) -> Card:
    """Make the card of a run, as stored in an ONNX file.

    Returns
    -------
    dict
        Among others: ``temperature``, fitted to the validation predictions, which an ONNX model includes;
        ``normalization`` of its input, ``ink-1``, or ``none`` for a data set with its own form; ``metrics``, the
        errors on validation and test images; ``policies``, for the ``LEVELS`` that the validation images support.
    """
    info, validation = run.info, run.predictions("validation")
    results, data = info["results"], info["data"]
    return {
        "format": FORMAT,
        "digitwise": __version__,
        "created": runs.now(),
        "class_names": data["class_names"],
        "recipe": info["recipe"],
        "seed": info["seed"],
        "precision": info["precision"],
        "backend": info["backend"],
        "versions": info["versions"],
        "data": _provenance(data) | {"also": [Path(each).name for each in info.get("also", ())]},
        "start_from": Path(info["start_from"]).name if info.get("start_from") else None,
        "normalization": normalization_of(run),
        "temperature": fit_temperature(validation),
        "metrics": {
            "validation": {"errors": results["validation"]["errors"], "n": len(validation)},
            "test": {key: results["test"][key] for key in ("errors", "n", "interval_95")},
        },
        "policies": policies_of(validation),
    }


def normalization_of(run: Run) -> str:
    """The normalisation of the model's input: from the run, else from the name of its data."""
    data = run.info["data"]
    return str(data.get("normalization") or (VERSION if data["name"] in MNIST_FORM else UNTOUCHED))


def policies_of(validation: Predictions) -> list[dict[str, Any]]:
    """The reading policies that the validation images support, strictest first."""
    found = []
    for level in LEVELS:
        try:
            found.append(reading_policy(validation, level).as_dict())
        except RunError:  # too few images or too many errors
            continue
    return found


def _provenance(data: dict[str, Any]) -> dict[str, Any]:
    """The description of the data for others: its content, but not the path of its folder."""
    known = ("fingerprint", "train", "validation", "test", "patch")
    kept: dict[str, Any] = {key: data[key] for key in known if key in data}
    return {"name": data["name"] if data["name"] in NAMES else Path(data["name"]).name, **kept}
