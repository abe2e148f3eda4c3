"""ONNX files opened by onnxruntime, those from elsewhere within bounds of memory and time."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from threading import Timer
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import ModelError, one_line
from digitwise.reading.operators import EXPORT, check_operators

MAX_BYTES = 2**30  # that the layers of a model from elsewhere take together
MAX_SECONDS = 60  # until its first answer
QUIET = 3  # onnxruntime's level for errors only


def session_of(content: bytes, name: str, *, threads: int = 1, bundled: bool = False) -> Any:
    """Open an onnxruntime session on the CPU.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        For messages.
    threads : int
        Inside the network.
    bundled : bool
        Whether the file lies in the package. Another one may have no other operators than those of
        :mod:`digitwise.reading.operators`, its layers together take at most ``MAX_BYTES`` of memory, and nothing of
        it is computed before it is asked.

    Raises
    ------
    ModelError
        If it is no ONNX model, or not a model to classify images.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where it was imported before digitwise forbade it
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = QUIET
    left_out = []
    if not bundled:
        check_operators(content, name)
        _register_bounded_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        left_out = ["ConstantFolding"]
    providers = ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(content, options, providers=providers, disabled_optimizers=left_out)
        _ = [each.name for each in (*session.get_inputs(), *session.get_outputs())]  # its texts may be no UTF-8
        _ = session.get_modelmeta().custom_metadata_map
        return session
    except Exception as error:  # its exceptions share no base but this
        reason = " ".join(str(error).split())[:160] or "the file is empty"
        raise ModelError(
            f"{name}: expected an ONNX model, got what cannot be loaded ({reason}); {EXPORT}",
            path=name,
            argument="model",
            expected="an ONNX model",
            got=reason,
        ) from error


@functools.cache
def _register_bounded_memory() -> None:
    """Give onnxruntime, once in a process, the memory for models that are not in the package."""
    import onnxruntime

    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg({"max_mem": MAX_BYTES}))


def run_in_time(session: Any, inputs: Mapping[str, Any], name: str) -> NDArray[Any]:
    """The first output of a model about which nothing is known.

    Raises
    ------
    ModelError
        If it cannot be run, or takes longer than ``MAX_SECONDS``.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    timer = Timer(MAX_SECONDS, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        return np.asarray(session.run([session.get_outputs()[0].name], dict(inputs), options)[0])
    except Exception as error:  # its exceptions share no base but this
        late = options.terminate
        reason = f"no answer within {MAX_SECONDS} s" if late else one_line(error, 160)
        raise ModelError(f"{name}: expected to read images, got {reason}; {EXPORT}") from error
    finally:
        timer.cancel()
