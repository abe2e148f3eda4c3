"""An ONNX graph in the making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
        Keras' shape without the batch: (h, w, c) or (features,). In the graph pictures lie as (n, c, h, w), which is
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
