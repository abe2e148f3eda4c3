"""Converts the finder to an ONNX model for images of any size.

``python -m digitwise.exporting.finder WEIGHTS OUT`` converts the weights that ``digitwise.training.finder`` writes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.exporting.convert import network, scaled
from digitwise.exporting.graph import Graph
from digitwise.files import atomic_write
from digitwise.maps import MULTIPLE

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT = "images", "maps"
SIDE = 8 * MULTIPLE  # pixels of the images for which the network is built; any value gives the same weights
LARGE = 1_000  # values of an array above which it is stored in half precision


def convert_finder(model: Any) -> onnx.ModelProto:
    """Convert a finder to an ONNX model with large arrays in half precision.

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
    maps = network(graph, "", [scaled(graph, INPUT, (height, width, 1))], model)
    _halved(graph)
    graph.add("Transpose", maps.name, perm=[0, 2, 3, 1], output=OUTPUT)
    return graph.model((INPUT, ("h", "w")), (OUTPUT, ("rows", "columns", maps.shape[2])))


def _halved(graph: Graph) -> None:
    """Store kernels in half precision, which halves the file, and cast them back in the graph."""
    from onnx import TensorProto, helper, numpy_helper

    for name, tensor in list(graph.constants.items()):
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size > LARGE:
            half = f"{name}/half"
            graph.constants[half] = numpy_helper.from_array(array.astype(np.float16), half)
            del graph.constants[name]
            graph.nodes.insert(0, helper.make_node("Cast", [half], [name], name=f"{name}/cast", to=TensorProto.FLOAT))


def convert_weights(weights: Path, channels: Sequence[int] | None = None) -> onnx.ModelProto:
    """Convert the weights of a training, an ``.npz`` file, to an ONNX model, see :func:`convert_finder`.

    ``channels`` are those of the training, if they were not the finder's own.
    """
    from digitwise.training import backend  # noqa: F401  # before Keras is imported: chooses what it runs on
    from digitwise.models.finder import CHANNELS, finder  # isort: skip
    from digitwise.training.finder.fit import load_weights  # isort: skip

    model = finder(channels or CHANNELS, side=SIDE)
    load_weights(weights, model)
    return convert_finder(model)


def main() -> None:
    """Convert, and write the file atomically."""
    parser = argparse.ArgumentParser("python -m digitwise.exporting.finder", description=convert_weights.__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channels", type=int, nargs="+")
    chosen = parser.parse_args()
    atomic_write(chosen.out, convert_weights(chosen.weights, chosen.channels).SerializeToString())


if __name__ == "__main__":
    main()
