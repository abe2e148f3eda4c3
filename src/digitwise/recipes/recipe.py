"""What a recipe is: every choice of a training as one frozen value."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from digitwise.errors import RecipeError

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
    """

    rotation_range: float = 0.0
    width_shift_range: float = 0.0
    height_shift_range: float = 0.0
    shear_range: float = 0.0
    zoom_range: float = 0.0

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not 0 <= value < (1 if name == "zoom_range" else 180):
                raise RecipeError(f"{name}: expected 0 or more (zoom below 1, angles below 180), got {value}")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training but its data and its seed.

    Parameters
    ----------
    name, purpose : str
    model : str
        A name of :data:`digitwise.models.MODELS`.
    epochs, batch_size : int
    optimizer : {"adam", "muon"}
        Muon is Adam but for the kernels of hidden layers.
    learning_rate : float
        Adam's; the peak where the schedule moves it.
    betas : (float, float)
        How long Adam remembers gradients and their squares, each in [0, 1).
    muon_ratio : float
        Muon's learning rate over Adam's.
    muon_momentum : float
        How long Muon remembers gradients, in [0, 1).
    schedule : {"constant", "one-cycle"}
        One-cycle: a linear rise to the peak over the first 30 % of the steps, then a linear fall to zero.
    label_smoothing : float
        Share of the label's probability spread evenly over all classes, 0 to 1.
    augmentation : Augmentation, optional
    focus : float
        Share of additional augmented samples an epoch, dealt to classes by their validation errors so far.
    scans : float
        Share of training images that come, besides as they are, as made scans brought through ``normalize``; for
        grey 28x28 images with light ink on a dark ground.
    early_stopping : int, optional
        Stop after this many epochs without a better validation loss.
    keep : {"last", "best"}
        Which epoch's weights to ship; best is the lowest validation loss (what ModelCheckpoint does).
    members : int
        Networks trained from different seeds whose probabilities are averaged.
    test_shifts : bool
        The saved model averages over the image itself and it moved by a pixel in each direction.
    sources : tuple of str
        Where the ideas come from.
    """

    name: str
    purpose: str
    model: str
    epochs: int
    batch_size: int
    optimizer: Literal["adam", "muon"] = "adam"
    learning_rate: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    muon_ratio: float = 6.0
    muon_momentum: float = 0.8
    schedule: Literal["constant", "one-cycle"] = "constant"
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None
    focus: float = 0.0
    scans: float = 0.0
    early_stopping: int | None = None
    keep: Literal["last", "best"] = "last"
    members: int = 1
    test_shifts: bool = False
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "members"):
            if getattr(self, name) < 1:
                raise RecipeError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if not 0 <= self.scans <= 100:
            raise RecipeError(f"scans: expected 0 to 100 scans an image, got {self.scans}")
        if self.early_stopping is not None and self.early_stopping < 1:
            raise RecipeError(f"early_stopping: expected 1 epoch or more, got {self.early_stopping}")
        self._check_numbers()
        if self.schedule not in ("constant", "one-cycle"):
            raise RecipeError(f"schedule: expected constant or one-cycle, got {self.schedule!r}")
        if self.optimizer not in ("adam", "muon"):
            raise RecipeError(f"optimizer: expected adam or muon, got {self.optimizer!r}")
        if self.keep not in ("last", "best"):
            raise RecipeError(f"keep: expected last or best, got {self.keep!r}")

    def _check_numbers(self) -> None:
        for name in ("learning_rate", "muon_ratio"):
            if not 0 < getattr(self, name) < float("inf"):
                raise RecipeError(f"{name}: expected a number above 0, got {getattr(self, name)}")
        shares = {"label_smoothing": self.label_smoothing, "muon_momentum": self.muon_momentum}
        for name, share in [*shares.items(), *(("betas", beta) for beta in self.betas)]:
            if not 0 <= share < 1:
                raise RecipeError(f"{name}: expected 0 or more and below 1, got {share}")
        if not 0 <= self.focus < float("inf"):
            raise RecipeError(f"focus: expected 0 or more, got {self.focus}")

    def replace(self, **changes: Any) -> Recipe:
        """The same recipe with some values changed; None leaves a value as it is."""
        return dataclasses.replace(self, **{k: v for k, v in changes.items() if v is not None})

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
        plain = {**values, "betas": tuple(values["betas"]), "sources": tuple(values["sources"])}
        return cls(**{**plain, "augmentation": Augmentation(**warp) if warp else None})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in run.json."""
        values = dataclasses.asdict(self)
        values |= {"sources": list(self.sources), "betas": list(self.betas)}
        return values
