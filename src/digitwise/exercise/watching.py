"""Watches Keras in a notebook: records the images of each training, and each prediction of the test images."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from digitwise.exercise.recognition import Recogniser, class_counts
from digitwise.images import Dataset, Float64, UInt8

BATCHES = 8  # examined of a source that gives only batches
SAMPLE = 256  # images kept of a training
FITS = 200  # recorded in full
LOOKS = 1_000


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
    images: list[UInt8] = field(default_factory=list)  # a sample, each scaled to 0 to 255
    labels: list[int] = field(default_factory=list)
    batches: int = 0

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

    def sample(self, x: Any, y: Any) -> None:
        """Keep some images, unless they are images of the data set."""
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
        self.images += list(grey.astype(np.uint8))
        self.labels += labels[chosen].astype(int).tolist()

    def pass_on(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield a generator's batches, and record them."""
        for batch in batches:
            self.batch(batch)
            yield batch

    def batch(self, batch: Any) -> None:
        """Record a batch: its images only for the first batches."""
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
            images, labels = (*x[place], None)[:2]
            record.sample(images, labels)
    elif hasattr(x, "element_spec"):  # tf.data
        _look_at_pipeline(record, x)
    elif hasattr(x, "__getitem__") and hasattr(x, "num_batches"):  # Keras' PyDataset
        for place in range(min(len(x), BATCHES)):
            record.batch(x[place])
    elif hasattr(x, "__next__"):
        return record.pass_on(x)
    elif x is not None and not isinstance(x, dict):
        record.add(x, y, weights)
        record.sample(x, y)
    return x


def _look_at_pipeline(record: FeedRecord, dataset: Any) -> None:
    for source in _sources(dataset):
        record.add(*source)
    for batch in islice(iter(dataset), BATCHES):
        if record.seen and isinstance(batch, tuple | list) and len(batch) > 1:
            record.sample(*batch[:2])
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


