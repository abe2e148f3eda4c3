"""Models that Keras 1 and 2 wrote: layers in a row, made anew from their configuration, with their stored weights.

Nothing in such a file is run: layers are taken from the table in :mod:`digitwise.training.old_layers`, and weights are
plain arrays of the HDF5 file.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.errors import RunError, one_line
from digitwise.training.backend import keras
from digitwise.training.old_layers import CONVOLUTIONS, Builder, Config, Shape, UnknownLayerError, first_of

LARGEST = 2**28  # weights in one array: a file of a few bytes can claim any number
LayerData = tuple[str, list[Any]]  # the name of a layer and its datasets


@dataclass(frozen=True)
class OldModel:
    """A model of Keras 1 or 2 as it is stored.

    Parameters
    ----------
    name : str
        The file, for messages.
    document : dict
        What ``model.to_json()`` wrote, or the attribute ``model_config`` of a whole model.
    weights : h5py.Group
        A group of weights for each layer.
    version, backend : str
        Of the Keras that wrote it; empty where the file does not have the backend.
    """

    name: str
    document: Config
    weights: Any
    version: str
    backend: str

    @classmethod
    def of(cls, name: str, text: str | bytes, file: Any) -> OldModel | None:
        """The model in an open HDF5 file, with its configuration as JSON; None if Keras 3 wrote it.

        Raises
        ------
        RunError
            If the text is no configuration of a model.
        """
        try:
            document = json.loads(text, object_hook=_without_tuples)
        except (ValueError, RecursionError) as error:
            raise RunError(f"{name}: expected a model's configuration as JSON, got {one_line(error, 80)}") from error
        if not isinstance(document, dict) or not {"class_name", "config"} <= document.keys():
            raise RunError(f"{name}: expected a model's configuration with class_name and config, got neither")
        group = _own(file, "model_weights") if "model_weights" in file else file
        told = [{key: _text(value) for key, value in each.items()} for each in (document, file.attrs, group.attrs)]
        version, backend = (
            next((each[key] for each in told if each.get(key)), "") for key in ("keras_version", "backend")
        )
        if version.split(".")[0] not in ("", "1", "2"):
            return None
        return cls(name, document, group, version or "1", backend)

    @property
    def is_keras_1(self) -> bool:
        """Whether Keras 1 wrote it."""
        return self.version.split(".")[0] != "2"

    @property
    def means_the_same(self) -> bool:
        """Whether layers that are not in the table compute in Keras 3 what they did when they were stored."""
        return not self.is_keras_1 and self.backend != "theano" and "hard_sigmoid" not in json.dumps(self.document)

    def load(self) -> Any:
        """Make the model.

        Returns
        -------
        keras.Sequential
            It takes images with their channels last, also where the old model took them first.

        Raises
        ------
        UnknownLayerError
            If a layer is not in the table here.
        RunError
            If a layer did what no layer of Keras 3 does, or its weights do not fit it.
        """
        layers = list(self._chain())
        first = self._channels_first(layers)
        theano = self._is_theano(layers, first=first)
        shape = self._input_shape(layers)
        inputs = values = keras.Input((*shape[1:], shape[0]) if first and len(shape) == 3 else shape)
        stored, made = self._stored(), []
        for kind, config in layers:
            layer_name = one_line(config.get("name", ""), 40)
            where = f"{self.name}: {one_line(kind, 40)} {layer_name!r} of Keras {self.version}"
            builder = Builder(where, config, values.shape, first=first, theano=theano)
            for layer in builder.layers(kind):
                kernel = _kernel_shape(layer, values.shape)
                own = None if kernel is None else next(stored, None)
                if kernel is not None:  # before Keras makes room for it
                    self._check_shapes(layer, own, [kernel], where, first=first)
                values = _called(layer, values, where)
                if layer.weights:
                    own = next(stored, None) if kernel is None else own
                    shapes = [weight.shape for weight in layer.weights]
                    arrays = self._check_shapes(layer, own, shapes, where, first=first)
                    self._set_weights(layer, arrays, first=first, theano=theano)
                made.append(layer)
        if (left := next(stored, None)) is not None:
            raise RunError(f"{self.name}: expected weights of the layers in its configuration, got more: {left[0]!r}")
        return keras.Sequential([keras.Input(inputs.shape[1:]), *made])

    def _chain(self) -> Iterator[tuple[str, Config]]:
        """Yield kind and configuration of each layer.

        Raises
        ------
        UnknownLayerError
            If the layers are not in a row.
        """
        kind, config = self.document["class_name"], self.document["config"]
        layers = config.get("layers") if isinstance(config, dict) else config
        if kind not in ("Sequential", "Model", "Functional") or not isinstance(layers, list) or not layers:
            raise UnknownLayerError(
                f"{self.name}: expected a Sequential of Keras {self.version}, got {one_line(kind, 40)}"
            )
        if kind != "Sequential":
            names = [each["name"] for each in layers]
            came_from = [_before(each) for each in layers]
            if came_from != [None, *names[:-1]]:
                raise UnknownLayerError(
                    f"{self.name}: expected layers in a row, got a {kind} of Keras {self.version} with branches"
                )
        for each in layers:
            if not isinstance(each, dict) or not isinstance(each.get("config"), dict):
                raise RunError(f"{self.name}: expected layers with class_name and config, got {one_line(each, 40)}")
            yield str(each.get("class_name")), each["config"]

    def _channels_first(self, layers: list[tuple[str, Config]]) -> bool:
        told = [first_of(config, "data_format", "dim_ordering") for kind, config in layers if kind != "Flatten"]
        found = set(filter(None, told))
        first = {each in ("th", "channels_first") for each in found}
        if len(first) > 1:
            raise RunError(f"{self.name}: expected one order of axes, got both {' and '.join(sorted(found))}")
        return first == {True}

    def _is_theano(self, layers: list[tuple[str, Config]], *, first: bool) -> bool:
        """Whether kernels were turned: Theano's layers convolve, all others correlate."""
        if not self.backend and first and any(kind in CONVOLUTIONS for kind, _ in layers):
            told = f"Keras {self.version} did not write its backend; with channels first it is taken for Theano"
            warnings.warn(f"{self.name}: {told}", stacklevel=4)
            return True
        return self.backend == "theano"

    def _input_shape(self, layers: list[tuple[str, Config]]) -> Shape:
        config = layers[0][1]
        shape = first_of(config, "batch_input_shape", "batch_shape")
        if shape is None and self.document["class_name"] == "Sequential" and isinstance(self.document["config"], dict):
            shape = self.document["config"].get("build_input_shape")
        if not isinstance(shape, list) or len(shape) < 2:
            raise RunError(f"{self.name}: expected batch_input_shape, of its input, in the first layer, got none")
        return tuple(shape[1:])

    def _check_shapes(
        self, layer: Any, stored: LayerData | None, expected: list[Shape], where: str, *, first: bool
    ) -> list[Any]:
        """The arrays of stored weights, which have to fit a layer, or the kernel alone of one that is not built."""
        order, arrays = self._order(layer, first=first), [] if stored is None else stored[1]
        came = [tuple(each.shape[axis] for axis in order(each)) for each in arrays]
        if came[: len(expected)] != expected or (layer.built and len(came) != len(expected)):
            raise RunError(f"{where}: expected weights of shape {_told(expected)}, got {_told(came)}")
        return arrays

    def _set_weights(self, layer: Any, arrays: list[Any], *, first: bool, theano: bool) -> None:
        order = self._order(layer, first=first)
        turned = theano and type(layer).__name__ == "Conv2D"
        values = [np.asarray(each[()], np.float32).transpose(order(each)) for each in arrays]
        layer.set_weights([each[::-1, ::-1] if turned and each.ndim == 4 else each for each in values])

    def _order(self, layer: Any, *, first: bool) -> Callable[[Any], tuple[int, ...]]:
        """Where each axis of a weight lies in the stored one: Keras 1 put filters and channels first with the maps."""
        kind = type(layer).__name__
        axes: dict[int, tuple[int, ...]] = {}
        if first and kind == "Conv2D" and self.is_keras_1:
            axes = {4: (2, 3, 1, 0)}
        elif first and kind == "PReLU":
            axes = {3: (1, 2, 0)}
        return lambda stored: axes.get(len(stored.shape), tuple(range(len(stored.shape))))

    def _stored(self) -> Iterator[LayerData]:
        """Yield the name and the datasets of each layer that has weights."""
        for name in _names(self.weights, "layer_names"):
            group = _own(self.weights, name)
            if found := [_own(group, each) for each in _names(group, "weight_names")]:
                yield name, found


