"""Sweeps on a real cluster of two nodes."""

import os
import signal

import numpy as np
import pytest

from digitwise.cluster.connect import connected
from digitwise.cluster.pool import RayPool
from digitwise.images import Dataset
from digitwise.recipes import Recipe
from digitwise.training.options import FitOptions
from digitwise.training.pool import Processes
from digitwise.training.saving import load_model
from digitwise.training.sweep import sweep
from digitwise.training.watch import Watch
from tests.helpers import blobs

QUICK = Recipe("quick", "for tests", "simple-cnn", epochs=8, batch_size=16, learning_rate=0.003)
GOOD = "learning_rate=0.003,0.002,0.0025,0.0035"


@pytest.fixture(scope="module")
def joined(two_nodes):
    """Joined once, so that the cluster's workers go from one statement to the next."""
    with connected(two_nodes.address) as ray:
        yield ray


def swept(out, axis, pool, watch=None):
    data = Dataset("own", "drawn", blobs(60), blobs(30, seed=1))
    options = FitOptions(precision="float32", deterministic=True)
    return sweep(QUICK, data, options, grid=[axis], out=out, pool=pool, watch=watch)


def results(done):
    return {
        row.trial.recipe.learning_rate: (row.result.errors, row.result.log_loss, row.result.epochs)
        for row in done.rows
        if row.result.finished
    }


def test_poor_trials_are_stopped_early_and_finished_ones_equal_those_of_one_machine(joined, tmp_path):
    told = []

    class Told(Watch):
        def __init__(self, name=""):
            self.name = name

        def on_task(self, name):
            return Told(name)

        def on_steps(self, epoch, share, loss, accuracy):
            told.append((self.name, "steps"))

        def on_epoch(self, row, share):
            told.append((self.name, row["epoch"]))

    alone = swept(tmp_path / "alone", GOOD, Processes(1, threads=1))
    done = swept(tmp_path / "s", GOOD + ",1e-9,1e-8", RayPool(joined), Told())
    assert len(results(alone)) == 4
    assert results(done) == results(alone)
    weights = (load_model(each.best.path).get_weights() for each in (done, alone))
    assert all(np.array_equal(one, other) for one, other in zip(*weights, strict=True))
    stopped = {row.trial.number: row.result for row in done.rows if row.result.state == "stopped"}
    assert stopped.keys() == {6} or stopped.keys() == {
        5,
        6,
    }  # the fifth may be there before the fourth ended
    assert all(outcome.epochs in (2, 4) and outcome.errors > 0 for outcome in stopped.values())
    epochs = [[what for name, what in told if name.startswith(f"trial {n}:") and what != "steps"] for n in (1, 6)]
    assert epochs == [list(range(1, 9)), list(range(1, stopped[6].epochs + 1))]
    assert ("trial 1: learning_rate 0.003", "steps") in told


def killing(shared, trial, watch):
    """Trials, of which one ends its process each time."""
    from digitwise.training import trials as module

    if trial.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return module.run_trial(shared, trial, watch)


@pytest.mark.parametrize("kind", ["processes", "ray"])
def test_a_trial_that_is_lost_each_time_is_a_row_and_the_others_go_on(request, kind, tmp_path, monkeypatch):
    pool = Processes(1, threads=1) if kind == "processes" else RayPool(request.getfixturevalue("joined"))
    monkeypatch.setattr("digitwise.training.sweep.run_trial", killing)
    done = swept(tmp_path / "s", "epochs=1,2,3", pool)
    assert {row.trial.number: row.result.state for row in done.rows} == {1: "finished", 2: "lost", 3: "finished"}
    assert done.info["finished"] == 2
