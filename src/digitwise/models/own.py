"""Networks of one's own: what they have to be, and how they are trained like the networks of this package.

A network is checked once and kept as Keras' JSON, from which every process can build it, also one that loads the run.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from digitwise.errors import RecipeError, one_line

if TYPE_CHECKING:
    import keras

OwnNetwork = Any  # str, keras.Model or Callable[..., keras.Model]: keras comes without types, and is not waited for
# Keras' default for the moving averages of a batch normalisation. After the few hundred steps of a short training they
# would still be near what they began with, so that validation is poor: left at that, they get those of our networks.
LONG = 0.99
PROBED = 8  # images that a network is asked about to see whether it gives probabilities


def described(network: OwnNetwork, input_shape: tuple[int, int, int], n_classes: int) -> tuple[str, str]:
    """The name of a network and its layers in Keras' JSON, ending in probabilities.

    Weights are not kept: as those of the other networks they are drawn from the seed of the training.

    Parameters
    ----------
    network : callable, keras.Model or str
        A function of the input shape and the number of classes that gives a model, a model, or ``net.py:function``. A
        function may take only the first of them, or neither.
    input_shape : (int, int, int)
        Height, width, channels; images are float32 in [0, 1].
    n_classes : int

    Returns
    -------
    (str, str)

    Raises
    ------
    RecipeError
        If it takes other images or gives other outputs than probabilities or logits (n, n_classes), has been trained,
        has frozen layers, or Keras cannot build it from its JSON.
    """
    import keras

    name, function = _named(network)
    model = _called(name, function, input_shape, n_classes)
    if not isinstance(model, keras.Sequential) and type(model).__name__ != "Functional":
        raise _wrong(name, "a Sequential or functional model", f"a {type(model).__name__}", "build it from layers")
    if isinstance(model, keras.Sequential) and not model.built:
        model.build((None, *input_shape))
    _check_ends(name, model, input_shape, n_classes)
    _check_untrained(name, model)
    logits = _gives_logits(name, model, input_shape)
    try:
        text = _plain(name, model, input_shape, logits=logits).to_json()
        keras.models.model_from_json(text)
    except (ValueError, TypeError, KeyError, NotImplementedError, ImportError, AttributeError) as error:
        wanted = "layers that Keras can load without code of yours"
        raise _wrong(name, wanted, one_line(error, 200), "use layers of keras.layers") from error
    return name, text


def built(layers: str, *, dtype: str = "float32", batch_norm: Callable[..., Any] | None = None) -> keras.Model:
    """A network from its JSON with fresh weights.

    Parameters
    ----------
    layers : str
        From :func:`described`.
    dtype, batch_norm
        As for :func:`digitwise.models.build`. The last layer with weights and those behind it stay in float32.

    Returns
    -------
    keras.Model
    """
    import keras

    model = keras.models.model_from_json(layers)
    if dtype == "float32" and batch_norm is None:
        return model
    head = {id(layer) for layer in _head(model)}

    def copied(layer: Any) -> Any:
        config = layer.get_config() | ({} if id(layer) in head else {"dtype": dtype})
        if batch_norm is not None and type(layer) is keras.layers.BatchNormalization:
            if config["momentum"] == LONG:
                del config["momentum"]
            return batch_norm(**config)
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=copied, recursive=True)


def _named(network: OwnNetwork) -> tuple[str, Callable[..., Any]]:
    """The network's name, as a folder can have it, and the function that makes it."""
    if isinstance(network, str):
        file, colon, function = network.rpartition(":")
        if not (colon and file and function.isidentifier()):
            raise _wrong("model", "FILE.py:FUNCTION", repr(network), "name the function that makes the network")
        return f"{Path(file).stem}.{function}", _from_file(Path(file), function)
    import keras

    if isinstance(network, keras.Model):
        return re.sub(r"_\d+$", "", str(network.name)), lambda: network
    if not callable(network):
        raise _wrong("model", "a Keras model or a function that makes one", type(network).__name__, "give one of them")
    name = getattr(network, "__name__", type(network).__name__)
    return name if name.isidentifier() else "own", cast("Callable[..., Any]", network)


