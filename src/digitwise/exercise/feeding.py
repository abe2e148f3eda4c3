"""What a training was fed with: the pictures behind arrays, generators and data sets, and a sample of what passed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from digitwise.exercise.recognition import Recogniser, class_counts
from digitwise.images import Float64, UInt8

BATCHES = 8  # looked at of a source that can only be asked for batches
SAMPLE = 256  # pictures kept of what passed


@dataclass
class Account:
    """What is known of pictures that went somewhere.

    Parameters
    ----------
    recogniser : Recogniser
    classes : int
    """

    recogniser: Recogniser
    classes: int
    seen: int = 0  # pictures looked at
    train: int = 0
    test: int = 0
    scaling: Any = None
    counts: Float64 | None = None  # or weights, by class
    pictures: list[UInt8] = field(default_factory=list)  # a sample, each from darkest to brightest
    labels: list[int] = field(default_factory=list)
    batches: int = 0

    def add(self, x: Any, y: Any = None, weights: Any = None) -> None:
        """Take down pictures with their labels and weights."""
        found = self.recogniser.recognise(x)
        self.seen += found.n
        self.train += found.train
        self.test += found.test
        self.scaling = self.scaling or found.scaling
        self.count(y, weights)

    def count(self, y: Any, weights: Any = None) -> None:
        """Take down labels alone."""
        counts = None if y is None else class_counts(y, self.classes, weights)
        if counts is not None:
            self.counts = np.array(counts) + (0 if self.counts is None else self.counts)

    def sample(self, x: Any, y: Any) -> None:
        """Keep some pictures as they passed, where they are not as they lie in the set."""
        rows = self.recogniser.rows(np.asarray(x))
        labels = None if y is None else np.asarray(y)
        if rows is None or labels is None or len(self.labels) >= SAMPLE:
            return
        labels = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1)
        chosen = np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE - len(self.labels))).astype(int)
        found = self.recogniser.recognise(rows[chosen])
        if found.train + found.test > found.n / 2:
            return
        low, high = rows[chosen].min(axis=1, keepdims=True), rows[chosen].max(axis=1, keepdims=True)
        grey = 255 * (rows[chosen] - low) / np.maximum(high - low, 1e-12)
        self.pictures += list(grey.astype(np.uint8))
        self.labels += labels[chosen].astype(int).tolist()

    def pass_on(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Hand a generator's batches on, looking at the first ones."""
        for batch in batches:
            self.batch(batch)
            yield batch

    def batch(self, batch: Any) -> None:
        """Take down a batch as it passes."""
        x, y, weights = (*batch, None, None)[:3] if isinstance(batch, tuple | list) else (batch, None, None)
        self.batches += 1
        if self.batches <= BATCHES:
            self.add(x, y, weights)
            self.sample(x, y)
        else:
            self.count(y, weights)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "seen": self.seen,
            "train": self.train,
            "test": self.test,
            "scaling": None if self.scaling is None else vars(self.scaling),
            "counts": None if self.counts is None else self.counts.tolist(),
            "labels": self.labels,
        }


def look_at(account: Account, x: Any, y: Any = None, weights: Any = None) -> Any:
    """Take down what will be fed.

    Parameters
    ----------
    account : Account
        Filled here, or, for a generator, while it is being used.
    x, y, weights
        As Keras' ``fit`` takes them.

    Returns
    -------
    What to feed instead of ``x``: a generator that passes through the account, or ``x`` itself.
    """
    if isinstance(x, list | tuple) and len(x) == 1:
        x = x[0]
    if hasattr(x, "image_data_generator") and hasattr(x, "x"):  # Keras' ImageDataGenerator has the pictures themselves
        account.add(x.x, getattr(x, "y", None), getattr(x, "sample_weight", None))
        for place in range(min(len(x), BATCHES)):
            pictures, labels = (*x[place], None)[:2]
            account.sample(pictures, labels)
    elif hasattr(x, "element_spec"):  # tf.data
        _look_at_pipeline(account, x)
    elif hasattr(x, "__getitem__") and hasattr(x, "num_batches"):  # Keras' PyDataset
        for place in range(min(len(x), BATCHES)):
            account.batch(x[place])
    elif hasattr(x, "__next__"):
        return account.pass_on(x)
    elif x is not None and not isinstance(x, dict):
        account.add(x, y, weights)
        account.sample(x, y)
    return x


def _look_at_pipeline(account: Account, dataset: Any) -> None:
    for source in _sources(dataset):
        account.add(*source)
    for batch in islice(iter(dataset), BATCHES):
        if account.seen and isinstance(batch, tuple | list) and len(batch) > 1:
            account.sample(*batch[:2])
        else:
            account.batch(batch)


def _sources(dataset: Any) -> Iterator[tuple[Any, ...]]:
    """The arrays that a tf.data pipeline was made of."""
    tensors = getattr(dataset, "_tensors", None)
    if tensors is not None:
        yield tuple(np.asarray(tensor) for tensor in tensors[:3])
        return
    for source in dataset._inputs():
        yield from _sources(source)
