"""Keras, imported once and quietly, on the backend that is there.

The rest of ``training`` takes ``keras`` from here, so that the choice is made before the first import.
"""

from __future__ import annotations

import importlib.util
import logging
import os

from digitwise.errors import MissingPartError
from digitwise.system import held_back

BACKENDS = ("tensorflow", "jax", "torch")  # in order of preference on a CPU


def _choose() -> str:
    asked = os.environ.get("KERAS_BACKEND")
    wanted = (asked,) if asked else BACKENDS
    found = next((name for name in wanted if importlib.util.find_spec(name)), None)
    if found is None:
        raise MissingPartError(
            f"training needs a Keras backend: expected {' or '.join(wanted)} to be installed, found none; "
            f"pip install tensorflow-cpu"
        )
    return found


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = BACKEND = _choose()

with held_back():  # TensorFlow greets while it loads
    import keras  # here, when the backend is chosen

# A process that trains many networks traces each of them, and TensorFlow would take it for one traced again and again.
logging.getLogger("tensorflow").addFilter(lambda record: "retracing" not in str(record.msg))

XLA_OPTIONS: dict[str, bool] = {}  # what JAX's loop is compiled with

__all__ = ["BACKEND", "XLA_OPTIONS", "keras", "make_deterministic"]


def make_deterministic() -> None:
    """Have the same computation give the same bits from now on, in this process; slower on some devices."""
    if BACKEND == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    elif BACKEND == "torch":
        import torch

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it CUDA's matrix products refuse
        torch.use_deterministic_algorithms(True)
    else:
        # On a GPU XLA adds in any order otherwise. As an option of each compilation it also holds where JAX has started
        # already, when XLA_FLAGS are no longer read; on a CPU it changes nothing.
        XLA_OPTIONS["xla_gpu_deterministic_ops"] = True
