"""The layers of Keras 1 and 2 as layers of Keras 3 that compute the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from digitwise.errors import RunError, one_line
from digitwise.training.backend import keras

Config = Mapping[str, Any]
Shape = tuple[int | None, ...]
ACTIVATIONS = ("linear", "relu", "softmax", "sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "exponential")
CONVOLUTIONS = ("Conv2D", "Convolution2D", "AtrousConvolution2D")
LAST = {1: 3, 2: 1, 3: 2}  # axes of maps with their channels first, where channels are last


class UnknownLayerError(RunError):
    """A layer, or a way of connecting layers, that is not in the table here."""


def first_of(config: Config, *names: str) -> Any:
    """The first value that is there, under the name in Keras 2 or Keras 1."""
    return next((config[name] for name in names if config.get(name) is not None), None)


class Builder:
    """What makes one layer: its configuration, in the words of both versions, and the shape that it is given."""

    def __init__(self, where: str, config: Config, shape: Shape, *, first: bool, theano: bool) -> None:
        self.where, self.config, self.first, self.theano = where, config, first, theano
        self.maps_first = first and len(shape) == 4

    def _get(self, *names: str, default: Any = None) -> Any:
        found = first_of(self.config, *names)
        return default if found is None else found

    def _refuse(self, what: str) -> RunError:
        return RunError(f"{self.where}: {what} cannot be loaded")

    def layers(self, kind: str) -> list[Any]:
        """The layers of Keras 3 that compute what this one of an old kind did; none for a mere input.

        Raises
        ------
        UnknownLayerError
            If the kind is not in the table.
        RunError
            If an option of it has no equal in Keras 3.
        """
        if kind not in LAYERS:
            raise UnknownLayerError(f"{self.where}: this kind of layer cannot be loaded")
        made = LAYERS[kind](self)
        return made if isinstance(made, list) else [made]

    def _activation(self) -> str:
        name = self._get("activation", default="linear")
        if name not in ACTIVATIONS:
            raise self._refuse(f"the activation {one_line(name, 60)}")
        if name == "softmax" and self.maps_first:
            raise self._refuse("a softmax over maps with their channels first")
        return str(name)

    def _axis(self, axis: Any) -> int:
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        if not isinstance(axis, int):
            raise self._refuse(f"the axis {one_line(axis, 40)}")
        return LAST.get(axis % 4, axis) if self.maps_first else axis

    def _window(self, size: Any) -> dict[str, Any]:
        """Strides and padding."""
        strides = self._get("strides", "subsample", default=None)
        padding = self._get("padding", "border_mode", default="valid")
        if padding not in ("valid", "same"):
            raise self._refuse(f"the padding {one_line(padding, 40)}")
        plain = strides in (None, 1, [1, 1]) and all(side % 2 for side in size)
        if self.theano and padding == "same" and not plain:
            raise self._refuse("the padding same, which Theano placed elsewhere,")
        return {"strides": strides, "padding": padding}

    def _convolution(self) -> Any:
        size = self._get("kernel_size") or [self.config["nb_row"], self.config["nb_col"]]
        options = {"strides": (1, 1)} | {key: value for key, value in self._window(size).items() if value is not None}
        return keras.layers.Conv2D(
            self._get("filters", "nb_filter"),
            size,
            dilation_rate=self._get("dilation_rate", "atrous_rate", default=1),
            groups=self._get("groups", default=1),
            activation=self._activation(),
            use_bias=self._get("use_bias", "bias", default=True),
            **options,
        )

    def _pooling(self, kind: Any) -> Any:
        size = self._get("pool_size", default=[2, 2])
        window = self._window(size)
        if self.theano and window["padding"] == "same":
            raise self._refuse("the padding same, which Theano placed elsewhere,")
        return kind(size, **window)

    def _dense(self) -> Any:
        if self.maps_first:
            raise self._refuse("a dense layer of maps with their channels first")
        return keras.layers.Dense(
            self._get("units", "output_dim"),
            activation=self._activation(),
            use_bias=self._get("use_bias", "bias", default=True),
        )

    def _normalization(self) -> Any:
        if self._get("mode", default=0) != 0:
            raise self._refuse(f"the mode {self.config['mode']}")
        return keras.layers.BatchNormalization(
            axis=self._axis(self._get("axis", default=-1)),
            epsilon=self._get("epsilon", default=1e-3),
            center=self._get("center", default=True),
            scale=self._get("scale", default=True),
        )

    def _flatten(self) -> list[Any]:
        # Since 2.2.3 Flatten itself puts the channels last where its own data_format has them first.
        ordered = self.maps_first and self._get("data_format") != "channels_first"
        return [*([keras.layers.Permute((3, 1, 2))] if ordered else []), keras.layers.Flatten()]

    def _reshape(self) -> list[Any]:
        shape = self.config["target_shape"]
        before = [keras.layers.Permute((3, 1, 2))] if self.maps_first else []
        after = [keras.layers.Permute((2, 3, 1))] if self.first and len(shape) == 3 else []
        return [*before, keras.layers.Reshape(shape), *after]

    def _permute(self) -> Any:
        if self.first:
            raise self._refuse("a permutation of maps with their channels first")
        return keras.layers.Permute(self.config["dims"])

    def _padding(self, kind: Any, name: str) -> Any:
        amount = self._get(name, default=1)
        if isinstance(amount, list) and len(amount) == 4:  # Keras 1: top, bottom, left, right
            amount = [amount[:2], amount[2:]]
        return kind(amount)

    def _relu(self) -> Any:
        options = {key: self._get(key, default=0.0) for key in ("negative_slope", "threshold")}
        return keras.layers.ReLU(max_value=self._get("max_value"), **options)

    def _prelu(self) -> Any:
        shared = self._get("shared_axes", default=[])
        return keras.layers.PReLU(shared_axes=[self._axis(axis) for axis in shared] or None)


_layers = keras.layers
LAYERS: dict[str, Callable[[Builder], Any]] = {
    "InputLayer": lambda _: [],
    **dict.fromkeys(CONVOLUTIONS, Builder._convolution),
    "MaxPooling2D": lambda old: old._pooling(_layers.MaxPooling2D),
    "AveragePooling2D": lambda old: old._pooling(_layers.AveragePooling2D),
    "GlobalMaxPooling2D": lambda _: _layers.GlobalMaxPooling2D(),
    "GlobalAveragePooling2D": lambda _: _layers.GlobalAveragePooling2D(),
    "Dense": Builder._dense,
    "Activation": lambda old: _layers.Activation(old._activation()),
    "BatchNormalization": Builder._normalization,
    "Flatten": Builder._flatten,
    "Reshape": Builder._reshape,
    "Permute": Builder._permute,
    "ZeroPadding2D": lambda old: old._padding(_layers.ZeroPadding2D, "padding"),
    "Cropping2D": lambda old: old._padding(_layers.Cropping2D, "cropping"),
    "LeakyReLU": lambda old: _layers.LeakyReLU(negative_slope=old._get("alpha", default=0.3)),
    "ELU": lambda old: _layers.ELU(alpha=old._get("alpha", default=1.0)),
    "ThresholdedReLU": lambda old: _layers.ReLU(threshold=old._get("theta", default=1.0)),
    "ReLU": Builder._relu,
    "PReLU": Builder._prelu,
    "Softmax": lambda old: _layers.Softmax(axis=old._axis(old._get("axis", default=-1))),
    "Dropout": lambda old: _layers.Dropout(old._get("rate", "p", default=0.5)),
    "SpatialDropout2D": lambda old: _layers.SpatialDropout2D(old._get("rate", "p", default=0.5)),
    "GaussianDropout": lambda old: _layers.GaussianDropout(old._get("rate", "p", default=0.5)),
    "GaussianNoise": lambda old: _layers.GaussianNoise(old._get("stddev", "sigma", default=0.1)),
    "ActivityRegularization": lambda _: [],
    "Rescaling": lambda old: _layers.Rescaling(old.config["scale"], old._get("offset", default=0.0)),
}
