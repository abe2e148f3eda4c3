"""Models of any library in memory, brought to one form: to be asked how they take images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data.labelled import of_classes
from digitwise.errors import DataError, ModelError
from digitwise.files import expanded
from digitwise.images import Float32, ImageSet
from digitwise.parts import require
from digitwise.reading.foreign import Foreign, guarded

DIGITS = tuple("0123456789")
AS_THEY_ARE = ("without channels", "channels last", "channels first", "flat rows")
ROWS = ("flat rows", "without channels", "channels last", "channels first")
TAKEN = (
    "a run, a path, a Keras model, a scikit-learn classifier, a torch module, a function of images, a Reader, "
    "or an array of probabilities"
)


def foreign_model(model: Any) -> Foreign:
    """A model in memory, to be asked how it takes images.

    Parameters
    ----------
    model : keras.Model, scikit-learn classifier, torch.nn.Module or callable

    Raises
    ------
    ModelError
        If it is something else, or does not give a number for each class.
    """
    name = name_of(model)
    if _is_a(model, "keras", "Model"):
        from digitwise.training.predict import foreign_of

        return foreign_of(model, name)
    if _is_a(model, "torch", "Module"):
        return Foreign(name, None, None, guarded(_asking_torch(model), name))
    if hasattr(model, "classes_") or hasattr(model, "predict"):
        return _classifier(model, name)
    if callable(model):
        return Foreign(name, None, None, guarded(model, name), layouts=AS_THEY_ARE, stored=True)
    raise ModelError(f"expected {TAKEN}, got {name}", argument="model", expected=TAKEN, got=name)


def foreign_file(path: str | Path) -> Foreign:
    """A Keras model in a file, a pair or a folder, or a SavedModel, to be asked how it takes images.

    A SavedModel runs as a program: only open one whose source you trust.

    Raises
    ------
    MissingPartError
        If Keras or TensorFlow is not installed.
    RunError, ModelError
        If it cannot be loaded, or has other ends than one input and one output (n, k).
    """
    place = expanded(path)
    require(f"{path}: a model of Keras", "keras", "tensorflow")
    from digitwise.training.predict import foreign_of, saved_model_of
    from digitwise.training.saving import load_model

    if (place / "saved_model.pb").is_file():
        return saved_model_of(place)
    return foreign_of(load_model(place), str(path))


def name_of(model: Any) -> str:
    """What to call a model in memory: its own name, or that of its type."""
    return "array" if is_array(model) else str(getattr(model, "__name__", type(model).__name__))


def is_array(model: Any) -> bool:
    """Whether it is an array of numbers, of any library."""
    return isinstance(model, list | tuple) or (hasattr(model, "__array__") and not callable(model))


def _is_a(model: Any, library: str, name: str) -> bool:
    """Whether it is of a type of a library, which is not imported for that."""
    return any(each.__name__ == name and each.__module__.partition(".")[0] == library for each in type(model).__mro__)


def _classifier(model: Any, name: str) -> Foreign:
    """A classifier as scikit-learn has them; XGBoost's and LightGBM's are such too."""
    asked = next((way for way in ("predict_proba", "decision_function") if hasattr(model, way)), None)
    if asked is None or getattr(model, "classes_", None) is None:
        got = "one that is not fitted" if asked else "one that only predicts classes"
        fitted = "a fitted classifier with predict_proba or decision_function"
        raise ModelError.wanted(name, fitted, got, argument="model")
    classes = np.asarray(model.classes_)

    def ask(rows: Any) -> Any:
        outputs = np.asarray(getattr(model, asked)(rows))
        return np.stack([np.zeros_like(outputs), outputs], axis=1) if outputs.ndim == 1 else outputs

    features = getattr(model, "n_features_in_", None)
    shape = None if features is None else (int(features),)
    return Foreign(name, shape, len(classes), guarded(ask, name), tuple(map(class_name, classes)), ROWS)


def class_name(label: Any) -> str:
    """A label as a set names its class: of a whole number its digits."""
    whole = isinstance(label, int | float | np.integer | np.floating) and float(label).is_integer()
    return str(int(label)) if whole else str(label)


def _asking_torch(module: Any) -> Any:
    def ask(part: Any) -> Any:
        import torch

        weights = next(iter(module.parameters()), torch.zeros(0))
        inputs = torch.from_numpy(part).to(weights.device, weights.dtype)
        with _evaluating(module), torch.no_grad():
            outputs = module(inputs)
        outputs = getattr(outputs, "logits", outputs)  # as those of Hugging Face
        outputs = outputs[0] if isinstance(outputs, tuple | list) else outputs
        return outputs.detach().float().cpu().numpy()

    return ask


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Have all parts of a torch module in evaluation mode; afterwards each is in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def under_classes(
    model: Foreign, images: ImageSet, where: str, class_names: Sequence[Any] | None = None
) -> tuple[Foreign, tuple[str, ...]]:
    """A model and its classes, in the order of its outputs, as the images name them.

    Parameters
    ----------
    model : Foreign
        With its classes known, see :meth:`Foreign.settled`.
    images : ImageSet
    where : str
        The data, for messages.
    class_names : sequence, optional
        The names of its outputs, instead of those it has.

    Returns
    -------
    (Foreign, tuple of str)
        Where both have the same classes, the outputs are put in the order of the images' classes.

    Raises
    ------
    ModelError, DataError
        If the number of outputs is another than that of the classes.
    """
    names = model.class_names if class_names is None else tuple(map(class_name, class_names))
    if class_names is not None and model.classes != len(names):
        raise ModelError(
            f"class_names: expected {model.classes} names, one for each output of {model.name}, got {len(names)}",
            argument="class_names",
            expected=model.classes,
            got=len(names),
        )
    if not names:
        if model.classes == images.n_classes:
            return model, images.class_names
        if model.classes == len(DIGITS):
            return model, DIGITS
        classes = f"the {model.classes} classes of {model.name}"
        raise DataError.wanted(where, classes, images.n_classes, argument="class_names")
    used = {images.class_names[label] for label in np.flatnonzero(images.class_counts)}
    if not used <= set(names) and all(name.isdecimal() and int(name) < images.n_classes for name in names):
        names = tuple(images.class_names[int(name)] for name in names)  # the classes by their numbers
    if set(names) == set(images.class_names) and len(names) == images.n_classes:
        order, ask = [names.index(name) for name in images.class_names], model.ask

        def ordered(part: Any) -> Float32:
            return ask(part)[:, order]

        return replace(model, ask=ordered), images.class_names
    return model, names


def ordered_classes(
    outputs: Float32, images: ImageSet, where: str, class_names: Sequence[Any] | None
) -> tuple[Float32, ImageSet]:
    """An array of outputs (n, k) and the images, both under the same classes, see :func:`under_classes`."""
    model = Foreign("the array", None, outputs.shape[1], lambda part: part)
    found, names = under_classes(model, images, where, class_names)
    return found.ask(outputs), of_classes(images, names, where, "the array")
