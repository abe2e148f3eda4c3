"""Layers of a network in NumPy, on maps (n, h, w, c), to hold loaded models against."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def convolved(maps, kernel):
    """Correlate, without padding and with steps of one; kernel (rows, columns, channels, filters)."""
    windows = sliding_window_view(maps, kernel.shape[:2], axis=(1, 2))  # (n, h, w, c, rows, columns)
    return np.einsum("nhwcij,ijcf->nhwf", windows, kernel)


def pooled(maps, size, strides):
    """The maxima of windows."""
    windows = sliding_window_view(maps, size, axis=(1, 2))[:, :: strides[0], :: strides[1]]
    return windows.max(axis=(4, 5))


def normalized(maps, scale, shift, mean, variance, epsilon):
    """Batch normalisation with stored moments."""
    return scale * (maps - mean) / np.sqrt(variance + epsilon) + shift


def relu(values):
    """What is above zero."""
    return np.maximum(values, 0)


def softmax(values):
    """Probabilities (n, k)."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def forward(layers, file, images):
    """The answers of convolutions, pooling and dense layers as Keras 2 stores them, (n, k)."""
    apply = {"relu": relu, "softmax": softmax, "linear": lambda values: values}
    values = images
    for layer in layers:
        kind, config = layer["class_name"], layer["config"]
        if kind in ("Conv2D", "Dense"):
            group = file[config["name"]]
            kernel, bias = (group[name][()] for name in group.attrs["weight_names"])
            values = (convolved(values, kernel) if kind == "Conv2D" else values @ kernel) + bias
            values = apply[config["activation"]](values)
        elif kind == "MaxPooling2D":
            values = pooled(values, config["pool_size"], config["strides"])
        elif kind == "Flatten":
            values = values.reshape(len(values), -1)
        else:
            assert kind == "Dropout"
    return values
