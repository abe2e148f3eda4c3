"""Watches Keras while a notebook uses it: what is trained on what, and who looks at the test pictures."""

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

from digitwise.exercise.feeding import Account, look_at
from digitwise.exercise.recognition import Recogniser
from digitwise.images import Dataset

FITS = 200  # taken down; a search over more is told by its first ones
LOOKS = 1_000


class Watcher:
    """Takes down every ``fit``, ``evaluate`` and ``predict``.

    Parameters
    ----------
    dataset : Dataset
        What ``keras.datasets.mnist.load_data`` and ``digitwise.load("mnist")`` give from :meth:`begin` on.
    recogniser : Recogniser
        Of that set.
    folder : Path
        Where samples of pictures are written.
    """

    def __init__(self, dataset: Dataset, recogniser: Recogniser, folder: Path) -> None:
        self.dataset, self.recogniser, self.folder = dataset, recogniser, folder
        self.fits: list[dict[str, Any]] = []
        self.looks: list[dict[str, Any]] = []
        self.troubles: list[str] = []
        self._keys: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._known = 0

    def begin(self) -> None:
        """Have the set given, and Keras watched as soon as it is imported."""
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

        for name, module in tuple(sys.modules.items()):  # keras' own, its public name, and tf.keras' name for it
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
            with self._apart():
                bound = signature.bind(*arguments, **named)
                after = before(bound.arguments)
                arguments, named = bound.args, bound.kwargs
            try:
                return method(*arguments, **named)
            finally:
                if after is not None:
                    with self._apart():
                        after()

        return watched

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """What cannot be taken down must not stop the student's work."""
        try:
            yield
        except Exception as error:
            self.troubles.append(f"{type(error).__name__}: {error}"[:300])

    def _account(self) -> Account:
        return Account(self.recogniser, self.dataset.train.n_classes)

    def _before_fit(self, given: dict[str, Any]) -> Callable[[], None]:
        account, checked = self._account(), self._account()
        given["x"] = look_at(account, given.get("x"), given.get("y"), given.get("sample_weight"))
        validation = given.get("validation_data")
        if isinstance(validation, tuple | list):
            given["validation_data"] = (look_at(checked, *validation[:2]), *validation[1:])
        elif validation is not None:
            given["validation_data"] = look_at(checked, validation)
        model = given["self"]
        record = {
            "models": [self.key(each) for each in _models_in(model)],
            "names": [str(each.name) for each in _models_in(model)],
            "epochs": int(given.get("epochs", 1)),
            "class_weight": {str(k): float(v) for k, v in (given.get("class_weight") or {}).items()},
            "validation_split": float(given.get("validation_split", 0)),
            "callbacks": [
                {"class": type(each).__name__, "monitor": str(getattr(each, "monitor", ""))}
                for each in given.get("callbacks") or ()
            ],
            "augmentations": [*_generator(given["x"]), *_random_layers(model)],
        }

        def after() -> None:
            if len(self.fits) < FITS:
                record["fed"], record["validation"] = account.as_dict(), checked.as_dict()
                if account.pictures:
                    np.save(self.folder / f"fit-{len(self.fits)}.npy", np.stack(account.pictures))
            self.fits.append(record)

        return after

    def _before_look(self, given: dict[str, Any]) -> Callable[[], None] | None:
        if "kwargs" in given or len(self.looks) >= LOOKS:  # fit's own evaluation says so there
            return None
        account, model = self._account(), given["self"]
        given["x"] = look_at(account, given.get("x"), given.get("y"))
        keys = [self.key(each) for each in _models_in(model)]

        def after() -> None:
            if account.test > len(self.dataset.test) / 2:
                trained = sum(bool(set(keys) & set(fit["models"])) for fit in self.fits)
                self.looks.append({"models": keys, "fits": trained, "fits_before": len(self.fits)})

        return after


class _AfterImport(importlib.abc.MetaPathFinder):
    """Call something once a module has been imported."""

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
            sys.meta_path.insert(0, self)  # who only asks where a module lies does not import it
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_tell(module: ModuleType) -> None:
            sys.meta_path.remove(self)
            run(module)
            self.then()

        spec.loader.exec_module = run_and_tell  # type: ignore[method-assign]
        return spec


def _models_in(model: Any) -> list[Any]:
    """A model and the models it is made of."""
    import keras

    return [each for each in model._flatten_layers() if isinstance(each, keras.Model)]


def _random_layers(model: Any) -> list[dict[str, Any]]:
    found = [layer for layer in model._flatten_layers() if type(layer).__name__.startswith("Random")]
    return [{"class": type(layer).__name__, "settings": _plain(layer.get_config())} for layer in found]


def _generator(x: Any) -> list[dict[str, Any]]:
    generator = getattr(x, "image_data_generator", None)
    return [] if generator is None else [{"class": "ImageDataGenerator", "settings": _plain(vars(generator))}]


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """The numbers, words and short lists among settings."""

    def plain(value: Any) -> bool:
        return isinstance(value, bool | int | float | str) or (
            isinstance(value, list | tuple) and len(value) <= 4 and all(isinstance(each, int | float) for each in value)
        )

    return {name: value for name, value in settings.items() if plain(value)}
