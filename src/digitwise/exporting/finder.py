"""The finder as an ONNX model for pictures of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.exporting.convert import network
from digitwise.exporting.graph import Graph, Value

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "pictures", "maps"


def convert_finder(model: Any) -> onnx.ModelProto:
    """Write a finder as an ONNX model, its large arrays in half precision.

    Parameters
    ----------
    model : keras.Model
        Of ``digitwise.models.finder.finder``, built for one size.

    Returns
    -------
    onnx.ModelProto
        uint8 (n, h, w), h and w multiples of 16, to float32 (n, h / 4, w / 4, 24).
    """
    graph = Graph()
    height, width, _ = model.input_shape[1:]
    first = graph.add("Unsqueeze", INPUT, graph.constant("channel axis", np.array([1], np.int64)))
    scaled = graph.add("Mul", graph.add("Cast", first, to=1), graph.constant("1/255", np.array(1 / 255, np.float32)))
    maps = network(graph, "", [Value(scaled, (height, width, 1))], model)
    _halved(graph)
    graph.add("Transpose", maps.name, perm=[0, 2, 3, 1], output=OUTPUT)
    return graph.model((INPUT, ("h", "w")), (OUTPUT, ("rows", "columns", maps.shape[2])))


def _halved(graph: Graph) -> None:
    """Keep kernels in half precision, and bring them back when the model is loaded."""
    from onnx import TensorProto, helper, numpy_helper

    for name, tensor in list(graph.constants.items()):
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size > 1_000:
            half = f"{name}/half"
            graph.constants[half] = numpy_helper.from_array(array.astype(np.float16), half)
            del graph.constants[name]
            graph.nodes.insert(0, helper.make_node("Cast", [half], [name], name=f"{name}/cast", to=TensorProto.FLOAT))
