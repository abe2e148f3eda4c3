import numpy as np
import pytest

from digitwise import models
from digitwise.data.prepare import to_input
from digitwise.errors import ModelError, RecipeError, RunError
from digitwise.exporting.convert import convert
from digitwise.images import Splits
from digitwise.recipes import Recipe, find
from digitwise.training.fit import SLOWER, SLOWEST, fit, slowed
from digitwise.training.options import FitOptions
from digitwise.training.saving import save_model, start_from
from tests.helpers import blobs, glyphs

IMAGES = glyphs(40)


def network(seed, classes=10, name="narrow-cnn", turned=False):
    """One whose normalisations have moments of their own, as after a training."""
    rng = np.random.default_rng(seed)
    built = models.build(name, (28, 28, 1), classes)
    for layer in built.layers:
        if type(layer).__name__ == "BatchNormalization":
            channels = layer.gamma.shape[0]
            gamma = rng.uniform(0.5, 1.5, channels) * (-1 if turned else 1)
            layer.set_weights([gamma, rng.normal(0, 0.3, channels), rng.normal(0, 0.1, channels), np.ones(channels)])
    return built


def told(built):
    return np.asarray(built(to_input(IMAGES), training=False))


def exported(built, folder):
    place = folder / "model.onnx"
    place.write_bytes(convert(built).SerializeToString())
    return place


@pytest.mark.parametrize("form", ["run", "onnx"])
def test_a_network_starts_with_what_another_knows(tmp_path, form):
    taught, fresh = network(0), network(1)
    if form == "run":
        save_model(taught, tmp_path)
    start_from(fresh, tmp_path if form == "run" else exported(taught, tmp_path), IMAGES)
    assert np.allclose(told(fresh), told(taught), atol=1e-5)


def test_normalisations_taken_apart_have_the_moments_of_the_images(tmp_path):
    fresh = network(1)
    start_from(fresh, exported(network(0), tmp_path), IMAGES)
    before = told(fresh)
    fresh(to_input(IMAGES), training=True)  # by the moments of the batch, which are nearly these
    assert np.abs(told(fresh) - before).max() < 0.02


@pytest.mark.parametrize("form", ["run", "onnx"])
def test_the_last_layer_of_other_classes_begins_anew(tmp_path, form):
    taught, fresh = network(0), network(1, classes=3)
    head = fresh.layers[-1].get_weights()[0]
    save_model(taught, tmp_path / "run")
    start_from(fresh, tmp_path / "run" if form == "run" else exported(taught, tmp_path), IMAGES)
    assert np.array_equal(fresh.layers[-1].get_weights()[0], head)
    assert np.allclose(fresh.layers[0].get_weights()[0], taught.layers[0].get_weights()[0])


def test_the_bundled_model_reads_on_in_keras():
    fresh = models.build("narrow-cnn", (28, 28, 1), 10)
    start_from(fresh, "bundled", IMAGES)
    from digitwise.reading.model import Model

    assert np.array_equal(told(fresh).argmax(axis=1), Model().probabilities(IMAGES).argmax(axis=1))


def test_another_architecture_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="expected a network of the recipe's architecture, compact_cnn"):
        start_from(network(0, name="compact-cnn"), "bundled", IMAGES)
    save_model(network(0, name="simple-cnn"), tmp_path)
    with pytest.raises(RecipeError, match="architecture"):
        start_from(network(0), tmp_path, IMAGES)


def test_a_normalisation_that_stands_by_itself_is_refused(tmp_path):
    with pytest.raises(RunError, match="could not be folded"):
        start_from(network(1), exported(network(0, turned=True), tmp_path), IMAGES)


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "other.onnx").write_bytes(b"no model")
    with pytest.raises(RunError, match="expected a model made by digitwise export"):
        start_from(network(0), tmp_path / "other.onnx", IMAGES)
    with pytest.raises(ModelError, match="cannot be read"):
        start_from(network(0), tmp_path / "missing.onnx", IMAGES)
    with pytest.raises(RunError, match="expected a model"):
        start_from(network(0), tmp_path / "missing", IMAGES)


def test_a_training_goes_on_slowly(tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr("digitwise.training.trainer.start_from", lambda network, source, images: begun.append(source))
    recipe = Recipe("more", "for tests", "simple-cnn", epochs=1, batch_size=8)
    rates = []

    def remembered(recipe, shares):
        rates.append(recipe.learning_rate)
        return np.full(len(shares), recipe.learning_rate, np.float32)

    monkeypatch.setattr("digitwise.training.trainer.learning_rates", remembered)
    part = blobs(16)
    fit(recipe, Splits(part, part), FitOptions(precision="float32", start_from="before"))
    assert begun == ["before"]
    assert set(rates) == {SLOWEST * recipe.learning_rate}
    assert slowed(recipe, 60_000).learning_rate == SLOWER * recipe.learning_rate


def test_a_few_hundred_images_are_shown_until_the_training_has_come_to_its_end():
    improved = find("improved")
    assert improved.long_enough(60_000) == improved
    assert improved.long_enough(255).epochs == 59
