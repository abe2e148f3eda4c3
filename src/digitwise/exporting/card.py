"""What an exported model says of itself: classes, provenance, errors, and when to believe it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digitwise import __version__, runs
from digitwise.data.sources import NAMES
from digitwise.errors import RunError
from digitwise.evaluation.calibration import fit_temperature
from digitwise.evaluation.selective import reading_policy
from digitwise.images import Predictions
from digitwise.normalize import VERSION
from digitwise.reading.model import FORMAT, UNTOUCHED
from digitwise.runs import Run

LEVELS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05)  # guarantees to have a threshold ready for
MNIST_FORM = ("mnist", "qmnist", "emnist-digits")  # sets whose digits are centred and scaled as MNIST's are


Card = dict[str, Any]


def card_of(run: Run) -> Card:
    """Make the card of a run from what is stored in it.

    Returns
    -------
    dict
        As it stands in an ONNX file; among other things ``temperature``, fitted to the validation answers, which an
        ONNX file has inside; ``normalization``, how an image must be brought to the input, ``ink-1``, or ``none``
        where the set has a form of its own; ``metrics``, the errors on validation and test images; ``policies``, for
        those of ``LEVELS`` that the validation images can carry.
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
    """How an image must be brought to the model's input: as the run says, or as its data's name implies."""
    data = run.info["data"]
    return str(data.get("normalization") or (VERSION if data["name"] in MNIST_FORM else UNTOUCHED))


def policies_of(validation: Predictions) -> list[dict[str, Any]]:
    """The reading policies that validation images can carry, strictest first."""
    found = []
    for level in LEVELS:
        try:
            found.append(reading_policy(validation, level).as_dict())
        except RunError:  # too few images, or too many errors, for this guarantee
            continue
    return found


def _provenance(data: dict[str, Any]) -> dict[str, Any]:
    """What a model that is passed on says of its data: a set's content, but not in whose folder it lay."""
    known = ("fingerprint", "train", "validation", "test", "patch")
    kept: dict[str, Any] = {key: data[key] for key in known if key in data}
    return {"name": data["name"] if data["name"] in NAMES else Path(data["name"]).name, **kept}
