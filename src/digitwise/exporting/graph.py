"""A builder of ONNX graphs, and the layers of a network as steps for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.images import Float32

if TYPE_CHECKING:
    import onnx

OPSET = 17  # supported by every onnxruntime of the last years
IR_VERSION = 8  # the file format of that time; onnx writes its newest by default


@dataclass(frozen=True)
class Value:
    """The output of a node."""

    name: str  # in the ONNX graph
    # Keras' shape without the batch: (h, w, c) or (features,); in the graph, images are (n, c, h, w)
    shape: tuple[int, ...]
    # (h, w, c) before flattening to these features, which have the order c, h, w
    flattened: tuple[int, ...] | None = None


class Graph:
    """Nodes in the order of computation, and constants, each stored once."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, array: Any) -> str:
        """Store an array under a name, and give the name; a known name stands for the same array."""
        from onnx import numpy_helper

        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node with one output, and give the output's name."""
        from onnx import helper

        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def model(
        self, source: tuple[str, tuple[int | str, ...]], result: tuple[str, tuple[int | str, ...]]
    ) -> onnx.ModelProto:
        """Build the model, and check it.

        Parameters
        ----------
        source, result : (str, tuple of int or str)
            Name and shape without the batch, of the uint8 input and the float32 output; a name is a dynamic side.
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
class LayerStep:
    """A Keras layer and its float32 weights."""

    layer: Any
    # kernel and bias of a convolution or a dense layer, scale and shift of a batch normalisation; else empty
    weights: tuple[Float32, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the layer's class."""
        return type(self.layer).__name__


def step_of(layer: Any) -> LayerStep:
    """The step of a single layer."""
    kind = type(layer).__name__
    if kind in ("Conv2D", "Dense"):
        kernel = np.asarray(layer.kernel.numpy(), np.float32)
        bias = layer.bias.numpy() if layer.use_bias else np.zeros(kernel.shape[-1])
        return LayerStep(layer, (kernel, np.asarray(bias, np.float32)))
    if kind == "BatchNormalization":
        return LayerStep(layer, _scale_and_shift(layer))
    return LayerStep(layer)


def folded(layers: Sequence[Any]) -> list[LayerStep]:
    """The steps of consecutive layers, with batch normalisations folded into earlier layers where possible.

    A batch normalisation after a linear convolution or dense layer changes that layer's weights. It may also follow
    the pooling after such a layer if all its scales are positive, since the largest value then stays the largest.
    """
    steps: list[LayerStep] = []
    for step in map(step_of, layers):
        place = _linear_before(steps, step) if step.kind == "BatchNormalization" else None
        if place is None:
            steps.append(step)
            continue
        (kernel, bias), (scale, shift) = steps[place].weights, step.weights
        # The outputs are the last axis.
        steps[place] = replace(steps[place], weights=(kernel * scale, bias * scale + shift))
    return steps


def _linear_before(steps: list[LayerStep], norm: LayerStep) -> int | None:
    """The index of the step that a batch normalisation can be folded into."""
    for place in reversed(range(len(steps))):
        step = steps[place]
        if step.kind in ("Conv2D", "Dense"):
            return place if step.layer.activation.__name__ == "linear" and over_channels(norm.layer) else None
        if step.kind != "Dropout" and not (step.kind == "MaxPooling2D" and (norm.weights[0] > 0).all()):
            return None
    return None


def over_channels(norm: Any) -> bool:
    """Whether a batch normalisation layer normalises the last axis."""
    axis = norm.axis[0] if isinstance(norm.axis, list | tuple) else norm.axis
    return bool(axis in (-1, norm.input_spec.ndim - 1))


def _scale_and_shift(layer: Any) -> tuple[Float32, Float32]:
    mean, variance = (np.asarray(w.numpy(), np.float64) for w in (layer.moving_mean, layer.moving_variance))
    scale = (layer.gamma.numpy() if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
    shift = (layer.beta.numpy() if layer.center else 0.0) - mean * scale
    return scale.astype(np.float32), shift.astype(np.float32)
