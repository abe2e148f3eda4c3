"""The machine, the versions that run on it, and what libraries write to standard error."""

from __future__ import annotations

import functools
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from digitwise.errors import DigitwiseError

PACKAGES = ("keras", "tensorflow-cpu", "tensorflow", "jax", "torch", "numpy", "scipy", "scikit-learn")
STDERR = 2  # its number, by which they write


def cpu_flags() -> frozenset[str]:
    """Instruction sets of this processor, as Linux names them; empty where the system does not tell."""
    return frozenset(_cpu_told("flags", "Features").split())


def cpu_name() -> str:
    """The processor's own name, or the architecture."""
    return _cpu_told("model name") or platform.processor() or platform.machine()


@functools.cache
def _cpu_told(*names: str) -> str:
    """The first value under one of these names in /proc/cpuinfo; empty if there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(names)), "")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_available() -> int | None:
    """Bytes that this process may still take without swapping; None if unknown."""
    found = [_bytes_told("/proc/meminfo", "MemAvailable:"), _left_in_group()]
    return min((amount for amount in found if amount is not None), default=None)


def peak_memory() -> int | None:
    """Bytes that this process held at most so far; None where the system does not tell."""
    # Of this program alone: getrusage adds, on Linux, what the process was before it became this program.
    if (held := _bytes_told("/proc/self/status", "VmHWM:")) is not None:
        return held
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _bytes_told(file: str, name: str) -> int | None:
    """The value in kilobytes under a name in a file of /proc, as bytes; None if there is none."""
    try:
        line = next(line for line in Path(file).read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _left_in_group() -> int | None:
    """The memory left within a container's limit, by control groups of version 2."""
    try:
        group = Path("/sys/fs/cgroup")
        used = int((group / "memory.current").read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # What files have been read into goes when memory is wanted.
        return int((group / "memory.max").read_text()) - used + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):  # "max" where there is no limit
        return None


def versions() -> dict[str, str]:
    """Installed versions of what a result depends on, Python first; read without importing any of it."""
    import importlib.metadata

    from digitwise.version import __version__

    found = {"python": platform.python_version(), "digitwise": __version__}  # also where it is not installed
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


def gpus() -> list[str]:
    """The GPUs that the system tells of, by name where it has one; nothing is imported and nothing is started."""
    models = [
        line.partition(":")[2].strip()
        for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
        for line in file.read_text(errors="replace").splitlines()
        if line.startswith("Model:")
    ]
    if models:
        return models
    devices = {"/dev/nvidia0": "NVIDIA GPU", "/dev/kfd": "AMD GPU", "/dev/dxg": "GPU of Windows"}
    return [name for device, name in devices.items() if Path(device).exists()]


def thread_limits(threads: int) -> dict[str, str]:
    """Environment variables that limit the threads of all numeric libraries in a process."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    limits = dict.fromkeys((*names, "TF_NUM_INTEROP_THREADS"), str(threads))
    if threads == 1:  # XLA has no number of threads, only whether an operation may have several
        limits["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    return limits


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what libraries write to stderr past ``sys.stderr``; show it if an unexpected error occurs.

    Output of Python to ``sys.stderr`` appears as usual.
    """
    sys.stderr.flush()
    before, real = sys.stderr, os.dup(STDERR)
    with tempfile.TemporaryFile() as held, os.fdopen(real, "w", encoding="utf-8", buffering=1) as shown:
        replaced = _is_real(before)
        if replaced:
            sys.stderr = shown
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        except (DigitwiseError, KeyboardInterrupt):
            raise
        except BaseException:
            _show(held, real)
            raise
        finally:
            if replaced:
                sys.stderr = before
            shown.flush()
            os.dup2(real, STDERR)


def _is_real(stream: object) -> bool:
    """Whether a stream writes to the process's own stderr; not so where a test or a notebook has replaced it."""
    try:
        return bool(stream.fileno() == STDERR)  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False


def _show(held: BinaryIO, where: int) -> None:
    held.seek(0)
    os.write(where, held.read())
