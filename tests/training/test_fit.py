import time

import numpy as np
import pytest

from digitwise.data.splits import split_validation
from digitwise.errors import RecipeError, RunError
from digitwise.recipes import Augmentation, Recipe, find
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict
from digitwise.training.watch import Watch
from tests.helpers import blobs

QUICK = Recipe("quick", "for tests", "simple-cnn", epochs=3, batch_size=16, learning_rate=0.003)


@pytest.fixture(scope="module")
def splits():
    return split_validation(blobs(90), size=18)


class Recorder(Watch):
    def __init__(self):
        self.rows, self.resumed, self.shares = [], None, []

    def on_steps(self, epoch, share, loss, accuracy):
        self.shares.append(share)

    def on_resume(self, epochs):
        self.resumed = epochs

    def on_epoch(self, row, share):
        self.rows.append(row)


def test_a_small_training_learns_and_tells_about_it(splits):
    watch = Recorder()
    fitted = fit(QUICK, splits, FitOptions(precision="float32"), watch=watch)
    assert predict(fitted.model, splits.validation).errors == 0
    assert [row["epoch"] for row in watch.rows] == [1, 2, 3]
    assert watch.rows == fitted.history
    assert watch.shares == sorted(watch.shares)
    assert watch.shares[-1] == 1
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]
    assert fitted.images == 3 * 5 * 16  # a started batch is filled up
    assert 0 < fitted.compile_seconds < fitted.fit_seconds


def test_validation_in_the_graph_agrees_with_the_shipped_model(splits):
    recipe = QUICK.replace(model="compact-cnn", epochs=1, augmentation=Augmentation(rotation_range=5))
    fitted = fit(recipe, splits, FitOptions(precision="float32"))
    answers = predict(fitted.model, splits.validation)
    assert 1 - answers.errors / len(answers) == pytest.approx(fitted.history[0]["val_accuracy"])


class StopError(Exception):
    pass


