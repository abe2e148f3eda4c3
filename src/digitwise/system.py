"""What this machine is and which versions run on it."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

PACKAGES = ("digitwise", "keras", "tensorflow-cpu", "tensorflow", "jax", "torch", "numpy", "scipy", "scikit-learn")


@functools.cache
def cpu_flags() -> frozenset[str]:
    """Instruction sets of this processor, as Linux names them; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    line = next((line for line in lines if line.startswith(("flags", "Features"))), ":")
    return frozenset(line.split(":", 1)[1].split())


@functools.cache
def cpu_name() -> str:
    """The processor's own name, or the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return name or platform.processor() or platform.machine()


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Installed versions of what a result depends on, Python first; read without importing any of it."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """The machine in a few words and numbers."""
    fast = sorted(flag for flag in cpu_flags() if flag in {"avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd"})
    return {"cpu": cpu_name(), "cores": cores(), "cpu_features": fast, "system": platform.platform(terse=True)}


def thread_limits(threads: int) -> dict[str, str]:
    """Environment of a process whose libraries shall compute with so many threads, whichever of them it loads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    limits = dict.fromkeys((*names, "TF_NUM_INTEROP_THREADS"), str(threads))
    if threads == 1:  # XLA has no number of threads, only whether an operation may have several
        limits["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    return limits
