"""From stored images to what a network takes in."""

from __future__ import annotations

import numpy as np

from digitwise.images import Float32, Int64, UInt8

NO_CLASS = -1  # the label of an image of no class


def to_input(images: UInt8) -> Float32:
    """Bring images to the form a convolutional network expects.

    Three things happen, each for a reason. A channels axis is added, (n, 28, 28) → (n, 28, 28, 1), because a
    convolution slides over height and width and sums over channels; a grey image has one. The values become
    float32, because gradients need fractions. And they are divided by 255, because layers are initialised for
    inputs of about unit size; with 0 to 255 the first steps of training would be far too large.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)

    Returns
    -------
    ndarray of float32, shape (n, h, w, 1) or (n, h, w, 3), in [0, 1]

    Examples
    --------
    >>> to_input(np.full((2, 28, 28), 255, np.uint8)).shape
    (2, 28, 28, 1)
    """
    channels = images[..., None] if images.ndim == 3 else images
    return channels.astype(np.float32) * np.float32(1 / 255)


def one_hot(labels: Int64, n_classes: int) -> Float32:
    """Encode class numbers as rows with a single one.

    Class numbers are names, not amounts: 8 is not twice 4. A row of ten zeros and one 1 is a probability
    distribution, which is what the network's softmax gives and what categorical cross-entropy compares.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        :data:`NO_CLASS`, -1, for an image of no class: all classes are as likely.
    n_classes : int

    Returns
    -------
    ndarray of float32, shape (n, n_classes)

    Examples
    --------
    >>> one_hot(np.array([2]), 4)
    array([[0., 0., 1., 0.]], dtype=float32)
    """
    rows = np.eye(n_classes, dtype=np.float32)[labels]
    rows[labels == NO_CLASS] = 1 / n_classes
    return rows
