"""Are there enough images of every class? The histogram of classes, judged in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from digitwise.images import ImageSet, Int64, TrainingImages

EVEN_RATIO = 1.5  # largest over smallest class: up to here a network needs no help
UNEVEN_RATIO = 3.0  # from here on the small classes are learnt visibly worse
RARE = 50  # images of a class below which nothing can be said about its error rate
SIGNIFICANT = 0.01


@dataclass(frozen=True, eq=False)
class ClassBalance:
    """The classes of a training set, set against those of its test set.

    Parameters
    ----------
    class_names : tuple of str
    train, test : ndarray of int64, shape (n_classes,)
        Images of each class; zeros in ``test`` where there is no test set.
    """

    class_names: tuple[str, ...]
    train: Int64
    test: Int64

    @property
    def ratio(self) -> float:
        """The largest training class over the smallest, 1 for even classes."""
        return float(self.train.max() / max(self.train.min(), 1))

    @property
    def entropy(self) -> float:
        """Normalised entropy of the training shares, 0 (one class only) to 1 (all even)."""
        shares = self.train[self.train > 0] / self.train.sum()
        return float(-(shares * np.log(shares)).sum() / np.log(max(len(self.train), 2)))

    @property
    def chi_square(self) -> float:
        """Chi-square statistic of training against test counts, homogeneity of two samples; 0 without a test set."""
        if not self.test.any():
            return 0.0
        table = np.stack([self.train, self.test])[:, (self.train + self.test) > 0].astype(float)
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        return float(((table - expected) ** 2 / expected).sum())

    @property
    def p_value(self) -> float:
        """How often class shares differ this much by chance alone, 0 to 1."""
        return float(chdtrc(len(self.train) - 1, self.chi_square))

    @property
    def verdict(self) -> str:
        """Whether this will do for classification, in words, from the numbers above."""
        small, large = int(self.train.argmin()), int(self.train.argmax())
        names = self.class_names
        size = (
            f"The largest class ({names[large]}: {self.train[large]:,}) has {self.ratio:.2f} times the images of "
            f"the smallest ({names[small]}: {self.train[small]:,}); normalised entropy {self.entropy:.4f} of 1."
        )
        if self.train[small] < RARE:
            judgement = f"Class {names[small]} is too rare to be learnt or judged: collect more of it."
        elif self.ratio <= EVEN_RATIO:
            judgement = "The classes are even enough for classification without weighting."
        elif self.ratio <= UNEVEN_RATIO:
            judgement = "Usable, but watch the recall of the small classes."
        else:
            judgement = "Uneven: weight or augment the small classes, and judge by class, not by accuracy alone."
        if not self.test.any():
            return f"{size} {judgement}"
        same = self.p_value >= SIGNIFICANT
        split = (
            f"Training and test have {'the same class shares as far as chance goes' if same else 'different shares'} "
            f"(chi-square {self.chi_square:.1f}, p = {self.p_value:.3f})"
            + ("." if same else ": the test error will not carry over unweighted.")
        )
        return f"{size} {judgement} {split}"


def class_balance(train: TrainingImages, test: ImageSet | None) -> ClassBalance:
    """Count the classes of both splits.

    Returns
    -------
    ClassBalance
        Its ``verdict`` says in words whether the set will do.
    """
    none = np.zeros(len(train.class_names), np.int64)
    return ClassBalance(train.class_names, train.class_counts, none if test is None else test.class_counts)
