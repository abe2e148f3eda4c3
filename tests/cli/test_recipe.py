"""Recipes on the command line: listed, shown as a file, and trained from one; a network of one's own."""

import json

import pytest

from digitwise.recipes import RECIPES, Recipe, find

pytestmark = pytest.mark.usefixtures("undrawn")

NET = """
import keras

def create_model_2(input_shape, n_classes):
    layers = keras.layers
    return keras.Sequential(
        [keras.Input(input_shape), layers.Flatten(), layers.Dense(16, activation="relu"), layers.Dense(n_classes)]
    )
"""


def test_list_has_every_recipe_with_its_purpose(digitwise):
    text = " ".join(digitwise("recipe", "list").out.split())  # long purposes wrap
    assert all(name in text for name in RECIPES)
    assert "a first answer: 99 % in one epoch" in text
    assert "deep-cnn" in text  # the second kind of accurate's networks
    assert [each["name"] for each in json.loads(digitwise("recipe", "list", "--json").out)] == list(RECIPES)


def test_shown_recipe_is_the_file_of_that_recipe(digitwise, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(digitwise("recipe", "show", "augmented").out, encoding="utf-8")
    assert Recipe.from_toml(path) == find("augmented")
    assert json.loads(digitwise("recipe", "show", path, "--json").out)["epochs"] == 7


def test_file_with_a_wrong_field_is_told_before_the_data_is_read(digitwise, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(find("flash").to_toml().replace("epochs = 1", "epoch = 1"))
    result = digitwise("train", path, "--data", "nowhere")
    assert result.code == 2
    assert "epoch: not a field of a recipe; the nearest is epochs" in result.err


def test_recipe_file_and_network_of_ones_own_are_trained(digitwise, tmp_path):
    (tmp_path / "net.py").write_text(NET)
    path = tmp_path / "mine.toml"
    text = (
        find("flash")
        .to_toml()
        .replace('name = "flash"', 'name = "mine"')
        .replace('optimizer = "adam"', 'optimizer = "adamw"')
    )
    path.write_text(text)
    out = tmp_path / "run"
    result = digitwise(
        "train", path, "--data", "digits", "--model", f"{tmp_path}/net.py:create_model_2", "--out", out, "--json"
    )
    assert result.code == 0, result.err
    info = json.loads((out / "run.json").read_text())
    assert info["recipe"]["name"] == "mine-net.create_model_2"
    assert (info["recipe"]["optimizer"], info["recipe"]["batch_size"]) == ("adamw", 256)
    assert digitwise("export", out).code == 0
    assert digitwise("report", out).code == 0
    assert "net.create_model_2" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("given", "words"),
    [("net.py", "expected FILE.py:FUNCTION"), ("net.py:other", "expected a function other, got create_model_2")],
    ids=["no function", "another function"],
)
def test_network_that_is_not_there_is_one_line(digitwise, tmp_path, given, words):
    (tmp_path / "net.py").write_text(NET)
    result = digitwise(
        "train", "flash", "--data", "digits", "--model", f"{tmp_path}/{given}", "--out", tmp_path / "run"
    )
    assert result.code == 2
    assert words in result.err
    assert result.err.count("\n") == 1
