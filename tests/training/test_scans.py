import json

import numpy as np
import pytest

from digitwise import models
from digitwise.errors import RecipeError
from digitwise.images import ImageSet, Splits
from digitwise.normalization import Normalized
from digitwise.recipes import Recipe, find
from digitwise.training import additions
from digitwise.training.additions import with_scans
from digitwise.training.feeds import feed_for
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.watch import Watch
from tests.helpers import blobs, glyphs

N = 12


class Recorder(Watch):
    def __init__(self):
        self.made = []

    def on_scans(self, made, of):
        self.made.append((made, of))


@pytest.fixture(scope="module")
def splits():
    labels = np.arange(2 * N, dtype=np.int64) % 3
    both = ImageSet(glyphs(2 * N), labels, ("a", "b", "c"))
    return Splits(both.take(np.arange(N)), both.take(np.arange(N, 2 * N)))


def joined(splits, share=1.0, seed=0):
    return with_scans(splits, share, seed=seed, watch=Watch())


def test_a_scan_of_each_image_stands_behind_the_images(splits):
    both = joined(splits)
    assert N < len(both.train) <= 2 * N
    assert np.array_equal(both.train.images[:N], splits.train.images)
    assert np.array_equal(both.train.labels[:N], splits.train.labels)
    assert both.train.images.dtype == np.uint8
    assert both.validation is splits.validation


def test_scans_are_as_many_as_asked_for(splits):
    assert joined(splits, 0) is splits
    assert N < len(joined(splits, 0.5).train) <= N + N // 2
    assert 2 * N < len(joined(splits, 2.5).train) <= 3.5 * N


def test_a_scan_has_the_label_of_its_image(splits, monkeypatch):
    monkeypatch.setattr(additions, "DISTURBED", 0)
    monkeypatch.setattr(additions, "CUT_OUT", 0)
    monkeypatch.setattr(additions, "scan_of", lambda digit, **_: digit)
    monkeypatch.setattr(additions, "normalize", lambda scan: Normalized(scan, False))
    both = joined(splits)
    for image, label in zip(both.train.images[N:], both.train.labels[N:], strict=True):
        place = (splits.train.images == image).all(axis=(1, 2)).argmax()
        assert splits.train.labels[place] == label


def test_scans_do_not_depend_on_the_number_of_processes(splits, monkeypatch):
    monkeypatch.setattr(additions, "BLOCK", 5)
    monkeypatch.setattr(additions, "FEW", 0)
    prints = []
    for cores in (1, 2):
        monkeypatch.setattr(additions, "cores", lambda cores=cores: cores)
        prints.append(joined(splits).train.fingerprint)
    assert prints[0] == prints[1]


def test_another_seed_makes_other_scans(splits):
    assert joined(splits).train.fingerprint != joined(splits, seed=1).train.fingerprint


def test_blank_scans_are_left_out(splits, monkeypatch):
    monkeypatch.setattr(additions, "DISTURBED", 0)
    monkeypatch.setattr(additions, "CUT_OUT", 0)
    monkeypatch.setattr(additions, "scan_of", lambda digit, **_: digit)
    images = splits.train.images.copy()
    images[3] = 0
    assert len(joined(Splits(ImageSet(images, splits.train.labels, ("a", "b", "c")), splits.validation)).train) < 2 * N


def test_progress_is_told_in_whole(splits, monkeypatch):
    monkeypatch.setattr(additions, "BLOCK", 5)
    watch = Recorder()
    with_scans(splits, 1.0, seed=0, watch=watch)
    assert watch.made == [(5, N), (10, N), (N, N)]


@pytest.mark.parametrize("given", [blobs(9, size=20), blobs(9, channels=3)], ids=["size", "colour"])
def test_images_of_another_form_are_refused(given):
    with pytest.raises(RecipeError, match="expected grey images of 28x28"):
        joined(Splits(given, given))


def test_dark_ink_is_refused(splits):
    dark = ImageSet(255 - splits.train.images, splits.train.labels, ("a", "b", "c"))
    with pytest.raises(RecipeError, match="light ink on a dark ground"):
        joined(Splits(dark, dark))


def test_a_recipe_with_scans_trains_on_both(splits):
    recipe = Recipe("scans", "for tests", "simple-cnn", epochs=1, batch_size=8, scans=1.0)
    assert fit(recipe, splits, FitOptions(precision="float32")).images == 24


DIGITS = tuple("0123456789")


@pytest.fixture(scope="module")
def digits():
    both = ImageSet(glyphs(80), np.arange(80, dtype=np.int64) % 10, DIGITS)
    return Splits(both.take(np.arange(60)), both.take(np.arange(60, 80)))


def test_other_ink_comes_with_the_scans_of_digits_only(splits, digits):
    others = joined(digits).others
    assert others.shape[1:] == (28, 28)
    assert 0 < len(others) <= round(additions.OTHERS * 60)
    assert others.max(axis=(1, 2)).min() > 0
    assert joined(splits).others is None


def test_drawn_forms_have_the_digit_of_the_image(digits, monkeypatch):
    asked = []

    def remembered(label, *, rng):
        asked.append(label)
        return np.full((28, 28), label + 1, np.uint8)

    monkeypatch.setattr(additions, "DRAWN", 1.1)
    monkeypatch.setattr(additions, "OTHERS", 0)
    monkeypatch.setattr(additions, "drawn_digit", remembered)
    monkeypatch.setattr(additions, "_scan", lambda image, images, rng: image)
    monkeypatch.setattr(additions, "normalize", lambda scan: Normalized(scan, False))
    both = joined(digits)
    assert len(asked) == 60
    assert np.array_equal(both.train.images[60:, 0, 0], both.train.labels[60:] + 1)


def test_images_of_no_class_are_told_as_all_alike(digits):
    model = models.build("simple-cnn", (28, 28, 1), 10)
    recipe = Recipe("others", "for tests", "simple-cnn", epochs=1, batch_size=70)
    feed = feed_for(recipe, model, Splits(digits.train, digits.validation, np.zeros((10, 28, 28), np.uint8)), seed=0)
    feed.begin(0, None)
    targets = feed.steps(0, 1)[1][0]
    assert len(targets) == 70
    assert (targets == np.float32(0.1)).all(axis=1).sum() == 10
    assert (targets.max(axis=1) == 1).sum() == 60
    assert feed.validation(lambda images: np.zeros((len(images), 10), np.float32)).shape == (20, 10)


def test_recipes_of_earlier_runs_have_no_scans():
    earlier = json.loads(json.dumps(find("augmented").as_dict()))
    del earlier["scans"]
    assert Recipe.from_dict(earlier).scans == 0


def test_some_scans_are_small_and_disturbed(splits, monkeypatch):
    monkeypatch.setattr(additions, "CUT_OUT", 0)
    monkeypatch.setattr(additions, "DISTURBED", 1)
    monkeypatch.setattr(additions, "normalize", lambda image: Normalized(image, False))
    both = joined(splits)
    assert len(both.train) == 2 * N
    assert not np.array_equal(both.train.images[N:], splits.train.images)
