"""Network architectures by name; :func:`build` makes one for a given image size and class count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from digitwise.errors import RecipeError

if TYPE_CHECKING:
    import keras

SHIFTS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # of an image before it is shown to a network again, in pixels

# Functions of digitwise.models.cnn
MODELS = ("simple-cnn", "flash-cnn", "lean-cnn", "compact-cnn", "narrow-cnn", "deep-cnn")


def build(
    name: str,
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    dtype: str = "float32",
    batch_norm: Callable[..., Any] | None = None,
    dropout: float = 0.0,
    layers: str | None = None,
) -> keras.Model:
    """Build an untrained network.

    Parameters
    ----------
    name : str
        One of :data:`MODELS`; anything where ``layers`` are given.
    input_shape : (int, int, int)
        Height, width, channels; images are float32 in [0, 1].
    n_classes : int
        Length of the softmax that comes out, always float32.
    dtype : str
        Keras dtype policy of all layers but the last: ``float32`` or ``mixed_bfloat16``.
    batch_norm : callable, optional
        Makes a batch normalisation layer; by default ``keras.layers.BatchNormalization``.
    dropout : float
        Share of the last hidden layer's outputs that a training step leaves out.
    layers : str, optional
        A network of one's own, from :func:`digitwise.models.own.described` for the same images and classes.

    Returns
    -------
    keras.Model
        Its weights have the same order whatever ``dtype``, ``batch_norm`` and ``dropout`` are.

    Raises
    ------
    RecipeError
        If there is no network of this name.
    """
    import keras

    from digitwise.models import cnn, own

    if layers is not None:
        return own.built(layers, dtype=dtype, batch_norm=batch_norm)
    check_name(name)
    norm = batch_norm or keras.layers.BatchNormalization
    head = keras.layers.Dense(n_classes, activation="softmax", dtype="float32", name="probabilities")
    body = getattr(cnn, name.removesuffix("-cnn"))(side=min(input_shape[:2]), dtype=dtype, batch_norm=norm)
    if dropout:
        body.append(keras.layers.Dropout(dropout, dtype=dtype))
    return keras.Sequential([keras.Input(input_shape), *body, head], name=name.replace("-", "_"))


def check_name(name: str) -> None:
    """Make sure that there is a network of this name.

    Raises
    ------
    RecipeError
        If there is none.
    """
    if name not in MODELS:
        raise RecipeError(
            f"model: expected one of {', '.join(MODELS)}, got {name!r}; give a network of your own as model (--model)"
        )


def averaged(networks: Sequence[keras.Model], *, shifts: bool) -> keras.Model:
    """One model that gives the mean of the networks' probabilities.

    Parameters
    ----------
    networks : sequence of keras.Model
        All for the same images and classes.
    shifts : bool
        Ask each network about the image itself and about it moved by one pixel in each of the four directions.

    Returns
    -------
    keras.Model
        The network itself, where there is but one and no shifts.
    """
    import keras

    if len(networks) == 1 and not shifts:
        return networks[0]
    images = keras.Input(networks[0].input_shape[1:])
    views = [images, *(_shifted(images, down, right) for down, right in SHIFTS)] if shifts else [images]
    for i, network in enumerate(networks):
        network.name = f"{network.name}_{i}"
    answers = [network(view) for network in networks for view in views]
    return keras.Model(images, keras.layers.Average(name="mean")(answers), name="ensemble")


def _shifted(images: Any, down: int, right: int) -> Any:
    """Images moved by whole pixels, what comes in being black."""
    import keras

    before = (max(down, 0), max(right, 0))
    after = (max(-down, 0), max(-right, 0))
    padded = keras.layers.ZeroPadding2D(((before[0], after[0]), (before[1], after[1])))(images)
    return keras.layers.Cropping2D(((after[0], before[0]), (after[1], before[1])))(padded)
