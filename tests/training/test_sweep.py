import csv
import json
import sys

import numpy as np
import pytest

from digitwise import ledger
from digitwise.data.splits import split_validation
from digitwise.errors import DataError, MissingPartError, RecipeError, RunError
from digitwise.images import Dataset
from digitwise.outputs import MARKER
from digitwise.recipes import Recipe
from digitwise.recipes.space import Trial
from digitwise.runs import Run
from digitwise.training.fit import TrainedNetwork, fit
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict
from digitwise.training.saving import load_model
from digitwise.training.sweep import sweep
from digitwise.training.trials import LOST, TrialResult, TrialSetup, run_trial
from digitwise.training.watch import Stopped, Watch
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
        data,
        FitOptions(precision="float32"),
        grid=RATES,
        out=tmp_path_factory.mktemp("sweeps") / "rates",
        watch=Asked(),
        tell=lambda row: told.append((row.trial.number, row.result.state)),
    )
    return done, data, told, asked


def test_winner_has_the_fewest_validation_errors_and_is_a_run(swept):
    done, data, *_ = swept
    assert [row.trial.number for row in done.rows] == [2, 1, 3]
    run = Run.open(done.path / "best")
    assert run.info["recipe"]["learning_rate"] == 0.003
    assert run.info["results"]["validation"]["errors"] == done.rows[0].result.errors == 0
    assert done.rows[1].result.errors > 0
    assert (run.info["seed"], run.info["precision"]) == (0, "float32")
    assert predict(load_model(run.path), data.test).errors == run.info["results"]["test"]["errors"]


def test_winner_is_what_its_trial_was_and_not_trained_anew(swept):
    done, data, *_ = swept
    splits = split_validation(data.train, seed=0)
    alone = fit(QUICK, splits, FitOptions(precision="float32")).model.get_weights()
    for one, other in zip(load_model(done.best.path).get_weights(), alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert done.best.info["fit_seconds"] == done.rows[0].result.seconds


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
    assert int(rows[0]["validation_errors"]) == done.rows[1].result.errors
    assert float(rows[0]["validation_log_loss"]) == pytest.approx(done.rows[1].result.log_loss, rel=1e-4)
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


def test_trials_get_no_test_images(small, tmp_path):
    class Looking:
        shares_disk = True

        def run(self, function, shared, tasks, names, watch, lost):
            next(tasks)
            parts = shared.splits.train, shared.splits.validation
            assert shared.splits.others is None
            seen = {image.tobytes() for part in parts for image in part.images}
            assert not seen & {image.tobytes() for image in small.test.images}
            assert vars(shared).keys() == {"splits", "options"}
            yield 0, finished(1, 0.5)

    sweep(QUICK, small, grid=["epochs=1"], out=tmp_path / "s", pool=Looking())


class Given:
    """A pool where each trial comes to what it is told to."""

    shares_disk = True

    def __init__(self, *outcomes):
        self.results = outcomes

    def run(self, function, shared, tasks, names, watch, lost):
        list(tasks)
        for number, outcome in self.results:
            if isinstance(outcome, BaseException):
                raise outcome
            yield number, outcome


def finished(errors, log_loss, weight=0.0):
    network = fit_once()
    weights = [np.full_like(array, weight) for array in network]
    row = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 1.0}
    trained = TrainedNetwork("simple-cnn", weights, [row], 1.0, 0.5, 48, 1)
    return TrialResult("finished", errors, log_loss, 1, 1.0, [trained])


def fit_once():
    from digitwise import models

    return models.build("simple-cnn", (28, 28, 1), 3).get_weights()


def test_among_trials_of_as_many_errors_the_log_loss_decides_whatever_came_first(small, tmp_path):
    outcomes = [(3, finished(2, 0.5, 1)), (1, finished(2, 0.4, 2)), (0, finished(2, 0.5, 3)), (2, finished(3, 0.1, 4))]
    done = sweep(QUICK, small, grid=["epochs=1,2,3,4"], out=tmp_path / "s", pool=Given(*outcomes))
    assert [row.trial.number for row in done.rows] == [2, 1, 4, 3]
    assert (load_model(done.best.path).get_weights()[0] == 2).all()
    assert [row["trial"] for row in table(done.path)] == ["1", "2", "3", "4"]


