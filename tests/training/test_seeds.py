import numpy as np
import pytest

from digitwise import ledger
from digitwise.data.splits import split_validation
from digitwise.errors import RecipeError, RunError
from digitwise.images import Dataset
from digitwise.recipes import Recipe
from digitwise.training.fit import fit_parts
from digitwise.training.folds import cross_validations, out_of_fold
from digitwise.training.pool import Here
from digitwise.training.processes import Processes
from digitwise.training.seeds import train_seeds
from digitwise.training.train import train
from digitwise.training.watch import Watch
from tests.helpers import blobs

QUICK = Recipe("quick", "for tests", "narrow-cnn", epochs=2, batch_size=16, learning_rate=0.003)


@pytest.fixture(scope="module")
def dataset():
    return Dataset("blobs", "made", blobs(90), blobs(45, seed=1))


@pytest.fixture(autouse=True)
def own_ledger(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITWISE_LEDGER", str(tmp_path / "ledger"))


class Names(Watch):
    def __init__(self):
        self.begun, self.done, self.earlier, self.epochs = [], [], [], []

    def on_task(self, name):
        self.begun.append(name)
        return self

    def on_task_done(self, name):
        self.done.append(name)

    def on_finished_earlier(self):
        self.earlier.append(self.begun[-1])

    def on_epoch(self, row, share):
        self.epochs.append(row["epoch"])


class Elsewhere:
    """Tasks here, as if on machines that share no disk with this one."""

    shares_disk = False

    def run(self, function, shared, tasks, names, watch):
        results = list(Here().run(function, shared, tasks, names, watch))
        yield from reversed(results)  # the order in which they are done is nobody's promise


@pytest.mark.parametrize("pool", [Here(), Elsewhere()], ids=["here", "elsewhere"])
def test_each_seed_gives_the_run_that_it_gives_alone(dataset, tmp_path, pool):
    watch = Names()
    first, second = train_seeds(QUICK, dataset, [4, 9], tmp_path / "runs", pool, deterministic=True, watch=watch)
    alone = train(QUICK, dataset, seed=9, out=tmp_path / "alone", deterministic=True)
    assert [first.info["seed"], second.info["seed"]] == [4, 9]
    assert second.path == tmp_path / "runs" / "seed-9"
    assert np.array_equal(second.predictions("test").probabilities, alone.predictions("test").probabilities)
    assert {file.name for file in second.path.iterdir()} == {file.name for file in alone.path.iterdir()}
    assert sorted(watch.done) == ["seed 4", "seed 9"]
    assert not list((tmp_path / "runs").glob(".*"))


@pytest.mark.parametrize("pool", [Here(), Elsewhere()], ids=["here", "elsewhere"])
def test_each_run_notes_its_one_look_at_the_test_pictures(dataset, tmp_path, pool):
    runs = train_seeds(QUICK, dataset, [0, 1], tmp_path / "runs", pool)
    looks = ledger.looks(dataset.fingerprint["test"])
    assert sorted(look.run for look in looks) == sorted(str(run.path) for run in runs)
    assert [len(run.info["test_reads"]) for run in runs] == [1, 1]


@pytest.mark.parametrize("pool", [Here(), Elsewhere()], ids=["here", "elsewhere"])
def test_whole_runs_are_not_trained_again_with_resume(dataset, tmp_path, pool):
    (before,) = train_seeds(QUICK, dataset, [0], tmp_path, pool)
    watch = Names()
    told = []
    runs = train_seeds(QUICK, dataset, [0, 1], tmp_path, pool, resume=True, watch=watch, tell=told.append)
    assert watch.earlier == ["seed 0"]
    assert watch.epochs == [1, 2]
    assert runs[0].info["created"] == before.info["created"]
    assert [run.info["seed"] for run in told] == [0, 1]


def test_a_run_is_no_folder_for_runs(dataset, tmp_path):
    train(QUICK, dataset, out=tmp_path / "run")
    with pytest.raises(RunError, match="expected a folder for several runs, got a run"):
        train_seeds(QUICK, dataset, [0], tmp_path / "run")


def test_something_else_in_the_place_of_a_run_is_told_before_training(dataset, tmp_path):
    (tmp_path / "seed-1").write_text("mine")
    watch = Names()
    with pytest.raises(RunError, match="seed-1: expected a new name or a run folder"):
        train_seeds(QUICK, dataset, [0, 1], tmp_path, watch=watch)
    assert watch.begun == []


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], [2**32]], ids=["none", "twice", "negative", "large"])
def test_seeds_that_cannot_be_used_are_refused(dataset, tmp_path, seeds):
    with pytest.raises(RecipeError, match="seeds: expected different ones"):
        train_seeds(QUICK, dataset, seeds, tmp_path)


def test_processes_train_into_their_places(dataset, tmp_path):
    watch = Names()
    runs = train_seeds(QUICK, dataset, [0, 1], tmp_path / "runs", Processes(2, threads=1), watch=watch)
    assert sorted(watch.done) == ["seed 0", "seed 1"]
    assert sorted(watch.epochs) == [1, 1, 2, 2]
    assert [len(run.history) for run in runs] == [2, 2]
    assert len(ledger.looks(dataset.fingerprint["test"])) == 2


def test_members_trained_elsewhere_are_those_trained_here(dataset):
    recipe, splits = QUICK.replace(members=2), split_validation(dataset.train)
    here = fit_parts(recipe, splits, deterministic=True)
    watch = Names()
    elsewhere = fit_parts(recipe, splits, deterministic=True, pool=Elsewhere(), watch=watch)
    for one, other in zip(here, elsewhere, strict=True):
        assert all(map(np.array_equal, one.weights, other.weights))
        assert [row["val_loss"] for row in one.history] == [row["val_loss"] for row in other.history]
    assert watch.done == ["network 2 of 2", "network 1 of 2"]


def test_cross_validations_at_once_are_those_one_by_one(dataset):
    recipe = QUICK.replace(epochs=1)
    at_once = cross_validations(recipe, dataset.train, [0, 5], folds=2, pool=Elsewhere())
    for seed, answers in zip([0, 5], at_once, strict=True):
        alone = out_of_fold(recipe, dataset.train, folds=2, seed=seed)
        assert np.array_equal(answers.probabilities, alone.probabilities)
