"""Improving a run from Python."""

import pytest

import digitwise
from digitwise.evaluation.fixes import Fix
from digitwise.training import improve as module
from tests.helpers import blobs

pytestmark = pytest.mark.usefixtures("undrawn")


def test_a_run_is_opened_and_its_data_in_memory_is_given_again(tmp_path, small, monkeypatch):
    recipe = digitwise.Recipe("mine", "a recipe of my own", "simple-cnn", epochs=1, batch_size=32)
    data = ((small.train.images, small.train.labels), (small.test.images, small.test.labels))
    run = digitwise.train(recipe, data, out=tmp_path / "mine")
    monkeypatch.setattr(module, "fix_for", lambda _: Fix("Look at the labels."))
    found = digitwise.improve(run.path, data, folds=2)
    assert found.run is None
    assert digitwise.Run.open(run.path).slices["folds"] == 2
    other = blobs(60, seed=7)
    with pytest.raises(digitwise.RunError, match="expected the test images"):
        digitwise.improve(run, (other.images, other.labels))
