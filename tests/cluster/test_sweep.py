"""Sweeps on a real cluster of two nodes, by Ray Tune."""

import tempfile

import numpy as np
import psutil
import pytest

from digitwise.cluster.connect import connected
from digitwise.cluster.sweep import Tuned
from digitwise.errors import ClusterError, RecipeError
from digitwise.images import Dataset
from digitwise.recipes import Recipe
from digitwise.recipes.space import grid
from digitwise.training.processes import Processes
from digitwise.training.saving import load_model
from digitwise.training.sweep import sweep
from digitwise.training.watch import Watch
from tests.helpers import blobs

QUICK = Recipe("quick", "for tests", "simple-cnn", epochs=8, batch_size=16, learning_rate=0.003)
GOOD = "learning_rate=0.003,0.002,0.001"
SET = Dataset("own", "drawn", blobs(60), blobs(30, seed=1))


def swept(out, axis, pool, **others):
    return sweep(QUICK, grid(QUICK, [axis]), SET, out=out, pool=pool, precision="float32", deterministic=True, **others)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The good learning rates, one after another in a process of one thread."""
    return swept(tmp_path_factory.mktemp("sweeps") / "alone", GOOD, Processes(1, 1))


def results(done):
    return {
        row.trial.recipe.learning_rate: (row.outcome.errors, row.outcome.log_loss, row.outcome.epochs)
        for row in done.rows
        if row.outcome.finished
    }


def processes(name):
    """Those of Ray that run here under this name, of the clusters that this process started."""
    return [each for each in psutil.Process().children(recursive=True) if name in " ".join(_command(each))]


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_poor_trials_are_stopped_early_and_finished_ones_equal_those_of_one_machine(two_nodes, alone, tmp_path):
    told = []

    class Told(Watch):
        def __init__(self, name=""):
            self.name = name

        def on_task(self, name):
            return Told(name)

        def on_epoch(self, row, share):
            told.append((self.name, row["epoch"]))

    with connected(two_nodes.address) as ray:
        done = swept(tmp_path / "s", GOOD + ",1e-9,1e-8", Tuned(ray), watch=Told())
    assert results(done) == results(alone)
    stopped = {row.trial.number: row.outcome for row in done.rows if row.outcome.state == "stopped"}
    assert stopped.keys() == {4, 5}
    assert all(outcome.epochs == 2 and outcome.errors > 0 for outcome in stopped.values())  # after a quarter
    weights = (load_model(each.best.path).get_weights() for each in (done, alone))
    assert all(np.array_equal(one, other) for one, other in zip(*weights, strict=True))
    assert [epoch for name, epoch in told if name == "trial 1: learning_rate 0.003"] == list(range(1, 9))
    assert [epoch for name, epoch in told if name == "trial 4: learning_rate 1e-09"] == [1, 2]


def test_no_trial_is_lost_with_the_process_it_runs_in_or_with_the_one_that_conducts(two_nodes, alone, tmp_path):
    killed = []

    class Killing(Watch):
        def on_epoch(self, row, share):
            if not killed:
                victim = processes("ray::ImplicitFunc")[0]
                killed.append("trial")
                victim.kill()

    def kill_conductor(row):
        if "conductor" not in killed:
            (victim,) = processes("ray::Conductor")
            killed.append("conductor")
            victim.kill()

    with connected(two_nodes.address) as ray:
        done = swept(tmp_path / "s", GOOD, Tuned(ray), watch=Killing(), tell=kill_conductor)
    assert killed == ["trial", "conductor"]
    assert results(done) == results(alone)


def test_no_trial_is_lost_with_a_node(alone, tmp_path):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        lost = []

        class Losing(Watch):
            def on_epoch(self, row, share):
                if not lost:
                    lost.append(node)
                    cluster.remove_node(node, allow_graceful=False)

        with connected(cluster.address) as ray:
            done = swept(tmp_path / "s", GOOD, Tuned(ray), watch=Losing())
        assert lost
        assert results(done) == results(alone)
    finally:
        cluster.shutdown()


def test_broken_off_sweep_leaves_nothing_behind(two_nodes, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    class Breaking(Watch):
        def on_task(self, name):
            assert list(tmp_path.glob("digitwise-sweep-*"))
            raise KeyboardInterrupt

    with connected(two_nodes.address) as ray:
        with pytest.raises(KeyboardInterrupt):
            swept(tmp_path / "s", GOOD, Tuned(ray), watch=Breaking())
        assert not list(tmp_path.iterdir())
        psutil.wait_procs(processes("ray::Conductor"), timeout=10)
        assert not processes("ray::Conductor")


def test_what_a_trial_refuses_ends_the_sweep(two_nodes, tmp_path):
    colour = Dataset("own", "drawn", blobs(60, channels=3), blobs(30, channels=3))
    with connected(two_nodes.address) as ray, pytest.raises(RecipeError, match="choose a recipe without scans"):
        sweep(QUICK, grid(QUICK, ["scans=1"]), colour, out=tmp_path / "s", pool=Tuned(ray))


def test_trials_of_more_cores_than_any_node_has_are_refused(two_nodes, tmp_path):
    with (
        connected(two_nodes.address) as ray,
        pytest.raises(ClusterError, match=r"--threads: expected 1 or fewer, .* got 3"),
    ):
        swept(tmp_path / "s", GOOD, Tuned(ray, threads=3))
