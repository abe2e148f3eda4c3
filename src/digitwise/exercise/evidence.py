"""What a student's process left behind, read as untrusted data: JSON, plain arrays and models of limited size.

A student can forge the evidence, so no accuracy comes from it. A model is loaded only from a configuration that names
nothing but Keras' own layers and from weights that are plain arrays: no code of the student runs with it.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.errors import ModelError, one_line
from digitwise.escaping import printable
from digitwise.exercise.recognition import Scaling
from digitwise.images import Float64, UInt8

LARGEST = 50_000_000  # bytes
LONGEST = 300  # characters of a text
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
LARGEST_CONFIG = 5_000_000  # bytes
LARGEST_WEIGHTS = 400_000_000  # bytes: a hundred million parameters
LARGEST_MODEL = LARGEST_CONFIG + LARGEST_WEIGHTS
MOST_NODES = 100_000  # of the configuration
# Lambda holds Python code; the others load programs of other libraries.
FORBIDDEN = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "function"}
HINT = "use only Keras' own layers, and Rescaling in the place of Lambda"


@dataclass(frozen=True)
class Fed:
    """Images given to a training or a validation."""

    seen: int  # images examined
    train: int  # training images among them
    test: int  # test images among them
    scaling: Scaling | None
    counts: Float64 | None  # (classes,): images, or weight, of each class
    examined: int = 0  # images of a sample, after the layers before the network
    unchanged: int = 0  # of those the images of the data set
    images: UInt8 | None = None  # (examined - unchanged, pixels): the others
    fault: str = ""  # why there is no sample


@dataclass(frozen=True)
class Fit:
    """One training."""

    models: frozenset[int]  # the keys of the model and of the models that it contains
    names: frozenset[str]  # their names in Keras
    class_weight: Mapping[int, float]
    callbacks: tuple[tuple[str, str], ...]  # class, and the metric that it monitors
    fed: Fed
    validation: Fed


@dataclass(frozen=True)
class NotebookModel:
    """A model of the notebook: its key, its name in Keras, its file, or the error that prevented saving it."""

    key: int
    name: str
    path: Path | None
    error: str


@dataclass(frozen=True)
class ImageArray:
    """An array of images: its shape, its range of values, and the known images in it."""

    shape: tuple[int, ...]
    low: float
    high: float
    train: int
    test: int
    scaling: Scaling | None


@dataclass(frozen=True)
class LookAtTest:
    """A prediction of the test images: the keys of the model, and how often it had been trained."""

    models: frozenset[int]
    fits: int


@dataclass(frozen=True)
class Evidence:
    """Everything recorded about one notebook."""

    running: int | None = None  # the cell that did not end
    missing: tuple[str, ...] = ()  # the protections that the platform lacks
    errors: Mapping[int, str] = field(default_factory=dict)  # by the place of the cell
    series: tuple[list[tuple[float, float]], ...] = ()  # centres and heights of the bars or steps in figures
    images: Mapping[str, ImageArray] = field(default_factory=dict)
    labels: Mapping[str, Float64 | None] = field(default_factory=dict)  # images of each class
    # ``confusion`` and ``prediction``; None where it is no array of numbers
    arrays: Mapping[str, Float64 | None] = field(default_factory=dict)
    better: bool | None = None  # ``model3_is_better``
    models: Mapping[str, NotebookModel] = field(default_factory=dict)
    fits: tuple[Fit, ...] = ()
    looks: tuple[LookAtTest, ...] = ()
    troubles: tuple[str, ...] = ()  # errors while recording
    files: tuple[str, ...] = ()  # in the notebook's folder at its end


def read_evidence(folder: Path) -> Evidence:
    """Read the evidence in ``folder``.

    Raises
    ------
    ModelError
        If it differs from what a notebook's process writes.
    """
    try:
        raw = json.loads(read_plain(folder / "evidence.json", LARGEST))
        return _evidence(raw, folder)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise ModelError(f"the evidence of the notebook is not readable: {type(error).__name__}") from error


def _evidence(raw: Any, folder: Path) -> Evidence:
    arrays = raw["arrays"]
    return Evidence(
        running=None if raw["running"] is None else int(raw["running"]),
        missing=tuple(map(_text, raw["missing"])),
        errors={int(cell["place"]): _text(cell["error"]) for cell in raw["cells"] if cell["error"]},
        series=tuple([(float(x), float(y)) for x, y in series] for series in raw["series"]),
        images={name: _images(arrays[name]) for name in ("x_train", "x_test") if "shape" in arrays.get(name, ())},
        labels={name: _vector(arrays[name].get("counts")) for name in ("y_train", "y_test") if name in arrays},
        arrays={name: _array(value) for name, value in raw["values"].items()},
        better=None if raw["model3_is_better"] is None else bool(raw["model3_is_better"]),
        models={str(name): _model(value, folder) for name, value in raw["models"].items()},
        fits=tuple(_fit(value, place, folder) for place, value in enumerate(raw["fits"]) if "fed" in value),
        looks=tuple(LookAtTest(frozenset(map(int, look["models"])), int(look["fits"])) for look in raw["looks"]),
        troubles=tuple(map(_text, raw["troubles"])),
        files=tuple(map(_text, raw["files"])),
    )


def _text(raw: Any) -> str:
    return printable(one_line(str(raw)))[:LONGEST]


def _images(raw: Any) -> ImageArray:
    shape = tuple(map(int, raw["shape"]))
    scaling = _scaling(raw["scaling"])
    return ImageArray(shape, float(raw["low"]), float(raw["high"]), int(raw["train"]), int(raw["test"]), scaling)


def _scaling(raw: Any) -> Scaling | None:
    if raw is None:
        return None
    return Scaling([float(value) for value in raw["factor"]], [float(value) for value in raw["offset"]])


def _vector(raw: Any) -> Float64 | None:
    return None if raw is None else np.array(raw, np.float64).reshape(-1)


def _array(raw: Any) -> Float64 | None:
    return None if raw.get("values") is None else np.array(raw["values"], np.float64)


def _model(raw: Any, folder: Path) -> NotebookModel:
    name = Path(str(raw["file"])).name
    return NotebookModel(int(raw["key"]), _text(raw["name"]), folder / name if name else None, _text(raw["error"]))


def _fit(raw: Any, place: int, folder: Path) -> Fit:
    return Fit(
        models=frozenset(map(int, raw["models"])),
        names=frozenset(map(_text, raw["names"])),
        class_weight={int(float(name)): float(value) for name, value in raw["class_weight"].items()},
        callbacks=tuple((_text(each["class"]), _text(each["monitor"])) for each in raw["callbacks"]),
        fed=_fed(raw["fed"], folder / f"fit-{place}.npy"),
        validation=_fed(raw["validation"], None),
    )


def _fed(raw: Any, sample: Path | None) -> Fed:
    seen, train, test, examined, unchanged = (
        int(raw[name]) for name in ("seen", "train", "test", "examined", "unchanged")
    )
    images = None
    if sample is not None and examined > unchanged:
        images = np.load(io.BytesIO(read_plain(sample, LARGEST)), allow_pickle=False)
        if images.dtype != np.uint8 or images.ndim != 2 or len(images) != examined - unchanged:
            raise ValueError("sample")
    scaling, counts = _scaling(raw["scaling"]), _vector(raw["counts"])
    return Fed(seen, train, test, scaling, counts, examined, unchanged, images, _text(raw["fault"]))


def read_plain(path: Path, most: int) -> bytes:
    """Read an untrusted file of at most ``most`` bytes; links, pipes and devices are refused.

    Raises
    ------
    ModelError
        If it is no regular file, or larger.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise ModelError(f"{path.name}: expected a file, got: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise ModelError(f"{path.name}: expected a file of at most {most:,} bytes, got {found.st_size:,}")
        return file.read(most)


def checked_model(path: Path) -> bytes:
    """Check an untrusted ``.keras`` file, and give the content of a safe one with its configuration and weights alone.

    Raises
    ------
    ModelError
        If it holds anything but Keras' own layers and plain weights, or is too large.
    """
    content = read_plain(path, LARGEST_MODEL)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            if set(sizes) != MEMBERS or len(archive.infolist()) != len(MEMBERS):
                raise ModelError(f"expected {', '.join(sorted(MEMBERS))} in a model file, got {', '.join(sizes)[:200]}")
            if sizes["model.weights.h5"] > LARGEST_WEIGHTS or sizes["config.json"] > LARGEST_CONFIG:
                raise ModelError(f"expected at most {LARGEST_WEIGHTS:,} bytes of weights; make the model smaller")
            config = json.loads(_member(archive, "config.json"))
            weights = _member(archive, "model.weights.h5")
            metadata = json.loads(_member(archive, "metadata.json"))
    except (zipfile.BadZipFile, ValueError, RecursionError, NotImplementedError) as error:
        raise ModelError(f"expected a model file of Keras, got: {str(error)[:150]}") from error
    check_config(config)
    check_weights(weights)
    config.pop("compile_config", None)
    return _packed({"metadata.json": metadata, "config.json": config}, weights)


def check_config(config: Any) -> None:
    """Refuse a configuration that names anything outside Keras, by a ModelError."""
    waiting, seen = [config], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MOST_NODES:
            raise ModelError("the model has too many layers to be loaded; make it smaller")
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            name, module = node.get("class_name"), node.get("module")
            if isinstance(name, str) and name in FORBIDDEN:
                raise ModelError(f"the model has a {name} layer, whose code is not run here; {HINT}")
            if module is not None and not (isinstance(module, str) and module.split(".")[0] == "keras"):
                raise ModelError(f"the model has a {name} of {str(module)[:50]}, which is not part of Keras; {HINT}")
            if node.get("registered_name") not in (None, name):
                raise ModelError(f"the model has a custom part, {str(name)[:50]}, which is not part of Keras; {HINT}")
            waiting += node.values()


def check_weights(content: bytes) -> None:
    """Refuse weights that link to other files, or unpack to more than the limit, by a ModelError."""
    import h5py

    total = 0
    with h5py.File(io.BytesIO(content)) as file:
        waiting = [file]
        while waiting:
            group = waiting.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ModelError("the weights link to another file; save the model with Keras' own save")
                value = group[name]
                if isinstance(value, h5py.Group):
                    waiting.append(value)
                    continue
                total += (value.size or 0) * value.dtype.itemsize
                if value.external or value.is_virtual or value.dtype.kind == "O" or total > LARGEST_WEIGHTS:
                    raise ModelError(f"expected plain weights of at most {LARGEST_WEIGHTS:,} bytes")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Unpack a member up to its limit: the size in the archive's table may be forged."""
    most = LARGEST_WEIGHTS if name.endswith(".h5") else LARGEST_CONFIG
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise ModelError(f"{name} unpacks to more than {most:,} bytes")
    return content


def _packed(documents: dict[str, Any], weights: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, document in documents.items():
            archive.writestr(name, json.dumps(document))
        archive.writestr("model.weights.h5", weights)
    return target.getvalue()
