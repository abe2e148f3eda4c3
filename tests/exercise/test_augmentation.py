"""Augmentation is judged by the images that go into a training, however they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from digitwise.exercise import feeds
from digitwise.exercise.evidence import Evidence, Fed, Fit, NotebookModel
from digitwise.exercise.feeds import FeedRecord, inspect_feed, through
from digitwise.exercise.judging import Case
from digitwise.exercise.judging.strategy import augmented
from digitwise.exercise.notebooks import Notebook
from digitwise.exercise.recognition import Recogniser
from digitwise.exercise.registration import Registration
from tests.exercise.test_judging import FakePredictor
from tests.exercise.test_recognition import Pipeline, Sequence

NONE = Fed(0, 0, 0, None, None)


@pytest.fixture(scope="module")
def known(digits):
    return Recogniser(digits), Registration(digits.train.images)


@pytest.fixture
def judge(digits, known, monkeypatch):
    """Judge what a feed recorded, after the layers of a model."""
    monkeypatch.setattr(feeds, "SAMPLE", 24)

    def given(fill, model=None):
        record = FeedRecord(known[0], 10)
        fill(record)
        record.settle(lambda values: values if model is None else through(model, values, known[0]))
        images = np.stack(record.images) if record.images else None
        fed = Fed(record.seen, record.train, record.test, None, None, record.examined, record.unchanged, images)
        return verdict(digits, known[1], fed)

    return given


def verdict(digits, registration, fed):
    fit = Fit(frozenset([0]), frozenset(), {}, (), fed, NONE)
    evidence = Evidence(models={"model3": NotebookModel(0, "model3", Path("model3.keras"), "")}, fits=(fit,))
    predictor = FakePredictor(digits.test.labels, model3=[])
    return augmented(Case(Notebook(Path("n.ipynb"), ()), evidence, digits, predictor, registration=registration))


def changed(images, how, seed=0):
    """Images that are shifted, rotated or zoomed a little, or half of them flipped."""
    rng = np.random.default_rng(seed)
    found = []
    for image in images.astype(float):
        flip = how in ("left to right", "upside down") and rng.random() < 0.5
        turned = np.flip(image, 1 if how == "left to right" else 0) if flip else image
        most = {"rotated far": 90, "rotated": 10}.get(how, 0)
        angle = np.deg2rad(rng.uniform(-most, most))
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix *= rng.uniform(0.9, 1.1) if how == "zoomed" else 1
        shift = rng.uniform(-2, 2, 2) if how == "shifted" else np.zeros(2)
        middle = (np.array(image.shape) - 1) / 2
        found.append(affine_transform(turned, matrix, middle - matrix @ (middle + shift), order=1))
    return np.stack(found)[..., None]


FEEDS = {
    "array": lambda x, y, how: changed(x, how),
    "generator": lambda x, y, how: ((changed(x[i : i + 12], how, i), y[i : i + 12]) for i in range(0, 96, 12)),
    "PyDataset": lambda x, y, how: Sequence(changed(x[:100], how), y[:100]),
    "tf.data": lambda x, y, how: Pipeline(x, y, lambda some: changed(some, how)),
}


@pytest.mark.parametrize("scale", [1, 255], ids=["0 to 1", "0 to 255"])
@pytest.mark.parametrize(
    ("feed", "how", "share"),
    [
        ("array", "rotated", 1),
        ("array", "left to right", 0),
        ("array", "upside down", 0),
        ("array", "rotated far", 0.5),
        ("array", "unchanged", 0),
        ("generator", "shifted", 1),
        ("generator", "left to right", 0),
        ("PyDataset", "zoomed", 1),
        ("PyDataset", "upside down", 0),
        ("tf.data", "rotated", 1),
        ("tf.data", "left to right", 0),
    ],
)
def test_images_fed_tell_what_was_done_to_them(judge, digits, feed, how, share, scale):
    x, y = digits.train.images[:200] * (scale / 255), digits.train.labels[:200]

    def fill(record):
        given = inspect_feed(record, FEEDS[feed](x, y, how), y)
        if feed == "generator":
            list(given)

    found = judge(fill)
    assert (found.share, found.provisional) == (share, False), found.reason
    assert how.removesuffix(" far") in found.reason


LAYERS = {
    "RandomFlip called on an array": (lambda k: k.layers.RandomFlip("horizontal"), "flipped left to right", 0),
    "RandomFlip in the model": (lambda k: k.layers.RandomFlip("vertical"), "flipped upside down", 0),
    "RandomRotation in the model": (lambda k: k.layers.RandomRotation(0.03, fill_mode="constant"), "rotated", 1),
    "no layer": (lambda k: k.layers.Rescaling(1.0), "not augmented", 0),
}


@pytest.mark.parametrize("scale", [1, 255], ids=["0 to 1", "0 to 255"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_asked_what_they_do(judge, digits, name, scale):
    keras = pytest.importorskip("keras")
    make, said, share = LAYERS[name]
    layer, x = make(keras), np.float32(digits.train.images[:96, ..., None] * (scale / 255))
    if "called" in name:
        found = judge(lambda record: inspect_feed(record, layer(x, training=True)))
    else:
        inner = keras.Sequential([keras.Input((28, 28, 1)), layer])
        network = [inner, keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(10)]
        model = keras.Sequential([keras.Input((28, 28, 1)), *network])
        before = [np.array(each) for each in layer.variables]
        found = judge(lambda record: inspect_feed(record, x), model)
        assert all(np.array_equal(a, np.array(b)) for a, b in zip(before, layer.variables, strict=True))
    assert (found.share, said in found.reason) == (share, True), found.reason


def test_images_that_no_training_image_fits_are_not_judged(judge):
    noise = np.random.default_rng(0).random((60, 28, 28))
    found = judge(lambda record: inspect_feed(record, noise))
    assert (found.share, found.provisional) == (0, True)
    assert found.reason.startswith("not judged, because no training image fits")


def test_fit_without_images_is_not_judged_and_says_why(digits, known):
    found = verdict(digits, known[1], Fed(0, 0, 0, None, None, fault="it was given several inputs"))
    assert (found.provisional, found.reason) == (True, "not judged, because it was given several inputs")


def test_test_images_in_training_cost_the_points_whatever_else_was_done(digits, known):
    assert verdict(digits, known[1], Fed(9, 5, 4, None, None)).reason == "4 test images were used for training"


def test_registration_finds_source_flip_rotation_shift_and_zoom(digits, known):
    images = digits.train.images[:40]
    turned = np.clip(changed(images, "rotated"), 0, 255).astype(np.uint8)[..., 0]
    found = known[1].register(np.flip(turned, 2))
    assert found.matched.all()
    assert found.mirrored.mean() > 0.9
    assert (found.source == np.arange(40)).mean() > 0.9
    assert np.median(np.abs(found.degrees)) < 10
    assert np.abs(found.zoom - 1).max() < 0.1
    none = known[1].register(np.zeros((0, 784), np.uint8))
    assert len(none.matched) == 0
