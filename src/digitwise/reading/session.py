"""A session of onnxruntime from a file that may be anything."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Any

from digitwise.errors import ModelError, one_line
from digitwise.files import expanded
from digitwise.reading.card import EXPORT

BUNDLED = "model.onnx"
QUIET = 3  # onnxruntime's level for errors only


def open_session(path: str | Path | None) -> tuple[Any, str]:
    """Load a model.

    Parameters
    ----------
    path : str or Path, optional
        By default the model in the package.

    Returns
    -------
    (onnxruntime.InferenceSession, str)
        On the CPU, one thread a call; and what messages call it.

    Raises
    ------
    ModelError
        If it is no ONNX file, or not one from pictures to probabilities.
    """
    content, name = model_content(path)
    session = session_of(content, name)
    _check_ends(session, name)
    return session, name


def model_content(path: str | Path | None) -> tuple[bytes, str]:
    """What is in a model's file, and what messages call it; by default the model in the package.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    if path is None:
        bundled = importlib.resources.files("digitwise.reading") / BUNDLED
        if not bundled.is_file():
            raise ModelError(f"this installation has no model of its own: expected one by --model; {EXPORT}")
        return bundled.read_bytes(), "the bundled model"
    file = expanded(path)
    if file == Path():  # what an empty name becomes
        raise ModelError(f"expected the name of a model file, got an empty one or this folder; {EXPORT}")
    try:
        return file.read_bytes(), str(path)
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be read: {error.strerror or error}; {EXPORT}") from error


def session_of(content: bytes, name: str, *, threads: int = 1) -> Any:
    """A session on the CPU with so many threads inside the network; ``name`` is for messages.

    Raises
    ------
    ModelError
        If it is no ONNX model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = QUIET
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base but this
        reason = one_line(str(error), 160) or "the file is empty"
        raise ModelError(f"{name}: expected an ONNX model, got what cannot be loaded ({reason}); {EXPORT}") from error


def _check_ends(session: Any, name: str) -> None:
    """There must be one input and one output, of the right kind."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    came = f"got {_told(inputs)} to {_told(outputs)}; {EXPORT}"
    fits = (
        len(inputs) == len(outputs) == 1
        and inputs[0].type == "tensor(uint8)"
        and outputs[0].type == "tensor(float)"
        and len(inputs[0].shape) in (3, 4)
        and not isinstance(inputs[0].shape[0], int)
        and all(isinstance(side, int) and side > 0 for side in inputs[0].shape[1:])
        and inputs[0].shape[3:] in ([], [3])
    )
    if not fits:
        raise ModelError(f"{name}: expected pictures uint8 (n, h, w) to probabilities float (n, k), {came}")


def _told(ends: list[Any]) -> str:
    return ", ".join(f"{each.name} {each.type} {each.shape}" for each in ends) or "nothing"
