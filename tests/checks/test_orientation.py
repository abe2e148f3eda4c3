import dataclasses

import numpy as np
import pytest

from digitwise.checks import SplitData, Subject, chosen, run_checks
from digitwise.data import load
from digitwise.data.raw import Raw
from digitwise.turns import TURNS

UNDO = {"rotate-90": "rotate-270", "rotate-270": "rotate-90"}  # the others undo themselves


@pytest.fixture(scope="module")
def train():
    images = load("digits").train
    return Raw(images.images[:400], images.labels[:400])


def checked(train, test=None):
    parts = SplitData("train", train), None if test is None else SplitData("test", test)
    return run_checks(Subject("drawn", *parts), chosen(["DW035"]))


def turned(raw, turn, places=slice(None)):
    pixels = raw.pixels.copy()
    pixels[places] = TURNS[turn](raw.pixels[places])
    return dataclasses.replace(raw, pixels=pixels)


@pytest.mark.parametrize("turn", TURNS)
def test_a_set_that_lies_wrong_is_an_error_that_names_the_turn(train, turn):
    (finding,) = checked(turned(train, turn)).findings
    assert (finding.severity, finding.split, finding.total) == ("error", "train", 400)
    assert finding.evidence["turn"] == UNDO.get(turn, turn)
    assert finding.words.endswith(f"after {UNDO.get(turn, turn)}")


def test_upright_images_pass_with_wrong_labels_too(train):
    assert checked(train).passed == ("DW035",)
    labels = np.where(np.arange(400) % 10 == 0, (train.labels + 3) % 10, train.labels)
    assert checked(dataclasses.replace(train, labels=labels)).passed == ("DW035",)


def test_images_that_were_turned_among_upright_ones_are_named(train):
    (finding,) = checked(turned(train, "rotate-90", slice(0, 40))).findings
    assert (finding.severity, finding.evidence["turn"]) == ("warning", "rotate-270")
    assert (finding.indices < 40).mean() > 0.9
    assert len(finding.indices) > 20


def test_scans_without_labels_that_lie_wrong_are_told(train):
    (finding,) = checked(train, dataclasses.replace(turned(train, "rotate-180"), labels=None)).findings
    assert (finding.split, finding.evidence["turn"]) == ("test", "rotate-180")
    assert "mean confidence" in finding.words


def figures(n, seed):
    """Two figures that are no digits, and are not the same after any turn."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (n, 12, 12)).astype(np.uint8)
    labels = np.arange(n) % 2
    images[labels == 0, 1:5, 1:11] = 220
    images[labels == 1, 1:11, 1:3] = 220
    return Raw(images, labels, ("bar", "post"))


def test_classes_that_are_no_digits_are_compared_between_the_splits():
    train, test = figures(300, 0), figures(200, 1)
    assert checked(train, test).passed == ("DW035",)
    (finding,) = checked(train, turned(test, "flip")).findings
    assert (finding.split, finding.severity) == ("test", "error")


def test_one_split_of_other_classes_cannot_be_told():
    assert "not digits" in checked(figures(300, 0)).skipped["DW035"]


def test_few_images_and_oblong_ones_are_passed(train):
    few = Raw(TURNS["flip"](train.pixels[:10]), train.labels[:10])
    assert checked(few).passed == ("DW035",)
    assert checked(Raw(train.pixels[:, :6], train.labels)).passed == ("DW035",)
