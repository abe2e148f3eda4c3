"""ONNX files as other programs write them: linear models of digits, for pixels of any scale and layout."""

from functools import cache

import numpy as np

from digitwise.reading.foreign import SCALES, known_digits


@cache
def linear_digits():
    """Weights (784, 10) and bias (10,) of logits for pixels 0 to 1, fitted to the known digits."""
    known = known_digits()
    rows = known.images.reshape(len(known), -1) / 255
    rows = np.hstack([rows, np.ones((len(rows), 1))])
    targets = 20 * (np.eye(10)[known.labels] - 0.1)
    weights = np.linalg.solve(rows.T @ rows + 10 * np.eye(785), rows.T @ targets)
    return weights[:-1].astype(np.float32), weights[-1].astype(np.float32)


def logits_of(images):
    """The logits (n, 10) of the linear model for images uint8 (n, 28, 28)."""
    weights, bias = linear_digits()
    return images.reshape(len(images), -1) / np.float32(255) @ weights + bias


def write_stranger(path, *, scale="0-1", shape=(28, 28, 1), ends=("Softmax",), batch="n", types=("FLOAT", "FLOAT")):
    """Write the linear model for inputs (batch, *shape) of a scale; ``ends`` are the nodes behind its logits."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights, bias = linear_digits()
    factor, added = SCALES[scale]
    constants = {
        "added": np.float32(added),
        "range": np.float32(255 * factor),
        "flat": np.array([-1, 784], np.int64),
        "weights": weights,
        "bias": bias,
    }
    nodes = [
        helper.make_node("Cast", ["x"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["floats", "added"], ["moved"]),
        helper.make_node("Div", ["moved", "range"], ["light"]),
        helper.make_node("Reshape", ["light", "flat"], ["rows"]),
        helper.make_node("Gemm", ["rows", "weights", "bias"], ["y0"]),
    ]
    for number, end in enumerate(ends):
        options = {"axis": 1} if "Softmax" in end else {}
        nodes.append(helper.make_node(end, [f"y{number}"], [f"y{number + 1}"], **options))
    taken, given = (getattr(TensorProto, each) for each in types)
    nodes.append(helper.make_node("Cast", [f"y{len(ends)}"], ["y"], to=given))
    graph = helper.make_graph(
        nodes,
        "stranger",
        [helper.make_tensor_value_info("x", taken, [batch, *shape])],
        [helper.make_tensor_value_info("y", given, [batch, 10])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path
