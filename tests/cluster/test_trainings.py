"""A training on a cluster gives what it gives on this machine."""

import numpy as np
import pytest

from digitwise import ledger
from digitwise.cluster.connect import connected
from digitwise.cluster.pool import RayPool
from digitwise.data.splits import split_validation
from digitwise.images import Dataset
from digitwise.recipes import Augmentation, Recipe
from digitwise.training.fit import fit_parts
from digitwise.training.processes import Processes
from digitwise.training.seeds import train_seeds
from tests.helpers import blobs

QUICK = Recipe("quick", "for tests", "narrow-cnn", epochs=2, batch_size=16, learning_rate=0.003)


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITWISE_LEDGER", str(tmp_path / "ledger"))
    return Dataset("blobs", "made", blobs(90), blobs(45, seed=1))


def without_seconds(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_networks_are_bit_for_bit_those_of_this_machine(two_nodes, dataset):
    recipe = QUICK.replace(members=2, augmentation=Augmentation(rotation_range=8), focus=0.1)
    splits = split_validation(dataset.train)
    here = fit_parts(recipe, splits, seed=3, precision="float32", pool=Processes(1, threads=1))
    with connected(two_nodes.address) as ray:
        there = fit_parts(recipe, splits, seed=3, precision="float32", pool=RayPool(ray, threads=1))
    for one, other in zip(here, there, strict=True):
        assert all(map(np.array_equal, one.weights, other.weights))
        assert without_seconds(one.history) == without_seconds(other.history)


def test_runs_of_several_seeds_are_those_of_this_machine(two_nodes, dataset, tmp_path):
    here = train_seeds(QUICK, dataset, [0, 1], tmp_path / "here", Processes(1, threads=1))
    before = len(ledger.looks(dataset.fingerprint["test"]))
    with connected(two_nodes.address) as ray:
        there = train_seeds(QUICK, dataset, [0, 1], tmp_path / "there", RayPool(ray, threads=1))
    for one, other in zip(here, there, strict=True):
        assert without_seconds(one.history) == without_seconds(other.history)
        for split in ("validation", "test"):
            mine, theirs = one.predictions(split), other.predictions(split)
            assert np.array_equal(mine.probabilities, theirs.probabilities)
        assert {file.name for file in one.path.iterdir()} == {file.name for file in other.path.iterdir()}
    looks = ledger.looks(dataset.fingerprint["test"])[before:]
    assert sorted(look.run for look in looks) == sorted(str(run.path) for run in there)
