"""The bar of a call from Python: in terminals and notebooks, and nowhere else."""

import io
import types

import pytest
from rich.console import Console

import digitwise
from digitwise.recipes import Recipe
from digitwise.training import live
from digitwise.training.live import CheckWatch, Forecast, LiveWatch, duration, progress_bar

pytestmark = pytest.mark.usefixtures("undrawn")

ROW = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 0.75, "seconds": 2.0}


def text_of(shown):
    return shown._repr_mimebundle_([], [])["text/html"]


def test_terminal_has_one_bar_and_no_lines(terminal):
    with progress_bar(LiveWatch, None) as watch:
        watch.on_member(1, 3)
        watch.on_steps(1, 0.5, 0.25, 0.9)
        watch.on_epoch(ROW, 0.5)
        watch.bar.refresh()
        drawn = terminal()
    assert "network 1 of 3: epoch 1" in drawn
    assert "loss 0.2500  accuracy 0.9000" in drawn
    assert "validation" not in drawn
    assert terminal().endswith("\x1b[2K")  # it goes when the training is done


def test_notebook_has_one_bar_without_widgets_which_goes(notebook):
    with progress_bar(LiveWatch, None) as watch:
        watch.on_task("fold 2 of 5")
        watch.on_steps(3, 0.5, 0.25, 0.9)
        assert "fold 2 of 5: epoch 3" in text_of(notebook[-1])
    assert notebook[-1].data == ""


def test_no_bar_where_it_is_not_wanted(terminal):
    with progress_bar(LiveWatch, False) as watch:
        assert watch is None
    assert terminal() == ""


def test_no_bar_where_there_is_no_terminal_but_where_it_is_asked_for(capsys):
    with progress_bar(LiveWatch, None) as watch:
        assert watch is None
    assert capsys.readouterr().err == ""
    with progress_bar(LiveWatch, True) as watch:
        watch.bar.refresh()
    assert "compiling" in capsys.readouterr().err


def test_checks_are_named_on_the_bar(terminal):
    with progress_bar(CheckWatch, None) as watch:
        watch.say("DW010 Duplicates", 1, 9)
        watch.bar.refresh()
        assert "DW010 Duplicates" in terminal()


@pytest.mark.parametrize(
    "call",
    [
        lambda data, out: digitwise.train(Recipe("a", "", "simple-cnn", 1, 32), data, out=out),
        lambda data, out: digitwise.sweep(Recipe("a", "", "simple-cnn", 1, 32), data, grid={"epochs": [1]}, out=out),
        lambda data, out: digitwise.check("digits", select=["DW010"]),
    ],
    ids=["train", "sweep", "check"],
)
def test_public_calls_show_it(call, small, tmp_path, terminal):
    call(small, tmp_path / "out")
    assert "━" in terminal()
    assert not [line for line in terminal().splitlines() if "validation loss" in line]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12.4, "12 s"), (99, "99 s"), (160, "2 min 40 s"), (119.6, "2 min"), (3_900, "1 h 5 min"), (7_200, "2 h")],
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words


def test_forecast_leaves_out_the_steps_that_compile(monkeypatch):
    times = iter([50.0, 50.4, 52.0])
    monkeypatch.setattr(live, "time", types.SimpleNamespace(monotonic=lambda: next(times)))
    forecast = Forecast()
    assert [forecast.seconds(share) for share in (0.01, 0.014, 0.03)] == [None, None, pytest.approx(100)]


def test_training_says_once_how_long_it_will_take(monkeypatch):
    times = iter(range(0, 1000, 2))
    monkeypatch.setattr(live, "time", types.SimpleNamespace(monotonic=lambda: next(times)))
    console = Console(file=io.StringIO(), width=100)
    with LiveWatch(console) as watch:
        watch.on_start(types.SimpleNamespace(layers=[], count_params=lambda: 7))
        for share in (0.1, 0.12, 0.14, 0.16):
            watch.on_steps(1, share, 0.5, 0.9)
    assert console.file.getvalue().count("about 1 min 40 s for this network on this processor") == 1
