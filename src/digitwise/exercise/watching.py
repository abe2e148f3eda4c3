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
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from digitwise.exercise.feeds import FeedRecord, inspect_feed, through
from digitwise.exercise.recognition import Recogniser
from digitwise.images import Dataset

FITS = 200  # recorded in full
LOOKS = 1_000


class Watcher:
    """Records every ``fit``, ``evaluate`` and ``predict``.

    Parameters
    ----------
    dataset : Dataset
        Given by ``keras.datasets.mnist.load_data``, ``digitwise.load("mnist")`` and ``digitwise.check("mnist")`` from
        :meth:`begin` on.
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
        self._loops: dict[int, tuple[FeedRecord, Any]] = {}  # by the place in ``fits``: trainings that may go on
        self._keys: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._known = 0

    def begin(self) -> None:
        """Replace the loaders of MNIST, and watch Keras as soon as it is imported."""
        import digitwise.data
        import digitwise.data.raw

        load, read_raw, place = digitwise.data.load, digitwise.data.raw.read_raw, self.folder.parent / "data.npz"

        @functools.wraps(load)
        def given(data: Any = "mnist", **how: Any) -> Dataset:
            return self.dataset if data == "mnist" else load(data, **how)

        @functools.wraps(read_raw)
        def given_raw(data: Any, **how: Any) -> Any:
            return read_raw(place if data == "mnist" else data, **how)

        digitwise.data.load, digitwise.data.raw.read_raw = given, given_raw
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
        model.train_on_batch = self._watched(model.train_on_batch, self._before_batch)
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
        entry = self._entry(given)

        def after() -> None:
            self.fits.append(entry)
            if len(self.fits) <= FITS:
                entry["validation"] = checked.as_dict()
                self._settle(len(self.fits) - 1, fed, given["self"])

        return after

    def _before_batch(self, given: dict[str, Any]) -> None:
        """Record a batch of a loop of one's own: all batches of a model are one training."""
        key = self.key(given["self"])
        place = next((place for place, (_, model) in self._loops.items() if self.key(model) == key), len(self.fits))
        if place == len(self.fits):
            self.fits.append(self._entry(given) | {"validation": self._feed().as_dict()})
            self._loops[place] = self._feed(), given["self"]
        self._loops[place][0].batch((given.get("x"), given.get("y"), given.get("sample_weight")))

    def _entry(self, given: dict[str, Any]) -> dict[str, Any]:
        models = _models_in(given["self"])
        return {
            "models": [self.key(each) for each in models],
            "names": [str(each.name) for each in models],
            "class_weight": {str(k): float(v) for k, v in (given.get("class_weight") or {}).items()},
            "callbacks": [
                {"class": type(each).__name__, "monitor": str(getattr(each, "monitor", ""))}
                for each in given.get("callbacks") or ()
            ],
        }

    def settle(self) -> None:
        """Record loops as far as they have come."""
        for place, (fed, model) in self._loops.items():
            if place < FITS:
                with self._recording():
                    self._settle(place, fed, model)

    def _settle(self, place: int, fed: FeedRecord, model: Any) -> None:
        fed.settle(lambda values: through(model, values, self.recogniser))
        self.fits[place]["fed"] = fed.as_dict()
        if fed.images:
            np.save(self.folder / f"fit-{place}.npy", np.stack(fed.images))

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
