import json

import pytest

from digitwise.outputs import MARKER
from digitwise.runs import Run

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sweep_tells_the_trials_the_winner_and_how_far_to_believe_it(digitwise, here):
    result = digitwise("sweep", "flash", "--data", "digits", "--grid", "learning_rate=0.016,0.0000001 batch_size=32")
    assert result.code == 0, result.err
    assert "trials of flash: 2 (learning_rate, batch_size)" in result.out
    assert "trial 2: learning_rate 1e-07, batch_size 32  finished" in result.out
    assert "The winner, trial 1: learning_rate 0.016, batch_size 32:" in result.out
    assert "which no trial has seen" in result.out
    assert "the smallest of 2" in result.out
    out = here / "results" / "sweep-flash"
    assert {path.name for path in out.iterdir()} == {
        *(MARKER, "best", "study.log", "sweep.html", "sweep.json", "trials.csv")
    }
    assert Run.open(out / "best").info["recipe"]["batch_size"] == 32
    # Again, in the same place; a grid of one option or of several is the same.
    result = digitwise(
        *("sweep", "flash", "--data", "digits", "--grid", "learning_rate=0.008", "--grid", "batch_size=64"),
        *("--epochs", "2", "--seed", "1", "--json"),
    )
    assert result.code == 0, result.err
    assert result.json == json.loads((out / "sweep.json").read_text()) | {"path": str(out)}
    assert result.json["space"] == {"learning_rate": [0.008], "batch_size": [64]}
    assert Run.open(out / "best").info["recipe"]["batch_size"] == 64
    assert (result.json["seed"], result.json["recipe"]["epochs"]) == (1, 2)


def test_draws_begin_with_the_recipe_as_it_suits_the_data(digitwise, here):
    result = digitwise("sweep", "flash", "--data", "digits", "--trials", "1", "--out", here / "mine", "--json")
    assert result.code == 0, result.err
    assert result.json["kind"] == "draws"
    assert result.json["winner"]["batch_size"] == 35  # 1,437 training images in about forty steps
    assert "within" not in result.out
    assert Run.open(here / "mine" / "best").info["recipe"]["learning_rate"] == 0.016


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["flash"], "drawn near the recipe, got neither"),
        (["flash", "--trials", "2", "--grid", "epochs=1"], "drawn near the recipe, got both"),
        (["flash", "--trials", "0"], "trials: expected 1 to 1,000, got 0"),
        (["flash", "--grid", "rate=1"], "grid: expected one of model,"),
        (["flash", "--grid", "epochs=many"], "epochs: expected a whole number, got 'many'"),
        (["flash", "--grid", "model=large", "--data", "digits"], "model: expected one of simple-cnn"),
        (["flash", "--trials", "2", "--timeout", "-1"], "greater than or equal to 0"),
        (["nothing", "--trials", "2"], "recipe 'nothing'"),
        (["flash", "--trials", "2", "--cluster", "auto", "--jobs", "2"], "--cluster"),
        (["flash", "--trials", "2", "--data", "digits", "--cluster", "nowhere"], "expected auto or HOST:PORT"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_swept_is_told_in_one_line(digitwise, here, arguments, words):
    result = digitwise("sweep", *arguments)
    assert result.code == 2
    assert words in result.err
    assert result.err.count("\n") == 1
    assert not list(here.iterdir())


def test_place_of_something_else_is_left_alone(digitwise, here):
    (here / "mine").mkdir()
    (here / "mine" / "letter.txt").write_text("mine")
    result = digitwise("sweep", "flash", "--data", "digits", "--trials", "2", "--out", here / "mine")
    assert result.code == 2
    assert "expected a new name or a sweep to replace" in result.err
    assert [path.name for path in (here / "mine").iterdir()] == ["letter.txt"]