class Watcher:
    """Records every ``fit``, ``evaluate`` and ``predict``.

    Parameters
    ----------
    dataset : Dataset
        Given by ``keras.datasets.mnist.load_data`` and ``digitwise.load("mnist")`` from :meth:`begin` on.
    recogniser : Recogniser
        Of that data set.
    folder : Path
        For samples of images.
    """

    def __init__(self, dataset: Dataset, recogniser: Recogniser, folder: Path) -> None:
        self.dataset, self.recogniser, self.folder = dataset, recogniser, folder
        self.fits: list[dict[str, Any]] = []
        self.looks: list[dict[str, Any]] = []
        self.troubles: list[str] = []
        self._keys: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._known = 0

    def begin(self) -> None:
        """Replace the loaders of MNIST, and watch Keras as soon as it is imported."""
        import digitwise.data

        load = digitwise.data.load

        @functools.wraps(load)
        def given(data: Any = "mnist", **how: Any) -> Dataset:
            return self.dataset if data == "mnist" else load(data, **how)

        digitwise.data.load = given
        sys.meta_path.insert(0, _AfterImport("keras", self._watch))

    def key(self, model: Any) -> int:
        """A number for a model object."""
        if model not in self._keys:
            self._known += 1
            self._keys[model] = self._known
        return self._keys[model]

    def _watch(self) -> None:
        import keras

        for name, module in tuple(sys.modules.items()):  # its internal and public names, and that of tf.keras
            if name.startswith("keras.") and name.endswith(".datasets.mnist"):
                module.load_data = self._load_data  # type: ignore[attr-defined]
        model = keras.Model
        model.fit = self._watched(model.fit, self._before_fit)
        model.evaluate = self._watched(model.evaluate, self._before_look)
        model.predict = self._watched(model.predict, self._before_look)

    def _load_data(self, path: str = "mnist.npz") -> Any:
        parts = (self.dataset.train, self.dataset.test)
        return tuple((part.images.copy(), part.labels.astype(np.uint8)) for part in parts)

    def _watched(
        self, method: Callable[..., Any], before: Callable[..., Callable[[], None] | None]
    ) -> Callable[..., Any]:
        signature = inspect.signature(method)

        @functools.wraps(method)
        def watched(*arguments: Any, **named: Any) -> Any:
            after = None
            with self._recording():
                bound = signature.bind(*arguments, **named)
                after = before(bound.arguments)
                arguments, named = bound.args, bound.kwargs
            try:
                return method(*arguments, **named)
            finally:
                if after is not None:
                    with self._recording():
                        after()

        return watched

    @contextmanager
    def _recording(self) -> Iterator[None]:
        """Record an error here instead of raising it: recording must not stop the student's code."""
        try:
            yield
        except Exception as error:
            self.troubles.append(f"{type(error).__name__}: {error}"[:300])

    def _feed(self) -> FeedRecord:
        return FeedRecord(self.recogniser, self.dataset.train.n_classes)

    def _before_fit(self, given: dict[str, Any]) -> Callable[[], None]:
        fed, checked = self._feed(), self._feed()
        given["x"] = inspect_feed(fed, given.get("x"), given.get("y"), given.get("sample_weight"))
        validation = given.get("validation_data")
        if isinstance(validation, tuple | list):
            given["validation_data"] = (inspect_feed(checked, *validation[:2]), *validation[1:])
        elif validation is not None:
            given["validation_data"] = inspect_feed(checked, validation)
        model = given["self"]
        entry = {
            "models": [self.key(each) for each in _models_in(model)],
            "names": [str(each.name) for each in _models_in(model)],
            "class_weight": {str(k): float(v) for k, v in (given.get("class_weight") or {}).items()},
            "callbacks": [
                {"class": type(each).__name__, "monitor": str(getattr(each, "monitor", ""))}
                for each in given.get("callbacks") or ()
            ],
            "augmentations": [*_generator(given["x"]), *_random_layers(model)],
        }

        def after() -> None:
            if len(self.fits) < FITS:
                entry["fed"], entry["validation"] = fed.as_dict(), checked.as_dict()
                if fed.images:
                    np.save(self.folder / f"fit-{len(self.fits)}.npy", np.stack(fed.images))
            self.fits.append(entry)

        return after

    def _before_look(self, given: dict[str, Any]) -> Callable[[], None] | None:
        if "kwargs" in given or len(self.looks) >= LOOKS:  # fit passes these to its own evaluation
            return None
        fed, model = self._feed(), given["self"]
        given["x"] = inspect_feed(fed, given.get("x"), given.get("y"))
        keys = [self.key(each) for each in _models_in(model)]

        def after() -> None:
            if fed.test > len(self.dataset.test) / 2:
                trained = sum(bool(set(keys) & set(fit["models"])) for fit in self.fits)
                self.looks.append({"models": keys, "fits": trained})

        return after


class _AfterImport(importlib.abc.MetaPathFinder):
    """Calls a function once a module has been imported."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self.name, self.then = name, then

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)  # find_spec alone does not import the module
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_watch(module: ModuleType) -> None:
            sys.meta_path.remove(self)
            run(module)
            self.then()

        spec.loader.exec_module = run_and_watch  # type: ignore[method-assign]
        return spec


def _models_in(model: Any) -> list[Any]:
    """A model and the models that it contains."""
    import keras

    return [each for each in model._flatten_layers() if isinstance(each, keras.Model)]


def _random_layers(model: Any) -> list[dict[str, Any]]:
    found = [layer for layer in model._flatten_layers() if type(layer).__name__.startswith("Random")]
    return [{"class": type(layer).__name__, "settings": _plain(layer.get_config())} for layer in found]


def _generator(x: Any) -> list[dict[str, Any]]:
    generator = getattr(x, "image_data_generator", None)
    return [] if generator is None else [{"class": "ImageDataGenerator", "settings": _plain(vars(generator))}]


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that are numbers, texts or short lists of numbers."""

    def plain(value: Any) -> bool:
        return isinstance(value, bool | int | float | str) or (
            isinstance(value, list | tuple) and len(value) <= 4 and all(isinstance(each, int | float) for each in value)
        )

    return {name: value for name, value in settings.items() if plain(value)}