def test_a_stopped_trial_does_not_win_whatever_its_errors(small, tmp_path):
    stopped = TrialResult("stopped", 0, 0.1, 1, 1.0, [])
    done = sweep(
        QUICK,
        small,
        grid=["epochs=1,2"],
        out=tmp_path / "s",
        pool=Given((0, stopped), (1, finished(5, 1))),
    )
    assert done.info["winner"]["trial"] == 2
    assert [(row["state"], row["validation_errors"]) for row in table(done.path)] == [
        ("stopped", "0"),
        ("finished", "5"),
    ]


def test_interrupted_sweep_leaves_the_rows_that_are_done(small, tmp_path):
    pool = Given((1, finished(1, 0.5)), (0, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        sweep(QUICK, small, grid=["epochs=1,2,3"], out=tmp_path / "s", pool=pool)
    assert [row["trial"] for row in table(tmp_path / "s")] == ["2"]
    assert json.loads((tmp_path / "s" / "sweep.json").read_text())["winner"] is None
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        *(MARKER, "best.npz", "s", "study.log", "sweep.json", "trials.csv")
    ]


def test_earlier_sweep_stays_whole_until_a_trial_of_the_next_is_done(small, tmp_path):
    out, both = tmp_path / "s", ["epochs=1,2"]
    sweep(QUICK, small, grid=both, out=out, pool=Given((0, finished(1, 0.5))))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(DataError):
        sweep(QUICK, small, grid=both, out=out, pool=Given((0, DataError("broken"))))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    with pytest.raises(DataError):
        sweep(QUICK, small, grid=both, out=out, pool=Given((1, finished(1, 0.5)), (0, DataError("broken"))))
    kept = [MARKER, "best.npz", "study.log", "sweep.json", "trials.csv"]
    assert sorted(path.name for path in out.iterdir()) == kept


def test_sweep_of_which_nothing_finished_has_no_winner(small, tmp_path):
    diverged = TrialResult("diverged", None, None, 1, 1.0, [])
    with pytest.raises(RecipeError, match=r"no trial of 1 finished .*lower learning rates"):
        sweep(QUICK, small, grid=["epochs=1"], out=tmp_path / "s", pool=Given((0, diverged)))
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
        sweep(QUICK, small, grid=["epochs=1"], out=out, pool=Given((0, AssertionError("it began"))))


def test_network_that_there_is_not_is_refused_before_the_work(small, tmp_path):
    with pytest.raises(RecipeError, match=r"model: expected one of simple-cnn, .* got 'large'"):
        sweep(
            QUICK,
            small,
            grid=["model=large"],
            out=tmp_path / "s",
            pool=Given((0, AssertionError("it began"))),
        )
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_an_ensemble_is_tried_with_all_its_networks(small, tmp_path):
    recipe = QUICK.replace(members=2, test_shifts=True, epochs=1)
    done = sweep(recipe, small, FitOptions(precision="float32"), grid={"batch_size": [24]}, out=tmp_path / "s")
    splits = split_validation(small.train, seed=0)
    answers = predict(load_model(done.best.path), splits.validation)
    assert answers.errors == done.info["winner"]["validation_errors"]
    assert len(done.best.history) == 2


def curve(watch, errors, n=100, epochs=4):
    """Tell of a training that makes so many errors of n after each epoch."""
    for epoch in range(1, epochs + 1):
        row = {"epoch": epoch, "loss": 1.0, "accuracy": 0.5, "seconds": 0.5}
        watch.on_epoch(row | {"val_loss": 1.0, "val_accuracy": 1 - errors / n}, epoch / epochs)


class Trying:
    """A pool where a trial makes the errors it is told to, and may be stopped; it breaks off before some trial."""

    shares_disk = True

    def __init__(self, errors, until=1000, epochs=4):
        self.errors, self.until, self.epochs, self.names = errors, until, epochs, []

    def run(self, function, shared, tasks, names, watch, lost):
        for number, (task, name) in enumerate(zip(tasks, names, strict=True)):
            self.names.append(name)
            if task.number >= self.until:
                raise KeyboardInterrupt
            errors = self.errors(task)
            if errors is None:
                yield number, LOST
                continue
            try:
                curve(watch.on_task(name), errors, n=len(shared.splits.validation), epochs=self.epochs)
                yield number, finished(errors, 0.5, weight=task.number)
            except Stopped:
                yield number, TrialResult("stopped", errors, 1.0, 1, 0.5, [])


def by_rate(trial):
    """Errors that grow with the learning rate's distance from 0.003."""
    return min(7, round(5 * abs(np.log(trial.recipe.learning_rate / 0.003))))


def rows_of(place):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in table(place)]


