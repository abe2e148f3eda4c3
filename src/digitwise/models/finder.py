"""The network that finds digits: one pass over a whole image marks the middle, size, class and turn of each.

A fully convolutional network in the manner of CenterNet, for images of any size whose sides are multiples of 16. Its
maps have a quarter of the image's height and width, and in each cell the logits and numbers that
:mod:`digitwise.maps` explains. A page is one pass of about a million weights, which a laptop's processor can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers as kl
from keras import ops

from digitwise.maps import PLANES, STRIDE

WINDOWS = 5, 17  # cells of the windows over which contrast is measured
FLOOR = 0.02  # of the local spread, as a share of white: below it, what there is is noise
CHANNELS = 24, 48, 96, 128  # at strides 2, 4, 8 and 16
HEAD = 64  # channels from which maps are made
MOMENTUM = 0.98  # of batch normalisation: trainings of a few thousand steps are too short for Keras' 0.99
DILATIONS = 1, 2, 4  # at stride 8: a digit's neighbours and lines tell what it is
RARE = -4.6  # logit of 1 %


@keras.saving.register_keras_serializable("digitwise")
class LocalContrast(kl.Layer):  # type: ignore[misc]  # keras comes without types
    """Each pixel against the mean and spread of its surroundings, in two windows.

    float32 (n, h, w, 1) in [0, 1] to float32 (n, h, w, 2). Light, shade of paper and strength of ink hardly matter
    then. Means are taken over cells of 4x4 pixels, so that wide windows are cheap, and brought back bilinearly.

    References
    ----------
    K. Jarrett et al., What is the Best Multi-Stage Architecture for Object Recognition? (ICCV 2009), section 2.
    """

    def __init__(self, **rest: Any) -> None:
        super().__init__(dtype="float32", **rest)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """As Keras asks."""
        return (*input_shape[:-1], len(WINDOWS))

    def call(self, images: Any) -> Any:
        """Normalise images, float32 (n, h, w, 1) in [0, 1]."""
        moments = ops.concatenate([images, images * images], axis=-1)
        cells = ops.average_pool(moments, STRIDE, STRIDE)
        return ops.concatenate([self._against(images, cells, window) for window in WINDOWS], axis=-1)

    def _against(self, images: Any, cells: Any, window: int) -> Any:
        """Images against one window: (n, h, w, 1); ``cells`` are means of values and squares, (n, h/4, w/4, 2)."""
        rows = ops.average_pool(cells, (window, 1), 1, padding="same")
        means = ops.average_pool(rows, (1, window), 1, padding="same")
        height, width = ops.shape(images)[1:3]
        means = ops.image.resize(means, (height, width), interpolation="bilinear")
        mean, square = means[..., :1], means[..., 1:]
        spread = ops.sqrt(ops.maximum(square - mean * mean, 0.0)) + FLOOR
        return (images - mean) / spread


def finder(channels: Sequence[int] = CHANNELS, *, side: int | None = None, dtype: str = "float32") -> keras.Model:
    """Build an untrained finder.

    Parameters
    ----------
    channels : sequence of int
        At strides 2, 4, 8 and 16; without the last one it looks less far around.
    side : int, optional
        Height and width of the images, where all have one size.
    dtype : str
        Keras dtype policy of the convolutions.

    Returns
    -------
    keras.Model
        float32 (n, h, w, 1) in [0, 1] to float32 (n, h / 4, w / 4, 24).

    References
    ----------
    X. Zhou, D. Wang, P. Krähenbühl, Objects as Points (2019), arXiv:1904.07850.
    """
    images = keras.Input((side, side, 1), name="images")
    x = LocalContrast(name="contrast")(images)
    x = _layer(x, channels[0], 5, strides=2, dtype=dtype)
    x = _layer(x, channels[1], 3, strides=2, dtype=dtype)
    near = _block(x, 1, dtype=dtype)
    x = _layer(near, channels[2], 3, strides=2, dtype=dtype)
    for dilation in DILATIONS:
        x = _block(x, dilation, dtype=dtype)
    if len(channels) > 3:
        far = _layer(x, channels[3], 3, strides=2, dtype=dtype)
        far = _block(far, 2, dtype=dtype)
        x = kl.Add(dtype=dtype)([x, _raised(far, channels[2], dtype=dtype)])
        x = _block(x, 1, dtype=dtype)
    x = kl.Add(dtype=dtype)([near, _raised(x, channels[1], dtype=dtype)])
    x = _layer(x, HEAD, 3, dtype=dtype)
    maps = kl.Conv2D(PLANES, 1, dtype="float32", bias_initializer=_rare, name="maps")(x)
    return keras.Model(images, maps, name="finder")


def _rare(shape: Sequence[int], dtype: Any = None) -> Any:
    """At first, an object in one cell of a hundred, as focal loss wants it.

    References
    ----------
    T.-Y. Lin et al., Focal Loss for Dense Object Detection (ICCV 2017), arXiv:1708.02002, section 3.3.
    """
    return ops.concatenate([ops.full((1,), RARE, dtype), ops.zeros((shape[0] - 1,), dtype)])


def _layer(x: Any, channels: int, size: int, *, strides: int = 1, dilation: int = 1, dtype: str) -> Any:
    """Convolution, normalisation, ReLU."""
    return kl.ReLU(dtype=dtype)(_plain(x, channels, size, strides=strides, dilation=dilation, dtype=dtype))


def _plain(x: Any, channels: int, size: int, *, strides: int = 1, dilation: int = 1, dtype: str) -> Any:
    x = kl.Conv2D(channels, size, strides, "same", dilation_rate=dilation, use_bias=False, dtype=dtype)(x)
    return kl.BatchNormalization(momentum=MOMENTUM, dtype=dtype)(x)


def _block(x: Any, dilation: int, *, dtype: str) -> Any:
    """A residual block of two convolutions (He et al., arXiv:1512.03385)."""
    channels = x.shape[-1]
    y = _layer(x, channels, 3, dilation=dilation, dtype=dtype)
    y = _plain(y, channels, 3, dilation=dilation, dtype=dtype)
    return kl.ReLU(dtype=dtype)(kl.Add(dtype=dtype)([x, y]))


def _raised(x: Any, channels: int, *, dtype: str) -> Any:
    """To twice the height and width, and other channels."""
    return kl.UpSampling2D(2, dtype=dtype)(_plain(x, channels, 1, dtype=dtype))
