"""The set inside the package: scikit-learn's 1,797 real digits, brought to MNIST's form."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from digitwise.data.splits import stratified_indices
from digitwise.images import Dataset, ImageSet, UInt8

TEST_SIZE = 360  # a fifth


def load_digits() -> Dataset:
    """Load the embedded digits: 1,437 for training and 360 for test, 28x28.

    Returns
    -------
    Dataset
        8x8 images of 16 greys, scaled to MNIST's 20x20 box in the middle of 28x28.

    References
    ----------
    E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998;
    through ``sklearn.datasets.load_digits``.
    """
    whole = _whole()
    train, test = stratified_indices(whole.labels, TEST_SIZE, seed=0)
    return Dataset(
        name="digits",
        source="embedded (scikit-learn's load_digits)",
        train=whole.take(train),
        test=whole.take(test),
        notes=("8x8 images scaled up to 28x28", f"test: {TEST_SIZE} images held out, stratified, seed 0"),
        embedded=True,
    )


@cache
def _whole() -> ImageSet:
    """All images, enlarged once a process; what is taken from them is a copy."""
    from sklearn.datasets import load_digits as sklearn_digits

    bunch = sklearn_digits()
    images = np.stack([_enlarged(image) for image in bunch.images])
    return ImageSet(images, bunch.target.astype(np.int64), tuple("0123456789"))


def _enlarged(image: np.ndarray) -> UInt8:
    grey = Image.fromarray((image * (255 / 16)).round().astype(np.uint8))
    box = np.asarray(grey.resize((20, 20), Image.Resampling.BICUBIC))
    return np.pad(box, 4)
