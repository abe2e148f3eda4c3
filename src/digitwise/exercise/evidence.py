"""What a notebook's process wrote down, read as what a stranger says: plain JSON and arrays, of limited size.

A student who sets out to can write down anything here. The accuracy does not come from here.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.errors import ModelError, one_line
from digitwise.exercise.marks import printable
from digitwise.exercise.recognition import Scaling
from digitwise.exercise.submitted import read_plain
from digitwise.images import Float64, UInt8

LARGEST = 50_000_000  # bytes
LONGEST = 300  # characters of a text


@dataclass(frozen=True)
class Fed:
    """Pictures that went into a training or a validation.

    Parameters
    ----------
    seen, train, test : int
        How many were looked at; how many of them are training pictures, and test pictures.
    scaling : Scaling or None
    counts : ndarray of float64, shape (classes,), or None
        Pictures, or weight, of each class.
    labels : tuple of int
        Of ``pictures``.
    pictures : ndarray of uint8, shape (k, pixels), or None
        A sample as it went in, where that was not as it lies in the set.
    """

    seen: int
    train: int
    test: int
    scaling: Scaling | None
    counts: Float64 | None
    labels: tuple[int, ...]
    pictures: UInt8 | None = None


@dataclass(frozen=True)
class Fit:
    """One training.

    Parameters
    ----------
    models : frozenset of int
        The keys of the model and of the models it is made of.
    names : frozenset of str
        Their names in Keras.
    class_weight : dict of int to float
    callbacks : tuple of (str, str)
        Class, and what it watches.
    augmentations : tuple of (str, dict)
        Class, and its settings.
    fed, validation : Fed
    """

    models: frozenset[int]
    names: frozenset[str]
    class_weight: Mapping[int, float]
    callbacks: tuple[tuple[str, str], ...]
    augmentations: tuple[tuple[str, Mapping[str, Any]], ...]
    fed: Fed
    validation: Fed


@dataclass(frozen=True)
class Model:
    """A model by its name in the notebook: its key, its name in Keras, its file, or why there is none."""

    key: int
    name: str
    path: Path | None
    error: str


@dataclass(frozen=True)
class Pictures:
    """An array of pictures: its shape, its lowest and highest value, and what the pictures are."""

    shape: tuple[int, ...]
    low: float
    high: float
    train: int
    test: int
    scaling: Scaling | None


@dataclass(frozen=True)
class Look:
    """A model was asked about the test pictures: its keys, and how often it had been trained."""

    models: frozenset[int]
    fits: int


@dataclass(frozen=True)
class Evidence:
    """All of it.

    Parameters
    ----------
    running : int or None
        The cell that did not end.
    missing : tuple of str
        What the platform could not take from the process.
    errors : dict of int to str
        By the place of the cell.
    series : tuple of list of (float, float)
        Middles and heights of what was drawn as bars or steps.
    pictures : dict of str to Pictures
    labels : dict of str to ndarray or None
        Pictures of each class.
    arrays : dict of str to ndarray or None
        ``confusion``, ``prediction``; None where it is no array of numbers.
    better : bool or None
        ``model3_is_better``.
    models : dict of str to Model
    fits, looks : tuple
    troubles : tuple of str
        What could not be taken down.
    files : tuple of str
        In the notebook's folder at its end.
    """

    running: int | None = None
    missing: tuple[str, ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    series: tuple[list[tuple[float, float]], ...] = ()
    pictures: Mapping[str, Pictures] = field(default_factory=dict)
    labels: Mapping[str, Float64 | None] = field(default_factory=dict)
    arrays: Mapping[str, Float64 | None] = field(default_factory=dict)
    better: bool | None = None
    models: Mapping[str, Model] = field(default_factory=dict)
    fits: tuple[Fit, ...] = ()
    looks: tuple[Look, ...] = ()
    troubles: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def read_evidence(folder: Path) -> Evidence:
    """Read what lies in ``folder``.

    Raises
    ------
    ModelError
        If it is not as the notebook's process would have written it.
    """
    try:
        said = json.loads(read_plain(folder / "evidence.json", LARGEST))
        return _evidence(said, folder)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise ModelError(f"what the notebook wrote down is not readable: {type(error).__name__}") from error


def _evidence(said: Any, folder: Path) -> Evidence:
    arrays = said["arrays"]
    return Evidence(
        running=None if said["running"] is None else int(said["running"]),
        missing=tuple(map(_text, said["missing"])),
        errors={int(cell["place"]): _text(cell["error"]) for cell in said["cells"] if cell["error"]},
        series=tuple(
            [(float(x), float(y)) for x, y in series] for figure in said["figures"] for series in figure["series"]
        ),
        pictures={name: _pictures(arrays[name]) for name in ("x_train", "x_test") if "shape" in arrays.get(name, ())},
        labels={name: _vector(arrays[name].get("counts")) for name in ("y_train", "y_test") if name in arrays},
        arrays={name: _array(value) for name, value in said["values"].items()},
        better=None if said["model3_is_better"] is None else bool(said["model3_is_better"]),
        models={str(name): _model(value, folder) for name, value in said["models"].items()},
        fits=tuple(_fit(value, place, folder) for place, value in enumerate(said["fits"]) if "fed" in value),
        looks=tuple(Look(frozenset(map(int, look["models"])), int(look["fits"])) for look in said["looks"]),
        troubles=tuple(map(_text, said["troubles"])),
        files=tuple(map(_text, said["files"])),
    )


def _text(said: Any) -> str:
    return printable(one_line(str(said)))[:LONGEST]


def _pictures(said: Any) -> Pictures:
    shape = tuple(map(int, said["shape"]))
    scaling = _scaling(said["scaling"])
    return Pictures(shape, float(said["low"]), float(said["high"]), int(said["train"]), int(said["test"]), scaling)


def _scaling(said: Any) -> Scaling | None:
    if said is None:
        return None
    return Scaling([float(value) for value in said["factor"]], [float(value) for value in said["offset"]])


def _vector(said: Any) -> Float64 | None:
    return None if said is None else np.array(said, np.float64).reshape(-1)


def _array(said: Any) -> Float64 | None:
    return None if said.get("values") is None else np.array(said["values"], np.float64)


def _model(said: Any, folder: Path) -> Model:
    name = Path(str(said["file"])).name
    return Model(int(said["key"]), _text(said["name"]), folder / name if name else None, _text(said["error"]))


def _fit(said: Any, place: int, folder: Path) -> Fit:
    return Fit(
        models=frozenset(map(int, said["models"])),
        names=frozenset(map(_text, said["names"])),
        class_weight={int(float(name)): float(value) for name, value in said["class_weight"].items()},
        callbacks=tuple((_text(each["class"]), _text(each["monitor"])) for each in said["callbacks"]),
        augmentations=tuple((_text(each["class"]), dict(each["settings"])) for each in said["augmentations"]),
        fed=_fed(said["fed"], folder / f"fit-{place}.npy"),
        validation=_fed(said["validation"], None),
    )


def _fed(said: Any, sample: Path | None) -> Fed:
    labels = tuple(map(int, said["labels"]))
    pictures = None
    if sample is not None and labels:
        pictures = np.load(io.BytesIO(read_plain(sample, LARGEST)), allow_pickle=False)
        if pictures.dtype != np.uint8 or pictures.ndim != 2 or len(pictures) != len(labels):
            raise ValueError("sample")
    seen, train, test = (int(said[name]) for name in ("seen", "train", "test"))
    return Fed(seen, train, test, _scaling(said["scaling"]), _vector(said["counts"]), labels, pictures)
