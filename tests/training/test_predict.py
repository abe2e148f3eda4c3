import numpy as np
import pytest

from digitwise import models
from digitwise.training.predict import DIMENSIONS, features
from tests.helpers import blobs


@pytest.mark.parametrize("members", [1, 2], ids=["one network", "an ensemble over shifts"])
def test_features_are_the_directions_in_which_images_differ_most(members):
    images = blobs(40)
    networks = [models.build("compact-cnn", (28, 28, 1), 3) for _ in range(members)]
    found = features(models.averaged(networks, shifts=members > 1), images)
    assert found.dtype == np.float16
    assert found.shape == (40, DIMENSIONS)
    spread = found.astype(float).std(axis=0)
    assert (np.diff(spread) <= 1e-3).all()
    assert 0.5 < np.abs(found).max() <= 1


def test_images_of_one_class_lie_together():
    images = blobs(60)
    found = features(models.build("flash-cnn", (28, 28, 1), 3), images).astype(float)
    centres = np.stack([found[images.labels == label].mean(axis=0) for label in range(3)])
    nearest = np.linalg.norm(found[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == images.labels).mean() > 0.9


def test_a_network_that_diverged_has_features_that_are_no_numbers(monkeypatch):
    values = np.ones((10, 40), np.float32)
    values[3, 4] = np.nan
    monkeypatch.setattr("digitwise.training.predict.hidden_values", lambda *_: values)
    found = features(None, blobs(10))
    assert found.shape == (10, DIMENSIONS)
    assert np.isnan(found).all()
