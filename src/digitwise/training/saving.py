"""Models on disk: saved, loaded, and as weights to start a training from.

They are Keras' own file, the exercise's pair of JSON and weights, and, to start from, exported ONNX.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.errors import DigitwiseError, RecipeError, RunError, one_line
from digitwise.files import atomic_write, expanded, whole_file
from digitwise.images import Float32, UInt8
from digitwise.parts import imported
from digitwise.temporaries import temporary_folder
from digitwise.training.backend import keras
from digitwise.training.old_keras import OldModel
from digitwise.training.old_layers import UnknownLayerError

BUNDLED = "bundled"  # instead of a path: the model in the package
SAMPLE = 2_000  # images from which the moments of exported layers are computed
# The exercise saved its weights as model.h5, a name that Keras 3 reserves for another format.
WEIGHT_NAMES = ("model.weights.h5", "model.h5")


def save_model(model: Any, folder: Path) -> None:
    """Write ``model.keras``, ``model.json`` and ``model.weights.h5`` into ``folder``, each whole or not at all."""
    with whole_file(folder / "model.keras") as path:
        model.save(path)
    atomic_write(folder / "model.json", model.to_json(indent=2))
    with whole_file(folder / "model.weights.h5") as path:
        model.save_weights(path, overwrite=True)


def load_model(path: Path) -> Any:
    """Load a model from a run folder, a ``.keras`` or ``.h5`` file, or the pair of JSON and weights.

    Files of Keras 1 and 2 are read too: models of usual layers in a row. Their loaded model takes images with their
    channels last, also where the old one took them first.

    Parameters
    ----------
    path : Path
        A folder holding ``model.keras``, or ``model.json`` with ``model.weights.h5`` or the exercise's ``model.h5``;
        or one of these files. Of a pair with another name, ``net.json`` and ``net.h5`` or ``net.weights.h5``.

    Returns
    -------
    keras.Model
        Its predictions are bit for bit those of the saved model.

    Raises
    ------
    RunError
        If there is no model, it would run code on loading, or a layer of an old one cannot be loaded.

    Warns
    -----
    UserWarning
        If the file does not tell which library Keras 1 used, on which the kernels depend.

    Examples
    --------
    >>> import digitwise
    >>> digitwise.load_model("results/augmented").input_shape  # doctest: +SKIP
    (None, 28, 28, 1)
    """
    path = Path(path)
    if path.is_dir():
        path = next(
            (path / name for name in ("model.keras", "model.json", "model.h5") if (path / name).is_file()), path
        )
    if not path.is_file():
        raise RunError(
            f"{path}: expected a model (model.keras, or model.json with its weights), found none",
            path=path,
            expected="a model",
            got="none",
        )
    try:
        if path.name.endswith(".h5") and not _is_whole(path):
            path = _json_of(path)
        return _from_json(path) if path.suffix == ".json" else _from_file(path)
    except DigitwiseError:
        raise
    except Exception as error:  # Keras and h5py raise whatever their parsing meets
        raise RunError(
            f"{path}: cannot be loaded as a model: {one_line(error, 200)}",
            path=path,
            expected="a model",
            got=one_line(error, 200),
        ) from error


def _from_file(path: Path) -> Any:
    import h5py

    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            if "model_config" in file.attrs:
                return _from_old(str(path), file.attrs["model_config"], file, lambda: path)
    return _by_keras(path)


def _by_keras(path: Path) -> Any:
    return keras.models.load_model(path, compile=False, safe_mode=True)


def _is_whole(path: Path) -> bool:
    """Whether a file has more than weights; of one that cannot be opened Keras says what it is."""
    import h5py

    if not h5py.is_hdf5(path):
        return True
    with h5py.File(path) as file:
        return "model_config" in file.attrs


def _json_of(weights: Path) -> Path:
    stem = weights.name.removesuffix(".h5").removesuffix(".weights").removesuffix("_weights")
    found = next(
        (weights.with_name(name) for name in (f"{stem}.json", "model.json") if weights.with_name(name).is_file()), None
    )
    if found is None:
        raise RunError(f"{weights}: expected the layers of these weights in {stem}.json beside it, found none")
    return found


def _from_json(path: Path) -> Any:
    names = (*WEIGHT_NAMES, *(path.stem + end for end in (".weights.h5", ".h5", "_weights.h5")))
    weights = next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)
    if weights is None:
        raise RunError(f"{path}: expected {' or '.join(WEIGHT_NAMES)} beside it, found neither")
    import h5py

    with temporary_folder() as folder:
        with h5py.File(weights) as file:
            if "model_config" in file.attrs:
                return _from_file(weights)
            if "layer_names" in file.attrs or "layer_names0" in file.attrs:
                text = path.read_text(encoding="utf-8")
                return _from_old(str(path), text, file, lambda: _joined(text, file, folder))
        return _from_pair(path, weights, folder)


def _from_pair(path: Path, weights: Path, folder: Path) -> Any:
    model = keras.models.model_from_json(path.read_text(encoding="utf-8"))
    model.load_weights(shutil.copy(weights, folder / "model.weights.h5"))  # Keras tells the format by the name alone
    return model


def _from_old(name: str, text: str | bytes, file: Any, whole: Callable[[], Path]) -> Any:
    """Load what Keras 1 or 2 wrote; layers that only Keras 3 itself knows by it, from the whole model in one file."""
    old = OldModel.of(name, text, file)
    if old is None:
        return _by_keras(whole())
    try:
        return old.load()
    except UnknownLayerError:
        if not old.means_the_same:
            raise
        with suppress(ValueError, TypeError, KeyError, AttributeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about Keras 2's form of the input
            return _by_keras(whole())
        raise


def _joined(text: str, parts: Any, folder: Path) -> Path:
    """Put Keras 2's JSON and weights together into the one old file that Keras 3 reads whole."""
    import h5py

    joined = folder / "joined.h5"
    with h5py.File(joined, "w") as file:
        file.attrs["model_config"] = text
        for name in ("keras_version", "backend"):
            file.attrs[name] = parts.attrs.get(name, b"")
        parts.copy(parts, file, name="model_weights")
    return joined


