import json

import numpy as np
import pytest

from digitwise.evaluation.fixes import Fix
from digitwise.images import Dataset, ImageSet
from digitwise.predictions import Predictions
from digitwise.recipes import Augmentation, find
from digitwise.runs import Run
from digitwise.training import improve as module
from digitwise.training.improve import FOCUS, fixed, improve
from digitwise.training.options import FitOptions
from digitwise.training.train import train
from tests.helpers import blobs

pytestmark = pytest.mark.usefixtures("undrawn")


def test_fixed_recipe_has_wider_ranges_and_focus():
    recipe = find("augmented")
    changed = fixed(recipe, Fix("Widen.", ("shear_range",), focus=True))
    assert changed.augmentation.shear_range == 1.5 * recipe.augmentation.shear_range
    assert changed.augmentation.zoom_range == recipe.augmentation.zoom_range
    assert changed.focus == FOCUS
    assert changed.name == "augmented-fixed"


def test_recipe_without_augmentation_gets_the_range_it_lacks():
    changed = fixed(find("improved"), Fix("Widen.", ("zoom_range",)))
    assert changed.augmentation == Augmentation(zoom_range=0.1)
    assert changed.focus == 0


@pytest.fixture
def leaning(monkeypatch):
    """A run on asked of which the large ones are answered wrongly, until the recipe zooms."""
    rng = np.random.default_rng(0)
    images = np.zeros((800, 28, 28), np.uint8)
    sides = rng.integers(6, 22, 800)
    for image, side in zip(images, sides, strict=True):
        image[4 : 4 + side, 5:8] = 255
    labels = np.arange(800) % 3
    dataset = Dataset("own", "drawn", ImageSet(images, labels, tuple("012")), blobs(30))

    def answers(recipe, asked, *_, **__):
        wrong = (sides >= 19) & (recipe.augmentation is None)
        predicted = np.where(wrong, (asked.labels + 1) % 3, asked.labels)
        return [Predictions(asked.labels, np.eye(3, dtype=np.float32)[predicted], asked.class_names)]

    monkeypatch.setattr(module, "cross_validations", answers)
    return dataset


def test_improve_finds_the_group_trains_its_fix_and_says_that_it_helped(tmp_path, leaning):
    recipe = find("flash").replace(epochs=1, batch_size=64)
    run = train(recipe, leaning, FitOptions(precision="float32"), out=tmp_path / "run")
    result = improve(run, leaning)
    assert "zoom_range" in result.fix.widen
    assert result.run.path == tmp_path / "run-fixed"
    first = result.changes[0].as_dict()
    assert first["errors_before"] > first["errors_after"] == 0
    assert "after makes fewer errors" in first["verdict"]
    kept = Run.open(tmp_path / "run-fixed").improvement
    assert kept["of"] == str(run.path)
    assert json.dumps(kept["changes"]) == json.dumps([each.as_dict() for each in result.changes])
    assert run.improvement is None
    found = run.slices["found"][0]
    assert (run.slices["of"], run.slices["images"]) == ("cross-validation", 800)
    assert found["conditions"][0]["property"] == result.slices[0].conditions[0].property
    assert len(found["wrong"]["index"]) == found["errors"]
    labels = leaning.train.labels[found["wrong"]["index"]]
    assert labels.tolist() == found["wrong"]["given"] != found["wrong"]["predicted"]


def test_without_a_group_nothing_is_trained(tmp_path, leaning, monkeypatch):
    run = train(
        find("flash").replace(epochs=1, batch_size=64), leaning, FitOptions(precision="float32"), out=tmp_path / "run"
    )
    monkeypatch.setattr(
        module,
        "cross_validations",
        lambda recipe, images, *_, **__: [
            Predictions(images.labels, np.eye(3, dtype=np.float32)[images.labels], images.class_names)
        ],
    )
    assert improve(run, leaning).run is None
    assert not (tmp_path / "run-fixed").exists()
    assert (run.slices["images"], run.slices["errors"], run.slices["found"]) == (800, 0, [])


def test_groups_that_no_training_fixes_are_kept_too(tmp_path, leaning, monkeypatch):
    run = train(
        find("flash").replace(epochs=1, batch_size=64), leaning, FitOptions(precision="float32"), out=tmp_path / "run"
    )
    monkeypatch.setattr(module, "fix_for", lambda _: Fix("Look at the labels."))
    result = improve(run, leaning)
    assert result.slices
    assert result.run is None
    assert run.slices["found"]
