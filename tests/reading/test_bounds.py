"""Models from elsewhere that would take too much memory or time, or do something else than classify."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from onnx import TensorProto, helper

from digitwise.errors import ModelError
from digitwise.reading import sessions
from digitwise.reading.model import Model
from digitwise.reading.operators import check_operators

SIDES = [
    helper.make_tensor("start", TensorProto.INT64, [1], [0]),
    helper.make_tensor("end", TensorProto.INT64, [1], [10]),
]
AXIS = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
TEN = [
    helper.make_node("Flatten", ["x"], ["flat"]),
    helper.make_node("Slice", ["flat", "start", "end", "axis"], ["ten"]),
]


def onnx_of(*nodes, inits=(), functions=()):
    """The content of a model from 28x28 floats to ten, ``ten`` plus what the nodes call ``more``."""
    nodes = [*TEN, *nodes, helper.make_node("Add", ["ten", "more"], ["y"])]
    ends = [[helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 28, 28])]]
    ends.append([helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])])
    graph = helper.make_graph(nodes, "g", *ends, [*SIDES, AXIS, *inits])
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8, functions=functions).SerializeToString()


def filled(values):
    size = helper.make_tensor("size", TensorProto.INT64, [1], [values])
    nodes = helper.make_node("ConstantOfShape", ["size"], ["large"]), helper.make_node("ReduceSum", ["large"], ["more"])
    return onnx_of(*nodes, inits=[size])


def loop():
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["still"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, [])],
    )
    return onnx_of(helper.make_node("Loop", ["times", "on"], [], body=body), helper.make_node("Size", ["x"], ["more"]))


def elsewhere():
    weights = helper.make_tensor("more", TensorProto.FLOAT, [1], [0.0])
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return onnx_of(inits=[weights])


def claiming():
    weights = helper.make_tensor("more", TensorProto.FLOAT, [1], [0.0])
    weights.dims[0] = 10**9
    return onnx_of(inits=[weights])


def own_function():
    versions = [helper.make_opsetid("", 17)]
    nodes = [helper.make_node("Identity", ["a"], ["b"])]
    function = helper.make_function("own", "Mine", ["a"], ["b"], nodes, versions)
    return onnx_of(helper.make_node("Mine", ["x"], ["more"], domain="own"), functions=[function])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (loop, "without control flow"),
        (elsewhere, "weights in the file itself"),
        (claiming, "that a file of .* bytes can hold, got 1000000000"),
        (own_function, "functions of its own|Mine of own"),
        (lambda: onnx_of(helper.make_node("RandomUniform", [], ["more"], shape=[10**9])), "got RandomUniform"),
        (lambda: onnx_of(helper.make_node("\x1b[31mEvil", ["x"], ["more"])), r"got \\x1b\[31mEvil"),
    ],
    ids=["loop", "external data", "claimed size", "function", "random", "unknown"],
)
def test_model_that_does_more_than_classify_is_refused(make, told):
    with pytest.raises(ModelError, match=told):
        Model(make())


def test_network_of_usual_operators_passes():
    more = helper.make_tensor("more", TensorProto.FLOAT, [10], np.zeros(10))
    check_operators(onnx_of(inits=[more]), "it")


@pytest.mark.parametrize("place", [3, 40, 200])
def test_file_that_is_cut_off_is_refused_by_its_name(place):
    with pytest.raises(ModelError, match=r"^it: "):
        check_operators(filled(10)[:place], "it")


def test_layers_take_no_more_memory_than_allowed(tmp_path):
    """In a process of its own, whose peak is measured."""
    (tmp_path / "bomb.onnx").write_bytes(filled(800_000_000))
    code = """
        import sys
        from digitwise.errors import ModelError
        from digitwise.reading.model import Model
        from digitwise.system import peak_memory
        try:
            Model(sys.argv[1])
        except ModelError as error:
            print(peak_memory() < 2**29, error)
    """
    asked = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "bomb.onnx")]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert told.startswith("True ")
    assert "expected to read images" in told


def test_model_that_does_not_answer_in_time_is_given_up(monkeypatch):
    monkeypatch.setattr(sessions, "MAX_SECONDS", 0.05)
    rounds = [helper.make_node("Tile", ["start", "many"], ["r0"]), helper.make_node("Cast", ["r0"], ["f0"], to=1)]
    rounds += [helper.make_node("Exp", [f"f{k}"], [f"f{k + 1}"]) for k in range(400)]
    rounds.append(helper.make_node("ReduceMin", ["f400"], ["more"]))
    many = helper.make_tensor("many", TensorProto.INT64, [1], [4_000_000])
    session = sessions.session_of(onnx_of(*rounds, inits=[many]), "it")
    with pytest.raises(ModelError, match=r"^it: expected to read images, got no answer within 0\.05 s"):
        sessions.run_in_time(session, {"x": np.zeros((1, 28, 28), np.float32)}, "it")
