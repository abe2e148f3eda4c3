"""An ONNX file, checked and run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from digitwise.errors import ModelError, one_line
from digitwise.images import Float32, UInt8
from digitwise.normalize import SIDE
from digitwise.reading.card import EXPORT, UNTOUCHED, Card, card_of
from digitwise.reading.session import open_session
from digitwise.system import cores

# Pictures in one call: what a chunk's layers hold stays in the cache, and a call's own cost no longer counts.
CHUNK = 256


class Model:
    """A classifier in a file. Safe to use from any number of threads.

    Parameters
    ----------
    path : str or Path, optional
        An ONNX file made by ``digitwise export``; by default the one in the package.
    threads : int, optional
        For more pictures than fit one chunk; by default one a core.

    Raises
    ------
    ModelError
        If the file is none, or its input, output or metadata is not as :mod:`digitwise.reading` needs it.

    Notes
    -----
    One session of one thread. A single picture is too small to be shared by threads, which would only wait for each
    other; many pictures are cut into chunks, and the chunks go through the same session side by side, which does
    not make threads wait inside a network either.
    """

    def __init__(self, path: str | Path | None = None, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise ModelError(f"threads: expected 1 or more, got {threads}")
        self.threads = threads or cores()
        self.session, self.name = open_session(path)
        ends = self.session.get_inputs()[0], self.session.get_outputs()[0]
        self.input, self.output = ends[0].name, ends[1].name
        self.image_shape: tuple[int, ...] = tuple(ends[0].shape[1:])
        self.card: Card = card_of(self.session.get_modelmeta().custom_metadata_map, self.name)
        _check(self)
        self._starting = Lock()

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
            raise ModelError(
                f"images: expected uint8 of shape ({expected}), got {images.dtype} of shape {images.shape}"
            )
        if 0 < len(images) <= CHUNK:
            return self._run(images)
        parts = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
        answers = list(self.side_by_side(self._run, parts))
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
        answer: Float32 = self.session.run([self.output], {self.input: np.ascontiguousarray(images)})[0]
        return answer


def _check(model: Model) -> None:
    """Ask about a blank picture: what comes must be one probability a class."""
    classes = len(model.card.class_names)
    if model.card.normalization != UNTOUCHED and model.image_shape != (SIDE, SIDE):
        shape = "x".join(map(str, model.image_shape))
        raise ModelError(f"{model.name}: expected an input of {SIDE}x{SIDE} for normalized pictures, got {shape}")
    try:
        answer = model.session.run([model.output], {model.input: np.zeros((2, *model.image_shape), np.uint8)})[0]
    except Exception as error:  # its exceptions share no base but this
        reason = one_line(error, 160)
        raise ModelError(f"{model.name}: expected to read a blank picture, got {reason}; {EXPORT}") from error
    if answer.shape != (2, classes):
        raise ModelError(f"{model.name}: expected {classes} probabilities for its classes, got shape {answer.shape}")
    if not (np.all(answer >= 0) and np.allclose(answer.sum(axis=1), 1, atol=1e-3)):
        raise ModelError(f"{model.name}: expected probabilities that sum to 1, got {answer[0].tolist()[:3]}…; {EXPORT}")
