"""Models that digitwise did not make: the scaling, layout and outputs of theirs, found by asking about known images."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from digitwise.errors import ModelError, one_line
from digitwise.images import Float32, ImageSet, UInt8
from digitwise.normalization import normalize_all
from digitwise.progress import each_of
from digitwise.reading.sessions import run_in_time

# What people make of pixels 0 to 255: the factor and what is added. Standardised is by the mean and the standard
# deviation of MNIST's training pixels, as in PyTorch's example.
SCALES: dict[str, tuple[float, float]] = {
    "0-1": (1 / 255, 0.0),
    "0-255": (1.0, 0.0),
    "centred": (2 / 255, -1.0),
    "standardised": (1 / (255 * 0.3081), -0.1307 / 0.3081),
    "0-16": (16 / 255, 0.0),  # of scikit-learn's digits
}
SIXTEENTHS, SMALL = "0-16", (8, 8)  # only images of their size are tried at their scale
LAYOUTS = ("channels first", "channels last", "without channels", "flat rows")
KNOWN = 500  # images that are asked about
SAME = 0.01  # nats: scalings with likelihoods as near as this are equally good, and the first of them is taken
DOUBTFUL = 0.5  # share of the known images that are right, below which the scaling is not known
LEAST = 1e-30  # float32 rounds smaller probabilities to zero
BATCH = 256
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Foreign:
    """A model of unknown origin.

    Parameters
    ----------
    name : str
        For messages.
    shape : tuple of (int or None), optional
        Of one input, with None where any length will do; None where it is not known, see :meth:`settled`.
    classes : int or None
        The length of one output; None where it is not known.
    ask : callable
        From inputs, float32 (n, *shape) for any n from 1, to outputs of shape (n, classes). Where the shape is not
        known, it raises ModelError for inputs that it does not take.
    class_names : tuple of str
        The names of the outputs, in their order; empty where they are not known.
    layouts : tuple of str
        Those that are tried where the shape is not known, the usual ones first.
    stored : bool
        Whether pixels 0 to 255 are given as uint8, as they are stored.
    """

    name: str
    shape: Shape | None
    classes: int | None
    ask: Callable[[Any], Float32]
    class_names: tuple[str, ...] = ()
    layouts: tuple[str, ...] = LAYOUTS
    stored: bool = False

    def settled(self, images: UInt8) -> Foreign:
        """The same with its classes, and only the layouts that it takes, found by giving it a few images.

        Of layouts with the same outputs the first is kept. A model whose shape is known is returned as it is.

        Raises
        ------
        ModelError
            If it takes none.
        """
        if self.shape is not None:
            return self
        kept: dict[str, Float32] = {}
        problems = []
        for layout in self.layouts if images.ndim == 3 else [each for each in self.layouts if "without" not in each]:
            for scale in SCALES:
                try:
                    outputs = self._row_each(self.ask(self.inputs(images, scale, layout)), len(images))
                except ModelError as error:
                    problems.append(error)
                    continue
                if not any(_same(outputs, others) for others in kept.values()):
                    kept[layout] = outputs
                break
        if not kept:
            raise problems[0]
        return replace(self, layouts=tuple(kept), classes=next(iter(kept.values())).shape[1])

    def inputs(self, images: UInt8, scale: str, layout: str) -> Any:
        """Images, uint8 (n, h, w) or (n, h, w, 3), as inputs."""
        inputs = inputs_of(images, scale, layout)
        return inputs.astype(np.uint8) if self.stored and scale == "0-255" else inputs

    def _row_each(self, outputs: Float32, n: int) -> Float32:
        if outputs.ndim == 2 and len(outputs) == n and outputs.shape[1] > 1:
            return outputs
        came = f"shape {outputs.shape} for {n} images"
        raise ModelError.wanted(self.name, "outputs (n, k), a number for each class", came, argument="model")

    def understood(self, known: ImageSet, of: str = "known digits", scale: str | None = None) -> Understood:
        """Find how it takes images, by those whose labels are known: the scaling with the highest likelihood.

        The likelihood is of the labels, so that answers count by how sure they are, right or wrong.

        Parameters
        ----------
        known : ImageSet
            Of the size and the classes of the model.
        of : str
            What these images are, for messages.
        scale : str, optional
            One of :data:`SCALES`, instead of the best one.

        Raises
        ------
        ModelError
            If it takes such images under no scaling, or gives no row of numbers for each class.
        """
        if scale is not None and scale not in SCALES:
            raise ModelError.wanted("input_scale", ", ".join(SCALES), repr(scale), argument="input_scale")
        layouts = self.layouts if self.shape is None else [self.layout(self.shape, known.image_shape)]
        usual = [each for each in SCALES if each != SIXTEENTHS or known.image_shape[:2] == SMALL]
        asked = known.take(np.linspace(0, len(known) - 1, min(KNOWN, len(known))).astype(np.int64))
        refusals: list[ModelError] = []
        scales = [scale] if scale else usual
        ways = [(each, way) for way in layouts for each in scales]
        tried = [self._tried(*each, asked, of, refusals) for each in each_of(ways, "asking about its pixels")]
        found = [each for each in tried if each is not None]
        if not found:
            if len(refusals) == len(tried):
                raise refusals[-1]
            raise ModelError.wanted(
                self.name, "finite numbers for each image", "others under every scaling", argument="model"
            )
        best = min(each.loss for each in found)
        return next(each for each in found if each.loss <= best + SAME)

    def layout(self, takes: Shape, image_shape: tuple[int, int, int]) -> str:
        """How images of a shape lie in an input of the shape ``takes``.

        Raises
        ------
        ModelError
            If they do not fit it.
        """
        height, width, channels = image_shape
        layouts: dict[str, Shape] = {
            "channels last": (height, width, channels),
            "channels first": (channels, height, width),
            "flat rows": (height * width * channels,),
            **({"without channels": (height, width)} if channels == 1 else {}),
        }
        for name, shape in layouts.items():
            if len(shape) == len(takes) and all(a in (None, b) for a, b in zip(takes, shape, strict=True)):
                return name
        took = "x".join("any" if side is None else str(side) for side in takes)
        came = "x".join(map(str, image_shape))
        raise ModelError.wanted(
            self.name,
            f"images that fit its input of {took}",
            came,
            "bring them to its size, digits by digitwise.normalize or digitwise data normalize",
            argument="model",
        )

    def _tried(
        self, scale: str, layout: str, known: ImageSet, of: str, refusals: list[ModelError]
    ) -> Understood | None:
        try:
            outputs = self.ask(self.inputs(known.images, scale, layout))
        except ModelError as error:  # of one scaling no fault: a model of pixels from 0 refuses those below
            refusals.append(error)
            return None
        if outputs.shape != (len(known), known.n_classes):
            expected, came = (len(known), known.n_classes), outputs.shape
            raise ModelError.wanted(self.name, f"outputs of shape {expected}, one a class", came, argument="model")
        if not np.isfinite(outputs).all():
            return None
        kind = kind_of(outputs)
        told = as_probabilities(outputs, kind)
        own = np.eye(known.n_classes, dtype=bool)[known.labels]
        loss = -np.log(np.maximum(told[own], LEAST)).mean()
        if kind == "independent probabilities":
            loss = -np.log(np.maximum(np.where(own, outputs, 1 - outputs), LEAST)).sum(axis=1).mean()
        right = float((told.argmax(axis=1) == known.labels).mean())
        return Understood(self, scale, layout, kind, float(loss), right, len(known), of)


@dataclass(frozen=True)
class Understood:
    """A model of unknown origin, and how it takes images.

    Parameters
    ----------
    model : Foreign
    scale, layout : str
        Of its inputs.
    outputs : str
        What it gives: ``probabilities``, ``logits``, or ``independent probabilities``.
    loss : float
        Mean negative log-likelihood of the labels of the known images, in nats; of independent probabilities that of
        all classes.
    right : float
        Share of these that are classified right, in [0, 1].
    asked : int
        Their number.
    of : str
        What they are.
    """

    model: Foreign
    scale: str
    layout: str
    outputs: str
    loss: float
    right: float
    asked: int
    of: str

    @property
    def doubtful(self) -> bool:
        """Whether most of the known images are classified wrongly."""
        return self.right < DOUBTFUL

    @property
    def words(self) -> str:
        """What was found, in one line."""
        found = f"{self.model.name}: input scale {self.scale}, {self.layout}, {self.outputs}"
        doubt = "; if another scale is right, give input_scale (--input-scale)" if self.doubtful else ""
        return f"{found} ({self.right:.1%} of {self.asked:,} {self.of} are right{doubt})"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        asked = {"images": self.of, "n": self.asked, "right": self.right}
        return {"scale": self.scale, "layout": self.layout, "outputs": self.outputs, "asked": asked}

    def probabilities(self, images: UInt8) -> Float32:
        """The probability of each class, float32 (n, k), for images uint8 (n, h, w) or (n, h, w, 3).

        Raises
        ------
        ModelError
            If it gives numbers that are not finite.
        """
        starts = each_of(range(0, len(images), BATCH), "predicting")
        parts = (self.model.inputs(images[start : start + BATCH], self.scale, self.layout) for start in starts)
        outputs = np.concatenate([self.model.ask(part) for part in parts])
        if not np.isfinite(outputs).all():
            raise ModelError.wanted(self.model.name, "finite numbers for each image", "others", argument="model")
        return as_probabilities(outputs, self.outputs)


def inputs_of(images: UInt8, scale: str, layout: str) -> Float32:
    """Images, uint8 (n, h, w) or (n, h, w, 3), as float32 inputs under a scaling and a layout."""
    factor, added = SCALES[scale]
    maps = images[..., None] if images.ndim == 3 else images
    if layout == "channels first":
        maps = maps.transpose(0, 3, 1, 2)
    elif layout == "flat rows":
        maps = maps.reshape(len(maps), -1)
    elif layout == "without channels":
        maps = maps[..., 0]
    return np.ascontiguousarray(maps, np.float32) * np.float32(factor) + np.float32(added)


def _same(outputs: Float32, others: Float32) -> bool:
    return outputs.shape == others.shape and np.allclose(outputs, others, rtol=1e-4, atol=1e-6, equal_nan=True)


def kind_of(outputs: Float32) -> str:
    """What finite outputs (n, k) are, by their range and sums."""
    if outputs.min() < 0 or outputs.max() > 1 + 1e-3:
        return "logits"
    return "probabilities" if np.allclose(outputs.sum(axis=1), 1, atol=1e-3) else "independent probabilities"


def as_probabilities(outputs: Float32, kind: str) -> Float32:
    """Outputs (n, k) of a kind as rows of float32 that sum to one."""
    values = outputs.astype(np.float64)
    if kind == "logits":  # of logarithms of probabilities the softmax is these probabilities
        values = np.exp(values - values.max(axis=1, keepdims=True))
    values = np.maximum(values, LEAST)
    return np.asarray(values / values.sum(axis=1, keepdims=True), np.float32)


@cache
def known_digits() -> ImageSet:
    """The embedded digits in MNIST's form: labelled images to ask a model of digits about; made once a process."""
    from digitwise.data.embedded import load_digits  # and with it much that a model of digitwise does not need

    digits = load_digits().train.take(np.arange(KNOWN))
    return ImageSet(normalize_all(digits.images)[0], digits.labels, digits.class_names)


