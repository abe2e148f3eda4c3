"""Many trainings from the command line: --seeds, --jobs, --threads, --cluster."""

import io
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from digitwise import ledger
from digitwise.cli.options import pool_for
from digitwise.predictions import Predictions
from digitwise.runs import Run
from digitwise.system import cores
from digitwise.training import folds
from digitwise.training.live import LiveWatch
from digitwise.training.pool import Here, Processes

QUICK = ("train", "flash", "--data", "digits", "--epochs", 1)


@pytest.mark.slow
def test_seeds_side_by_side_are_ordinary_runs_and_a_table(digitwise, tmp_path, monkeypatch, digits):
    monkeypatch.setenv("DIGITWISE_LEDGER", str(tmp_path / "ledger"))
    result = digitwise(*QUICK, "--seeds", 2, "--seed", 5, "--jobs", 2, "--out", tmp_path)
    assert result.code == 0, result.err
    assert [Run.open(tmp_path / f"seed-{seed}").info["seed"] for seed in (5, 6)] == [5, 6]
    assert (tmp_path / "seed-5" / "confusion.png").exists()
    looks = ledger.looks(digits.fingerprint["test"])
    assert sorted(look.run for look in looks) == [str(tmp_path / f"seed-{seed}") for seed in (5, 6)]
    for words in ("seed 6: epoch  1", "seed 5: done", "mean ± deviation", "95 % interval", f"saved in {tmp_path}"):
        assert words in result.out
    again = digitwise(*QUICK, "--seeds", 2, "--seed", 5, "--jobs", 2, "--out", tmp_path, "--resume", "--json")
    assert again.code == 0, again.err
    assert again.err.count("done earlier") == 2
    assert again.json["seeds"] == [5, 6]
    errors = [run["errors"] for run in again.json["runs"]]
    assert again.json["test"]["errors"] == errors
    assert again.json["test"]["mean_errors"] == sum(errors) / 2


@pytest.mark.slow
def test_seeds_on_a_cluster_are_ordinary_runs(digitwise, two_nodes, tmp_path):
    result = digitwise(*QUICK, "--seeds", 2, "--cluster", two_nodes.address, "--out", tmp_path, "--json")
    assert result.code == 0, result.err
    assert [run["seed"] for run in result.json["runs"]] == [0, 1]
    assert [Run.open(tmp_path / f"seed-{seed}").predictions("test").errors for seed in (0, 1)] == [
        run["errors"] for run in result.json["runs"]
    ]


@pytest.mark.parametrize("command", [QUICK, ("check", "digits", "--labels")], ids=["train", "check"])
def test_no_cluster_at_an_address_is_one_line_before_ray_is_asked(digitwise, command, monkeypatch):
    monkeypatch.setattr("digitwise.cluster.connect.subprocess.run", lambda *_, **__: pytest.fail("Ray was asked"))
    result = digitwise(*command, "--cluster", "127.0.0.1:1")
    assert result.code == 2
    assert result.err.startswith("digitwise: 127.0.0.1:1: no cluster answers there")
    assert len(result.err.splitlines()) == 1


def test_missing_ray_is_told_with_the_line_that_installs_it(digitwise, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = digitwise(*QUICK, "--cluster", "auto")
    assert (result.code, result.err) == (2, 'digitwise: a cluster needs ray: pip install "digitwise[cluster]"\n')


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*QUICK, "--cluster", "auto", "--jobs", 2), "expected --cluster or --jobs, got both"),
        ((*QUICK, "--jobs", 0), "--jobs"),
        ((*QUICK, "--seeds", 0), "--seeds"),
        ((*QUICK, "--seeds", 2, "--seed", 2**32 - 1), "seeds: expected different ones from 0 to"),
        (("check", "digits", "--jobs", 2), "expected --labels with it"),
    ],
    ids=["both", "jobs", "seeds", "last seed", "labels"],
)
def test_options_that_cannot_be_are_refused_in_one_line(digitwise, arguments, words, tmp_path):
    result = digitwise(*arguments, "--out", tmp_path)
    assert result.code == 2
    assert words in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("jobs", "threads", "expected"),
    [(2, None, (2, max(1, cores() // 2))), (None, 3, (1, 3)), (2, 1, (2, 1))],
    ids=["cores divided", "one process", "both"],
)
def test_jobs_divide_the_cores_unless_told(jobs, threads, expected):
    with pool_for(None, jobs, threads) as pool:
        assert isinstance(pool, Processes)
        assert (pool.jobs, pool.threads) == expected


def test_without_options_trainings_run_here():
    with pool_for(None, None, None) as pool:
        assert isinstance(pool, Here)


def test_check_sends_all_its_trainings_at_once(digitwise, monkeypatch, tmp_path):
    asked = []

    def answers(recipe, images, rounds, *, folds, watch, pool):
        asked.append(([options.seed for options in rounds], folds, pool.jobs))
        right = np.eye(images.n_classes, dtype=np.float32)[images.labels]
        return [Predictions(images.labels, right, images.class_names) for _ in rounds]

    monkeypatch.setattr(folds, "cross_validations", answers)
    monkeypatch.setattr("digitwise.workflows.check.SMALL", 0)  # of few images the bundled model is asked instead
    result = digitwise("check", "digits", "--labels", "--select", "DW040", "--jobs", 2, "--out", tmp_path)
    assert result.code == 0, result.err
    assert asked == [([0, 5], 5, 2)]


def test_help_does_not_wait_for_ray():
    code = "import sys, digitwise.cli.main; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


ROW = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 0.75, "seconds": 2.0}


def told(*, terminal):
    """What a console shows of two trainings, of which one begins anew."""
    text = io.StringIO()
    with LiveWatch(Console(file=text, force_terminal=terminal, width=200, highlight=False), many=True) as watch:
        watch.on_task("seed 0").on_epoch(ROW, 0.5)
        watch.on_task("seed 1").on_steps(1, 0.25, 2.0, 0.1)
        watch.on_task("seed 0").on_epoch(ROW, 0.5)
        bars = [task.description for task in watch.bar.tasks if task.visible]
        watch.on_task_done("seed 0")
        left = [task.description for task in watch.bar.tasks if task.visible]
    return text.getvalue(), bars, left


def test_each_training_has_one_bar_until_it_is_done():
    text, bars, left = told(terminal=True)
    assert bars == ["seed 0: compiling", "seed 1: epoch 1"]
    assert left == ["seed 1: epoch 1"]
    assert "seed 0: done, validation loss 0.5000  accuracy 0.7500" in text
    assert "2.0 s" not in text  # no line an epoch


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["seed 0", "trial 12: learning_rate 0.00123, batch_size 32, rotation_range 12.5"])
def test_bar_epoch_and_loss_are_seen_on_eighty_columns_whatever_the_name(name, width):
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    with LiveWatch(console, many=True) as watch:
        training = watch.on_task(name)
        training.on_member(2, 3)
        training.on_steps(12, 0.4, 2.1234, 0.5)
        watch.bar.refresh()
    line = next(line for line in reversed(text.getvalue().splitlines()) if "epoch 12" in line)
    assert name[:6] in line
    assert ", network 2 of 3: epoch 12 " in line
    assert "━" in line
    assert "loss 2.1234 0:00:00" in line


def test_without_a_terminal_each_line_has_its_trainings_name():
    text, _, _ = told(terminal=False)
    lines = text.splitlines()
    assert [line.split(":")[0] for line in lines] == ["  seed 0"] * 3
    assert lines[-1] == "  seed 0: done, validation loss 0.5000  accuracy 0.7500"
