import numpy as np

from digitwise.data.prepare import one_hot, to_input


def test_grey_images_get_a_channel_and_unit_range():
    prepared = to_input(np.array([[[0, 255], [51, 0]]], np.uint8))
    assert prepared.shape == (1, 2, 2, 1)
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared[0, ..., 0], [[0, 1], [0.2, 0]], rtol=1e-6)


def test_colour_images_keep_their_channels():
    assert to_input(np.zeros((2, 5, 4, 3), np.uint8)).shape == (2, 5, 4, 3)


def test_one_hot_has_a_single_one():
    assert one_hot(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
