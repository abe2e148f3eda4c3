import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from digitwise.outputs import MARKER
from digitwise.runs import Run
from tests.data.test_load import write_images
from tests.helpers import blobs

QUICK = ("--data", "digits", "--epochs", "1", "--precision", "float32")
GUARANTEED = {"recipe", "n", "errors", "error_rate", "interval_95", "fit_seconds", "seed", "parameters"}


@pytest.fixture
def start():
    """The command in a process of its own, which hears Ctrl-C also where the tests run in the background.

    It ends with its test, whatever becomes of that.
    """
    started = []

    def call(*arguments, folder, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "digitwise", *map(str, arguments)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # no thread forks here
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


def test_help_imports_nothing_heavy(tmp_path):
    code = (
        "import sys; from digitwise.cli.main import main; main(['--help']);"
        "print([m for m in ('numpy', 'keras', 'tensorflow', 'matplotlib', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command(digitwise):
    text = digitwise("--help").out
    for command in ("run", "train", "evaluate", "errors", "compare", "info", "data"):
        assert f"  {command}  " in text


def test_library_and_command_make_the_same_run_folder(digitwise, tmp_path):
    from digitwise import train
    from digitwise.recipes import find

    assert digitwise("train", "baseline", *QUICK, "--out", tmp_path / "command").code == 0
    train(find("baseline").replace(epochs=1), "digits", out=tmp_path / "library", precision="float32")
    command, library = ({file.name for file in (tmp_path / who).iterdir()} for who in ("command", "library"))
    assert library == command
    assert {"run.json", "baseline_plot.png", "confusion.png", "errors.png", "first_prediction.png"} <= library


@pytest.mark.usefixtures("undrawn")
def test_train_prints_one_json_document(digitwise, tmp_path):
    result = digitwise("train", "baseline", *QUICK, "--out", tmp_path / "run", "--seed", 3, "--json")
    assert result.code == 0
    assert result.json.keys() >= GUARANTEED
    assert (result.json["recipe"], result.json["n"], result.json["seed"]) == ("baseline", 360, 3)
    assert "epoch  1  100%" in result.err


@pytest.mark.usefixtures("undrawn")
def test_train_keeps_its_budget_and_says_so_in_the_run(digitwise, tmp_path, processor_clock):
    out = tmp_path / "run"
    result = digitwise("train", "flash", "--data", "digits", "--budget", "0.1m", "--out", out, "--json")
    assert result.code == 0, result.err
    assert 0.9 * 6 < result.json["fit_seconds"] < 1.1 * 6
    assert result.json["epochs"] > 1
    assert Run.open(out).info["budget"] == 6


def test_budget_too_short_to_compile_in_is_told_in_one_line(digitwise, tmp_path):
    result = digitwise("train", "flash", "--data", "digits", "--budget", "0.1s", "--out", tmp_path / "run", "--json")
    assert result.code == 2
    assert result.err.splitlines()[-1].startswith("digitwise: budget: over before the training began")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_deterministic_trainings_give_the_same_answers(digitwise, tmp_path):
    runs = [tmp_path / "one", tmp_path / "other"]
    for out in runs:
        assert digitwise("train", "flash", *QUICK, "--deterministic", "--out", out).code == 0
    one, other = (Run.open(out).predictions("test").probabilities for out in runs)
    assert np.array_equal(one, other)


def test_evaluate_agrees_with_the_run(digitwise, trained):
    result = digitwise("evaluate", trained, "--json")
    assert result.json.keys() >= GUARANTEED
    assert result.json["errors"] == Run.open(trained).info["results"]["test"]["errors"]
    assert Run.open(trained).info["test_reads"][-1]["reason"] == "evaluate"


def test_evaluate_on_other_data_asks_the_model(digitwise, trained):
    again = digitwise("evaluate", trained, "--data", "digits", "--json")
    assert again.json["errors"] == Run.open(trained).info["results"]["test"]["errors"]


def test_evaluate_refuses_data_of_other_classes(digitwise, trained, tmp_path):
    images = blobs(36, classes=12)
    np.savez(tmp_path / "own.npz", images=images.images, labels=images.labels)
    result = digitwise("evaluate", trained, "--data", tmp_path / "own.npz")
    assert result.code == 2
    assert "expected the 10 classes that" in result.err
    assert "got 2 others: 10, 11" in result.err


def test_evaluate_refuses_data_of_another_size(digitwise, trained, tmp_path):
    images = blobs(30, size=20)
    np.savez(tmp_path / "own.npz", images=images.images, labels=images.labels)
    result = digitwise("evaluate", trained, "--data", tmp_path / "own.npz")
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 1


def test_evaluate_uses_all_images_of_a_set_without_a_test_split(digitwise, trained, digits, tmp_path):
    few = np.flatnonzero(digits.test.labels < 8)[:50]
    np.savez(tmp_path / "own.npz", images=digits.test.images[few], labels=digits.test.labels[few])
    found = digitwise("evaluate", trained, "--data", tmp_path / "own.npz", "--json").json
    answers = Run.open(trained).predictions("test")
    assert found["n"] == 50
    assert found["errors"] == answers.missed[few].sum()
    assert "no images of class 8, 9" in digitwise("evaluate", trained, "--data", tmp_path / "own.npz").out


@pytest.mark.usefixtures("undrawn")
def test_evaluate_leaves_out_what_the_run_was_trained_on(digitwise, tmp_path):
    images = blobs(200)
    np.savez(tmp_path / "own.npz", images=images.images, labels=images.labels)
    run = tmp_path / "run"
    digitwise("train", "baseline", "--data", tmp_path / "own.npz", "--epochs", 1, "--out", run)
    assert digitwise("evaluate", run, "--data", tmp_path / "own.npz", "--json").json["n"] == 40


def test_errors_lists_and_draws_what_is_wrong(digitwise, trained):
    found = digitwise("errors", trained, "--json").json
    assert found["errors"] == len(found["wrong"])
    assert sum(map(sum, found["confusion"])) == found["n"]
    assert all(Path(figure).stat().st_size > 1000 for figure in found["figures"])
    assert "label ↓" in digitwise("errors", trained, "--normalize").out


def test_compare_of_equal_runs_sees_no_difference(digitwise, trained, tmp_path):
    again = shutil.copytree(trained, tmp_path / "again")
    assert "no evidence of a difference" in digitwise("compare", trained, again).out
    assert digitwise("compare", trained, again, "--json").json["p_value"] == 1


def test_info_tells_versions_and_data(digitwise):
    found = digitwise("info", "--json").json
    assert found["versions"]["numpy"] == np.__version__
    assert found["data"]["digits"] == "embedded"
    assert digitwise("data", "fetch", "digits", "--json").json["folder"] == "embedded"
    assert "backend" in digitwise("info").out


def test_data_list_shows_every_set(digitwise):
    assert [row["name"] for row in digitwise("data", "list", "--json").json][:2] == ["mnist", "fashion-mnist"]
    assert "Kuzushiji" in digitwise("data", "list").out


def test_data_list_tells_mirrors_checksums_and_where_to_get_what_is_not_fetched(digitwise, monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITWISE_DATA", str(tmp_path))
    monkeypatch.setattr("digitwise.data.cache_folder", lambda: tmp_path)
    rows = {row["name"]: row for row in digitwise("data", "list", "--json").json}
    assert rows["mnist"]["checksum"] == "sha256"
    assert rows["kmnist"]["checksum"] == rows["emnist-digits"]["checksum"] == rows["semeion"]["checksum"] == "md5"
    assert rows["optdigits"]["checksum"] == "none published, sha256"
    assert rows["mnist"]["mirrors"][0].startswith("https://")
    assert rows["optdigits"]["mirrors"] == []
    text = " ".join(digitwise("data", "list").out.split())
    assert "not here, digitwise data fetch mnist" in text
    assert "digitwise data fetch optdigits" not in text
    assert f"not here, not fetched, get it from {rows['optdigits']['page']}" in text
    assert "checksum: md5" in text


def test_data_show_looks_at_a_set(digitwise, tmp_path):
    result = digitwise("data", "show", "digits", "--out", tmp_path)
    assert "(1437, 28, 28) uint8, values 0 to 255" in result.out
    assert "even enough" in result.out
    assert {path.name for path in tmp_path.iterdir()} == {MARKER, "samples.png", "classes.png"}
    assert digitwise("data", "show", "digits", "--out", tmp_path, "--json").json["train"]["shape"] == [1437, 28, 28]


def test_data_fetch_finds_what_is_here(digitwise, mnist):
    assert digitwise("data", "fetch", "mnist", "--json").json["folder"].endswith("mnist")


@pytest.mark.usefixtures("undrawn")
def test_run_does_the_whole_exercise(digitwise, tmp_path, monkeypatch, undrawn):
    monkeypatch.setattr("digitwise.data.locate", lambda named: None)
    monkeypatch.setattr("digitwise.data.download._answers", lambda mirror: False)
    monkeypatch.setenv("DIGITWISE_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "results"
    result = digitwise("run", "--epochs", 1, "--out", out)
    assert result.code == 0, result.err
    assert result.out.startswith("NOT MNIST: going on with the embedded digits set.")
    assert "The first prediction." in result.out
    page = (out / "index.html").read_text()
    assert "This is the embedded digits set, not MNIST." in page
    for recipe in ("baseline", "improved", "augmented", "focus"):
        assert Run.open(out / recipe).info["data"]["embedded"]
        assert (out / recipe / f"{recipe}_plot.png").is_file()
        assert f'href="#{recipe}"' in page
    again = digitwise("run", "--epochs", 1, "--out", out, "--resume", "--json")
    assert [run["recipe"] for run in again.json["runs"]] == ["baseline", "improved", "augmented", "focus"]
    assert again.err.count("finished earlier") == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "imporved", "--data", "digits"), "nearest: improved"),
        (("train", "baseline", "--data", "nothing-here"), "expected a file, a folder or one of"),
        (("train", "baseline", "--data", "digits", "--epochs", "0"), "epochs: expected 1 or more, got 0"),
        (("train", "baseline", "--data", "digits", "--validation", "5000"), "validation: expected 1 to"),
        (("train", "baseline", "--budget", "soon"), "expected a time like 45s, 2m or 1h, got 'soon'"),
        (("train", "baseline", "--speed", "9"), "No such option"),
        (("evaluate", "nowhere"), "expected a run folder"),
        (("errors", "."), "expected a run folder"),
        (("compare", "a", "b"), "expected a run folder"),
        (("data", "show", "minst"), "nearest: mnist"),
        (("data", "fetch", "minst"), "nearest: mnist"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_bad_input_gets_one_line_and_leaves_nothing(digitwise, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = digitwise(*arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_out_that_is_something_else_is_not_touched(digitwise, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    result = digitwise("train", "baseline", *QUICK, "--out", tmp_path)
    assert result.code == 2
    assert "choose another out (--out)" in result.err
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_no_room_on_the_disk_is_told_in_one_line(digitwise, tmp_path, monkeypatch):
    import errno

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "checkpoint.npz")

    monkeypatch.setattr("numpy.savez", full)
    result = digitwise("train", "baseline", *QUICK, "--out", tmp_path / "run")
    assert result.code == 2
    assert "No space left on device; make room" in result.err
    assert not (tmp_path / "run").exists()


def test_place_one_may_not_write_to_is_told_in_one_line(digitwise, tmp_path):
    (tmp_path / "file").write_text("")
    result = digitwise("train", "baseline", *QUICK, "--out", tmp_path / "file" / "run")
    assert result.code == 2
    assert "Not a directory" in result.err


@pytest.mark.usefixtures("undrawn")
def test_run_on_other_data_is_not_compared(digitwise, trained, tmp_path):
    write_images(tmp_path / "own", blobs(60))
    digitwise("train", "baseline", "--data", tmp_path / "own", "--epochs", 1, "--out", tmp_path / "other")
    result = digitwise("compare", trained, tmp_path / "other")
    assert result.code == 2
    assert "tested on different images" in result.err


def wait_for(path, process, seconds=300):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_killed_training_goes_on_with_resume(digitwise, start, tmp_path):
    long = ("train", "improved", "--data", "digits", "--epochs", 20, "--out", tmp_path / "run")
    process = start(*long, folder=tmp_path)
    wait_for(tmp_path / ".run.partial" / "checkpoint-0.npz", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "run").exists()
    result = digitwise(*long, "--resume")
    assert result.code == 0, result.err
    assert "resumed after epoch" in result.out
    assert len(Run.open(tmp_path / "run").history) == 20


def test_failed_training_leaves_no_partial_folder(digitwise, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "digitwise.training.trainer.save_checkpoint", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    assert digitwise("train", "baseline", *QUICK, "--out", tmp_path / "run").code == 2
    assert list(tmp_path.iterdir()) == []


def test_run_refuses_before_it_writes(digitwise, tmp_path):
    (tmp_path / "focus").mkdir()
    (tmp_path / "focus" / "mine.txt").write_text("")
    result = digitwise("run", "--data", "digits", "--out", tmp_path)
    assert result.code == 2
    assert "choose another out (--out)" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["focus"]


@pytest.mark.slow
def test_ctrl_c_leaves_whole_files_and_130(start, tmp_path):
    process = start("train", "improved", "--data", "digits", "--epochs", 500, "--out", "run", folder=tmp_path)
    checkpoint = tmp_path / ".run.partial" / "checkpoint-0.npz"
    wait_for(checkpoint, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.strip() == "interrupted; what was saved is whole, --resume goes on with an unfinished training"
    assert np.load(checkpoint)["progress"]
    assert [path.name for path in checkpoint.parent.iterdir()] == ["checkpoint-0.npz"]


def test_a_set_that_cannot_be_split_is_shown_whole(digitwise, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.array([0, 2] * 30)  # none of class 1
    np.savez(tmp_path / "own.npz", images=rng.integers(0, 256, (60, 28, 28), np.uint8), labels=labels)
    result = digitwise("data", "show", tmp_path / "own.npz", "--out", tmp_path / "out", "--json")
    assert result.code == 0, result.err
    shown = result.json
    assert shown["train"]["class_counts"] == [30, 0, 30]
    assert "test" not in shown
    assert shown["notes"][-1].startswith("not to be trained with as it is: class '1' has no training image")
    told = digitwise("data", "show", tmp_path / "own.npz", "--out", tmp_path / "out").out
    assert "images    (60, 28, 28) uint8" in told
    assert "Class 1 is too rare" in told
    assert "chi-square" not in told
