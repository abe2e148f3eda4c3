import json

import pytest

from digitwise.runs import Run
from tests.helpers import blobs
from tests.shards import write_shards

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards"), blobs(200), blobs(30, seed=1))


@pytest.fixture(scope="module")
def streamed(digits, tmp_path_factory):
    """A run trained from shards of the embedded digits; some of its answers are wrong."""
    from digitwise.data.streamed import open_streamed
    from digitwise.recipes import find
    from digitwise.training.train import train

    folder = write_shards(tmp_path_factory.mktemp("digits"), digits.train, digits.test)
    dataset = open_streamed(str(folder))
    recipe = find("flash").for_size(len(dataset.train)).long_enough(len(dataset.train))
    return train(recipe, dataset, out=tmp_path_factory.mktemp("runs") / "flash").path


@pytest.mark.slow
def test_train_streams_shards_and_says_what_memory_it_took(digitwise, shards, tmp_path):
    done = digitwise("train", "flash", "--data", shards, "--stream", "--out", tmp_path / "run", "--validation", "20")
    assert done.code == 0, done.err
    assert "180 images streamed from 3 shards; peak memory" in done.out
    data = Run.open(tmp_path / "run").info["data"]
    assert data["streamed"]["shards"] == 3
    assert data["streamed"]["peak_memory"] > 50e6
    assert (data["train"], data["validation"], data["test"]) == (180, 20, 30)
    assert data["source"] == str(shards)


@pytest.mark.slow
def test_a_finished_streamed_run_is_not_trained_again(digitwise, shards, tmp_path):
    asked = ("train", "flash", "--data", shards, "--stream", "--out", tmp_path / "run", "--resume")
    assert "finished earlier" not in digitwise(*asked).out
    assert "finished earlier" in digitwise(*asked).out


def test_a_streamed_run_is_evaluated_and_reported(digitwise, streamed):
    assert digitwise("evaluate", streamed, "--json").json["n"] == 360
    done = digitwise("report", streamed)
    assert done.code == 0, done.err
    assert digitwise("errors", streamed).code == 0


def test_a_streamed_run_is_not_improved(digitwise, streamed):
    done = digitwise("improve", streamed)
    assert done.code == 2
    assert "improve needs all training images in memory" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("focus", "--data", "DIR"), "focus: focus needs all training images in memory"),
        (("reader", "--data", "DIR"), "reader: scans needs all training images in memory"),
        (("flash",), "--stream: expected a folder of shards, got none; give --data DIR"),
        (("flash", "--data", "nowhere"), "nowhere: expected Parquet"),
        (("flash", "--data", "DIR/train"), "train: expected folders train and test with shards in each"),
        (("flash", "--data", "DIR", "--patch", "labels.csv"), "--stream: expected no --patch with it"),
        (("flash", "--data", "DIR", "--validation", "198"), "expected 1 to 197 images of the 200"),
    ],
    ids=["focus", "scans", "no data", "nothing there", "no test", "patch", "validation"],
)
def test_what_cannot_be_streamed_is_refused_in_one_line(digitwise, shards, tmp_path, arguments, message):
    filled = [str(argument).replace("DIR", str(shards)) for argument in arguments]
    done = digitwise("train", *filled, "--stream", "--out", tmp_path / "run")
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_shards_are_checked_as_any_set(digitwise, shards):
    done = digitwise("check", shards, "--json")
    assert done.code in (0, 1), done.err
    assert json.loads(done.out)
