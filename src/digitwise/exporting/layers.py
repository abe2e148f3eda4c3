"""Each Keras layer of digitwise's networks as nodes of an ONNX graph.

A function takes the graph, the name under which the layer's constants are kept, the values that come in and the step,
and gives the value that comes out. A layer met again under the same name shares its constants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from digitwise.errors import ExportError
from digitwise.exporting.graph import Graph, Step, Value, over_channels
from digitwise.images import Float32
from digitwise.maps import STRIDE

Layer = Callable[[Graph, str, Sequence[Value], Step], Value]
ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def unsupported(layer: Any, what: str) -> ExportError:
    """The error about a layer that has no counterpart here."""
    return ExportError(
        f"layer {layer.name}: {what} cannot be written as ONNX; use --format keras, or build the network of the "
        f"layers in digitwise.models"
    )


def convolution(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``Conv2D``: the kernel's axes from (kh, kw, in, out) to (out, in, kh, kw)."""
    layer, (kernel, bias) = step.layer, step.weights
    window = _window(layer, values[0].shape, layer.kernel_size, layer.strides, layer.dilation_rate)
    inputs = _inputs(graph, name, values[0], kernel.transpose(3, 2, 0, 1), bias)
    output = graph.add("Conv", *inputs, group=layer.groups, dilations=list(layer.dilation_rate), **window)
    return _activated(graph, Value(output, _shape(layer, values)), layer)


def max_pooling(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``MaxPooling2D``."""
    layer = step.layer
    window = _window(layer, values[0].shape, layer.pool_size, layer.strides, (1, 1))
    return Value(graph.add("MaxPool", values[0].name, **window), _shape(layer, values))


def dense(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``Dense`` over features; behind a flattening its rows are put in the order the features lie in."""
    layer, (kernel, bias) = step.layer, step.weights
    if len(values[0].shape) != 1:
        raise unsupported(layer, f"a dense layer over {values[0].shape}")
    inputs = _inputs(graph, name, values[0], _reordered(kernel, values[0]), bias)
    return _activated(graph, Value(graph.add("Gemm", *inputs), _shape(layer, values)), layer)


def batch_normalization(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``BatchNormalization`` that could not be folded: a factor and a sum for each channel."""
    if not over_channels(step.layer):
        raise unsupported(step.layer, "a normalisation of another axis than the last")
    shape = (-1, 1, 1) if len(values[0].shape) == 3 else (-1,)
    scale, shift = (_reordered(w, values[0]).reshape(shape) for w in step.weights)
    scaled = graph.add("Mul", values[0].name, graph.constant(f"{name}/scale", scale))
    return replace(values[0], name=graph.add("Add", scaled, graph.constant(f"{name}/shift", shift)))


def relu(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``ReLU`` in its plain form."""
    layer = step.layer
    if layer.max_value is not None or layer.negative_slope or layer.threshold:
        raise unsupported(layer, "a ReLU with a slope, a threshold or a largest value")
    return replace(values[0], name=graph.add("Relu", values[0].name))


def activation(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``Activation``."""
    return _activated(graph, values[0], step.layer)


def flatten(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``Flatten``: the features stay in the order c, h, w, and whoever has weights for them sees to it."""
    shape = values[0].shape
    if len(shape) == 1:
        return values[0]
    return Value(graph.add("Flatten", values[0].name, axis=1), _shape(step.layer, values), flattened=shape)


def dropout(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``Dropout``, which does nothing but in training."""
    return values[0]


def merged(kind: str) -> Layer:
    """A layer that makes one value of several of the same shape, by one kind of node."""

    def layer(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
        return replace(values[0], name=graph.add(kind, *(value.name for value in values)))

    return layer


def up_sampling(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``UpSampling2D`` by repetition."""
    layer = step.layer
    _channels_last(layer)
    if layer.interpolation != "nearest":
        raise unsupported(layer, f"upsampling by {layer.interpolation}")
    output = resized(graph, values[0].name, layer.size, mode="nearest", coordinates="asymmetric", nearest_mode="floor")
    return Value(output, _shape(layer, values))


def resized(graph: Graph, value: str, factors: Sequence[float], *, mode: str, coordinates: str, **rest: Any) -> str:
    """A value (n, c, h, w) at ``factors`` times its height and width, by one of ONNX's modes."""
    scales = np.array([1, 1, *factors], np.float32)
    name = graph.constant("times " + " ".join(map(str, factors)), scales)
    return graph.add("Resize", value, "", name, mode=mode, coordinate_transformation_mode=coordinates, **rest)


def local_contrast(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
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
    """Means over windows of so many cells, for each pixel: of values and of their squares, (n, 1, h, w) each."""
    half = window // 2
    rows = graph.add("AveragePool", cells, kernel_shape=[window, 1], pads=[half, 0, half, 0])
    means = graph.add("AveragePool", rows, kernel_shape=[1, window], pads=[0, half, 0, half])
    means = resized(graph, means, (STRIDE, STRIDE), mode="linear", coordinates="half_pixel")
    axes = graph.constant("channels", np.array([1], np.int64))
    begin, middle, end = (graph.constant(str(k), np.array([k], np.int64)) for k in range(3))
    return graph.add("Slice", means, begin, middle, axes), graph.add("Slice", means, middle, end, axes)


def zero_padding(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
    """``ZeroPadding2D``."""
    _channels_last(step.layer)
    (top, bottom), (left, right) = step.layer.padding
    pads = graph.constant(f"{name}/pads", np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
    return Value(graph.add("Pad", values[0].name, pads), _shape(step.layer, values))


def cropping(graph: Graph, name: str, values: Sequence[Value], step: Step) -> Value:
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
    "BatchNormalization": batch_normalization,
    "Conv2D": convolution,
    "Cropping2D": cropping,
    "Dense": dense,
    "Dropout": dropout,
    "Flatten": flatten,
    "LocalContrast": local_contrast,
    "MaxPooling2D": max_pooling,
    "ReLU": relu,
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
    """Where a window stands on an image (h, w, c), as attributes; what "same" adds in odd numbers goes behind."""
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
    """Weights whose first axis is a value's features, in the order that these lie in."""
    if value.flattened is None:
        return weights
    rest = weights.shape[1:]
    images = weights.reshape(*value.flattened, *rest)  # (h, w, c, …)
    return np.moveaxis(images, 2, 0).reshape(-1, *rest)


def _shape(layer: Any, values: Sequence[Value]) -> tuple[int, ...]:
    return tuple(layer.compute_output_shape((None, *values[0].shape))[1:])
