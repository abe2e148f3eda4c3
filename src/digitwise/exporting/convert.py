"""Converts a Keras model to an ONNX model that takes stored images and gives calibrated probabilities.

Each kind of layer has a function of the graph, the name for the layer's constants, the input values and the step; it
gives the output value. A layer used again under the same name shares its constants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.errors import ExportError
from digitwise.evaluation.calibration import SMALLEST_PROBABILITY
from digitwise.exporting.graph import Graph, LayerStep, Value, folded, over_channels, step_of
from digitwise.images import Float32
from digitwise.maps import STRIDE

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "images", "probabilities"
ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
Layer = Callable[[Graph, str, Sequence[Value], LayerStep], Value]


def convert(model: Any, temperature: float = 1.0) -> onnx.ModelProto:
    """Write a Keras model of standard layers as an ONNX model.

    Parameters
    ----------
    model : keras.Model
        Float32 (n, h, w, c) in [0, 1], c 1 or 3, to probabilities (n, classes).
    temperature : float
        Divides the logarithms of the probabilities before a final softmax.

    Returns
    -------
    onnx.ModelProto
        uint8 (n, h, w), or (n, h, w, 3) for colour, to float32 (n, classes); n is dynamic.

    Raises
    ------
    ExportError
        If a layer is not supported.
    """
    graph = Graph()
    height, width, channels = model.input_shape[1:]
    stored = (height, width) if channels == 1 else (height, width, channels)
    output = network(graph, "", [scaled(graph, INPUT, (height, width, channels))], model)
    if len(output.shape) != 1 or output.flattened is not None:
        raise ExportError(f"model {model.name}: expected one row of probabilities for an image, got {output.shape}")
    _calibrated(graph, output, temperature)
    return graph.model((INPUT, stored), (OUTPUT, output.shape))


def scaled(graph: Graph, source: str, shape: tuple[int, int, int]) -> Value:
    """Scale stored values to (n, c, h, w) in [0, 1]; grey images need no transposition."""
    if shape[2] == 1:
        first = graph.add("Unsqueeze", source, graph.constant("channel axis", np.array([1], np.int64)))
    else:
        first = graph.add("Transpose", source, perm=[0, 3, 1, 2])
    values = graph.add("Cast", first, to=1)  # float32
    return Value(graph.add("Mul", values, graph.constant("1/255", np.array(1 / 255, np.float32))), shape)


def _calibrated(graph: Graph, output: Value, temperature: float) -> None:
    least = graph.constant("smallest probability", np.array(SMALLEST_PROBABILITY, np.float32))
    logits = graph.add("Log", graph.add("Max", output.name, least))
    cooled = graph.add("Div", logits, graph.constant("temperature", np.array(temperature, np.float32)))
    graph.add("Softmax", cooled, axis=-1, output=OUTPUT)


def network(graph: Graph, path: str, values: Sequence[Value], model: Any) -> Value:
    """Apply a model to values; ``path`` is the name of the model that contains it, if any."""
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
    """Apply a functional model by following each tensor back to its inputs."""
    known = {id(model.inputs[0]): source}

    def value_of(tensor: Any) -> Value:
        if id(tensor) not in known:
            history = tensor._keras_history
            node = history.operation._inbound_nodes[history.node_index]
            inputs = [value_of(each) for each in node.input_tensors]
            known[id(tensor)] = _step(graph, path, inputs, step_of(history.operation))
        return known[id(tensor)]

    return value_of(model.outputs[0])


def _step(graph: Graph, path: str, values: Sequence[Value], step: LayerStep) -> Value:
    name = f"{path}/{step.layer.name}".lstrip("/")
    if step.kind in LAYERS:
        return LAYERS[step.kind](graph, name, values, step)
    return network(graph, name, values, step.layer)


def unsupported(layer: Any, what: str) -> ExportError:
    """The error on a layer that is not supported."""
    return ExportError(f"layer {layer.name}: {what} cannot be written as ONNX")


def convolution(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Conv2D``, with the kernel's axes changed from (kh, kw, in, out) to (out, in, kh, kw)."""
    layer, (kernel, bias) = step.layer, step.weights
    window = _window(layer, values[0].shape, layer.kernel_size, layer.strides, layer.dilation_rate)
    inputs = _inputs(graph, name, values[0], kernel.transpose(3, 2, 0, 1), bias)
    output = graph.add("Conv", *inputs, group=layer.groups, dilations=list(layer.dilation_rate), **window)
    return _activated(graph, Value(output, _shape(layer, values)), layer)


