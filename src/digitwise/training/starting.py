"""Weights to start a training from: those of an earlier run, of an exported model, or of the one in the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.prepare import to_input
from digitwise.errors import RecipeError, RunError
from digitwise.files import expanded
from digitwise.images import Float32, UInt8
from digitwise.recipes import Recipe
from digitwise.recipes.recipe import SMALL
from digitwise.training.saving import load_model

BUNDLED = "bundled"  # in place of a path
SAMPLE = 2_000  # images by which the moments of exported layers are found
SLOWER = 0.2  # of the recipe's learning rate, in a training that goes on from weights that are good already
SLOWEST = 0.02  # of it, on fewer images than ``SMALL``: they would push out what the weights know of others


def start_from(network: Any, source: str | Path, images: UInt8) -> None:
    """Put the weights of a trained network into one of the same architecture, in place.

    Parameters
    ----------
    network : keras.Sequential
        As :func:`digitwise.models.build` makes it.
    source : str or Path
        A run folder, a model of Keras, an ONNX file made by ``digitwise export``, or ``bundled``.
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
        To be trained on. A file of ONNX holds no batch normalisation: it was folded into the layers before it, and is
        taken apart again by the moments of these.

    Raises
    ------
    RecipeError
        If the architecture is another. A last layer of other classes begins anew.
    RunError, ModelError
        If there is no such model, or one whose normalisation stands by itself.
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


def slowed(recipe: Recipe, n: int) -> Recipe:
    """The recipe to go on with from such weights, on ``n`` images."""
    return recipe.replace(learning_rate=(SLOWEST if n < SMALL else SLOWER) * recipe.learning_rate)


def _from_exported(network: Any, source: str | Path, images: UInt8) -> None:
    kept = list(_kernels(source))
    layers = [layer for layer in network.layers if type(layer).__name__ in ("Conv2D", "Dense")]
    mine, theirs = [tuple(layer.kernel.shape) for layer in layers], [kernel.shape for kernel, _ in kept]
    if mine[:-1] != theirs[:-1]:
        raise _other(source, network)
    values: Any = to_input(images[:: max(1, len(images) // SAMPLE)])
    bias: Float32 | None = None  # of a layer that has none itself: the normalisation behind it shifts
    left = iter(kept)
    before: tuple[int, ...] = ()
    for layer in network.layers:
        kind = type(layer).__name__
        if kind in ("Conv2D", "Dense"):
            kernel, bias = next(left)
            if kind == "Dense":  # its rows lie in the order of maps that come channels first
                if kernel.shape != (layer.kernel.shape[0], layer.kernel.shape[1]):
                    return  # other classes: the last layer begins anew
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
    """Kernel, as Keras has it, and bias of each convolution and dense layer of an exported model, in order."""
    import onnx

    from digitwise.reading.model import model_content

    content, name = model_content(None if str(source) == BUNDLED else source)
    try:
        graph = onnx.load_from_string(content).graph
    except Exception as error:  # protobuf's, which has no public name
        raise RunError(f"{name}: expected a model made by digitwise export, got no ONNX") from error
    if any(each.name.endswith("/scale") for each in graph.initializer):
        raise RunError(f"{name}: a normalisation in it could not be folded; expected the run folder it was made of")
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
