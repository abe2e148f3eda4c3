"""What a stranger's ONNX file may do, looked up in its bytes before onnxruntime takes memory for it.

The library ``onnx`` reads the format too, but who only reads digits need not install it.

References
----------
ONNX, "Open Neural Network Exchange Intermediate Representation Specification", onnx.proto, field numbers of IR
version 11; Protocol Buffers, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from digitwise.errors import ModelError
from digitwise.escaping import printable

# Of networks that classify images, as the exporters of Keras, PyTorch and scikit-learn write them. What runs other
# graphs (If, Loop, Scan) may run for ever and is not among them.
_NAMES = """
    Abs Add And ArgMax ArgMin ArrayFeatureExtractor AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat
    Constant ConstantOfShape Conv ConvInteger ConvTranspose CumSum DepthToSpace DequantizeLinear Div Dropout
    DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand FastGelu Flatten Floor FusedConv FusedMatMul GRU Gather
    GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization
    HardSigmoid HardSwish Identity InstanceNormalization LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual
    LinearClassifier LinearRegressor Log LogSoftmax LpNormalization MatMul MatMulInteger Max MaxPool Mean
    MeanVarianceNormalization Min Mish Mod Mul Neg Normalizer Not Or PRelu Pad Pow QGemm QLinearAdd
    QLinearAveragePool QLinearConv QLinearGlobalAveragePool QLinearMatMul QLinearMul QLinearSigmoid QLinearSoftmax
    QuantizeLinear RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round SVMClassifier Scaler Selu Shape Sigmoid Sign Size
    SkipLayerNormalization Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh
    ThresholdedRelu Tile TopK Transpose TreeEnsembleClassifier Trilu Unsqueeze Upsample Where Xor
"""
OPERATORS = frozenset(_NAMES.split())
EXPORT = "export one: digitwise.export(run), or digitwise export RUN --format onnx"
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
VALUES_A_BYTE = 8  # at most: numbers of one bit

# Fields of the messages, by number.
MODEL_GRAPH, MODEL_FUNCTIONS = 7, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSE = 5, 10, (6, 11), (22, 23)
TENSOR_DIMS, TENSOR_EXTERNAL, TENSOR_LOCATION = 1, 13, 14

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
Field = tuple[int, int, bytes]  # its number, its value where it is a number, its content where it is bytes


def check_operators(content: bytes, name: str) -> None:
    """Refuse a model that could do more than classify.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        For messages.

    Raises
    ------
    ModelError
        If it is no ONNX file, or has another operator than :data:`OPERATORS`, a graph inside a node, functions of
        its own, or weights in other files or of more values than the file can hold.
    """
    try:
        for number, _, part in _fields(content):
            if number == MODEL_FUNCTIONS:
                raise ModelError(f"{name}: expected a model of known operators, got one with functions of its own")
            if number == MODEL_GRAPH:
                _check_graph(part, name, len(content))
    except (IndexError, ValueError) as error:
        raise ModelError(f"{name}: expected an ONNX model, got what is damaged or none; {EXPORT}") from error


def _check_graph(graph: bytes, name: str, size: int) -> None:
    for number, _, part in _fields(graph):
        if number == GRAPH_NODE:
            _check_node(part, name, size)
        elif number == GRAPH_INITIALIZER:
            _check_tensor(part, name, size)
        elif number == GRAPH_SPARSE:
            raise ModelError(f"{name}: expected weights as plain arrays, got sparse ones")


def _check_node(node: bytes, name: str, size: int) -> None:
    operator = domain = ""
    for number, _, part in _fields(node):
        if number == NODE_OPERATOR:
            operator = part.decode("utf-8", "replace")
        elif number == NODE_DOMAIN:
            domain = part.decode("utf-8", "replace")
        elif number == NODE_ATTRIBUTE:
            _check_attribute(part, name, size)
    if operator not in OPERATORS or domain not in DOMAINS:
        of = f" of {domain}" if domain else ""
        told = printable(f"{operator}{of}")[:60]
        raise ModelError(f"{name}: expected operators that classify images, got {told}; export the model without it")


def _check_attribute(attribute: bytes, name: str, size: int) -> None:
    for number, _, part in _fields(attribute):
        if number in ATTRIBUTE_GRAPHS:
            raise ModelError(f"{name}: expected a model without control flow, got a graph inside a node")
        if number in ATTRIBUTE_SPARSE:
            raise ModelError(f"{name}: expected constants as plain arrays, got sparse ones")
        if number in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
            _check_tensor(part, name, size)


def _check_tensor(tensor: bytes, name: str, size: int) -> None:
    sides: list[int] = []
    for number, value, part in _fields(tensor):
        if number == TENSOR_EXTERNAL or (number == TENSOR_LOCATION and value):
            raise ModelError(f"{name}: expected the weights in the file itself, got them in another one")
        if number == TENSOR_DIMS:
            sides += [value] if not part else list(_varints(part))
    if prod(sides) > VALUES_A_BYTE * size:
        shape = "x".join(map(str, sides))
        raise ModelError(f"{name}: expected weights that a file of {size:,} bytes can hold, got {shape}")


def _fields(message: bytes) -> Iterator[Field]:
    """The fields of a message in protobuf's wire format.

    Raises
    ------
    IndexError, ValueError
        If it is cut off, or no such message.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value, b""
        elif kind == BYTES:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise ValueError("cut off")
            yield number, 0, message[place : place + length]
            place += length
        elif kind in (FIXED32, FIXED64):
            place += 4 if kind == FIXED32 else 8
            yield number, 0, b""
        else:
            raise ValueError(f"wire type {kind}")


def _varints(packed: bytes) -> Iterator[int]:
    place = 0
    while place < len(packed):
        value, place = _varint(packed, place)
        yield value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value & (2**64 - 1), place
        if shift > 63:
            raise ValueError("a number too long")
