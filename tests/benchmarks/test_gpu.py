"""The recorder for a GPU, on the CPU: its clock, and that it keeps what it prints."""

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks
from benchmarks.gpu.stopwatch import Stopwatch
from digitwise.images import Dataset
from digitwise.recipes import find
from tests.helpers import blobs

RECORD = Path(benchmarks.__file__).parent / "gpu" / "record.py"
BACKEND = next(name for name in ("jax", "torch", "tensorflow") if importlib.util.find_spec(name))


def test_stopwatch_leaves_out_what_each_network_compiles(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("benchmarks.gpu.stopwatch.perf_counter", lambda: now[0])
    watch = Stopwatch()

    def after(seconds, told, *arguments):
        now[0] += seconds
        told(*arguments)

    for _ in range(2):
        after(50, watch.on_start, None)
        after(100, watch.on_steps, 1, 0.1, 1.0, 0.5)  # the first step, compiled
        after(1, watch.on_steps, 1, 0.5, 1.0, 0.5)
        after(100, watch.on_epoch, {"epoch": 1}, 0.5)  # the first validation, compiled
        after(2, watch.on_steps, 2, 0.8, 1.0, 0.5)
        after(4, watch.on_epoch, {"epoch": 2}, 0.8)
        after(8, watch.on_steps, 3, 1.0, 1.0, 0.5)
        after(100, watch.on_epoch, {"epoch": 3}, 1.0)
    assert watch.seconds == 2 * (1 + 2 + 4 + 8)


@pytest.mark.slow
def test_recorder_keeps_its_row_and_every_line(tmp_path):
    out = tmp_path / "rows.csv"
    arguments = ["flash", "--data", "digits", "--seeds", "1", "--precision", "float32", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, str(RECORD), *arguments],
        env={**os.environ, "KERAS_BACKEND": BACKEND},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    (row,) = rows
    assert (row["seed"], row["backend"], row["device"], row["precision"]) == ("0", BACKEND, "cpu", "float32")
    assert row[BACKEND]  # its version
    assert 0 < float(row["after_compile_seconds"]) < float(row["fit_seconds"])
    assert out.with_suffix(".txt").read_text(encoding="utf-8") == done.stdout
    assert len(done.stdout.splitlines()) == 3


def test_peer_has_a_row_like_a_recipe():
    pytest.importorskip("torch")
    from benchmarks.gpu import record

    dataset = Dataset("own", "drawn", blobs(64), blobs(16, seed=1))
    row = record.peer(dataset, "float32")(3)
    assert (row["recipe"], row["seed"], row["precision"]) == ("fast-torch", 3, "float32")
    ours = record.measure(find("flash").replace(batch_size=16), dataset, "float32", 3)
    assert row.keys() == ours.keys()
    assert 0 < row["after_compile_seconds"]
