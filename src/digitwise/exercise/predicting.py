"""Predicts the test images with students' models, in one separate process with limits for all notebooks.

The process loads only the models that :func:`digitwise.exercise.evidence.checked_model` accepts, which hold no code.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise.errors import DataError, ModelError, one_line
from digitwise.escaping import printable
from digitwise.exercise.evidence import LARGEST_MODEL, checked_model, read_plain
from digitwise.exercise.recognition import Scaling
from digitwise.exercise.sandbox import GIGABYTE, SECONDS_BETWEEN_LOOKS, Child, NotebookLimits, prepare, temporary_folder
from digitwise.images import Float32, UInt8

LIMITS = NotebookLimits(seconds=300, memory_bytes=6 * GIGABYTE)  # for each model


class ModelOutput:
    """The layers of a model and its output for the test images.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, outputs)
        Of the test images; other values where the model does not end in softmax.
    layers : list of dict
        In order: ``class``, ``units`` and ``activation``, the latter two None where a layer has none.
    """

    def __init__(self, probabilities: Float32, layers: list[dict[str, Any]]) -> None:
        self.probabilities, self.layers = probabilities, layers
        self.predicted = probabilities.argmax(axis=1)


class Predictor:
    """The process: started by the first model, and again after a model ends it; threads may share it.

    Parameters
    ----------
    data : Path
        The data set with the test images, as .npz.
    stop : Event
        Set by another thread to stop waiting for a prediction.
    slowness : float
        The factor on the time limit for this machine.
    """

    def __init__(self, data: Path, stop: threading.Event, slowness: float = 1.0) -> None:
        self.stop, self.limits = stop, dataclasses.replace(LIMITS, slowness=slowness)
        self.data, self.stack, self.lock, self.count = data, ExitStack(), threading.Lock(), 0
        self.child: Child | None = None

    def close(self) -> None:
        """End the process, and remove its folder."""
        self.stack.close()

    def predict(self, model: Path, scaling: Scaling | None) -> ModelOutput:
        """Predict the test images with a model.

        Parameters
        ----------
        model : Path
            A ``.keras`` file.
        scaling : Scaling or None
            Of its training images; None is 0 to 1.

        Raises
        ------
        ModelError
            If the file is refused or the prediction fails; the message is for the student.
        """
        with self.lock:
            if self.child is None or self.child.process.poll() is not None:
                self.stack.close()
                self._start()
            assert self.child is not None
            self.count += 1
            reply, array, copy = (self.folder / f"{self.count}.{end}" for end in ("json", "npy", "keras"))
            copy.write_bytes(read_plain(model, LARGEST_MODEL))  # it can read its own folder only
            scale = scaling and vars(scaling)
            request = {"model": str(copy), "scaling": scale, "reply": str(reply), "out": str(array)}
            found = self._reply(json.dumps(request), reply)
            if "error" in found:
                raise ModelError(printable(found["error"]))  # it may quote the model
            output = ModelOutput(np.load(array, allow_pickle=False), found["layers"])
            for file in (reply, array, copy):
                file.unlink()
            return output

    def _start(self) -> None:
        self.folder = self.stack.enter_context(temporary_folder())
        prepare(self.folder)
        (self.folder / "data.npz").symlink_to(self.data)
        self.child = Child("digitwise.exercise.predicting", self.folder, self.limits, talks=True)
        self.stack.callback(self.child.end)

    def _reply(self, request: str, reply: Path) -> Any:
        child = self.child
        assert child is not None
        assert child.process.stdin is not None
        child.begin_anew()
        try:
            child.process.stdin.write(request.encode() + b"\n")
            child.process.stdin.flush()
        except OSError:
            return {"error": "the process for predictions ended; mark the notebook again"}
        while not reply.exists():
            reason = child.over() or ("end" if child.process.poll() is not None else None)
            if reason:
                child.end()
                return {"error": f"the model used too much {reason} for its predictions; make it smaller"}
            if self.stop.wait(SECONDS_BETWEEN_LOOKS):
                raise ModelError("stopped from outside")
        return json.loads(reply.read_text(encoding="utf-8"))


def main(folder: Path, missing: list[str]) -> None:
    """Reply to requests from standard input, one on each line, until it ends."""
    from digitwise.data import load

    images = load(folder / "data.npz").test.images
    from digitwise.training.backend import keras

    for line in sys.stdin:
        request = json.loads(line)
        scaling = request["scaling"] and Scaling(**request["scaling"])
        try:
            probabilities, layers = _predict(keras, Path(request["model"]), images, scaling)
            np.save(request["out"], probabilities)
            result: dict[str, Any] = {"layers": layers}
        except (ModelError, DataError) as error:
            result = {"error": str(error)}
        except Exception as error:  # an untrusted model may raise anything; the next model still gets its turn
            kind = type(error).__name__
            result = {"error": f"the model cannot be loaded or used: {kind}: {one_line(str(error), 200)}"}
        unfinished = Path(request["reply"] + ".tmp")
        unfinished.write_text(json.dumps(result), encoding="utf-8")
        unfinished.replace(request["reply"])
        keras.backend.clear_session()


def _predict(keras: Any, file: Path, images: UInt8, scaling: Scaling | None) -> tuple[Float32, list[dict[str, Any]]]:
    checked = Path("model.keras")
    checked.write_bytes(checked_model(file))
    model = keras.models.load_model(checked, compile=False, safe_mode=True)
    outputs = np.asarray(model.predict(fed(images, scaling, model.input_shape), batch_size=256, verbose=0), np.float32)
    if outputs.ndim != 2 or len(outputs) != len(images) or not np.isfinite(outputs).all():
        raise ModelError(f"the model gives outputs of shape {outputs.shape}: expected finite values (n, classes)")
    return outputs, [_layer(layer) for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]


def fed(images: UInt8, scaling: Scaling | None, shape: Sequence[int | None]) -> NDArray[np.float32]:
    """Convert images to the values and shape of a model's input.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
    scaling : Scaling or None
        None is 0 to 1.
    shape : tuple of int or None
        Of the input: flat, without channel, with one channel or three equal ones, with a border.

    Raises
    ------
    ModelError
        If the input has another shape.
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
