import csv
import json

import numpy as np
import pytest

from digitwise import ledger
from digitwise.data.splits import split_validation
from digitwise.errors import DataError, RecipeError, RunError
from digitwise.images import Dataset
from digitwise.outputs import MARKER
from digitwise.recipes import Recipe
from digitwise.recipes.space import grid
from digitwise.runs import Run
from digitwise.training.fit import Part, fit
from digitwise.training.outcome import Outcome
from digitwise.training.predict import predict
from digitwise.training.saving import load_model
from digitwise.training.sweep import sweep
from digitwise.training.watch import Watch
from tests.helpers import blobs

QUICK = Recipe("quick", "for tests", "simple-cnn", epochs=2, batch_size=16, learning_rate=0.003)
RATES = ["learning_rate=0.00001,0.003,1e30"]


def table(path):
    with (path / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep of three learning rates, one too low and one absurd, and the looks at its test set."""
    data = Dataset("own", "drawn", blobs(60, seed=5), blobs(30, seed=6))
    told, asked = [], []

    class Asked(Watch):
        def on_task(self, name):
            asked.append(name)
            return self

    done = sweep(
        QUICK,
        grid(QUICK, RATES),
        data,
        out=tmp_path_factory.mktemp("sweeps") / "rates",
        precision="float32",
        watch=Asked(),
        tell=lambda row: told.append((row.trial.number, row.outcome.state)),
    )
    return done, data, told, asked


def test_winner_has_the_fewest_validation_errors_and_is_a_run(swept):
    done, data, *_ = swept
    assert [row.trial.number for row in done.rows] == [2, 1, 3]
    run = Run.open(done.path / "best")
    assert run.info["recipe"]["learning_rate"] == 0.003
    assert run.info["results"]["validation"]["errors"] == done.rows[0].outcome.errors == 0
    assert done.rows[1].outcome.errors > 0
    assert (run.info["seed"], run.info["precision"]) == (0, "float32")
    assert predict(load_model(run.path), data.test).errors == run.info["results"]["test"]["errors"]


def test_winner_is_what_its_trial_was_and_not_trained_anew(swept):
    done, data, *_ = swept
    splits = split_validation(data.train, seed=0)
    alone = fit(QUICK, splits, precision="float32").model.get_weights()
    for one, other in zip(load_model(done.best.path).get_weights(), alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert done.best.info["fit_seconds"] == done.rows[0].outcome.seconds


def test_test_set_is_looked_at_once_and_only_for_the_winner(swept):
    done, data, *_ = swept
    (look,) = ledger.looks(data.test.fingerprint)
    assert look.run == str(done.path / "best")
    assert len(done.best.info["test_reads"]) == 1


def test_every_trial_is_a_row_also_one_that_diverged(swept):
    done, _, told, _ = swept
    assert told == [(1, "finished"), (2, "finished"), (3, "diverged")]
    rows = table(done.path)
    assert [(row["trial"], row["learning_rate"], row["state"]) for row in rows] == [
        ("1", "1e-05", "finished"),
        ("2", "0.003", "finished"),
        ("3", "1e+30", "diverged"),
    ]
    assert [row["epochs"] for row in rows] == ["2", "2", "2"]
    assert int(rows[0]["validation_errors"]) == done.rows[1].outcome.errors
    assert float(rows[0]["validation_log_loss"]) == pytest.approx(done.rows[1].outcome.log_loss, rel=1e-4)
    assert rows[2]["validation_errors"] == rows[2]["validation_log_loss"] == ""


def test_watch_is_asked_for_one_of_each_trial(swept):
    *_, asked = swept
    assert asked == ["trial 1: learning_rate 1e-05", "trial 2: learning_rate 0.003", "trial 3: learning_rate 1e+30"]


def test_sweep_json_says_what_was_done_and_how_far_to_believe_it(swept):
    done, data, *_ = swept
    info = json.loads((done.path / "sweep.json").read_text())
    assert info == done.info
    assert (info["recipe"]["name"], info["kind"], info["seed"]) == ("quick", "grid", 0)
    assert info["space"] == {"learning_rate": [0.00001, 0.003, 1e30]}
    assert (info["trials"], info["finished"]) == (3, 2)
    assert info["data"]["fingerprint"] == data.fingerprint
    assert (info["winner"]["trial"], info["winner"]["learning_rate"], info["winner"]["run"]) == (2, 0.003, "best")
    assert info["winner"]["test"]["errors"] == done.best.info["results"]["test"]["errors"]
    assert "the smallest of 3" in info["note"]


def test_trials_get_no_test_pictures(small, tmp_path):
    class Looking:
        shares_disk = True

        def run(self, function, shared, tasks, names, watch):
            parts = shared.splits.train, shared.splits.validation
            assert shared.splits.others is None
            seen = {image.tobytes() for part in parts for image in part.images}
            assert not seen & {image.tobytes() for image in small.test.images}
            assert vars(shared).keys() == {"splits", "seed", "precision", "deterministic"}
            yield 0, finished(1, 0.5)

    sweep(QUICK, grid(QUICK, ["epochs=1"]), small, out=tmp_path / "s", pool=Looking())


class Given:
    """A pool where each trial comes to what it is told to."""

    shares_disk = True

    def __init__(self, *outcomes):
        self.outcomes = outcomes

    def run(self, function, shared, tasks, names, watch):
        for number, outcome in self.outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            yield number, outcome


def finished(errors, log_loss, weight=0.0):
    network = fit_once()
    weights = [np.full_like(array, weight) for array in network]
    row = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 1.0}
    return Outcome("finished", errors, log_loss, 1, 1.0, [Part(weights, [row], 1.0, 0.5, 48, 1)])


def fit_once():
    from digitwise import models

    return models.build("simple-cnn", (28, 28, 1), 3).get_weights()


def test_among_trials_of_as_many_errors_the_log_loss_decides_whatever_came_first(small, tmp_path):
    space = grid(QUICK, ["epochs=1,2,3,4"])
    outcomes = [(3, finished(2, 0.5, 1)), (1, finished(2, 0.4, 2)), (0, finished(2, 0.5, 3)), (2, finished(3, 0.1, 4))]
    done = sweep(QUICK, space, small, out=tmp_path / "s", pool=Given(*outcomes))
    assert [row.trial.number for row in done.rows] == [2, 1, 4, 3]
    assert (load_model(done.best.path).get_weights()[0] == 2).all()
    assert [row["trial"] for row in table(done.path)] == ["1", "2", "3", "4"]


def test_a_stopped_trial_does_not_win_whatever_its_errors(small, tmp_path):
    stopped = Outcome("stopped", 0, 0.1, 1, 1.0, [])
    done = sweep(
        QUICK, grid(QUICK, ["epochs=1,2"]), small, out=tmp_path / "s", pool=Given((0, stopped), (1, finished(5, 1)))
    )
    assert done.info["winner"]["trial"] == 2
    assert [(row["state"], row["validation_errors"]) for row in table(done.path)] == [
        ("stopped", "0"),
        ("finished", "5"),
    ]


def test_interrupted_sweep_leaves_the_rows_that_are_done(small, tmp_path):
    pool = Given((1, finished(1, 0.5)), (0, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        sweep(QUICK, grid(QUICK, ["epochs=1,2,3"]), small, out=tmp_path / "s", pool=pool)
    assert [row["trial"] for row in table(tmp_path / "s")] == ["2"]
    assert json.loads((tmp_path / "s" / "sweep.json").read_text())["winner"] is None
    assert sorted(path.name for path in tmp_path.rglob("*")) == [MARKER, "s", "sweep.json", "trials.csv"]


def test_earlier_sweep_stays_whole_until_a_trial_of_the_next_is_done(small, tmp_path):
    out, space = tmp_path / "s", grid(QUICK, ["epochs=1,2"])
    sweep(QUICK, space, small, out=out, pool=Given((0, finished(1, 0.5))))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(DataError):
        sweep(QUICK, space, small, out=out, pool=Given((0, DataError("broken"))))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    with pytest.raises(DataError):
        sweep(QUICK, space, small, out=out, pool=Given((1, finished(1, 0.5)), (0, DataError("broken"))))
    assert sorted(path.name for path in out.iterdir()) == [MARKER, "sweep.json", "trials.csv"]


def test_sweep_of_which_nothing_finished_has_no_winner(small, tmp_path):
    diverged = Outcome("diverged", None, None, 1, 1.0, [])
    with pytest.raises(RecipeError, match=r"no trial of 1 finished .*lower learning rates"):
        sweep(QUICK, grid(QUICK, ["epochs=1"]), small, out=tmp_path / "s", pool=Given((0, diverged)))
    assert table(tmp_path / "s")[0]["state"] == "diverged"


@pytest.mark.parametrize("made", ["folder", "file", "run"])
def test_place_of_something_else_is_refused_before_the_work(small, tmp_path, made):
    out = tmp_path / "mine"
    if made == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / ("run.json" if made == "run" else "mine.txt")).write_text("{}")
    with pytest.raises(RunError, match="expected a new name or a sweep to replace"):
        sweep(QUICK, grid(QUICK, ["epochs=1"]), small, out=out, pool=Given((0, AssertionError("it began"))))


def test_network_that_there_is_not_is_refused_before_the_work(small, tmp_path):
    with pytest.raises(RecipeError, match=r"model: expected one of simple-cnn, .* got 'large'"):
        sweep(
            QUICK, grid(QUICK, ["model=large"]), small, out=tmp_path / "s", pool=Given((0, AssertionError("it began")))
        )
    assert not (tmp_path / "s").exists()


def test_an_ensemble_is_tried_with_all_its_networks(small, tmp_path):
    recipe = QUICK.replace(members=2, test_shifts=True, epochs=1)
    done = sweep(recipe, grid(recipe, ["batch_size=24"]), small, out=tmp_path / "s", precision="float32")
    splits = split_validation(small.train, seed=0)
    answers = predict(load_model(done.best.path), splits.validation)
    assert answers.errors == done.info["winner"]["validation_errors"]
    assert len(done.best.history) == 2
