import gc

import numpy as np
import pytest

from digitwise.training.feeds import Resident, epoch_order, steps_per_epoch
from tests.helpers import blobs

LABELS = np.repeat([0, 1, 2], [50, 30, 20])


def test_every_image_is_shown_and_the_last_batch_is_full():
    order = epoch_order(LABELS, batch_size=32, seed=0, epoch=0)
    assert order.shape == (4, 32) == (steps_per_epoch(100, 32, 0.0), 32)
    assert set(order.ravel()) == set(range(100))


def test_epochs_differ_and_seeds_repeat():
    orders = [epoch_order(LABELS, batch_size=10, seed=s, epoch=e).tolist() for s, e in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0] != orders[3]


def test_batch_larger_than_the_set_is_cut_to_it():
    assert epoch_order(LABELS, batch_size=512, seed=0, epoch=0).shape == (1, 100)


def test_focus_shows_poor_classes_more_often():
    order = epoch_order(
        np.tile(LABELS, 100), batch_size=100, seed=0, epoch=3, focus=0.2, class_errors=np.array([0, 0, 18])
    )
    shown = np.bincount(np.tile(LABELS, 100)[order.ravel()], minlength=3)
    assert order.size == 12_000
    assert shown[2] > 2_000 + 1_600  # of 2,000 extra samples, (18 + 1) / 21 go to the third class
    assert shown[0] < 5_000 + 250


@pytest.mark.parametrize("channels", [1, 3])
def test_images_in_the_graph_are_those_given_one_after_another(channels):
    first, second = blobs(7, channels=channels).images, blobs(5, seed=1, channels=channels).images
    resident = Resident([first, second])
    gc.collect()  # TensorFlow holds the memory of the images itself
    expected = np.stack([second[4], first[0], second[0]]).reshape(3, 28, 28, channels) / 255
    np.testing.assert_allclose(np.asarray(resident(np.array([11, 0, 7], np.int32))), expected, rtol=1e-6)