class StopAfter(Recorder):
    """Breaks a training off as a signal would, in the middle of the epoch after ``epochs``."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_steps(self, epoch, share, loss, accuracy):
        if epoch > self.epochs:
            raise StopError


@pytest.mark.parametrize("recipe", ["improved", "focus"])
def test_resumed_training_ends_where_an_unbroken_one_does(splits, tmp_path, recipe):
    recipe = find(recipe).replace(epochs=3, batch_size=24)
    whole = fit(recipe, splits, FitOptions(precision="float32"))
    with pytest.raises(StopError):
        fit(recipe, splits, FitOptions(precision="float32"), checkpoints=tmp_path, watch=StopAfter(2))
    watch = Recorder()
    resumed = fit(recipe, splits, FitOptions(precision="float32"), checkpoints=tmp_path, resume=True, watch=watch)
    assert watch.resumed == 2
    assert [row["epoch"] for row in watch.rows] == [3]
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_checkpoint_of_another_training_is_refused(splits, tmp_path):
    fit(QUICK.replace(epochs=1), splits, FitOptions(precision="float32"), checkpoints=tmp_path)
    with pytest.raises(RunError, match="another recipe, seed or data set"):
        fit(QUICK.replace(epochs=1), splits, FitOptions(seed=1, precision="float32"), checkpoints=tmp_path, resume=True)
    (tmp_path / "checkpoint-0.npz").write_bytes(b"half a file")
    with pytest.raises(RunError, match="not a checkpoint"):
        fit(QUICK, splits, FitOptions(precision="float32"), checkpoints=tmp_path, resume=True)


def test_early_stopping_ends_a_training_that_no_longer_gains(splits):
    # A rate this high makes the loss rise after the first steps and stay up.
    fitted = fit(QUICK.replace(epochs=30, learning_rate=0.5, early_stopping=2), splits, FitOptions(precision="float32"))
    assert len(fitted.history) == fitted.best_epoch + 2 < 30


def test_keep_best_ships_the_epoch_with_the_lowest_validation_loss(splits):
    recipe = QUICK.replace(epochs=6, learning_rate=0.2, keep="best")
    fitted = fit(recipe, splits, FitOptions(precision="float32"))
    losses = [row["val_loss"] for row in fitted.history]
    assert fitted.best_epoch == 1 + int(np.argmin(losses))
    answers = predict(fitted.model, splits.validation)
    given = answers.probabilities[np.arange(len(answers)), answers.labels]
    assert -np.log(np.maximum(given, 1e-7)).mean() == pytest.approx(min(losses), rel=1e-3)


def test_bfloat16_training_ships_a_float32_model(splits):
    fitted = fit(QUICK.replace(model="compact-cnn"), splits, FitOptions(precision="bfloat16"))
    assert {layer.dtype_policy.name for layer in fitted.model.layers} == {"float32"}
    assert {type(layer).__name__ for layer in fitted.model.layers} >= {"BatchNormalization"}


def test_budget_decides_when_a_training_ends(splits, processor_clock):
    recipe = QUICK.replace(schedule="one-cycle", epochs=1)
    started = time.perf_counter()
    fitted = fit(recipe, splits, FitOptions(budget=6, precision="float32"))
    assert 0.9 * 6 < fitted.fit_seconds < 1.1 * 6
    assert time.perf_counter() - started < 1.1 * 6
    assert len(fitted.history) > 1  # the recipe's one epoch does not count
    assert predict(fitted.model, splits.validation).errors == 0


def test_ensemble_averages_networks_of_different_seeds(splits):
    recipe = QUICK.replace(members=2, epochs=2)
    watch = Recorder()
    fitted = fit(recipe, splits, FitOptions(seed=3, precision="float32"), watch=watch)
    alone = [fit(QUICK.replace(epochs=2), splits, FitOptions(seed=seed, precision="float32")).model for seed in (6, 7)]
    expected = np.mean([predict(model, splits.validation).probabilities for model in alone], axis=0)
    np.testing.assert_allclose(predict(fitted.model, splits.validation).probabilities, expected, atol=1e-4)
    assert [row["epoch"] for row in fitted.history] == [1, 2, 3, 4]
    assert fitted.images == 2 * 2 * 5 * 16


def test_members_are_of_the_kinds_that_the_recipe_names(splits):
    recipe = QUICK.replace(members=3, other_models=("simple-cnn",))
    fitted = fit(recipe, splits, FitOptions(seed=3, precision="float32"))
    kinds = (QUICK.model, "simple-cnn", QUICK.model)
    alone = [
        fit(QUICK.replace(model=kind), splits, FitOptions(seed=9 + member, precision="float32")).model
        for member, kind in enumerate(kinds)
    ]
    assert fitted.networks == kinds
    assert fitted.model.count_params() == sum(model.count_params() for model in alone)
    expected = np.mean([predict(model, splits.validation).probabilities for model in alone], axis=0)
    np.testing.assert_allclose(predict(fitted.model, splits.validation).probabilities, expected, atol=1e-4)


def test_budget_too_short_for_two_kinds_trains_the_first(splits, monkeypatch):
    monkeypatch.setattr("digitwise.training.fit.SHORTEST_SHARE", 0.5)
    recipe = QUICK.replace(members=2, other_models=("flash-cnn",))
    fitted = fit(recipe, splits, FitOptions(budget=3, precision="float32"))
    assert fitted.networks == (QUICK.model, QUICK.model)


def test_unknown_kind_of_a_member_is_refused_before_anything_is_trained(splits):
    with pytest.raises(RecipeError, match="got 'nothing'"):
        fit(QUICK.replace(members=2, other_models=("nothing",)), splits)


def test_interrupted_ensemble_keeps_its_finished_networks(splits, tmp_path):
    recipe = QUICK.replace(members=2, epochs=2)
    with pytest.raises(StopError):
        fit(recipe, splits, FitOptions(precision="float32"), checkpoints=tmp_path, watch=StopInMember(2))
    watch = Recorder()
    fitted = fit(recipe, splits, FitOptions(precision="float32"), checkpoints=tmp_path, resume=True, watch=watch)
    assert len(watch.rows) == 2  # of the second network only
    assert len(fitted.history) == 4


def test_equal_bits_under_a_budget_are_not_guaranteed(splits):
    with pytest.raises(RecipeError, match="deterministic: expected no budget with it"):
        fit(QUICK, splits, FitOptions(budget=5, deterministic=True))


@pytest.mark.slow
def test_budget_too_short_for_all_networks_trains_fewer(splits, processor_clock):
    told = StopInMember(1)  # an ensemble's members would be announced to
    fitted = fit(QUICK.replace(members=3), splits, FitOptions(budget=5, precision="float32"), watch=told)
    assert 0.9 * 5 < fitted.fit_seconds < 1.1 * 5
    assert fitted.model.count_params() == fit(QUICK, splits, FitOptions(precision="float32")).model.count_params()


@pytest.mark.slow
def test_interrupted_ensemble_with_a_budget_goes_on_with_its_next_network(
    splits, tmp_path, monkeypatch, processor_clock
):
    monkeypatch.setattr("digitwise.training.fit.SHORTEST_SHARE", 2.0)
    recipe = QUICK.replace(members=2)
    with pytest.raises(StopError):
        fit(recipe, splits, FitOptions(budget=8, precision="float32"), checkpoints=tmp_path, watch=StopInMember(2))
    fitted = fit(recipe, splits, FitOptions(budget=8, precision="float32"), checkpoints=tmp_path, resume=True)
    again = Recorder()
    fit(recipe, splits, FitOptions(budget=8, precision="float32"), checkpoints=tmp_path, resume=True, watch=again)
    assert len(fitted.history) > 2
    assert again.rows == []  # both were finished


class StopInMember(Watch):
    def __init__(self, member):
        self.last = member

    def on_member(self, member, members):
        if member == self.last:
            raise StopError
