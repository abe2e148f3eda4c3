"""An ONNX graph in the making, and the layers of a network as the steps that go into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.images import Float32

if TYPE_CHECKING:
    import onnx

OPSET = 17  # old enough for any onnxruntime of the last years
IR_VERSION = 8  # the file format that goes with it; onnx would write its newest


@dataclass(frozen=True)
class Value:
    """What a node gives, as the walk through the Keras model sees it.

    Parameters
    ----------
    name : str
        In the ONNX graph.
    shape : tuple of int
        Keras' shape without the batch: (h, w, c) or (features,). In the graph images lie as (n, c, h, w), which is
        what onnxruntime's convolutions take.
    flattened : (int, int, int), optional
        The (h, w, c) that was flattened to these features, which therefore lie in the order c, h, w.
    """

    name: str
    shape: tuple[int, ...]
    flattened: tuple[int, ...] | None = None


class Graph:
    """Nodes in the order they are computed in, and constants, each there once."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, array: Any) -> str:
        """Keep an array under a name; a name that is there already stands for the same array."""
        from onnx import numpy_helper

        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node of one output, and give that output's name."""
        from onnx import helper

        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def model(
        self, source: tuple[str, tuple[int | str, ...]], result: tuple[str, tuple[int | str, ...]]
    ) -> onnx.ModelProto:
        """The whole model, checked.

        Parameters
        ----------
        source, result : (str, tuple of int or str)
            Name and shape, without the batch, of the uint8 input and of the float32 output; a name is a free side.
        """
        from onnx import TensorProto, checker, helper

        graph = helper.make_graph(
            self.nodes,
            "digitwise",
            [helper.make_tensor_value_info(source[0], TensorProto.UINT8, ["n", *source[1]])],
            [helper.make_tensor_value_info(result[0], TensorProto.FLOAT, ["n", *result[1]])],
            list(self.constants.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="digitwise")
        model.ir_version = IR_VERSION
        checker.check_model(model, full_check=True)
        return model


@dataclass(frozen=True, eq=False)
class Step:
    """A Keras layer and the float32 arrays it computes with.

    Parameters
    ----------
    layer : keras.Layer
    weights : tuple of ndarray
        Kernel and bias of a convolution or a dense layer, scale and shift of a batch normalisation; else empty.
    """

    layer: Any
    weights: tuple[Float32, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the layer's class."""
        return type(self.layer).__name__


def step_of(layer: Any) -> Step:
    """A layer by itself."""
    kind = type(layer).__name__
    if kind in ("Conv2D", "Dense"):
        kernel = np.asarray(layer.kernel.numpy(), np.float32)
        bias = layer.bias.numpy() if layer.use_bias else np.zeros(kernel.shape[-1])
        return Step(layer, (kernel, np.asarray(bias, np.float32)))
    if kind == "BatchNormalization":
        return Step(layer, _scale_and_shift(layer))
    return Step(layer)


def folded(layers: Sequence[Any]) -> list[Step]:
    """The steps of layers that follow one another, with as few batch normalisations left as can be.

    One that stands behind a linear convolution or dense layer is a change of that layer's weights; so is one behind
    the pooling after it where it turns no channel's order round, since the largest value then stays the largest.
    """
    steps: list[Step] = []
    for step in map(step_of, layers):
        place = _linear_before(steps, step) if step.kind == "BatchNormalization" else None
        if place is None:
            steps.append(step)
            continue
        (kernel, bias), (scale, shift) = steps[place].weights, step.weights
        steps[place] = replace(
            steps[place], weights=(kernel * scale, bias * scale + shift)
        )  # outputs are the last axis
    return steps


def _linear_before(steps: list[Step], norm: Step) -> int | None:
    """The place of the layer that a batch normalisation folds into."""
    for place in reversed(range(len(steps))):
        step = steps[place]
        if step.kind in ("Conv2D", "Dense"):
            return place if step.layer.activation.__name__ == "linear" and over_channels(norm.layer) else None
        if step.kind != "Dropout" and not (step.kind == "MaxPooling2D" and (norm.weights[0] > 0).all()):
            return None
    return None


def over_channels(norm: Any) -> bool:
    """Whether a batch normalisation layer is one over the last axis."""
    axis = norm.axis[0] if isinstance(norm.axis, list | tuple) else norm.axis
    return bool(axis in (-1, norm.input_spec.ndim - 1))


def _scale_and_shift(layer: Any) -> tuple[Float32, Float32]:
    mean, variance = (np.asarray(w.numpy(), np.float64) for w in (layer.moving_mean, layer.moving_variance))
    scale = (layer.gamma.numpy() if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
    shift = (layer.beta.numpy() if layer.center else 0.0) - mean * scale
    return scale.astype(np.float32), shift.astype(np.float32)
