"""What goes into a training, validation or prediction: known images counted, and a sample of the others kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from digitwise.exercise.recognition import Recogniser, class_counts
from digitwise.images import Float64, UInt8

BATCHES = 8  # examined of a source that gives only batches, and after them
EVERY = 8  # one in so many
SAMPLE = 96  # images kept of a training


@dataclass
class FeedRecord:
    """The images given to one training, validation or prediction."""

    recogniser: Recogniser
    classes: int
    seen: int = 0  # images examined
    train: int = 0
    test: int = 0
    scaling: Any = None
    counts: Float64 | None = None  # or sums of weights, by class
    raw: list[Any] = field(default_factory=list)  # a sample of the images, as they were given
    batches: int = 0
    examined: int = 0  # images of the sample
    unchanged: int = 0  # of those the images of the data set
    images: list[UInt8] = field(default_factory=list)  # the others, each scaled to 0 to 255
    fault: str = ""  # why there is no sample

    def add(self, x: Any, y: Any = None, weights: Any = None) -> None:
        """Record images with their labels and weights."""
        found = self.recogniser.recognise(x)
        self.seen += found.n
        self.train += found.train
        self.test += found.test
        self.scaling = self.scaling or found.scaling
        self.count(y, weights)

    def count(self, y: Any, weights: Any = None) -> None:
        """Record labels alone."""
        counts = None if y is None else class_counts(y, self.classes, weights)
        if counts is not None:
            self.counts = np.array(counts) + (0 if self.counts is None else self.counts)

    def sample(self, x: Any, most: int = SAMPLE // BATCHES) -> None:
        """Keep some images, evenly spaced."""
        values = np.asarray(x)
        room = min(most, SAMPLE - sum(map(len, self.raw)))
        if room > 0 and values.ndim > 1 and len(values):
            self.raw.append(values[np.linspace(0, len(values) - 1, min(len(values), room)).astype(int)])

    def settle(self, change: Callable[[Any], Any]) -> None:
        """Tell the images of the data set in the sample from others, after ``change``, the model's own layers."""
        self.examined, self.unchanged, self.images = 0, 0, []
        try:
            sample = [self.recogniser.rows(change(values)) for values in self.raw]
        except Exception as error:
            self.fault = f"the layers before the network could not be asked: {type(error).__name__}: {error}"[:300]
            return
        for rows in (each for each in sample if each is not None):
            known = self.recogniser.known(rows)
            self.examined += len(rows)
            self.unchanged += int(known.sum())
            low, high = rows[~known].min(axis=1, keepdims=True), rows[~known].max(axis=1, keepdims=True)
            self.images += list((255 * (rows[~known] - low) / np.maximum(high - low, 1e-12)).astype(np.uint8))
        if not self.examined:
            self.fault = self.fault or "what it was given are no images of the data set's size"

    def pass_on(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield a generator's batches, and record them."""
        for batch in batches:
            self.batch(batch)
            yield batch

    def batch(self, batch: Any) -> None:
        """Record a batch: its images only for the first batches."""
        x, y, weights = (*batch, None, None)[:3] if isinstance(batch, tuple | list) else (batch, None, None)
        self.batches += 1
        if self.batches <= BATCHES or self.batches % EVERY == 0:
            self.add(x, y, weights)
            self.sample(x)
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
            "examined": self.examined,
            "unchanged": self.unchanged,
            "fault": self.fault,
        }


def inspect_feed(record: FeedRecord, x: Any, y: Any = None, weights: Any = None) -> Any:
    """Record the images that Keras is about to get.

    Parameters
    ----------
    record : FeedRecord
        Filled at once, or for a generator while it is used.
    x, y, weights
        As Keras' ``fit`` takes them.

    Returns
    -------
    The replacement of ``x``: a recording generator for a generator, else ``x`` itself.
    """
    if isinstance(x, list | tuple) and len(x) == 1:
        x = x[0]
    if hasattr(x, "image_data_generator") and hasattr(x, "x"):  # Keras' ImageDataGenerator, which holds the images
        record.add(x.x, getattr(x, "y", None), getattr(x, "sample_weight", None))
        for place in range(min(len(x), BATCHES)):
            batch = x[place]
            record.sample(batch[0] if isinstance(batch, tuple) else batch)
    elif hasattr(x, "element_spec"):  # tf.data
        _look_at_pipeline(record, x)
    elif hasattr(x, "__getitem__") and hasattr(x, "num_batches"):  # Keras' PyDataset
        for place in range(min(len(x), BATCHES)):
            record.batch(x[place])
    elif hasattr(x, "__next__"):
        return record.pass_on(x)
    elif hasattr(x, "batch_size") and hasattr(x, "dataset"):  # a DataLoader of PyTorch
        for batch in islice(iter(x), BATCHES):
            record.batch(batch)
    elif isinstance(x, dict | list | tuple):
        record.fault = "it was given several inputs"
    elif x is not None:
        record.add(x, y, weights)
        record.sample(x, SAMPLE)
    return x


def _look_at_pipeline(record: FeedRecord, dataset: Any) -> None:
    for source in _sources(dataset):
        record.add(*source)
    for batch in islice(iter(dataset), BATCHES):
        if record.seen and isinstance(batch, tuple | list) and len(batch) > 1:
            record.sample(batch[0])
        else:
            record.batch(batch)


def _sources(dataset: Any) -> Iterator[tuple[Any, ...]]:
    """The arrays at the start of a tf.data pipeline."""
    tensors = getattr(dataset, "_tensors", None)
    if tensors is not None:
        yield tuple(np.asarray(tensor) for tensor in tensors[:3])
        return
    for source in dataset._inputs():
        yield from _sources(source)


def through(model: Any, values: Any, recogniser: Recogniser) -> Any:
    """What a network gets of images in training: its layers before the first that learns are asked.

    The layers draw as if they had not been asked: their random states are put back.
    """
    asked = _before_learning(model)
    if not asked:
        return values
    variables = [variable for layer in asked for variable in layer.variables]
    states = [np.array(variable) for variable in variables]
    found = np.asarray(values, np.float32)
    try:
        for layer in asked:
            how = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}
            given = np.asarray(layer(found, **how))
            if recogniser.rows(given) is None:  # pooled or flattened otherwise: no image any more
                break
            found = given
    finally:
        for variable, state in zip(variables, states, strict=True):
            variable.assign(state)
    return found


def _before_learning(model: Any) -> list[Any]:
    import keras

    leaves = list(_leaves(model))
    learning = next((place for place, layer in enumerate(leaves) if layer.trainable_weights), len(leaves))
    before = [layer for layer in leaves[:learning] if not isinstance(layer, keras.layers.InputLayer)]
    if isinstance(model, keras.Sequential) or hasattr(model, "operations"):
        return before
    return [layer for layer in before if type(layer).__name__.startswith("Random")]  # their order is not known


def _leaves(model: Any) -> Iterator[Any]:
    import keras

    for layer in model.layers:
        yield from _leaves(layer) if isinstance(layer, keras.Model) else (layer,)
