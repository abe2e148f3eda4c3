import json

import pytest

from digitwise.errors import RecipeError
from digitwise.recipes import RECIPES, Augmentation, Recipe, find


@pytest.mark.parametrize(("n", "batch"), [(60_000, 256), (1_437, 35), (50, 16)])
def test_small_sets_get_smaller_batches(n, batch):
    assert find("improved").for_size(n).batch_size == batch


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"early_stopping": 0},
        {"keep": "worst"},
        {"optimizer": "sdg"},
        {"momentum": 1},
        {"rho": -0.1},
        {"weight_decay": 1},
        {"dropout": 1},
        {"nesterov": True},
        {"name": "a/b"},
        {"epochs": "5"},
        {"epochs": 1.5},
        {"epochs": True},
        {"learning_rate": "fast"},
        {"betas": (0.9,)},
        {"test_shifts": 1},
        {"members": 0},
        {"other_models": "deep-cnn"},
        {"scans": -1},
    ],
    ids=str,
)
def test_value_that_a_recipe_cannot_take_is_refused(change):
    with pytest.raises(RecipeError, match=f"{next(iter(change))}: expected"):
        find("improved").replace(**change)


@pytest.mark.parametrize("change", [{"zoom_range": 1}, {"rotation_range": -1}], ids=["zoom", "rotation"])
def test_augmentation_out_of_range_is_refused(change):
    with pytest.raises(RecipeError, match="expected 0 or more"):
        Augmentation(**change)


def test_unknown_recipe_gets_the_nearest():
    with pytest.raises(RecipeError, match="nearest: augmented"):
        find("augmentd")


def test_a_name_that_no_recipe_is_near_gets_the_list_once():
    with pytest.raises(RecipeError, match=r"NAME\.toml$"):
        find("xyz")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipe_comes_back_from_its_plain_values(recipe):
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe
    assert Recipe.from_dict({**recipe.as_dict(), "augment_engine": "warp"}) == recipe  # as earlier runs have it


def test_recipe_of_a_later_version_is_refused():
    with pytest.raises(RecipeError, match="warp_drive is not a choice of this version"):
        Recipe.from_dict({**find("flash").as_dict(), "warp_drive": 1})


def test_network_of_ones_own_has_its_own_dropout():
    with pytest.raises(RecipeError, match=r"dropout: expected 0 for a network of your own; .* keras.layers.Dropout"):
        find("flash").replace(layers="{}", dropout=0.5)
