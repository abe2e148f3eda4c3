"""Which backend of Keras trains, on what, and why: decided without importing any of them.

Where the system has a GPU, a backend whose build computes on it is taken before TensorFlow on the processor, which is
the fastest there. ``KERAS_BACKEND`` decides whatever is found; ``DIGITWISE_DEVICE``, which ``--device`` sets, is
``cpu`` or ``gpu``.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from digitwise.errors import MissingPartError
from digitwise.parts import BACKENDS, is_found
from digitwise.system import gpus

DEVICE = "DIGITWISE_DEVICE"
ON_GPU = ("jax", "tensorflow", "torch")  # in order of preference there: benchmarks/results/gpu-*.csv
PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin", "jax_rocm60_plugin", "jax_rocm7_plugin")
KEPT_BYTES = 2**30  # of JAX's compiled programs; the oldest go first
LIBRARIES = ("libtorch_cuda.so", "libtorch_hip.so", "torch_cuda.dll")


@dataclass(frozen=True)
class Choice:
    """A backend, and why it was chosen.

    Parameters
    ----------
    backend : str or None
        None where none is installed, or not the one that is asked for.
    gpu : bool
        Whether it is expected to compute on a GPU.
    why : str
        In words.
    """

    backend: str | None
    gpu: bool
    why: str


def choose() -> Choice:
    """Choose a backend; without one where ``KERAS_BACKEND`` or ``DIGITWISE_DEVICE`` asks for what is not there."""
    wanted, device = os.environ.get("KERAS_BACKEND"), os.environ.get(DEVICE)
    if trouble := _refused(wanted, device):
        return Choice(None, False, trouble)
    installed = [wanted] if wanted else list(filter(is_found, BACKENDS))
    first = next(iter(installed), None)
    by = "KERAS_BACKEND asks for it" if wanted else "the fastest on a processor of those installed"
    if device == "cpu":
        return Choice(first, False, f"{by}; {DEVICE} or --device asks for the processor")
    seen = gpus() or (["Apple GPU"] if device == "gpu" and _is_apple() else [])
    able = [name for name in ON_GPU if name in installed and computes_on_gpu(name)] if seen else []
    if able:
        return Choice(able[0], True, f"it computes on the {seen[0]}" + (f"; {by}" if wanted else ""))
    if device == "gpu":
        what = (
            f"{', '.join(seen)}, and {', '.join(installed) or 'no backend'} without support of it" if seen else "none"
        )
        how = 'install one of them, as with pip install "jax[cuda12]"'
        wish = f"{DEVICE}=gpu (--device gpu): expected a GPU that an installed backend computes on, got {what}; {how}"
        return Choice(None, False, wish)
    if first is None:
        return Choice(None, False, "none is installed")
    return Choice(first, False, f"{by}; " + (f"none computes on the {seen[0]}" if seen else "no GPU was seen"))


def _refused(wanted: str | None, device: str | None) -> str:
    """Why the environment asks for something that there is not; empty where it does not."""
    if device not in (None, "", "cpu", "gpu"):
        return f"{DEVICE}: expected cpu or gpu, got {device!r}"
    if wanted and not is_found(wanted):
        return f"KERAS_BACKEND: expected one of {', '.join(BACKENDS)}, installed, got {wanted!r}"
    return ""


def computes_on_gpu(backend: str) -> bool:
    """Whether the build of an installed backend has what it needs for a GPU."""
    return BUILDS[backend]()


def _jax() -> bool:
    return any(map(is_found, PLUGINS))


def _tensorflow() -> bool:
    """TensorFlow's usual build on Linux computes on GPUs where NVIDIA's libraries are installed beside it."""
    import importlib.metadata

    try:
        importlib.metadata.version("tensorflow-cpu")
    except importlib.metadata.PackageNotFoundError:
        return sys.platform == "linux" and is_found("nvidia") and is_found("nvidia.cudnn")
    return False


def _torch() -> bool:
    found = find_spec("torch")
    folder = Path(found.origin).parent / "lib" if found and found.origin else Path()
    return _is_apple() or any((folder / name).exists() for name in LIBRARIES)


def _is_apple() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"


BUILDS: dict[str, Callable[[], bool]] = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}


def settle() -> str:
    """Choose the backend, and set the environment by which Keras and the backend go; gives its name.

    Raises
    ------
    MissingPartError
        If there is none.
    """
    choice = choose()
    if choice.backend is None:
        raise MissingPartError(choice.why)
    if os.environ.get(DEVICE) == "cpu":
        os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "KERAS_TORCH_DEVICE": "cpu"}
    if choice.gpu and choice.backend == "jax":  # what it compiles in seconds is kept for the next process
        from digitwise.data.download import cache_folder

        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_folder() / "jax"))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
        os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(KEPT_BYTES))
    os.environ["KERAS_BACKEND"] = choice.backend
    return choice.backend
