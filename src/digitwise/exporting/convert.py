"""From a Keras model to an ONNX model that takes images as they are stored and gives calibrated probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.errors import ExportError
from digitwise.evaluation.calibration import SMALLEST_PROBABILITY
from digitwise.exporting.graph import Graph, Step, Value, folded, step_of
from digitwise.exporting.layers import LAYERS, unsupported

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "images", "probabilities"


def convert(model: Any, temperature: float = 1.0) -> onnx.ModelProto:
    """Write a Keras model of standard layers as an ONNX model.

    Parameters
    ----------
    model : keras.Model
        Float32 (n, h, w, c) in [0, 1], c 1 or 3, to probabilities (n, classes).
    temperature : float
        What the logarithms of the probabilities are divided by before a last softmax.

    Returns
    -------
    onnx.ModelProto
        uint8 (n, h, w), or (n, h, w, 3) for colour, to float32 (n, classes); n is free.

    Raises
    ------
    ExportError
        If a layer has no counterpart here.
    """
    graph = Graph()
    height, width, channels = model.input_shape[1:]
    stored = (height, width) if channels == 1 else (height, width, channels)
    answer = network(graph, "", [scaled(graph, INPUT, (height, width, channels))], model)
    if len(answer.shape) != 1 or answer.flattened is not None:
        raise ExportError(f"model {model.name}: expected one row of probabilities an image, got {answer.shape}")
    _calibrated(graph, answer, temperature)
    return graph.model((INPUT, stored), (OUTPUT, answer.shape))


def scaled(graph: Graph, source: str, shape: tuple[int, int, int]) -> Value:
    """The stored values as (n, c, h, w) in [0, 1]; for grey images nothing has to be moved for that."""
    if shape[2] == 1:
        first = graph.add("Unsqueeze", source, graph.constant("channel axis", np.array([1], np.int64)))
    else:
        first = graph.add("Transpose", source, perm=[0, 3, 1, 2])
    values = graph.add("Cast", first, to=1)  # float32
    return Value(graph.add("Mul", values, graph.constant("1/255", np.array(1 / 255, np.float32))), shape)


def _calibrated(graph: Graph, answer: Value, temperature: float) -> None:
    least = graph.constant("smallest probability", np.array(SMALLEST_PROBABILITY, np.float32))
    logits = graph.add("Log", graph.add("Max", answer.name, least))
    cooled = graph.add("Div", logits, graph.constant("temperature", np.array(temperature, np.float32)))
    graph.add("Softmax", cooled, axis=-1, output=OUTPUT)


def network(graph: Graph, path: str, values: Sequence[Value], model: Any) -> Value:
    """A model, or one nested in another, applied to values; ``path`` is the name of what it is nested in."""
    kind = type(model).__name__
    if kind not in ("Sequential", "Functional"):
        raise unsupported(model, f"a layer of the kind {kind}")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise unsupported(model, "a network of several inputs or outputs")
    if kind == "Functional":
        return _functional(graph, path, values[0], model)
    value = values[0]
    for step in folded(model.layers):
        value = _step(graph, path, [value], step)
    return value


def _functional(graph: Graph, path: str, source: Value, model: Any) -> Value:
    """Follow each tensor back to what it is made of."""
    known = {id(model.inputs[0]): source}

    def value_of(tensor: Any) -> Value:
        if id(tensor) not in known:
            history = tensor._keras_history
            node = history.operation._inbound_nodes[history.node_index]
            inputs = [value_of(each) for each in node.input_tensors]
            known[id(tensor)] = _step(graph, path, inputs, step_of(history.operation))
        return known[id(tensor)]

    return value_of(model.outputs[0])


def _step(graph: Graph, path: str, values: Sequence[Value], step: Step) -> Value:
    name = f"{path}/{step.layer.name}".lstrip("/")
    if step.kind in LAYERS:
        return LAYERS[step.kind](graph, name, values, step)
    return network(graph, name, values, step.layer)
