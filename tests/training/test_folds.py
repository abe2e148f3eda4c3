import numpy as np
import pytest

from digitwise.data.splits import stratified_folds
from digitwise.errors import DataError
from digitwise.predictions import Predictions
from digitwise.recipes import find
from digitwise.training import folds
from digitwise.training.folds import cross_validations
from digitwise.training.options import FitOptions
from digitwise.training.watch import Watch
from tests.helpers import blobs


def test_every_image_is_answered_about_by_a_network_that_has_not_seen_it(monkeypatch):
    images, seen = blobs(60), []

    def predict(model, asked):
        seen.append({image.tobytes() for image in asked.images})
        assert not seen[-1] & model
        return Predictions(asked.labels, np.eye(3, dtype=np.float32)[asked.labels], asked.class_names)

    class Trained:
        def __init__(self, splits):
            self.model = {image.tobytes() for part in (splits.train, splits.validation) for image in part.images}

    monkeypatch.setattr(folds, "fit", lambda recipe, splits, *_, **__: Trained(splits))
    monkeypatch.setattr(folds, "predict", predict)
    (answers,) = cross_validations(find("flash"), images, [FitOptions()], folds=4)
    assert answers.errors == 0
    assert set.union(*seen) == {image.tobytes() for image in images.images}


def test_folds_train_and_say_how_far_they_are():
    told = []

    class Told(Watch):
        def on_fold(self, fold, folds):
            told.append((fold, folds))

    recipe = find("flash").replace(epochs=6).for_size(90)
    (answers,) = cross_validations(recipe, blobs(90), [FitOptions(precision="float32")], folds=3, watch=Told())
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert answers.errors < 45
    assert np.array_equal(answers.labels, blobs(90).labels)


def test_more_folds_than_images_are_refused():
    with pytest.raises(DataError, match="folds"):
        cross_validations(find("flash"), blobs(6), [FitOptions()], folds=7)


def test_seed_decides_the_folds():
    labels = blobs(30).labels
    assert (stratified_folds(labels, 3, seed=0) == stratified_folds(labels, 3, seed=0)).all()
