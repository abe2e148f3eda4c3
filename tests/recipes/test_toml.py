import dataclasses
import tomllib

import pytest

from digitwise.errors import RecipeError
from digitwise.models import MODELS
from digitwise.recipes import RECIPES, Augmentation, Recipe, fields, find, for_data


def written(recipe, folder):
    path = folder / "mine.toml"
    path.write_text(recipe.to_toml(), encoding="utf-8")
    return path


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipe_comes_back_from_its_toml(recipe, tmp_path):
    assert Recipe.from_toml(written(recipe, tmp_path)) == recipe


def test_any_text_and_number_comes_back(tmp_path):
    odd = find("flash").replace(
        purpose='quote " and \\ and\n\ttab \x7f \x00 \u00e9 \U0001f600',
        learning_rate=1e-5,
        early_stopping=2,
        sources=("a # b",),
    )
    assert Recipe.from_toml(written(odd, tmp_path)) == odd


@pytest.mark.parametrize("cls", [Recipe, Augmentation])
def test_every_field_is_explained(cls):
    meanings = fields.meanings(cls)
    assert meanings.keys() == {field.name for field in dataclasses.fields(cls)}
    assert all(len(text) > 10 for text in meanings.values())


def test_every_network_stands_in_the_comment_of_model():
    assert all(name in fields.meanings(Recipe)["model"] for name in MODELS)


def test_comments_are_those_of_the_docstring_with_the_choices_and_no_markup():
    text = find("flash").to_toml()
    assert "# constant or one-cycle. One-cycle: a linear rise to the peak over" in text
    assert "brought through normalize;" in " ".join(text.split("\n# ")).replace("# ", "")
    assert "``" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_field_without_a_value_stands_as_a_comment_that_can_be_taken_away():
    text = find("flash").to_toml()
    assert "\n# early_stopping = 3\n" in text
    assert "\n# [augmentation]\n" in text
    lines = [
        line.removeprefix("# ") if line.startswith(("# early_stopping =", "# [augm", "# zoom_range =")) else line
        for line in text.splitlines()
    ]
    taken = tomllib.loads("\n".join(lines))
    assert taken["early_stopping"] == 3
    assert taken["augmentation"] == {"zoom_range": 0.0}


def test_fields_left_out_have_their_defaults(tmp_path):
    path = tmp_path / "plain.toml"
    path.write_text('name = "a"\npurpose = ""\nmodel = "simple-cnn"\nepochs = 1\nbatch_size = 8\n')
    assert Recipe.from_toml(path) == Recipe("a", "", "simple-cnn", 1, 8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("epochs = 1", "epoch = 1"), "epoch: not a field of a recipe; the nearest is epochs"),
        (("epochs = 1", "rotation_range = 1"), "the nearest is augmentation.rotation_range"),
        (("epochs = 1", "layers = 1"), "layers: not a field of a recipe"),
        (("epochs = 1", "epochs = 1.5"), r"epochs: expected a whole number, got 1\.5"),
        (("epochs = 1", "epochs = true"), "epochs: expected a whole number, got True"),
        (("epochs = 1", 'epochs = "1"'), "epochs: expected a whole number, got '1'"),
        (("epochs = 1", ""), "epochs: expected a value, got none"),
        (("epochs = 1", "epochs = "), "expected a recipe in TOML"),
        (("betas = [0.7, 0.9]", "betas = [0.7]"), "betas: expected 2 numbers"),
        (
            ('optimizer = "adam"', 'optimizer = "lion"'),
            "optimizer: expected sgd, adam, adamw, rmsprop or muon, got 'lion'",
        ),
        (("# [augmentation]", "[augmentation]\nzoom = 1"), "zoom: not a field of a recipe; the nearest is zoom_range"),
        (("# [augmentation]", "[augmentation]\nzoom_range = 1"), "zoom_range: expected 0 or more"),
        (("epochs = 1", "epochs = 1\naugmentation = 3"), r"augmentation: expected a table, \[augmentation\], got 3"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_what_is_no_recipe_is_refused_by_its_file_and_field(change, words, tmp_path):
    path = written(find("flash"), tmp_path)
    before = path.read_text()
    assert before.count(change[0]) == 1
    path.write_text(before.replace(*change))
    with pytest.raises(RecipeError, match=words) as caught:
        Recipe.from_toml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_file_that_is_not_there_is_told_with_what_makes_one(tmp_path):
    with pytest.raises(RecipeError, match=r"none\.toml: expected a recipe in TOML, got No such file.*recipe show"):
        find(str(tmp_path / "none.toml"))


def test_recipe_of_ones_own_is_not_adapted_to_the_data(tmp_path):
    assert for_data("flash", 500).batch_size == 16
    path = written(find("flash"), tmp_path)
    assert for_data(str(path), 500) == for_data(path, 500) == for_data(find("flash"), 500) == find("flash")