def guarded(ask: Callable[[Any], Any], name: str) -> Callable[[Any], Float32]:
    """What asks a model, with all that it raises as one line, and outputs of any kind as float32."""

    def asked(part: Any) -> Float32:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # of models about what is tried with them
                outputs = ask(part)
                return np.asarray(outputs.detach().cpu() if hasattr(outputs, "detach") else outputs, np.float32)
        except Exception as error:  # strangers' errors share no base but this
            reason = one_line(error, 160)
            raise ModelError.wanted(name, "to take images", reason, argument="model") from error

    return asked


def from_session(session: Any, name: str) -> Foreign:
    """A model in an ONNX file.

    Raises
    ------
    ModelError
        If it has other ends than one input of 2 to 4 axes and one output of 2, both of floats.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()
    ends = ", ".join(f"{each.name} {each.type} {each.shape}" for each in [*inputs, *outputs])
    fits = len(inputs) == len(outputs) == 1 and inputs[0].type == outputs[0].type == "tensor(float)"
    if not fits or len(inputs[0].shape) not in (2, 3, 4) or len(outputs[0].shape) != 2:
        raise ModelError.wanted(name, "images float (n, …) to one float (n, k)", one_line(ends, 160), argument="model")
    batch, *sides = (side if isinstance(side, int) and side > 0 else None for side in inputs[0].shape)

    def run(part: Float32) -> Float32:
        return np.asarray(run_in_time(session, {inputs[0].name: part}, name), np.float32)

    def ask(images: Float32) -> Float32:
        if batch is None:
            return run(images)
        missing = -len(images) % batch  # a model of a fixed batch gets whole ones
        whole = np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.float32)])
        answers = [run(whole[start : start + batch]) for start in range(0, len(whole), batch)]
        return np.concatenate(answers)[: len(images)]

    classes = outputs[0].shape[1]
    return Foreign(name, tuple(sides), classes if isinstance(classes, int) and classes > 0 else None, ask)
