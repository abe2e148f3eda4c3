import shutil
from dataclasses import dataclass
from hashlib import sha256
from types import SimpleNamespace

import numpy as np
import pytest

from digitwise import ledger, unfinished
from digitwise.data.splits import split_validation
from digitwise.errors import RecipeError, RunError
from digitwise.images import Dataset
from digitwise.predictions import Predictions
from digitwise.recipes import Recipe
from digitwise.training import folds
from digitwise.training.fit import fit_networks
from digitwise.training.options import FitOptions
from digitwise.training.pool import Here
from digitwise.training.train import train, train_seeds
from digitwise.training.watch import Watch
from tests.helpers import blobs

QUICK = Recipe("quick", "for tests", "narrow-cnn", epochs=2, batch_size=16, learning_rate=0.003)


@pytest.fixture(scope="module")
def dataset():
    return Dataset("blobs", "made", blobs(90), blobs(45, seed=1))


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
        yield from reversed(results)  # the order in which they are done is nobody's guarantee


@dataclass
class Made:
    """Runs of seeds 4 and 9, what watched them, and the looks at their test set."""

    runs: list
    watch: Names
    looks: list
    pool: object


@pytest.fixture(scope="module", params=[Here(), Elsewhere()], ids=["here", "elsewhere"])
def made(request, dataset, tmp_path_factory):
    folder, watch = tmp_path_factory.mktemp("seeds"), Names()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITWISE_LEDGER", str(folder / "ledger"))
        where = {"out": folder / "runs", "pool": request.param}
        done = train_seeds(QUICK, dataset, [4, 9], FitOptions(deterministic=True), watch=watch, **where)
        return Made(done, watch, ledger.looks(dataset.fingerprint["test"]), request.param)


@pytest.fixture(scope="module")
def alone(dataset, tmp_path_factory):
    return train(QUICK, dataset, FitOptions(seed=9, deterministic=True), out=tmp_path_factory.mktemp("alone") / "run")


@pytest.mark.slow
def test_each_seed_gives_the_run_that_it_gives_alone(made, alone):
    first, second = made.runs
    assert [first.info["seed"], second.info["seed"]] == [4, 9]
    assert (first.path.name, second.path.name) == ("seed-4", "seed-9")
    assert np.array_equal(second.predictions("test").probabilities, alone.predictions("test").probabilities)
    assert {file.name for file in second.path.iterdir()} == {file.name for file in alone.path.iterdir()}
    assert sorted(made.watch.done) == ["seed 4", "seed 9"]
    assert {path.name for path in first.path.parent.iterdir()} == {"seed-4", "seed-9"}


def test_each_run_notes_its_one_look_at_the_test_images(made):
    assert sorted(look.run for look in made.looks) == sorted(str(run.path) for run in made.runs)
    assert [len(run.info["test_reads"]) for run in made.runs] == [1, 1]


def test_whole_runs_are_not_trained_again_with_resume(made, dataset, tmp_path):
    before = made.runs[0]
    shutil.copytree(before.path, tmp_path / "seed-4")
    watch, options = Names(), FitOptions(deterministic=True)
    found = train_seeds(QUICK, dataset, [4, 5], options, out=tmp_path, pool=made.pool, resume=True, watch=watch)
    assert watch.earlier == ["seed 4"]
    assert watch.epochs == [1, 2]
    assert found[0].info["created"] == before.info["created"]
    assert [run.info["seed"] for run in found] == [4, 5]


def test_runs_that_started_from_other_weights_are_trained_again(small, tmp_path, monkeypatch):
    monkeypatch.setattr("digitwise.training.trainer.start_from", lambda *_: None)
    begun = FitOptions(start_from="before")
    (first,), (same,), (other,) = (
        train_seeds(QUICK.replace(epochs=1), small, [3], options, out=tmp_path, resume=True)
        for options in (begun, begun, FitOptions())
    )
    assert first.info["start_from"] == "before"
    assert same.info["created"] == first.info["created"]
    assert other.info["start_from"] is None


def test_a_run_is_no_folder_for_runs(dataset, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="expected a folder for several runs, got a run"):
        train_seeds(QUICK, dataset, [0], out=tmp_path)


class Ended:
    """A process that is ended while it trains, so that it can put nothing in order."""

    shares_disk = True

    def __init__(self, *left):
        self.left = left

    def run(self, function, shared, tasks, names, watch):
        for seed in tasks:
            partial = unfinished.begin(shared.places[seed], resume=True)
            for name in self.left:
                (partial / name).touch()
        yield from ()
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("left", "stays"),
    [((), []), ((".checkpoint-0-x7.npz",), []), (("checkpoint-0.npz",), [".seed-0.partial", ".seed-1.partial"])],
    ids=["nothing", "half a checkpoint", "a checkpoint"],
)
def test_what_broke_off_leaves_only_what_can_be_gone_on_with(dataset, tmp_path, left, stays):
    with pytest.raises(KeyboardInterrupt):
        train_seeds(QUICK, dataset, [0, 1], out=tmp_path, pool=Ended(*left))
    assert sorted(path.name for path in tmp_path.iterdir()) == stays


def test_something_else_in_the_place_of_a_run_is_told_before_training(dataset, tmp_path):
    (tmp_path / "seed-1").write_text("mine")
    watch = Names()
    with pytest.raises(RunError, match="seed-1: expected a new name or a run folder"):
        train_seeds(QUICK, dataset, [0, 1], out=tmp_path, watch=watch)
    assert watch.begun == []


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], [2**32]], ids=["none", "twice", "negative", "large"])
def test_seeds_that_cannot_be_used_are_refused(dataset, tmp_path, seeds):
    with pytest.raises(RecipeError, match="seeds: expected different ones"):
        train_seeds(QUICK, dataset, seeds, out=tmp_path)


def test_members_trained_elsewhere_are_those_trained_here(dataset):
    recipe, splits = QUICK.replace(members=2, epochs=1), split_validation(dataset.train)
    here = fit_networks(recipe, splits, FitOptions(deterministic=True))
    watch = Names()
    elsewhere = fit_networks(recipe, splits, FitOptions(deterministic=True), pool=Elsewhere(), watch=watch)
    for one, other in zip(here, elsewhere, strict=True):
        assert all(map(np.array_equal, one.weights, other.weights))
        assert [row["val_loss"] for row in one.history] == [row["val_loss"] for row in other.history]
    assert watch.done == ["network 2 of 2", "network 1 of 2"]


def test_cross_validations_at_once_are_those_one_by_one(dataset, monkeypatch):
    def fitted(recipe, splits, options, *, watch):
        return SimpleNamespace(model=(options.seed, splits.train.fingerprint, splits.validation.fingerprint))

    def answered(model, images):
        rows = [
            np.frombuffer(sha256(repr(model).encode() + image.tobytes()).digest(), np.uint8) for image in images.images
        ]
        drawn = np.array([row[:3] for row in rows], np.float32) + 1
        return Predictions(images.labels, drawn / drawn.sum(axis=1, keepdims=True), images.class_names)

    monkeypatch.setattr(folds, "fit", fitted)
    monkeypatch.setattr(folds, "predict", answered)
    rounds = [FitOptions(seed=seed) for seed in (0, 5)]
    at_once = folds.cross_validations(QUICK, dataset.train, rounds, folds=3, pool=Elsewhere())
    alone = [folds.cross_validations(QUICK, dataset.train, [options], folds=3) for options in rounds]
    for one, (other,) in zip(at_once, alone, strict=True):
        assert np.array_equal(one.probabilities, other.probabilities)
    assert not np.array_equal(at_once[0].probabilities, at_once[1].probabilities)
