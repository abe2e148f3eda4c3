import os
import sys

from digitwise.cli import info
from digitwise.parts import EXTRAS
from digitwise.training.devices import DEVICE


def test_info_tells_what_is_missing_for_what_with_the_line_that_installs_it(digitwise, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    found = digitwise("info", "--json").json
    assert found["extras"]["sweep"] == {
        "for": "sweep",
        "missing": ["optuna"],
        "install": 'pip install "digitwise[sweep]"',
    }
    assert set(found["extras"]) == {extra.name for extra in EXTRAS}
    told = " ".join(digitwise("info").out.split())
    assert 'sweep not here (optuna): pip install "digitwise[sweep]"' in told


def test_info_tells_that_there_is_no_gpu(digitwise, monkeypatch):
    monkeypatch.setattr("digitwise.system.gpus", list)
    assert digitwise("info", "--json").json["gpu"] == {"seen": [], "used": False}
    assert "no GPU seen: trainings run on the processor" in digitwise("info").out


def test_info_tells_of_a_gpu_that_the_backend_does_not_use(digitwise, monkeypatch):
    monkeypatch.setattr("digitwise.system.gpus", lambda: ["NVIDIA H100"])
    monkeypatch.setattr("digitwise.training.backend.on_accelerator", lambda: False)
    told = digitwise("info").out
    assert "NVIDIA H100: seen, not used by" in told
    assert 'pip install "jax[cuda12]"' in told


def test_info_tells_of_a_gpu_in_use(digitwise, monkeypatch):
    monkeypatch.setattr("digitwise.system.gpus", lambda: ["NVIDIA H100"])
    monkeypatch.setattr("digitwise.training.backend.on_accelerator", lambda: True)
    assert f"NVIDIA H100: used by {info._backend()}" in digitwise("info").out


def test_versions_are_told_without_keras_too(monkeypatch):
    monkeypatch.setattr("digitwise.system.PACKAGES", ("digitwise", "numpy"))
    assert "Keras" not in info.banner()


def test_device_of_the_command_reaches_the_processes_that_train(digitwise, monkeypatch):
    monkeypatch.setenv(DEVICE, "")
    result = digitwise("train", "baseline", "--device", "gpu", "--data", "no such data")
    assert result.code == 2
    assert os.environ[DEVICE] == "gpu"