def test_a_trial_clearly_worse_than_others_is_stopped_at_a_quarter_and_one_as_good_is_not(small, tmp_path):
    errors = dict(enumerate([1, 2, 3, 4, 7, 4, 1], 1))
    pool = Trying(lambda trial: errors[trial.number])
    done = sweep(QUICK, small, trials=7, out=tmp_path / "s", pool=pool)
    states = {row.trial.number: row.result.state for row in done.rows}
    assert [number for number, state in states.items() if state == "stopped"] == [5, 6]
    assert done.info["finished"] == 5


def test_no_trial_is_stopped_before_enough_finished(small, tmp_path):
    errors = dict(enumerate([1, 1, 1, 7], 1))
    done = sweep(QUICK, small, trials=4, out=tmp_path / "s", pool=Trying(lambda trial: errors[trial.number]))
    assert done.info["finished"] == 4


def test_the_same_seed_gives_the_same_trials_one_after_another(small, tmp_path):
    some = [
        sweep(QUICK, small, FitOptions(seed=seed), trials=14, out=tmp_path / name, pool=Trying(by_rate)).path
        for seed, name in ((3, "one"), (3, "two"), (4, "other"))
    ]
    one, two, other = map(rows_of, some)
    assert one == two != other
    assert float(one[0]["learning_rate"]) == QUICK.learning_rate


@pytest.mark.parametrize("until", [3, 13])
def test_a_sweep_that_broke_off_goes_on_and_ends_as_one_that_did_not(small, tmp_path, until):
    whole = sweep(QUICK, small, trials=14, out=tmp_path / "whole", pool=Trying(by_rate))
    out, told = tmp_path / "s", []
    with pytest.raises(KeyboardInterrupt):
        sweep(QUICK, small, trials=14, out=out, pool=Trying(by_rate, until))
    pool = Trying(by_rate)
    done = sweep(QUICK, small, trials=14, out=out, pool=pool, tell=lambda row: told.append(row.earlier))
    assert told == [True] * (until - 1) + [False] * (15 - until)
    assert pool.names[0].startswith(f"trial {until}:")
    assert rows_of(out) == rows_of(whole.path)
    assert done.info["winner"]["trial"] == whole.info["winner"]["trial"]
    assert (load_model(done.best.path).get_weights()[0] == done.info["winner"]["trial"]).all()
    assert sorted(path.name for path in out.iterdir()) == [MARKER, "best", "study.log", "sweep.json", "trials.csv"]


def test_a_sweep_for_something_else_does_not_go_on_with_what_broke_off(small, tmp_path):
    out = tmp_path / "s"
    with pytest.raises(KeyboardInterrupt):
        sweep(QUICK, small, trials=4, out=out, pool=Trying(by_rate, 3))
    pool = Trying(by_rate)
    sweep(QUICK, small, FitOptions(seed=1), trials=4, out=out, pool=pool)
    assert len(pool.names) == 4


def test_trials_whose_weights_are_not_there_are_trained_again(small, tmp_path):
    out = tmp_path / "s"
    with pytest.raises(KeyboardInterrupt):
        sweep(QUICK, small, trials=5, out=out, pool=Trying(lambda trial: 6 - trial.number, 4))
    (out / "best.npz").unlink()
    before, pool = rows_of(out), Trying(lambda trial: 6 - trial.number)
    sweep(QUICK, small, trials=5, out=out, pool=pool)
    assert len(pool.names) == 5
    assert rows_of(out)[:3] == before


