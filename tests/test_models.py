import numpy as np

from digitwise import models


def shifted(images, down, right):
    """Moved by whole pixels, black coming in."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = images.shape[1:3]
    return padded[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]


def test_averaged_model_shows_the_image_and_its_four_neighbours_to_each_network():
    networks = [models.build("simple-cnn", (12, 12, 1), 3) for _ in range(2)]
    images = np.random.default_rng(0).random((4, 12, 12, 1), np.float32)
    views = [shifted(images, *move) for move in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))]
    expected = np.mean([np.asarray(network(view)) for network in networks for view in views], axis=0)
    np.testing.assert_allclose(models.averaged(networks, shifts=True)(images), expected, atol=1e-5)


def test_single_network_stays_what_it_is():
    network = models.build("simple-cnn", (12, 12, 1), 3)
    assert models.averaged([network], shifts=False) is network
