"""A reader of printed digits, made of ten templates: a model that is right and costs nothing to make."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitwise.images import UInt8
from digitwise.normalization import SIDE, normalize
from digitwise.reading.finder import Sight, grey_of
from digitwise.reading.objects import Objects

POLICIES = [
    {"max_error": 0.001, "threshold": 0.9999, "temperature": 0.7},
    {"max_error": 0.002, "threshold": 0.98, "temperature": 0.7},
    {"max_error": 0.01, "threshold": 0.6, "temperature": 0.7},
]


def printed(text: str, size: int = 80, *, ink: Any = 20, paper: Any = 240) -> Image.Image:
    """Digits as a printer draws them, dark on light, with some paper around."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    margin = max(2, size // 4)
    mode = "L" if isinstance(ink, int) else "RGB"
    image = Image.new(mode, (right - left + 2 * margin, bottom - top + 2 * margin), paper)
    ImageDraw.Draw(image).text((margin - left, margin - top), text, fill=ink, font=font)
    return image


def two(left: str, right: str, size: int = 80) -> Image.Image:
    """Two digits, each in its half of the image."""
    one, other = printed(left, size), printed(right, size)
    width, height = max(one.width, other.width), max(one.height, other.height)
    both = Image.new("L", (2 * width, height), 240)
    both.paste(one, (0, 0))
    both.paste(other, (width, 0))
    return both


def find_halves(model: Any) -> Any:
    """A finder for :func:`two`: a digit in each half of a wide image, one in others that have ink."""

    def find(image: UInt8, *, turn: int | None = None) -> Sight:
        grey = grey_of(image)
        (height, width), parts = grey.shape, 2 if grey.shape[1] > grey.shape[0] else 1
        edges = [round(width * k / parts) for k in range(parts + 1)] if grey.min() < grey.max() else []
        boxes = [(left, 0, right, height) for left, right in itertools.pairwise(edges)]
        images = [normalize(grey[:, left:right]).image for left, _, right, _ in boxes]
        classes = np.zeros((len(boxes), 15), np.float32)
        if images:
            classes[:, :10] = model.probabilities(np.stack(images))
        full = np.full(len(boxes), 0.99, np.float32)
        turns = np.tile(np.array([0.997, 0.001, 0.001, 0.001], np.float32), (len(boxes), 1))
        placed = np.array(boxes, np.float32).reshape(-1, 4)
        return Sight(Objects(placed, full, classes, turns, 0 * full), 0, grey.shape, 1.0, grey)

    return find


def metadata(**changes: Any) -> dict[str, Any]:
    """What an exported model says of itself."""
    document = {
        "format": 1,
        "digitwise": "0.1.0",
        "class_names": list("0123456789"),
        "normalization": "ink-1",
        "temperature": 1.4,
        "metrics": {},
        "policies": POLICIES,
    }
    return {key: value for key, value in (document | changes).items() if value is not None}


def write_model(
    path: Path, document: dict[str, Any] | str | None = None, *, shape: tuple[int, ...] = (SIDE, SIDE), **how: Any
) -> Path:
    """Write templates of printed digits as an ONNX file from uint8 (n, ...) to float32 (n, 10)."""
    templates = np.stack([normalize(np.asarray(printed(digit))).image for digit in "0123456789"]) / 255
    weights = templates.reshape(10, -1).T
    if shape != (SIDE, SIDE):
        weights = np.random.default_rng(0).normal(size=(int(np.prod(shape)), 10)) / 10
    document = metadata() if document is None else document
    text = document if isinstance(document, str) else json.dumps(document)
    write_linear(path, weights, text, shape, **how)
    return path


def write_linear(
    path: Path,
    weights: Any,
    text: str | None,
    shape: tuple[int, ...],
    *,
    batch: str | int = "n",
    inputs: str = "UINT8",
    softmax: bool = True,
) -> None:
    """Softmax of distances to templates, weights (pixels, k)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.asarray(weights, np.float32) * 0.5
    constants = {
        "white": np.float32(255),
        "flat": np.array([-1, len(weights)], np.int64),
        "weights": weights,
        "bias": (-(weights**2).sum(axis=0)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["numbers", "white"], ["light"]),
        helper.make_node("Reshape", ["light", "flat"], ["rows"]),
        helper.make_node("Gemm", ["rows", "weights", "bias"], ["logits" if softmax else "probabilities"]),
        *([helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1)] if softmax else []),
    ]
    graph = helper.make_graph(
        nodes,
        "templates",
        [helper.make_tensor_value_info("images", getattr(TensorProto, inputs), [batch, *shape])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [batch, weights.shape[1]])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if text is not None:
        helper.set_model_props(model, {"digitwise": text})
    onnx.save(model, path)
