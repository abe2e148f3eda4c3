"""A training on a cluster gives what it gives on this machine."""

import numpy as np
import pytest

from digitwise import ledger
from digitwise.cluster.connect import connected
from digitwise.cluster.pool import RayPool
from digitwise.data.splits import split_validation
from digitwise.images import Dataset
from digitwise.recipes import Augmentation, Recipe
from digitwise.runs import Run
from digitwise.training.fit import fit_networks
from digitwise.training.options import FitOptions
from digitwise.training.pool import Here, Processes
from digitwise.training.train import train_seeds
from digitwise.training.watch import Watch
from tests.helpers import blobs

pytestmark = pytest.mark.slow  # a cluster of two nodes takes minutes

QUICK = Recipe("quick", "for tests", "narrow-cnn", epochs=2, batch_size=16, learning_rate=0.003)


ENSEMBLE = QUICK.replace(members=2, augmentation=Augmentation(rotation_range=8), focus=0.1)
SEEDS = [0, 1]


def trained(dataset, pool, out):
    """An ensemble's networks, and runs of several seeds."""
    splits = split_validation(dataset.train)
    parts = fit_networks(ENSEMBLE, splits, FitOptions(seed=3, precision="float32"), pool=pool)
    return parts, [run.path for run in train_seeds(QUICK, dataset, SEEDS, out=out, pool=pool)]


def in_one_process(dataset, out, watch):
    return trained(dataset, Here(), out)


@pytest.fixture(scope="module")
def dataset():
    return Dataset("blobs", "made", blobs(90), blobs(45, seed=1))


@pytest.fixture(scope="module")
def both(two_nodes, dataset, tmp_path_factory):
    """The same by one process with one thread, and on a cluster; and the looks at the test set of the latter."""
    place = tmp_path_factory.mktemp("trainings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITWISE_LEDGER", str(place / "ledger"))
        ((_, here),) = Processes(1, threads=1).run(in_one_process, dataset, [place / "here"], ["all"], Watch())
        before = len(ledger.looks(dataset.fingerprint["test"]))
        with connected(two_nodes.address) as ray:
            there = trained(dataset, RayPool(ray, threads=1), place / "there")
        return here, there, ledger.looks(dataset.fingerprint["test"])[before:]


def without_seconds(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_networks_are_bit_for_bit_those_of_this_machine(both):
    (here, _), (there, _), _ = both
    assert len(here) == 2
    for one, other in zip(here, there, strict=True):
        assert all(map(np.array_equal, one.weights, other.weights))
        assert without_seconds(one.history) == without_seconds(other.history)


def test_runs_of_several_seeds_are_those_of_this_machine(both):
    (_, here), (_, there), looks = both
    for one, other in zip(map(Run.open, here), map(Run.open, there), strict=True):
        assert without_seconds(one.history) == without_seconds(other.history)
        for split in ("validation", "test"):
            mine, theirs = one.predictions(split), other.predictions(split)
            assert np.array_equal(mine.probabilities, theirs.probabilities)
        assert {file.name for file in one.path.iterdir()} == {file.name for file in other.path.iterdir()}
    assert [path.name for path in there] == [f"seed-{seed}" for seed in SEEDS]
    assert sorted(look.run for look in looks) == sorted(map(str, there))