def _called(layer: Any, values: Any, where: str) -> Any:
    try:
        return layer(values)
    except (ValueError, TypeError) as error:
        shape = values.shape[1:]
        raise RunError(f"{where}: does not fit its input of shape {shape}: {one_line(error, 120)}") from error


def _kernel_shape(layer: Any, shape: Shape) -> Shape | None:
    """The shape of a kernel that will be built for inputs of a shape; None for a layer without one."""
    kind, channels = type(layer).__name__, shape[-1]
    if kind == "Dense":
        return (channels, layer.units)
    if kind == "Conv2D" and channels is not None:
        return (*layer.kernel_size, channels // layer.groups, layer.filters)
    return None


def _before(layer: Config) -> Any:
    """The name of the only layer before one; None for the input."""
    nodes = layer.get("inbound_nodes") or [[]]
    if nodes == [[]]:
        return None
    return nodes[0][0][0] if len(nodes) == len(nodes[0]) == 1 else nodes


def _without_tuples(value: dict[str, Any]) -> Any:
    return value["items"] if value.get("class_name") == "__tuple__" and "items" in value else value


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _names(group: Any, attribute: str) -> list[str]:
    """A list of names, which is cut into numbered parts where it is long."""
    parts = [attribute] if attribute in group.attrs else []
    while not (parts and parts[0] == attribute) and f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    if not parts:
        raise RunError(f"{group.file.filename}: expected the weights of Keras 1 or 2 by layers, found no {attribute}")
    return [str(_text(name)) for part in parts for name in group.attrs[part]]


def _own(group: Any, name: str) -> Any:
    """A group or dataset of this file itself: links to other files are not followed."""
    import h5py

    found = group.get(name)
    if found is None or found.file != group.file:
        raise RunError(f"{group.file.filename}: expected the weights {name!r} in this file, found none")
    if isinstance(found, h5py.Dataset) and found.size > LARGEST:
        raise RunError(f"{group.file.filename}: expected at most {LARGEST:,} weights in {name!r}, got {found.size:,}")
    if isinstance(found, h5py.Dataset) and (found.is_virtual or found.external is not None or found.dtype.kind != "f"):
        raise RunError(f"{group.file.filename}: expected floats in this file as the weights {name!r}, got others")
    return found


def _told(shapes: list[Shape]) -> str:
    return ", ".join(map(str, shapes)) or "none"
