"""What a model answers about labelled images; shapes and dtypes are checked here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.errors import DataError
from digitwise.images import Float32, Int64, Mask


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model answered about labelled images.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        The given classes.
    probabilities : ndarray of float32, shape (n, n_classes)
        Rows sum to one.
    class_names : tuple of str
        The name of each class.

    Raises
    ------
    DataError
        If a shape or dtype is not as above, a label is no class, a row is no distribution, or there are none at all.

    Examples
    --------
    >>> told = np.array([[0.9, 0.1], [0.8, 0.2]], np.float32)
    >>> Predictions(np.array([0, 1]), told, ("zero", "one")).predicted
    array([0, 0])
    """

    labels: Int64
    probabilities: Float32
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        labels, classes = self.labels, len(self.class_names)
        if labels.dtype != np.int64 or labels.ndim != 1 or not len(labels):
            raise DataError.wanted(
                "labels", "int64 of shape (n,), n from 1", f"{labels.dtype} of {labels.shape}", argument="labels"
            )
        if labels.min() < 0 or labels.max() >= classes:
            wrong = labels.min() if labels.min() < 0 else labels.max()
            raise DataError.wanted("labels", f"0 to {classes - 1}", wrong, argument="labels")
        expected = (len(labels), classes)
        if self.probabilities.shape != expected:
            raise DataError.wanted(
                "probabilities", f"shape {expected}", self.probabilities.shape, argument="probabilities"
            )
        if (low := self.probabilities.min()) < 0:
            raise DataError.wanted("probabilities", "0 to 1", f"{low:.4g}", argument="probabilities")
        sums = self.probabilities.sum(axis=1)
        if not np.all(np.abs(sums - 1) < 1e-3):  # NaN fails this too
            row = int(np.flatnonzero(~(np.abs(sums - 1) < 1e-3))[0])
            raise DataError(f"probabilities: expected rows that sum to 1, row {row} sums to {sums[row]:.4g}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> Int64:
        """The most probable class of each image, int64 of shape (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> Float32:
        """The probability of the predicted class, float32 of shape (n,)."""
        return np.asarray(self.probabilities.max(axis=1), np.float32)

    @property
    def missed(self) -> Mask:
        """Whether each image is classified wrongly, bool of shape (n,)."""
        return np.asarray(self.predicted != self.labels)

    @property
    def wrong(self) -> Int64:
        """Indices of the wrongly classified images, most confident mistake first, int64 of shape (errors,)."""
        indices = np.flatnonzero(self.missed)
        return indices[np.argsort(-self.confidence[indices], kind="stable")].astype(np.int64)

    @property
    def errors(self) -> int:
        """How many images are classified wrongly."""
        return int(self.missed.sum())