def max_pooling(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``MaxPooling2D``."""
    layer = step.layer
    window = _window(layer, values[0].shape, layer.pool_size, layer.strides, (1, 1))
    return Value(graph.add("MaxPool", values[0].name, **window), _shape(layer, values))


def average_pooling(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``AveragePooling2D``; padding does not count."""
    layer = step.layer
    window = _window(layer, values[0].shape, layer.pool_size, layer.strides, (1, 1))
    return Value(graph.add("AveragePool", values[0].name, **window), _shape(layer, values))


def global_average(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``GlobalAveragePooling2D``."""
    _channels_last(step.layer)
    if step.layer.keepdims:
        raise unsupported(step.layer, "a global pooling that keeps its axes")
    means = graph.add("GlobalAveragePool", values[0].name)
    return Value(graph.add("Flatten", means, axis=1), _shape(step.layer, values))


def rescaling(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Rescaling`` by one factor and one offset."""
    factor, added = (np.asarray(value, np.float32) for value in (step.layer.scale, step.layer.offset))
    if factor.ndim or added.ndim:
        raise unsupported(step.layer, "a rescaling by channels")
    scaled = graph.add("Mul", values[0].name, graph.constant(f"{name}/scale", factor))
    return replace(values[0], name=graph.add("Add", scaled, graph.constant(f"{name}/offset", added)))


def reshape(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Reshape`` of grey images: their channel axis comes or goes, which changes nothing here, or rows become maps."""
    (value,), shape = values, tuple(step.layer.target_shape)
    maps = (*shape[:2], 1)
    if value.shape == maps and shape in (maps, maps[:2]):
        return value
    if len(value.shape) == 1 and value.flattened in (None, maps) and shape == maps and -1 not in shape:
        sides = graph.constant(f"{name}/shape", np.array([-1, 1, *shape[:2]], np.int64))
        return Value(graph.add("Reshape", value.name, sides), maps)
    raise unsupported(step.layer, f"a change of shape from {value.shape} to {shape}")


def dense(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Dense`` over features; after ``Flatten`` its rows are put in the order of the features."""
    layer, (kernel, bias) = step.layer, step.weights
    if len(values[0].shape) != 1:
        raise unsupported(layer, f"a dense layer over {values[0].shape}")
    inputs = _inputs(graph, name, values[0], _reordered(kernel, values[0]), bias)
    return _activated(graph, Value(graph.add("Gemm", *inputs), _shape(layer, values)), layer)


def batch_normalization(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``BatchNormalization`` that could not be folded: a scale and a shift for each channel."""
    if not over_channels(step.layer):
        raise unsupported(step.layer, "a normalisation of another axis than the last")
    shape = (-1, 1, 1) if len(values[0].shape) == 3 else (-1,)
    scale, shift = (_reordered(w, values[0]).reshape(shape) for w in step.weights)
    scaled = graph.add("Mul", values[0].name, graph.constant(f"{name}/scale", scale))
    return replace(values[0], name=graph.add("Add", scaled, graph.constant(f"{name}/shift", shift)))


def relu(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``ReLU`` without options."""
    layer = step.layer
    if layer.max_value is not None or layer.negative_slope or layer.threshold:
        raise unsupported(layer, "a ReLU with a slope, a threshold or a largest value")
    return replace(values[0], name=graph.add("Relu", values[0].name))


def leaky_relu(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``LeakyReLU``."""
    slope = float(step.layer.negative_slope)
    return replace(values[0], name=graph.add("LeakyRelu", values[0].name, alpha=slope))


def activation(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Activation``."""
    return _activated(graph, values[0], step.layer)


def softmax(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Softmax`` over features."""
    if len(values[0].shape) > 1 or step.layer.axis not in (-1, 1):
        raise unsupported(step.layer, f"a softmax over axis {step.layer.axis} of {values[0].shape}")
    return replace(values[0], name=graph.add("Softmax", values[0].name, axis=-1))


def flatten(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Flatten``: the features keep the order c, h, w, to which the next layer's weights are adapted."""
    shape = values[0].shape
    if len(shape) == 1:
        return values[0]
    return Value(graph.add("Flatten", values[0].name, axis=1), _shape(step.layer, values), flattened=shape)


def dropout(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Dropout``, which only acts in training."""
    return values[0]


def merged(kind: str) -> Layer:
    """Make a layer that merges values of one shape by one kind of node."""

    def layer(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
        return replace(values[0], name=graph.add(kind, *(value.name for value in values)))

    return layer


def up_sampling(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``UpSampling2D`` by repetition."""
    layer = step.layer
    _channels_last(layer)
    if layer.interpolation != "nearest":
        raise unsupported(layer, f"upsampling by {layer.interpolation}")
    output = resized(graph, values[0].name, layer.size, mode="nearest", coordinates="asymmetric", nearest_mode="floor")
    return Value(output, _shape(layer, values))


def resized(graph: Graph, value: str, factors: Sequence[float], *, mode: str, coordinates: str, **rest: Any) -> str:
    """Resize a value (n, c, h, w) by factors for height and width, in one of ONNX's modes."""
    scales = np.array([1, 1, *factors], np.float32)
    name = graph.constant("times " + " ".join(map(str, factors)), scales)
    return graph.add("Resize", value, "", name, mode=mode, coordinate_transformation_mode=coordinates, **rest)


def local_contrast(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """:class:`digitwise.models.finder.LocalContrast`, step by step."""
    from digitwise.models.finder import FLOOR, WINDOWS

    images = values[0].name
    moments = graph.add("Concat", images, graph.add("Mul", images, images), axis=1)
    cells = graph.add("AveragePool", moments, kernel_shape=[STRIDE, STRIDE], strides=[STRIDE, STRIDE])
    floor = graph.constant(f"{name}/floor", np.array(FLOOR, np.float32))
    planes = []
    for window in WINDOWS:
        mean, square = _moments(graph, cells, window)
        variance = graph.add("Sub", square, graph.add("Mul", mean, mean))
        spread = graph.add("Sqrt", graph.add("Max", variance, graph.constant("zero", np.array(0, np.float32))))
        planes.append(graph.add("Div", graph.add("Sub", images, mean), graph.add("Add", spread, floor)))
    return Value(graph.add("Concat", *planes, axis=1), _shape(step.layer, values))


def _moments(graph: Graph, cells: str, window: int) -> tuple[str, str]:
    """Means of values and of their squares over windows of cells around each pixel, (n, 1, h, w) each."""
    half = window // 2
    rows = graph.add("AveragePool", cells, kernel_shape=[window, 1], pads=[half, 0, half, 0])
    means = graph.add("AveragePool", rows, kernel_shape=[1, window], pads=[0, half, 0, half])
    means = resized(graph, means, (STRIDE, STRIDE), mode="linear", coordinates="half_pixel")
    axes = graph.constant("channels", np.array([1], np.int64))
    begin, middle, end = (graph.constant(str(k), np.array([k], np.int64)) for k in range(3))
    return graph.add("Slice", means, begin, middle, axes), graph.add("Slice", means, middle, end, axes)


def zero_padding(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``ZeroPadding2D``."""
    _channels_last(step.layer)
    (top, bottom), (left, right) = step.layer.padding
    pads = graph.constant(f"{name}/pads", np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
    return Value(graph.add("Pad", values[0].name, pads), _shape(step.layer, values))


def cropping(graph: Graph, name: str, values: Sequence[Value], step: LayerStep) -> Value:
    """``Cropping2D``."""
    _channels_last(step.layer)
    (top, _), (left, _) = step.layer.cropping
    height, width, channels = _shape(step.layer, values)
    starts = graph.constant(f"{name}/starts", np.array([top, left], np.int64))
    ends = graph.constant(f"{name}/ends", np.array([top + height, left + width], np.int64))
    axes = graph.constant("height and width", np.array([2, 3], np.int64))
    return Value(graph.add("Slice", values[0].name, starts, ends, axes), (height, width, channels))


LAYERS: dict[str, Layer] = {
    "Activation": activation,
    "Add": merged("Add"),
    "Average": merged("Mean"),
    "AveragePooling2D": average_pooling,
    "BatchNormalization": batch_normalization,
    "Conv2D": convolution,
    "Cropping2D": cropping,
    "Dense": dense,
    "Dropout": dropout,
    "Flatten": flatten,
    "GlobalAveragePooling2D": global_average,
    "LeakyReLU": leaky_relu,
    "LocalContrast": local_contrast,
    "MaxPooling2D": max_pooling,
    "ReLU": relu,
    "Rescaling": rescaling,
    "Reshape": reshape,
    "Softmax": softmax,
    "UpSampling2D": up_sampling,
    "ZeroPadding2D": zero_padding,
}


def _inputs(graph: Graph, name: str, value: Value, kernel: Float32, bias: Float32) -> tuple[str, str, str]:
    return value.name, graph.constant(f"{name}/kernel", kernel), graph.constant(f"{name}/bias", bias)


def _activated(graph: Graph, value: Value, layer: Any) -> Value:
    kind = layer.activation.__name__
    if kind == "linear":
        return value
    if kind == "softmax" and len(value.shape) == 1:
        return replace(value, name=graph.add("Softmax", value.name, axis=-1))
    if kind not in ACTIVATIONS:
        raise unsupported(layer, f"the activation {kind}")
    return replace(value, name=graph.add(ACTIVATIONS[kind], value.name))


def _window(
    layer: Any, shape: Sequence[int], size: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> dict[str, Any]:
    """The attributes of a window on an image (h, w, c); odd "same" padding has its larger part at the end."""
    _channels_last(layer)
    pads = [0, 0]
    if layer.padding == "same":
        reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
        last = [(-(-n // s) - 1) * s for n, s in zip(shape[:2], strides, strict=True)]
        pads = [max(begin + r - n, 0) for begin, r, n in zip(last, reach, shape[:2], strict=True)]
    before = [pad // 2 for pad in pads]
    after = [pad - pad // 2 for pad in pads]
    return {"kernel_shape": list(size), "strides": list(strides), "pads": [*before, *after]}


def _channels_last(layer: Any) -> None:
    if layer.data_format != "channels_last":
        raise unsupported(layer, "a layer of channels first")


def _reordered(weights: Float32, value: Value) -> Float32:
    """Reorder weights along their first axis to the order of a value's features."""
    if value.flattened is None:
        return weights
    rest = weights.shape[1:]
    images = weights.reshape(*value.flattened, *rest)  # (h, w, c, …)
    return np.moveaxis(images, 2, 0).reshape(-1, *rest)


def _shape(layer: Any, values: Sequence[Value]) -> tuple[int, ...]:
    return tuple(layer.compute_output_shape((None, *values[0].shape))[1:])
