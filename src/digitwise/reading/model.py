"""A model in an ONNX file: its metadata and error guarantees, checked before use, and the session that runs it."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from digitwise.errors import ModelError, one_line
from digitwise.escaping import printable
from digitwise.files import expanded
from digitwise.formats.models import TO_ONNX, other_form
from digitwise.images import Float32, Mask, UInt8
from digitwise.normalization import SIDE, VERSION
from digitwise.progress import each_of
from digitwise.reading.foreign import Foreign, Understood, from_session, known_digits
from digitwise.reading.operators import EXPORT
from digitwise.reading.sessions import run_in_time, session_of
from digitwise.system import cores

# In files of earlier exports a threshold is the confidence of one validation image, which float32 may give a little
# lower, by 8e-7 at most; since then it stands below that image.
ROUNDING = 1e-6
DEFAULT = 0.003  # the strictest guarantee by default: at 0.2 % the bundled model leaves seven times as much unsure
KEY = "digitwise"  # of the file's metadata
FORMAT = 1  # of the document there
UNTOUCHED = "none"  # the normalization of a model that takes images of its own size as they are
BUNDLED = "model.onnx"
# Images in one call: what a chunk's layers hold stays in the cache, and a call's own cost no longer counts.
CHUNK = 256


@dataclass(frozen=True)
class ReadingPolicy:
    """A threshold and its error guarantee.

    Parameters
    ----------
    max_error : float
        At most this share of what is read is wrong, with the confidence stated in the model's file.
    threshold : float
        The least probability of the most probable class, at the policy's own temperature, for status ``read``.
    exponent : float
        The power of calibrated probabilities that, normalised to a sum of one, gives those at that temperature.
    """

    max_error: float
    threshold: float
    exponent: float

    def sure(self, probabilities: Float32) -> Mask:
        """Whether the policy accepts each answer, bool of shape (n,), from calibrated probabilities (n, k)."""
        powers = probabilities.astype(np.float64) ** self.exponent
        return np.asarray(powers.max(axis=1) >= (self.threshold - ROUNDING) * powers.sum(axis=1))


def policies_of(document: dict[str, Any], temperature: float) -> tuple[ReadingPolicy, ...]:
    """The policies in a model's metadata, strictest first.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a policy does not have the form that :mod:`digitwise.evaluation.selective` writes.
    """
    found = []
    for each in document["policies"]:
        policy = ReadingPolicy(
            max_error=float(each["max_error"]),
            threshold=float(each["threshold"]),
            exponent=temperature / float(each["temperature"]),
        )
        if not (0 < policy.max_error < 1 and 0 <= policy.threshold <= 1 and 0 < policy.exponent < 1e3):
            raise ValueError(f"policy out of range: {each}")
        found.append(policy)
    return tuple(sorted(found, key=lambda policy: policy.max_error))


def chosen(policies: tuple[ReadingPolicy, ...], max_error: float | None, name: str) -> ReadingPolicy | None:
    """The policy to read by.

    Parameters
    ----------
    policies : tuple of ReadingPolicy
        The model's, strictest first.
    max_error : float, optional
        Selects the largest guarantee that is not above it. By default the strictest from ``DEFAULT`` on, else the
        strictest of all.
    name : str
        The model, for the message.

    Returns
    -------
    ReadingPolicy or None
        None if the model has no guarantee and none was requested: then every answer is accepted.

    Raises
    ------
    ModelError
        If the model cannot guarantee so few errors.
    """
    if max_error is None:
        usual = [policy for policy in policies if policy.max_error >= DEFAULT]
        return next(iter([*usual, *policies]), None)
    if not 0 < max_error < 1:
        raise ModelError.wanted("max_error", "a share above 0 and below 1", f"{max_error:g}", argument="max_error")
    kept = [policy for policy in policies if policy.max_error <= max_error * (1 + 1e-9)]
    if kept:
        return kept[-1]
    can = f"from {policies[0].max_error:.4g} on" if policies else "none: the model gives no guarantee"
    raise ModelError.wanted(
        "max_error",
        f"a share that {name} can guarantee, {can}",
        f"{max_error:.4g}",
        "allow more errors, or export a model validated on more images",
        argument="max_error",
    )


@dataclass(frozen=True)
class Card:
    """The metadata of a model: classes, form of the input, guarantees.

    Parameters
    ----------
    class_names : tuple of str
        In the order of the output's columns.
    normalization : str
        How images are brought to the input: the version of :mod:`digitwise.normalization`, or ``none``.
    policies : tuple of ReadingPolicy
        Strictest first.
    document : dict
        The whole document in the file.
    """

    class_names: tuple[str, ...]
    normalization: str
    policies: tuple[ReadingPolicy, ...]
    document: dict[str, Any]


def card_of(metadata: Mapping[str, str], name: str) -> Card:
    """Read the metadata of an ONNX file.

    Raises
    ------
    ModelError
        If it has no metadata of digitwise, or these are incomplete or unknown to this version.
    """
    if KEY not in metadata:
        raise ModelError.wanted(name, "a model made by digitwise", "an ONNX file without its metadata", EXPORT)
    try:
        document = json.loads(metadata[KEY])
        made_as = document["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{name}: damaged metadata: expected a JSON document with its format; {EXPORT}") from error
    if made_as != FORMAT:
        raise ModelError.wanted(name, f"metadata of format {FORMAT}", repr(made_as), f"upgrade digitwise or {EXPORT}")
    try:
        names, normalization = document["class_names"], document["normalization"]
        policies = policies_of(document, float(document["temperature"]))
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise ValueError("class_names: expected a list of words")
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        reason = one_line(f"{type(error).__name__}: {error}", 160)
        raise ModelError(f"{name}: damaged metadata: {reason}; {EXPORT}") from error
    if normalization not in (VERSION, UNTOUCHED):
        raise ModelError.wanted(name, f"images normalized by {VERSION!r} or {UNTOUCHED!r}", repr(normalization), EXPORT)
    return Card(tuple(map(printable, names)), normalization, policies, document)


def model_content(path: str | Path | bytes | None) -> tuple[bytes, str]:
    """The content of a model file and its name for messages; by default the bundled model. Bytes are the content.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    if isinstance(path, bytes):
        return path, "the model"
    if path is None:
        bundled = importlib.resources.files("digitwise.reading") / BUNDLED
        if not bundled.is_file():
            raise ModelError(f"this installation has no model of its own: expected one as model (--model); {EXPORT}")
        return bundled.read_bytes(), "the bundled model"
    file = expanded(path)
    if file == Path():  # what an empty name becomes
        raise ModelError(f"expected the name of a model file, got an empty one or this folder; {EXPORT}")
    if (form := other_form(file)) is not None:
        raise ModelError.wanted(path, "an ONNX model", form, TO_ONNX[form].format(path=path))
    try:
        return file.read_bytes(), str(path)
    except OSError as error:
        told: dict[str, Any] = {
            "path": path,
            "argument": "model",
            "expected": "a file",
            "got": error.strerror or str(error),
        }
        raise ModelError(f"{path}: the model cannot be read: {error.strerror or error}; {EXPORT}", **told) from error


