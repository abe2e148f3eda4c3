"""What a run shows of itself in a notebook."""

import json
import shutil

import pytest
from matplotlib import pyplot as plt

from digitwise.runs import Run


def test_frame_has_a_row_for_each_epoch(trained):
    frame = Run.open(trained).frame()
    assert list(frame) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    assert frame["epoch"].tolist() == [1, 2]
    assert frame["epoch"].dtype == int


@pytest.mark.parametrize("key", ["loss", "accuracy"])
def test_plot_gives_axes_with_both_curves(trained, key):
    run = Run.open(trained)
    axes = run.plot(key)
    assert [line.get_label() for line in axes.lines] == ["training", "validation"]
    assert key in axes.get_ylabel()
    mine = plt.figure().add_subplot()
    assert run.plot(key, ax=mine) is mine
    plt.close("all")


def test_notebook_shows_results_and_curves(trained):
    shown = Run.open(trained)._repr_html_()
    test = Run.open(trained).info["results"]["test"]
    assert f"{test['errors']} of 360 wrong" in shown
    assert "95 % interval" in shown
    assert shown.count('src="data:image/png;base64,') == 1


def test_networks_of_an_ensemble_are_named(trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    info = json.loads((copy / "run.json").read_text())
    info["recipe"]["model"] = "flash-cnn"
    for networks, words in (["flash-cnn", "deep-cnn", "flash-cnn"], "flash-cnn and deep-cnn"), (7, "flash-cnn"):
        info["networks"] = networks
        (copy / "run.json").write_text(json.dumps(info))
        assert f"{words}, {info['parameters']:,} parameters" in Run.open(copy)._repr_html_()


def test_names_of_strangers_are_escaped(trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    info = json.loads((copy / "run.json").read_text())
    info["recipe"] |= {"name": "<script>alert(1)</script>", "purpose": "\x1b[31m", "model": "<b>"}
    info["data"]["name"] = "<img src=x>"
    (copy / "run.json").write_text(json.dumps(info))
    shown = Run.open(copy)._repr_html_()
    assert not [tag for tag in ("<script", "<b>", "<img src", "\x1b") if tag in shown]
