"""What a recipe is: every choice of a training as one frozen value."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from digitwise.errors import RecipeError
from digitwise.recipes import fields, toml

STEPS = 40  # an epoch has at least about so many
SMALL = 1_000  # images: fewer are shown more often than the recipe's epochs say
SHOWN = 15_000  # images in all, so that a training of a few hundred comes to its end
SMALLEST_BATCH = 16  # smaller ones are noise to batch normalisation


@dataclass(frozen=True)
class Augmentation:
    """Random affine changes of a training image, named and measured as in Keras' ``ImageDataGenerator``.

    There are no flips: a mirrored 2 is not a 2.

    Parameters
    ----------
    rotation_range : float
        Degrees, to either side.
    width_shift_range, height_shift_range : float
        Share of the width or height if below 1, else pixels; to either side.
    shear_range : float
        Shear angle in degrees, to either side.
    zoom_range : float
        Each axis is scaled by its own factor in [1 - zoom_range, 1 + zoom_range].

    Examples
    --------
    >>> import digitwise
    >>> digitwise.Augmentation(rotation_range=10).rotation_range
    10
    """

    rotation_range: float = 0.0
    width_shift_range: float = 0.0
    height_shift_range: float = 0.0
    shear_range: float = 0.0
    zoom_range: float = 0.0

    def __post_init__(self) -> None:
        fields.check(Augmentation, vars(self))
        for name, value in vars(self).items():
            if not 0 <= value < (1 if name == "zoom_range" else 180):
                wanted = "0 or more (zoom below 1, angles below 180)"
                raise RecipeError.wanted(name, wanted, value, argument=name)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training but its data and its seed.

    Parameters
    ----------
    name : str
        Of the recipe, and of the run folder where no other is given.
    purpose : str
        What it is for, in a line.
    model : str
        The network: simple-cnn (one convolution), flash-cnn (the fastest), lean-cnn (improved's), compact-cnn and
        deep-cnn (accurate's) or narrow-cnn (the bundled model's).
    epochs : int
        How many times each training image is shown.
    batch_size : int
        Images a step.
    optimizer : {"sgd", "adam", "adamw", "rmsprop", "muon"}
        AdamW is Adam with a weight decay. Muon is Adam but for the kernels of hidden layers.
    learning_rate : float
        The optimizer's; the peak where the schedule moves it.
    betas : (float, float)
        How long Adam, AdamW and Muon remember gradients and their squares, each in [0, 1).
    momentum : float
        How long SGD and RMSprop remember steps, in [0, 1).
    nesterov : bool
        Whether SGD's momentum looks ahead, as Nesterov's.
    rho : float
        How long RMSprop remembers the squares of gradients, in [0, 1).
    weight_decay : float
        AdamW's: the share of a weight that a step takes away, times the learning rate.
    muon_ratio : float
        Muon's learning rate over Adam's.
    muon_momentum : float
        How long Muon remembers gradients, in [0, 1).
    schedule : {"constant", "one-cycle"}
        One-cycle: a linear rise to the peak over the first 30 % of the steps, then a linear fall to zero.
    label_smoothing : float
        Share of the label's probability spread evenly over all classes, 0 to 1.
    dropout : float
        Share of the last hidden layer's outputs that a training step leaves out, in [0, 1).
    augmentation : Augmentation, optional
        Random changes of training images.
    focus : float
        Share of additional augmented samples an epoch, dealt to classes by their validation errors so far.
    scans : float
        Share of training images that come, besides as they are, as made scans brought through ``normalize``; for
        grey 28x28 images with light ink on a dark ground.
    early_stopping : int, optional
        Stop after this many epochs without a better validation loss (Keras' EarlyStopping and its patience).
    keep : {"last", "best"}
        Which epoch's weights to save; best is the lowest validation loss (what ModelCheckpoint does).
    members : int
        Networks trained from different seeds whose probabilities are averaged.
    other_models : tuple of str
        Networks that the members are in turn with ``model``: the first member is ``model``, the second the first of
        these. Networks that differ make other errors.
    test_shifts : bool
        Whether the saved model averages over the image itself and it moved by a pixel in each direction.
    sources : tuple of str
        Where the ideas come from.
    layers : str, optional
        A network of one's own in Keras' JSON, of which ``model`` is then only the name, see
        :func:`digitwise.models.own.described`.

    Examples
    --------
    >>> import digitwise
    >>> mine = digitwise.Recipe("mine", "a short training", "simple-cnn", epochs=2, batch_size=64)
    >>> mine.replace(epochs=4).epochs
    4
    """

    name: str
    purpose: str
    model: str
    epochs: int
    batch_size: int
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop", "muon"] = "adam"
    learning_rate: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = 0.0
    nesterov: bool = False
    rho: float = 0.9
    weight_decay: float = 0.004
    muon_ratio: float = 6.0
    muon_momentum: float = 0.8
    schedule: Literal["constant", "one-cycle"] = "constant"
    label_smoothing: float = 0.0
    dropout: float = 0.0
    augmentation: Augmentation | None = None
    focus: float = 0.0
    scans: float = 0.0
    early_stopping: int | None = None
    keep: Literal["last", "best"] = "last"
    members: int = 1
    other_models: tuple[str, ...] = ()
    test_shifts: bool = False
    sources: tuple[str, ...] = ()
    layers: str | None = None

    def __post_init__(self) -> None:
        fields.check(Recipe, vars(self))
        if self.name in ("", ".", "..") or set(self.name) & set("/\\\0"):
            raise RecipeError(f"name: expected one that a folder can have, got {self.name!r}")
        for name in ("epochs", "batch_size", "members"):
            if getattr(self, name) < 1:
                raise RecipeError.wanted(name, "1 or more", getattr(self, name), argument=name)
        if not 0 <= self.scans <= 100:
            raise RecipeError(f"scans: expected 0 to 100 scans an image, got {self.scans}")
        if self.early_stopping is not None and self.early_stopping < 1:
            raise RecipeError(f"early_stopping: expected 1 epoch or more, got {self.early_stopping}")
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum):
            raise RecipeError("nesterov: expected the optimizer sgd and a momentum with it; set both, or take it away")
        if self.layers is not None and self.dropout:
            raise RecipeError("dropout: expected 0 for a network of your own; give it a keras.layers.Dropout instead")
        self._check_numbers()

    def _check_numbers(self) -> None:
        for name in ("learning_rate", "muon_ratio"):
            if not 0 < getattr(self, name) < float("inf"):
                raise RecipeError(f"{name}: expected a number above 0, got {getattr(self, name)}")
        names = ("label_smoothing", "dropout", "momentum", "rho", "weight_decay", "muon_momentum")
        shares = [(name, getattr(self, name)) for name in names]
        for name, share in [*shares, *(("betas", beta) for beta in self.betas)]:
            if not 0 <= share < 1:
                raise RecipeError(f"{name}: expected 0 or more and below 1, got {share}")
        if not 0 <= self.focus < float("inf"):
            raise RecipeError(f"focus: expected 0 or more, got {self.focus}")

    def replace(self, **changes: Any) -> Recipe:
        """The same recipe with some values changed; None leaves a value as it is."""
        return dataclasses.replace(self, **{k: v for k, v in changes.items() if v is not None})

    def of_member(self, member: int) -> Recipe:
        """The recipe of one member's network, given its number, from 0."""
        models = (self.model, *self.other_models)
        return self.replace(model=models[member % len(models)], members=1, other_models=())

    def for_size(self, n: int) -> Recipe:
        """The same recipe for a set of ``n`` training images: a small one gets smaller batches, so more steps.

        On the 1,437 embedded digits, 256 a batch is 5 steps an epoch, and the networks are not trained when the
        epochs are over.
        """
        return self.replace(batch_size=min(self.batch_size, max(SMALLEST_BATCH, n // STEPS)))

    def long_enough(self, n: int) -> Recipe:
        """The same recipe with more epochs for a set of few hundred training images, so that it comes to its end."""
        return self.replace(epochs=max(self.epochs, math.ceil(SHOWN / n))) if n < SMALL else self

    def require_streamable(self) -> None:
        """Make sure that it can be trained with images that come one after another, and are never all at hand.

        Raises
        ------
        RecipeError
            If it draws images by their class, or makes scans of them.
        """
        needs = {"focus": self.focus > 0, "scans": self.scans > 0}
        if found := next((name for name, asked in needs.items() if asked), None):
            raise RecipeError(
                f"{self.name}: {found} needs all training images in memory; "
                f"expected a recipe without it for --stream, such as augmented"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """The recipe that stands in a run.json.

        Raises
        ------
        RecipeError
            If it has a choice that this version does not know.
        """
        if values.get("augment_engine") == "warp":  # in earlier runs, where there were two
            values = {name: value for name, value in values.items() if name != "augment_engine"}
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := values.keys() - known:
            raise RecipeError(f"recipe {values.get('name')}: {sorted(unknown)[0]} is not a choice of this version")
        warp = values.get("augmentation")
        plain = {**values, **{name: tuple(value) for name, value in values.items() if isinstance(value, list)}}
        return cls(**{**plain, "augmentation": Augmentation(**warp) if warp else None})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in run.json."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_toml(cls, path: str | Path) -> Recipe:
        """The recipe in a TOML file, as :meth:`to_toml` or ``digitwise recipe show`` writes it.

        Fields that are left out have the value of a plain training: Adam at 0.001, no augmentation.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Recipe

        Raises
        ------
        RecipeError
            If there is no such file, it is no TOML, or a field is unknown, missing or of the wrong type; the message
            has its name, and the nearest one of an unknown field.
        """
        return toml.read(cls, path)

    def to_toml(self) -> str:
        """The recipe as TOML, each field with a comment that explains it; without ``layers``.

        Returns
        -------
        str

        Example
        -------
        >>> from digitwise.recipes import find
        >>> print(find("flash").to_toml().splitlines()[4])
        name = "flash"
        """
        return toml.written(self)
