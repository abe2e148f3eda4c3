"""What reads: the reader with its ONNX file, or a run's Keras model before there is one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from digitwise.images import Float32, UInt8
from digitwise.normalization import normalize


class Contender(Protocol):
    """What the benchmarks ask of a reader."""

    def probabilities(self, images: UInt8) -> Float32:
        """Of each class, float32 (n, k), for images uint8 (n, 28, 28) as they are."""

    def labels(self, images: list[UInt8]) -> list[str | None]:
        """The most probable label of each image of one digit, uint8 (h, w) or (h, w, 3); None for a blank one."""

    def lines(self, image: UInt8) -> list[str]:
        """The lines of digits on a page, the most probable label also where it is unsure."""


class WithOnnx:
    """``digitwise.reading.reader.Reader``."""

    def __init__(self, model: str | None) -> None:
        from digitwise.reading.reader import Reader

        self.reader = Reader(model)

    def probabilities(self, images: UInt8) -> Float32:
        """See :class:`Contender`."""
        return np.asarray(self.reader.probabilities(images), np.float32)

    def labels(self, images: list[UInt8]) -> list[str | None]:
        """See :class:`Contender`."""
        return [reading.label for reading in self.reader.read(list(images))]

    def lines(self, image: UInt8) -> list[str]:
        """See :class:`Contender`."""
        return [text_of(line) for line in self.reader.read_numbers(image).lines]


class WithKeras:
    """A run folder's model behind ``normalize``; reads no pages."""

    def __init__(self, run: str) -> None:
        from digitwise import load_model

        self.model = load_model(run)

    def probabilities(self, images: UInt8) -> Float32:
        """See :class:`Contender`."""
        scaled = images[..., None].astype(np.float32) / 255
        return np.asarray(self.model.predict(scaled, batch_size=500, verbose=0), np.float32)

    def labels(self, images: list[UInt8]) -> list[str | None]:
        """See :class:`Contender`."""
        forms = [normalize(image) for image in images]
        most = self.probabilities(np.stack([form.image for form in forms])).argmax(axis=1)
        return [None if form.blank else str(label) for form, label in zip(forms, most, strict=True)]

    def lines(self, image: UInt8) -> list[str]:
        """Nothing, since finding lines is the reader's work."""
        raise NotImplementedError("a run's model reads single digits only: expected an ONNX file")


def text_of(line: Any) -> str:
    """The most probable labels of a line, where its text has a ``?`` for those that are unsure."""
    return "".join(digit.label for digit in line.digits)


@cache
def contender(model: str | None) -> Contender:
    """The reader of an ONNX file (None is the bundled one) or of a run folder; one a process."""
    return WithKeras(model) if model is not None and Path(model).is_dir() else WithOnnx(model)
