"""Which backend trains, and on what: decided from what is installed and what the system has."""

import os
import subprocess
import sys

import pytest

from digitwise.errors import MissingPartError
from digitwise.training import devices
from digitwise.training.devices import choose

CARD = "NVIDIA H100"


@pytest.fixture
def machine(monkeypatch):
    """A machine with backends, builds of them for GPUs, and GPUs."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delenv(devices.DEVICE, raising=False)
    monkeypatch.setattr(devices, "_is_apple", lambda: False)

    def make(installed, for_gpu=(), gpus=(), **environment):
        monkeypatch.setattr(devices, "is_found", lambda name: name in installed)
        monkeypatch.setattr(devices, "computes_on_gpu", lambda name: name in for_gpu)
        monkeypatch.setattr(devices, "gpus", lambda: list(gpus))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return choose()

    return make


def test_without_a_gpu_the_fastest_on_a_processor_is_chosen(machine):
    found = machine(("torch", "tensorflow", "jax"), for_gpu=("torch",))
    assert (found.backend, found.gpu) == ("tensorflow", False)
    assert found.why == "the fastest on a processor of those installed; no GPU was seen"


def test_a_gpu_that_a_backend_computes_on_wins_over_tensorflow_on_the_processor(machine):
    found = machine(("tensorflow", "torch"), for_gpu=("torch",), gpus=[CARD])
    assert (found.backend, found.gpu, found.why) == ("torch", True, f"it computes on the {CARD}")
    assert machine(("tensorflow", "torch", "jax"), for_gpu=("torch", "jax"), gpus=[CARD]).backend == "jax"
    unused = machine(("tensorflow",), gpus=[CARD])
    assert (unused.backend, unused.gpu) == ("tensorflow", False)
    assert unused.why.endswith(f"none computes on the {CARD}")


def test_the_user_decides(machine):
    asked = machine(("tensorflow", "jax"), for_gpu=("jax",), gpus=[CARD], KERAS_BACKEND="tensorflow")
    assert (asked.backend, asked.gpu) == ("tensorflow", False)
    assert asked.why.startswith("KERAS_BACKEND asks for it")


def test_the_processor_can_be_asked_for(machine):
    found = machine(("tensorflow", "jax"), for_gpu=("jax",), gpus=[CARD], DIGITWISE_DEVICE="cpu")
    assert (found.backend, found.gpu) == ("tensorflow", False)


@pytest.mark.parametrize(
    ("installed", "gpus", "words"),
    [
        (("tensorflow",), [CARD], f"got {CARD}, and tensorflow without support of it; install one of them"),
        (("tensorflow",), [], "got none; install one of them"),
        ((), [CARD], f"got {CARD}, and no backend without support of it"),
    ],
)
def test_a_gpu_that_is_asked_for_and_not_there_is_told(machine, installed, gpus, words):
    found = machine(installed, gpus=gpus, DIGITWISE_DEVICE="gpu")
    assert found.backend is None
    assert found.why.startswith("DIGITWISE_DEVICE=gpu (--device gpu): expected a GPU")
    assert words in found.why
    with pytest.raises(MissingPartError, match=r"^DIGITWISE_DEVICE=gpu"):
        devices.settle()


def test_other_devices_are_refused(machine):
    assert machine(("tensorflow",), DIGITWISE_DEVICE="tpu").why == "DIGITWISE_DEVICE: expected cpu or gpu, got 'tpu'"


def test_builds_of_this_environment_are_told_apart():
    """Those of the suite are for processors."""
    import importlib.util

    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("no TensorFlow")
    import importlib.metadata

    names = {each.name for each in importlib.metadata.distributions()}
    if "tensorflow-cpu" in names:
        assert not devices.computes_on_gpu("tensorflow")
    assert devices.computes_on_gpu("jax") == any("cuda" in name and "plugin" in name for name in names)


def test_choosing_imports_no_backend():
    code = (
        "import sys; from digitwise.training.devices import choose; choose();"
        "print([name for name in ('keras', 'tensorflow', 'jax', 'torch') if name in sys.modules])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
