"""Asks students' models about the test pictures, in a process of its own with limits of its own.

One process for all notebooks: of a student it loads only what :mod:`digitwise.exercise.submitted` lets through, in
which no code is left.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError, ModelError, one_line
from digitwise.exercise.marks import printable
from digitwise.exercise.recognition import Scaling
from digitwise.exercise.sandbox import GIGABYTE, SECONDS_BETWEEN_LOOKS, Child, Limits, prepare, temporary_folder
from digitwise.images import Float32, UInt8

LIMITS = Limits(seconds=300, memory_bytes=6 * GIGABYTE)  # a question


class Answers:
    """What a model is and says.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, outputs)
        Of the test pictures; not always probabilities.
    layers : list of dict
        In order: ``class``, and ``units``, ``activation`` where it has them.
    """

    def __init__(self, probabilities: Float32, layers: list[dict[str, Any]]) -> None:
        self.probabilities, self.layers = probabilities, layers
        self.predicted = probabilities.argmax(axis=1)


class Answerer:
    """The process, started by the first question and again where a model brought it down; used from many threads.

    Parameters
    ----------
    data : Path
        The set whose test pictures are asked about, as .npz.
    stop : Event
        Set from another thread, it ends the waiting for an answer.
    slowness : float
        How many times as long this machine may take.
    """

    def __init__(self, data: Path, stop: threading.Event, slowness: float = 1.0) -> None:
        self.stop, self.limits = stop, dataclasses.replace(LIMITS, slowness=slowness)
        self.data, self.stack, self.lock, self.asked = data, ExitStack(), threading.Lock(), 0
        self.child: Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    def ask(self, model: Path, scaling: Scaling | None) -> Answers:
        """Have a model classify the test pictures.

        Parameters
        ----------
        model : Path
            A ``.keras`` file.
        scaling : Scaling or None
            What it was trained with; None is 0 to 1.

        Raises
        ------
        ModelError
            If the file is refused or the model cannot answer; the message is for the student.
        """
        with self.lock:
            if self.child is None or self.child.process.poll() is not None:
                self.stack.close()
                self._start()
            assert self.child is not None
            self.asked += 1
            reply, array = (self.folder / f"{self.asked}.{end}" for end in ("json", "npy"))
            question = {
                "model": str(model),
                "scaling": scaling and vars(scaling),
                "reply": str(reply),
                "out": str(array),
            }
            said = self._reply(json.dumps(question), reply)
            if "error" in said:
                raise ModelError(printable(said["error"]))  # it may quote the model
            answers = Answers(np.load(array, allow_pickle=False), said["layers"])
            reply.unlink()
            array.unlink()
            return answers

    def _start(self) -> None:
        self.folder = self.stack.enter_context(temporary_folder())
        prepare(self.folder)
        (self.folder / "data.npz").symlink_to(self.data)
        self.child = Child("digitwise.exercise.answering", self.folder, self.limits, talks=True)
        self.stack.callback(self.child.end)

    def _reply(self, question: str, reply: Path) -> Any:
        child = self.child
        assert child is not None
        assert child.process.stdin is not None
        child.begin_anew()
        try:
            child.process.stdin.write(question.encode() + b"\n")
            child.process.stdin.flush()
        except OSError:
            return {"error": "the model's answers could not be had; mark the notebook again"}
        while not reply.exists():
            reason = child.over() or ("end" if child.process.poll() is not None else None)
            if reason:
                child.end()
                return {"error": f"the model took too much {reason} to answer; make it smaller"}
            if self.stop.wait(SECONDS_BETWEEN_LOOKS):
                raise ModelError("stopped from outside")
        return json.loads(reply.read_text(encoding="utf-8"))


def main(folder: Path, missing: list[str]) -> None:
    """Answer questions from the standard input, a line each, until it ends."""
    from digitwise.data import load

    images = load(folder / "data.npz").test.images
    from digitwise.training.backend import keras

    for line in sys.stdin:
        question = json.loads(line)
        scaling = question["scaling"] and Scaling(**question["scaling"])
        try:
            probabilities, layers = _answers(keras, Path(question["model"]), images, scaling)
            np.save(question["out"], probabilities)
            said: dict[str, Any] = {"layers": layers}
        except Exception as error:  # a stranger's model fails in any way; the next one is to have its turn
            said = {"error": f"{error if isinstance(error, ModelError | DataError) else _told(error)}"}
        unfinished = Path(question["reply"] + ".tmp")
        unfinished.write_text(json.dumps(said), encoding="utf-8")
        unfinished.replace(question["reply"])
        keras.backend.clear_session()


def _answers(keras: Any, file: Path, images: UInt8, scaling: Scaling | None) -> tuple[Float32, list[dict[str, Any]]]:
    from digitwise.exercise.submitted import checked_model

    checked = Path("model.keras")
    checked.write_bytes(checked_model(file))
    model = keras.models.load_model(checked, compile=False, safe_mode=True)
    outputs = np.asarray(model.predict(fed(images, scaling, model.input_shape), batch_size=256, verbose=0), np.float32)
    if outputs.ndim != 2 or len(outputs) != len(images) or not np.isfinite(outputs).all():
        raise ModelError(f"the model's answers have shape {outputs.shape}: expected finite (n, classes)")
    return outputs, [_layer(layer) for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]


def fed(images: UInt8, scaling: Scaling | None, shape: Sequence[int | None]) -> NDArray[np.float32]:
    """Bring images to the values and shape that a model takes.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
    scaling : Scaling or None
        None is 0 to 1.
    shape : tuple of int or None
        Of the model's input; flat, without a channel, with one or with three alike, with a frame around.

    Raises
    ------
    ModelError
        If it takes something else.
    """
    scaling = scaling or Scaling([1 / 255], [0.0])
    flat: Any = images.reshape(len(images), -1)
    values: NDArray[np.float32] = flat * np.array(scaling.factor, np.float32) + np.array(scaling.offset, np.float32)
    wanted: tuple[int | None, ...] = tuple(shape[1:])
    if len(wanted) == 1 and wanted[0] in (None, flat.shape[1]):
        return values
    framed: NDArray[np.float32] = values.reshape(images.shape if images.ndim == 4 else (*images.shape, 1))
    height, width = (side or own for side, own in zip(wanted[:2], images.shape[1:3], strict=False))
    if len(wanted) in (2, 3) and height >= images.shape[1] and width >= images.shape[2]:
        top, left = (height - images.shape[1]) // 2, (width - images.shape[2]) // 2
        frame = ((0, 0), (top, height - images.shape[1] - top), (left, width - images.shape[2] - left), (0, 0))
        framed = np.pad(framed, frame, constant_values=scaling.offset[0])
        channels = wanted[2] if len(wanted) > 2 else 0
        if channels in (None, framed.shape[3]):
            return framed
        if framed.shape[3] == 1 and channels in (0, 3):
            return np.repeat(framed, 3, axis=3) if channels else framed[..., 0]
    raise ModelError(f"the model takes inputs of shape {wanted}: expected images of {images.shape[1:]}")


def _layer(layer: Any) -> dict[str, Any]:
    activation = getattr(layer, "activation", None)
    return {
        "class": type(layer).__name__,
        "units": getattr(layer, "units", None),
        "activation": getattr(activation, "__name__", None),
    }


def _told(error: Exception) -> str:
    return f"the model cannot be loaded or asked: {type(error).__name__}: {one_line(str(error), 200)}"
