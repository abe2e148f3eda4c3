"""Which number format to compute in: what the processor is fast at."""

from __future__ import annotations

import os
from typing import Literal

from digitwise.system import cpu_flags

Precision = Literal["float32", "bfloat16"]

# Without these instructions bfloat16 is emulated and several times slower than float32.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def best_precision(*, accelerator: bool = False) -> Precision:
    """Choose bfloat16 on an accelerator and where the CPU computes with it, else float32.

    JAX does not use those instructions of a CPU.
    """
    fast_cpu = BFLOAT16_FLAGS & cpu_flags() and os.environ.get("KERAS_BACKEND") != "jax"
    return "bfloat16" if accelerator or fast_cpu else "float32"


def dtype_policy(precision: Precision) -> str:
    """The Keras dtype policy for a precision: weights stay float32 in either."""
    return "mixed_bfloat16" if precision == "bfloat16" else "float32"