def is_foreign(session: Any) -> bool:
    """Whether a session is of a model that takes floats and has no metadata of digitwise."""
    takes = [each.type for each in session.get_inputs()]
    return takes == ["tensor(float)"] and KEY not in session.get_modelmeta().custom_metadata_map


def _check_ends(session: Any, name: str) -> None:
    """Check that there is one input and one output of the right type and shape."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    came = f"got {_ends_told(inputs)} to {_ends_told(outputs)}; {EXPORT}"
    fits = (
        len(inputs) == len(outputs) == 1
        and inputs[0].type == "tensor(uint8)"
        and outputs[0].type == "tensor(float)"
        and len(inputs[0].shape) in (3, 4)
        and not isinstance(inputs[0].shape[0], int)
        and all(isinstance(side, int) and side > 0 for side in inputs[0].shape[1:])
        and inputs[0].shape[3:] in ([], [3])
    )
    if not fits:
        raise ModelError(f"{name}: expected images uint8 (n, h, w) to probabilities float (n, k), {came}")


def _ends_told(ends: list[Any]) -> str:
    return ", ".join(f"{each.name} {each.type} {each.shape}" for each in ends) or "nothing"


class Model:
    """A classifier in a file. Safe to use from any number of threads.

    Parameters
    ----------
    path : str, Path, bytes or Foreign, optional
        An ONNX file made by ``digitwise export``, or its content; by default the one in the package. Also one from
        elsewhere, from 28x28 floats to probabilities or logits of the ten digits; of another library than onnxruntime
        as what asks it.
    threads : int, optional
        For more images than fit one chunk; by default one a core. One of another library, which has its own, is asked
        in one.
    input_scale : str, optional
        Of a model from elsewhere: one of :data:`digitwise.reading.foreign.SCALES`, instead of the one found by asking
        it about known digits.

    Raises
    ------
    ModelError
        If the file is none, or its input, output or metadata is not as :mod:`digitwise.reading` needs it.

    Notes
    -----
    One session of one thread. A single image is too small to be shared by threads, which would only wait for each
    other; many images are cut into chunks, and the chunks go through the same session side by side, which does
    not make threads wait inside a network either.
    """

    card: Card
    image_shape: tuple[int, ...]

    def __init__(
        self,
        path: str | Path | bytes | Foreign | None = None,
        *,
        threads: int | None = None,
        input_scale: str | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            raise ModelError.wanted("threads", "1 or more", threads, argument="threads")
        self.understood: Understood | None = None
        self._starting = Lock()
        if isinstance(path, Foreign):
            self.threads, self.name = 1, path.name
            self._understand(path, input_scale)
            return
        self.threads = threads or cores()
        content, self.name = model_content(path)
        self.session = session_of(content, self.name, bundled=path is None)  # one thread a call
        if is_foreign(self.session):
            self._understand(from_session(self.session, self.name), input_scale)
            return
        if input_scale is not None:
            raise ModelError.wanted(self.name, "input_scale with a model from elsewhere", "one of digitwise")
        _check_ends(self.session, self.name)
        ends = self.session.get_inputs()[0], self.session.get_outputs()[0]
        self.input, self.output = ends[0].name, ends[1].name
        self.image_shape = tuple(ends[0].shape[1:])
        self.card = card_of(self.session.get_modelmeta().custom_metadata_map, self.name)
        _check(self)

    def _understand(self, foreign: Foreign, input_scale: str | None) -> None:
        """Ask a model from elsewhere about known digits."""
        known = known_digits()
        self.understood = foreign.settled(known.images[:2]).understood(known, scale=input_scale)
        if self.understood.doubtful and input_scale is None:
            raise ModelError(f"expected a model of the digits 0 to 9, got {self.understood.words}")
        names = tuple("0123456789")
        self.image_shape = (SIDE, SIDE)
        document = {"class_names": list(names), "normalization": VERSION, "policies": []}
        self.card = Card(names, VERSION, (), document)

    def probabilities(self, images: UInt8) -> Float32:
        """The calibrated probability of each class.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, h, w) or (n, h, w, 3)
            In the form that the model was trained on.

        Returns
        -------
        ndarray of float32, shape (n, k)

        Raises
        ------
        ModelError
            If dtype or shape is another.
        """
        if images.dtype != np.uint8 or images.shape[1:] != self.image_shape:
            expected = ", ".join(map(str, ("n", *self.image_shape)))
            raise ModelError.wanted(
                "images", f"uint8 of shape ({expected})", f"{images.dtype} of shape {images.shape}", argument="images"
            )
        if 0 < len(images) <= CHUNK:
            return self._run(images)
        parts = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
        answers = list(each_of(self.side_by_side(self._run, parts), "predicting", len(parts)))
        return np.concatenate(answers) if answers else np.empty((0, len(self.card.class_names)), np.float32)

    def side_by_side(self, function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Map ``function`` over ``parts`` in this model's threads, in order."""
        if self.threads == 1:
            return map(function, parts)
        with self._starting:
            pool = self._pool
        return pool.map(function, parts)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="digitwise-read")

    def _run(self, images: UInt8) -> Float32:
        if self.understood is not None:
            return self.understood.probabilities(images)
        answer: Float32 = self.session.run([self.output], {self.input: np.ascontiguousarray(images)})[0]
        return answer


def _check(model: Model) -> None:
    """Check that the answer to a blank image is one probability per class."""
    classes = len(model.card.class_names)
    if model.card.normalization != UNTOUCHED and model.image_shape != (SIDE, SIDE):
        shape = "x".join(map(str, model.image_shape))
        raise ModelError.wanted(model.name, f"an input of {SIDE}x{SIDE} for normalized images", shape)
    answer = run_in_time(model.session, {model.input: np.zeros((2, *model.image_shape), np.uint8)}, model.name)
    if answer.shape != (2, classes):
        raise ModelError.wanted(model.name, f"{classes} probabilities for its classes", f"shape {answer.shape}")
    if not (np.all(answer >= 0) and np.allclose(answer.sum(axis=1), 1, atol=1e-3)):
        raise ModelError.wanted(model.name, "probabilities that sum to 1", f"{answer[0].tolist()[:3]}…", EXPORT)
