"""Images of other sets, trained on besides those of the set that is learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitwise.errors import DataError
from digitwise.images import Dataset, ImageSet, Splits
from digitwise.normalize import normalize_all

OFTEN = 4  # times an epoch that each is shown: small sets of other writers would hardly count beside 60,000 images


def with_sets(splits: Splits, sets: Sequence[Dataset]) -> Splits:
    """Join the training images with all images of other sets, brought through ``normalize``.

    Parameters
    ----------
    splits : Splits
        The validation images stay as they are.
    sets : sequence of Dataset
        Of the same classes, their images of any size; training and test part are both trained on, so such a set does
        not measure the model any more.

    Returns
    -------
    Splits

    Raises
    ------
    DataError
        If a set has other classes, or the training images are not in memory or not of 28x28.
    """
    train = splits.train
    for each in sets:
        if each.train.class_names != train.class_names:
            names = (", ".join(names) for names in (train.class_names, each.train.class_names))
            raise DataError("{}: expected the classes {}, got {}".format(each.name, *names))
        for part in (each.train, each.test):
            images, blank = normalize_all(part.images)
            if not isinstance(train, ImageSet) or train.images.shape[1:] != images.shape[1:]:
                height, width = images.shape[1:]
                raise DataError(f"{each.name}: expected training images in memory, grey and {height}x{width}, to join")
            places = np.tile(np.flatnonzero(~blank), OFTEN)
            train = ImageSet(
                np.concatenate([train.images, images[places]]),
                np.concatenate([train.labels, part.labels[places]]),
                train.class_names,
            )
    return Splits(train, splits.validation, splits.others)
