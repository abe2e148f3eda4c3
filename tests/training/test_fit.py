import numpy as np
import pytest

from digitwise.data.splits import split_validation
from digitwise.errors import RunError
from digitwise.recipes import Augmentation, Recipe, find
from digitwise.training.fit import fit
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
    fitted = fit(QUICK, splits, precision="float32", watch=watch)
    assert predict(fitted.model, splits.validation).errors == 0
    assert [row["epoch"] for row in watch.rows] == [1, 2, 3]
    assert watch.rows == fitted.history
    assert watch.shares == sorted(watch.shares)
    assert watch.shares[-1] == 1
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]
    assert fitted.images_per_second > 0


def test_validation_in_the_graph_agrees_with_the_shipped_model(splits):
    recipe = QUICK.replace(model="compact-cnn", epochs=1, augmentation=Augmentation(rotation_range=5))
    fitted = fit(recipe, splits, precision="float32")
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
    whole = fit(recipe, splits, precision="float32")
    checkpoint = tmp_path / "checkpoint.npz"
    with pytest.raises(StopError):
        fit(recipe, splits, precision="float32", checkpoint=checkpoint, watch=StopAfter(2))
    watch = Recorder()
    resumed = fit(recipe, splits, precision="float32", checkpoint=checkpoint, resume=True, watch=watch)
    assert watch.resumed == 2
    assert [row["epoch"] for row in watch.rows] == [3]
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_checkpoint_of_another_training_is_refused(splits, tmp_path):
    checkpoint = tmp_path / "checkpoint.npz"
    fit(QUICK.replace(epochs=1), splits, precision="float32", checkpoint=checkpoint)
    with pytest.raises(RunError, match="another recipe, seed or data set"):
        fit(QUICK.replace(epochs=1), splits, seed=1, precision="float32", checkpoint=checkpoint, resume=True)
    checkpoint.write_bytes(b"half a file")
    with pytest.raises(RunError, match="not a checkpoint"):
        fit(QUICK, splits, precision="float32", checkpoint=checkpoint, resume=True)


def test_early_stopping_ends_a_training_that_no_longer_gains(splits):
    # A rate this high makes the loss rise after the first steps and stay up.
    fitted = fit(QUICK.replace(epochs=30, learning_rate=0.5, early_stopping=2), splits, precision="float32")
    assert len(fitted.history) == fitted.best_epoch + 2 < 30


def test_keep_best_ships_the_epoch_with_the_lowest_validation_loss(splits):
    recipe = QUICK.replace(epochs=6, learning_rate=0.2, keep="best")
    fitted = fit(recipe, splits, precision="float32")
    losses = [row["val_loss"] for row in fitted.history]
    assert fitted.best_epoch == 1 + int(np.argmin(losses))
    answers = predict(fitted.model, splits.validation)
    given = answers.probabilities[np.arange(len(answers)), answers.labels]
    assert -np.log(np.maximum(given, 1e-7)).mean() == pytest.approx(min(losses), rel=1e-3)


def test_image_data_generator_can_be_the_engine(splits):
    recipe = QUICK.replace(augmentation=Augmentation(rotation_range=5), augment_engine="image-data-generator")
    fitted = fit(recipe, splits, precision="float32")
    assert len(fitted.history) == 3
    assert fitted.history[-1]["val_accuracy"] > 0.9


def test_bfloat16_training_ships_a_float32_model(splits):
    fitted = fit(QUICK.replace(model="compact-cnn"), splits, precision="bfloat16")
    assert fitted.precision == "bfloat16"
    assert {layer.dtype_policy.name for layer in fitted.model.layers} == {"float32"}
    assert {type(layer).__name__ for layer in fitted.model.layers} >= {"BatchNormalization"}