def start_from(network: Any, source: str | Path, images: UInt8) -> None:
    """Copy the weights of a trained network into one of the same architecture, in place.

    Parameters
    ----------
    network : keras.Sequential
        As :func:`digitwise.models.build` makes it.
    source : str or Path
        A run folder, a Keras model, an ONNX file made by ``digitwise export``, or ``bundled``.
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
        Training images. An ONNX file has its batch normalisation folded into the layers before it; the moments of
        these images separate the two again.

    Raises
    ------
    RecipeError
        If the architecture is another. A last layer with other classes keeps its initial weights.
    RunError, ModelError
        If there is no such model, or its normalisation is not folded.
    """
    if str(source) == BUNDLED or Path(source).suffix == ".onnx":
        _from_exported(network, source, images)
        return
    weights = load_model(expanded(source)).get_weights()
    mine = network.get_weights()
    if [each.shape for each in weights[:-2]] != [each.shape for each in mine[:-2]]:
        raise _other(source, network)
    same_head = [each.shape for each in weights[-2:]] == [each.shape for each in mine[-2:]]
    network.set_weights([*weights[:-2], *(weights[-2:] if same_head else mine[-2:])])


def _from_exported(network: Any, source: str | Path, images: UInt8) -> None:
    exported = list(_kernels(source))
    layers = [layer for layer in network.layers if type(layer).__name__ in ("Conv2D", "Dense")]
    mine, theirs = [tuple(layer.kernel.shape) for layer in layers], [kernel.shape for kernel, _ in exported]
    if mine[:-1] != theirs[:-1]:
        raise _other(source, network)
    values: Any = to_input(images[:: max(1, len(images) // SAMPLE)])
    bias: Float32 | None = None  # of a layer without one, whose normalisation shifts instead
    left = iter(exported)
    before: tuple[int, ...] = ()
    for layer in network.layers:
        kind = type(layer).__name__
        if kind in ("Conv2D", "Dense"):
            kernel, bias = next(left)
            if kind == "Dense":  # its rows are in the order of maps with their channels first
                if kernel.shape != (layer.kernel.shape[0], layer.kernel.shape[1]):
                    return  # other classes: the last layer keeps its initial weights
                height, width, channels = before
                kernel = np.moveaxis(kernel.reshape(channels, height, width, -1), 0, 2).reshape(kernel.shape)
            layer.set_weights([kernel, bias] if layer.use_bias else [kernel])
        elif kind.endswith("BatchNormalization"):
            axes = tuple(range(np.ndim(values) - 1))
            mean, spread = np.mean(values, axis=axes), np.std(values, axis=axes)
            layer.set_weights([np.sqrt(spread**2 + layer.epsilon), mean + bias, mean, spread**2])
        elif kind == "Flatten":
            before = tuple(np.shape(values)[1:])
        values = np.asarray(layer(values, training=False), np.float32)


def _kernels(source: str | Path) -> Iterator[tuple[Float32, Float32]]:
    """Yield kernel, in Keras' order of axes, and bias of each convolution and dense layer of an exported model."""
    from digitwise.reading.model import model_content

    onnx = imported("onnx", "starting from an ONNX model")
    content, name = model_content(None if str(source) == BUNDLED else source)
    try:
        graph = onnx.load_from_string(content).graph
    except Exception as error:  # protobuf's own, without a public name
        raise RunError(f"{name}: expected a model made by digitwise export, got no ONNX file") from error
    if any(each.name.endswith("/scale") for each in graph.initializer):
        raise RunError(f"{name}: a normalisation in it could not be folded; start from its run folder")
    held = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            kernel, bias = (np.asarray(held[name], np.float32) for name in node.input[1:3])
            yield (kernel.transpose(2, 3, 1, 0) if node.op_type == "Conv" else kernel), bias


def _other(source: str | Path, network: Any) -> RecipeError:
    return RecipeError(
        f"start from {source}: expected a network of the recipe's architecture, {network.name}, got another; "
        f"choose the recipe that it was trained with (reader for the bundled one)"
    )
