"""Sweeps on a real cluster of two nodes, by Ray Tune."""

import tempfile
import time
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from digitwise.cluster.connect import connected
from digitwise.cluster.sweep import Tuned
from digitwise.errors import ClusterError, RecipeError
from digitwise.images import Dataset
from digitwise.recipes import Recipe
from digitwise.recipes.space import grid
from digitwise.training.outcome import Outcome
from digitwise.training.processes import Processes
from digitwise.training.watch import Watch
from tests.helpers import blobs

QUICK = Recipe("quick", "for tests", "simple-cnn", epochs=8, batch_size=16, learning_rate=0.003)
SHARED = SimpleNamespace(splits=SimpleNamespace(validation=range(100)))


@pytest.fixture(scope="module")
def joined(two_nodes):
    """Joined once, so that the cluster's workers go from one statement to the next."""
    with connected(two_nodes.address) as ray:
        yield ray


def swept(out, axis, pool, watch=None):
    from digitwise.training.sweep import sweep  # here, so that workers that import this file do not wait for Keras

    data = Dataset("own", "drawn", blobs(60), blobs(30, seed=1))
    choices = {"precision": "float32", "deterministic": True}
    return sweep(QUICK, grid(QUICK, [axis]), data, out=out, pool=pool, watch=watch, **choices)


def results(done):
    return {
        row.trial.recipe.learning_rate: (row.outcome.errors, row.outcome.log_loss, row.outcome.epochs)
        for row in done.rows
        if row.outcome.finished
    }


def test_poor_trials_are_stopped_early_and_finished_ones_equal_those_of_one_machine(joined, tmp_path):
    told = []

    from digitwise.training.saving import load_model

    class Told(Watch):
        def __init__(self, name=""):
            self.name = name

        def on_task(self, name):
            return Told(name)

        def on_steps(self, epoch, share, loss, accuracy):
            told.append((self.name, "steps"))

        def on_epoch(self, row, share):
            told.append((self.name, row["epoch"]))

    good = "learning_rate=0.003,0.002"
    alone = swept(tmp_path / "alone", good, Processes(1, threads=1))
    done = swept(tmp_path / "s", good + ",1e-9,1e-8", Tuned(joined), Told())
    assert len(results(alone)) == 2
    assert results(done) == results(alone)
    weights = (load_model(each.best.path).get_weights() for each in (done, alone))
    assert all(np.array_equal(one, other) for one, other in zip(*weights, strict=True))
    stopped = {row.trial.number: row.outcome for row in done.rows if row.outcome.state == "stopped"}
    assert stopped.keys() == {3, 4}
    assert all(outcome.epochs == 2 and outcome.errors > 0 for outcome in stopped.values())  # after a quarter
    epochs = [[what for name, what in told if name.startswith(f"trial {n}:") and what != "steps"] for n in (1, 3)]
    assert epochs == [list(range(1, 9)), [1, 2]]
    assert ("trial 1: learning_rate 0.003", "steps") in told


# What follows asks of the cluster what no network is needed for.


def tried(shared, trial, watch):
    """Trials that go on for a second or so, the later ones better."""
    for epoch in range(1, 5):
        time.sleep(0.2)
        row = {"epoch": epoch, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 0.2}
        watch.on_epoch(row, epoch / 4)
    return Outcome("finished", 100 - trial.number, 0.5, 4, 0.8, [trial.number])


def refusing(shared, trial, watch):
    raise RecipeError("scans: expected what there is not")


def a_core():
    return True


def tune(ray, n, *, function=tried, watch=None, threads=1):
    trials = grid(QUICK, ["epochs=" + ",".join(map(str, range(1, n + 1)))]).trials
    return Tuned(ray, threads).run(function, SHARED, trials, [trial.name for trial in trials], watch or Watch())


def processes(name):
    """Those of Ray that run here under this name, of the clusters that this process started."""
    return [each for each in psutil.Process().children(recursive=True) if name in " ".join(_command(each))]


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_no_trial_is_lost_with_the_process_it_runs_in_or_with_the_one_that_conducts(joined):
    killed, came = [], {}

    def kill(name):
        killed.append(name)
        processes(name)[0].kill()

    class Killing(Watch):
        def on_epoch(self, row, share):
            if not killed:
                kill("ray::ImplicitFunc")

    for place, outcome in tune(joined, 4, watch=Killing()):
        came.setdefault(place, []).append(outcome.errors)
        if len(killed) == 1:
            kill("ray::Conductor")
    assert killed == ["ray::ImplicitFunc", "ray::Conductor"]
    assert came == {0: [99], 1: [98], 2: [97], 3: [96]}


def test_no_trial_is_lost_with_a_node_and_only_the_best_so_far_brings_its_weights(joined, two_nodes):
    node, lost = two_nodes.add_node(num_cpus=1), []
    two_nodes.wait_for_nodes()

    class Losing(Watch):
        def on_epoch(self, row, share):
            if not lost:
                lost.append(node)
                two_nodes.remove_node(node, allow_graceful=False)

    came = list(tune(joined, 5, watch=Losing()))
    assert lost
    assert {place: outcome.errors for place, outcome in came} == {0: 99, 1: 98, 2: 97, 3: 96, 4: 95}
    least = 100
    for _, outcome in came:
        assert bool(outcome.parts) == (outcome.errors < least)
        least = min(least, outcome.errors)


def test_broken_off_sweep_leaves_nothing_behind(joined, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    class Breaking(Watch):
        def on_task(self, name):
            assert list(tmp_path.glob("digitwise-sweep-*"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(tune(joined, 3, watch=Breaking()))
    assert not list(tmp_path.iterdir())
    psutil.wait_procs(processes("ray::Conductor"), timeout=120)
    assert not processes("ray::Conductor")
    assert joined.get(joined.remote(a_core).remote(), timeout=120)  # none is kept


def test_what_a_trial_refuses_ends_the_sweep(joined):
    with pytest.raises(RecipeError, match=r"^scans: expected what there is not$"):
        list(tune(joined, 2, function=refusing))


def test_trials_of_more_cores_than_any_node_has_are_refused(joined):
    with pytest.raises(ClusterError, match=r"^--threads: expected at most 1 .* 3$"):
        list(tune(joined, 2, threads=3))