def _from_file(file: Path, function: str) -> Callable[..., Any]:
    """The function of a user's file, which is run; what lies beside it can be imported by it."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise _wrong("model", "a Python file", f"{file}, which is none", "give FILE.py:FUNCTION")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # their code may raise anything
        raise _wrong(f"{file}", "a file that runs", f"{type(error).__name__}: {one_line(error)}", "fix it") from error
    finally:
        sys.path.pop(0)
    found = getattr(module, function, None)
    if not callable(found):
        known = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        raise _wrong(f"{file}", f"a function {function}", ", ".join(known) or "none", "name one of its functions")
    return cast("Callable[..., Any]", found)


def _called(name: str, function: Callable[..., Any], input_shape: tuple[int, int, int], n_classes: int) -> Any:
    try:
        taken = [p for p in inspect.signature(function).parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
        return function(*(input_shape, n_classes)[: len(taken)])
    except Exception as error:  # their code may raise anything
        told = f"{type(error).__name__}: {one_line(error, 200)}"
        raise _wrong(name, f"a model for {input_shape} images of {n_classes} classes", told, "fix it") from error


def _check_ends(name: str, model: Any, input_shape: tuple[int, int, int], n_classes: int) -> None:
    ends = model.input_shape, model.output_shape
    if not all(isinstance(shape, tuple) for shape in ends):
        raise _wrong(name, "one input and one output", f"{ends[0]} to {ends[1]}", "leave one of each")
    if tuple(ends[0][1:]) != input_shape:
        advice = (
            "begin with keras.layers.Flatten()" if len(ends[0]) == 2 else "take the shape that the function is given"
        )
        raise _wrong(name, f"an input of {input_shape}", str(tuple(ends[0][1:])), advice)
    if ends[1][1:] != (n_classes,):
        advice = f"end with keras.layers.Dense({n_classes}, activation='softmax')"
        raise _wrong(name, f"an output of ({n_classes},), one for each class", str(ends[1][1:]), advice)


def _check_untrained(name: str, model: Any) -> None:
    if frozen := next((layer.name for layer in _leaves(model) if layer.weights and not layer.trainable), None):
        advice = "weights are drawn from the seed; give trained ones by start_from"
        raise _wrong(name, "layers that can be trained", f"{frozen}, which is frozen", advice)
    steps = int(model.optimizer.iterations) if getattr(model, "optimizer", None) is not None else 0
    if steps:
        advice = "weights are drawn from the seed: save it, and give its file by start_from"
        raise _wrong(name, "an untrained network", f"one trained for {steps:,} steps", advice)


def _gives_logits(name: str, model: Any, input_shape: tuple[int, int, int]) -> bool:
    """Whether its outputs are logits and no probabilities: by its last activation, or by what it gives."""
    activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", None)
    if activation not in (None, "softmax", "linear"):
        raise _wrong(name, "probabilities (softmax) or logits (no activation)", activation, "change the last layer")
    if activation is not None:
        return bool(activation == "linear")
    images = np.random.default_rng(0).random((PROBED, *input_shape), np.float32)
    answers = np.asarray(model.predict_on_batch(images), np.float32)
    return not (answers.min() >= 0 and np.allclose(answers.sum(axis=1), 1, atol=1e-3))


def _plain(name: str, model: Any, input_shape: tuple[int, int, int], *, logits: bool) -> Any:
    """A copy in float32 that ends in probabilities, named the same however many models were made before."""
    import keras

    counts = Counter[str]()

    def copied(layer: Any) -> Any:
        given = re.sub(r"_\d+$", "", layer.name)
        counts[given] += 1
        named = given if counts[given] == 1 else f"{given}_{counts[given] - 1}"
        return type(layer).from_config(layer.get_config() | {"name": named, "dtype": "float32"})

    images = keras.Input(input_shape, name="images")
    ending = [keras.layers.Activation("softmax", dtype="float32", name="probabilities")] if logits else []
    if isinstance(model, keras.Sequential):
        copy = keras.models.clone_model(model, clone_function=copied, recursive=True)
        return keras.Sequential([images, *copy.layers, *ending], name=name)
    inputs = keras.tree.map_structure(lambda _: images, model.input)
    copy = keras.models.clone_model(model, input_tensors=inputs, clone_function=copied, recursive=True)
    return keras.Model(images, ending[0](copy.outputs[0]) if logits else copy.outputs[0], name=name)


def _leaves(model: Any) -> Iterator[Any]:
    """The layers, and those of models among them."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _leaves(layer)
        else:
            yield layer


def _head(model: Any) -> list[Any]:
    """The last layer with weights and those behind it, which stay in float32, as loss and probabilities do."""
    layers = list(_leaves(model))
    return layers[max((place for place, layer in enumerate(layers) if layer.weights), default=0) :]


def _wrong(where: str, expected: str, got: str, advice: str) -> RecipeError:
    return RecipeError.wanted(where, expected, got, advice, argument="model")