def test_a_trial_that_was_lost_begins_anew_when_the_sweep_goes_on(small, tmp_path):
    out, pool = tmp_path / "s", Trying(lambda trial: None if trial.number == 2 else 1, 4)
    with pytest.raises(KeyboardInterrupt):
        sweep(QUICK, small, trials=4, out=out, pool=pool)
    assert [row["state"] for row in table(out)] == ["finished", "lost", "finished"]
    again = Trying(lambda trial: 1)
    assert sweep(QUICK, small, trials=4, out=out, pool=again).info["finished"] == 4
    assert again.names[0] == pool.names[1]
    assert len(again.names) == 2


def test_after_the_timeout_no_trial_begins(small, tmp_path):
    pool = Trying(by_rate)
    done = sweep(QUICK, small, trials=5, timeout=0, out=tmp_path / "s", pool=pool)
    assert (len(pool.names), done.info["trials"], done.info["timeout"]) == (1, 1, 0)


def test_what_mattered_is_told_once_enough_trials_finished(small, tmp_path):
    pool = Trying(by_rate, epochs=0)  # none of which is stopped
    few, many = (sweep(QUICK, small, trials=n, out=tmp_path / str(n), pool=pool) for n in (3, 20))
    assert few.info["importances"] == {}
    first, *_ = many.info["importances"]
    assert first == "learning_rate"
    assert sum(many.info["importances"].values()) == pytest.approx(1, abs=1e-3)


def test_optuna_reads_what_was_kept(small, tmp_path):
    import optuna

    sweep(QUICK, small, trials=3, out=tmp_path / "s", pool=Trying(by_rate))
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "s" / "study.log"))
    study = optuna.load_study(study_name="sweep", storage=optuna.storages.JournalStorage(backend))
    assert [trial.user_attrs["trial"] for trial in study.trials] == [1, 2, 3]


def test_without_optuna_the_install_line_is_told(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingPartError, match=r'^a sweep needs optuna: pip install "digitwise\[sweep\]"$'):
        sweep(QUICK, small, trials=2, out=tmp_path / "s")


def test_pairs_and_nothing_are_swept_as_other_values(small, tmp_path):
    grid = {"betas": [(0.7, 0.9), (0.9, 0.999)], "early_stopping": [None, 3]}
    with pytest.raises(KeyboardInterrupt):
        sweep(QUICK, small, grid=grid, out=tmp_path / "s", pool=Trying(lambda trial: trial.number, 3))
    done = sweep(QUICK, small, grid=grid, out=tmp_path / "s", pool=Trying(lambda trial: trial.number))
    assert [(row.trial.recipe.betas, row.trial.recipe.early_stopping) for row in done.rows] == [
        *(((0.7, 0.9), None), ((0.7, 0.9), 3), ((0.9, 0.999), None), ((0.9, 0.999), 3))
    ]


@pytest.mark.parametrize("asked", [{}, {"trials": 2, "grid": {"epochs": [1]}}], ids=["neither", "both"])
def test_trials_or_a_grid_are_needed(small, tmp_path, asked):
    with pytest.raises(RecipeError, match="expected either"):
        sweep(QUICK, small, out=tmp_path / "s", **asked)


def test_a_stopped_training_comes_to_its_last_epoch(small):
    class Stopping(Watch):
        def on_epoch(self, row, share):
            self.row = row
            raise Stopped

    watch = Stopping()
    setup = TrialSetup(split_validation(small.train, seed=0), FitOptions(precision="float32"))
    outcome = run_trial(setup, Trial(1, {}, QUICK), watch)
    assert (outcome.state, outcome.epochs, outcome.networks) == ("stopped", 1, [])
    assert outcome.log_loss == watch.row["val_loss"]
    assert outcome.errors == round((1 - watch.row["val_accuracy"]) * len(setup.splits.validation))
