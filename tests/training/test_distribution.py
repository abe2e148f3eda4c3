"""One network on several devices or hosts, simulated: what comes out is what one device gives."""

import json
import os
import socket
import subprocess
import sys

import pytest

from digitwise.cli.main import main
from digitwise.errors import RecipeError
from digitwise.recipes import find
from digitwise.training.backend import BACKEND, join_hosts
from digitwise.training.options import FitOptions
from digitwise.training.train import train

TRAINING = """
import json
from contextlib import nullcontext
from digitwise.training.backend import data_parallel, join_hosts

process = join_hosts()

import jax
from digitwise.data.splits import split_validation
from digitwise.recipes import find
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from tests.helpers import blobs

recipe = find("augmented").replace(epochs=3, batch_size=12, learning_rate=0.004, optimizer="adam")
with data_parallel(recipe.batch_size) if jax.device_count() > 1 else nullcontext():
    fitted = fit(recipe, split_validation(blobs(90), size=17), FitOptions(precision="float32"))
print(json.dumps({"process": process, "devices": jax.device_count(), "losses": [r["loss"] for r in fitted.history]}))
"""

TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


def start(code, **environment):
    return launch(["-c", code], **environment)


def launch(arguments, **environment):
    known = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}
    told = {**known, "KERAS_BACKEND": "jax", **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, *arguments], env=told, text=True, **pipes)


def result(process):
    out, told = process.communicate(timeout=200)
    assert process.returncode == 0, told
    return json.loads(out.splitlines()[-1])


def two_hosts():
    """What Keras is told on each of two hosts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    common = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    return [{**common, "KERAS_DISTRIBUTION_PROCESS_ID": str(number)} for number in range(2)]


@pytest.fixture(scope="module")
def alone():
    return result(start(TRAINING))


@pytest.mark.slow
def test_two_devices_have_the_losses_of_one(alone):
    shared = result(start(TRAINING, **TWO_DEVICES))
    assert (alone["devices"], shared["devices"]) == (1, 2)
    assert shared["losses"] == pytest.approx(alone["losses"], abs=1e-4)


@pytest.mark.slow
def test_two_hosts_have_the_losses_of_one(alone):
    started = [start(TRAINING, **host) for host in two_hosts()]
    found = [result(process) for process in started]
    assert [each["process"] for each in found] == [0, 1]
    assert found[0]["losses"] == found[1]["losses"] == pytest.approx(alone["losses"], abs=1e-4)


def test_only_jax_distributes():
    assert BACKEND != "jax"
    with pytest.raises(RecipeError, match=r"^distribute: expected Keras on JAX, got .*; set KERAS_BACKEND=jax$"):
        join_hosts()


TRAIN = "-m digitwise train baseline --data digits --epochs 1 --batch-size 32 --distribute --json --precision float32"
ASKED = TRAIN.split()


@pytest.mark.slow
def test_the_first_of_two_hosts_writes_the_run_and_the_other_one_nothing(tmp_path):
    places = [tmp_path / "first", tmp_path / "other"]
    started = [
        launch([*ASKED, "--out", str(place)], **host, DIGITWISE_LEDGER=f"{place}-looks")
        for place, host in zip(places, two_hosts(), strict=True)
    ]
    (told, _), (said, wrong) = (process.communicate(timeout=200) for process in started)
    assert [process.returncode for process in started] == [0, 0], wrong
    assert json.loads(told)["run"] == str(places[0])
    assert said == ""
    assert {file.name for file in tmp_path.iterdir()} == {"first", "first-looks"}


@pytest.mark.slow
def test_a_batch_that_devices_cannot_share_evenly_is_refused(tmp_path):
    process = launch([*ASKED, "--out", str(tmp_path / "run"), "--batch-size", "13"], **TWO_DEVICES)
    _, error = process.communicate(timeout=200)
    assert process.returncode == 2
    assert "expected a batch that 2 devices can share evenly, got 13; give batch_size=14 (--batch-size)" in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", ["--seeds", "--jobs", "--threads"])
def test_what_trains_side_by_side_is_not_distributed(more, tmp_path, capsys):
    assert main(["train", "flash", "--data", "digits", "--distribute", "--out", str(tmp_path / "run"), more, "2"]) == 2
    assert "expected --distribute or --seeds, --cluster, --jobs, --threads, got both" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_budget_is_refused_on_several_hosts(monkeypatch, small, tmp_path):
    monkeypatch.setenv("KERAS_DISTRIBUTION_JOB_ADDRESSES", "10.0.0.1:1")
    with pytest.raises(RecipeError, match="neither a budget nor an earlier checkpoint on several hosts"):
        train(find("flash"), small, FitOptions(budget=5.0), out=tmp_path / "run", distribute=True)
