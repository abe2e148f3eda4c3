"""Every recipe through one contract: it trains on a few images of any size, saves, loads, gives the same answers."""

import numpy as np
import pytest

from digitwise.data.splits import split_validation
from digitwise.errors import RecipeError
from digitwise.images import Dataset
from digitwise.recipes import RECIPES
from digitwise.runs import Run
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict
from digitwise.training.saving import load_model, save_model
from digitwise.training.train import train
from tests.helpers import blobs


def short(recipe):
    """One epoch, and of an ensemble two networks."""
    return recipe.replace(epochs=1, members=min(2, recipe.members))


LONG = {"ensemble"}  # as accurate, with more networks
EACH = [pytest.param(r, id=name, marks=[pytest.mark.slow] * (name in LONG)) for name, r in RECIPES.items()]


@pytest.mark.parametrize("recipe", EACH)
@pytest.mark.parametrize(
    "shape",
    [
        {"size": 28},
        pytest.param({"size": 20, "classes": 4, "channels": 3}, marks=pytest.mark.slow),
        pytest.param({"size": 8}, marks=pytest.mark.slow),
    ],
    ids=["28x28 grey", "20x20 colour", "8x8 grey"],
)
def test_recipe_trains_saves_and_loads(tmp_path, recipe, shape, monkeypatch):
    dataset = Dataset("own", "drawn", blobs(64, **shape), blobs(16, seed=1, **shape))
    trained = []
    monkeypatch.setattr(
        "digitwise.training.train.save_model", lambda model, path: (trained.append(model), save_model(model, path))
    )
    if recipe.scans and dataset.train.image_shape != (28, 28, 1):  # there is no scan of such an image
        with pytest.raises(RecipeError, match="choose a recipe without scans"):
            train(short(recipe), dataset, out=tmp_path / "run")
        assert not list(tmp_path.iterdir())
        return
    run = train(short(recipe), dataset, out=tmp_path / "run")
    loaded = load_model(run.path)
    assert all(np.array_equal(a, b) for a, b in zip(trained[0].get_weights(), loaded.get_weights(), strict=True))
    # TensorFlow runs the branches of an average at once, and guarantees the last bit of float32 to nobody.
    again = predict(loaded, dataset.test).probabilities
    np.testing.assert_allclose(again, run.predictions("test").probabilities, rtol=0, atol=2 * np.finfo(np.float32).eps)
    assert Run.open(run.path).info["recipe"]["name"] == recipe.name
    assert not list(run.path.glob("checkpoint*"))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipe_keeps_a_budget(recipe, monkeypatch, processor_clock):
    monkeypatch.setattr("digitwise.training.fit.SHORTEST_SHARE", 2.0)  # two networks have to share it
    splits = split_validation(blobs(64), size=12)
    recipe = short(recipe)
    budget = 4.0 if recipe.members == 1 else 12.0  # each network is compiled, which no clock foresees to the tenth
    fitted = fit(recipe.for_size(52), splits, FitOptions(budget=budget))
    assert 0.9 * budget < fitted.fit_seconds < 1.1 * budget


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipe_gives_the_same_weights_again_when_asked(recipe):
    splits = split_validation(blobs(64), size=12)
    one, other = (fit(short(recipe), splits, FitOptions(deterministic=True)).model.get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipe_says_what_it_is_for(recipe):
    assert recipe.purpose
    assert recipe.name in RECIPES
    assert recipe.sources
