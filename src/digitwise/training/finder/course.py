"""The course of a training: its learning rate, its end, what is kept of it and how it goes on."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.files import whole_file
from digitwise.training.backend import keras

RATE = 2e-3  # peak of the learning rate
WARM_UP = 0.05  # share of the training
LEAST = 0.004  # of the peak
LOGGED = 5  # epochs from one line of the log to the next
KEPT = 60.0  # seconds from one checkpoint to the next
log = logging.getLogger(__name__)


class OneCycle(keras.callbacks.Callback):  # type: ignore[misc]  # keras comes without types
    """The learning rate up in a twentieth of the training, then down along a cosine; ends the training, too.

    Parameters
    ----------
    steps : int
        Of the training.
    seconds : float, optional
        Its length, counted from now, instead of a number of steps.
    chunk : int
        Steps an epoch, between which the rate stays.
    peak : float
        Of the learning rate.

    References
    ----------
    L. N. Smith, N. Topin, Super-Convergence (2017), arXiv:1708.07120.
    """

    def __init__(self, steps: int, seconds: float | None, chunk: int, *, peak: float = RATE) -> None:
        super().__init__()
        self.steps, self.seconds, self.chunk, self.peak = steps, seconds, chunk, peak
        self.begun = time.perf_counter()

    def _share(self, epoch: int) -> float:
        """How much of the training is over before an epoch, 0 to 1."""
        past = (time.perf_counter() - self.begun) / self.seconds if self.seconds else epoch * self.chunk / self.steps
        return min(1.0, past)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the learning rate of the next steps."""
        self.model.optimizer.learning_rate = self.peak * rate(self._share(epoch))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop where the training is over."""
        self.model.stop_training = self._share(epoch + 1) >= 1


def rate(share: float) -> float:
    """The learning rate, as a share of its peak, where that share of the training, 0 to 1, is over."""
    down = 0.5 + 0.5 * math.cos(math.pi * max(0.0, (share - WARM_UP) / (1 - WARM_UP)))
    return max(min((share + 0.002) / WARM_UP, down), LEAST)


class Keep(keras.callbacks.Callback):  # type: ignore[misc]  # keras comes without types
    """Writes the mean weights, and all that a training needs to go on, now and then.

    Parameters
    ----------
    network : keras.Model
        The finder within the model that is trained.
    out : Path
        For its weights; the checkpoint lies beside it.
    epoch : int
        The first one.
    """

    def __init__(self, network: keras.Model, out: Path, *, epoch: int = 0) -> None:
        super().__init__()
        self.network, self.out, self.epoch = network, out, epoch
        self.begun = self.last = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep what there is, if it is time."""
        now = time.perf_counter()
        self.epoch = epoch + 1
        if epoch % LOGGED == 0:
            log.info("%7.1f s  %4d  loss %.4f", now - self.begun, self.epoch, (logs or {}).get("loss", math.nan))
        if now - self.last > KEPT:
            self.last = now
            self.keep()

    def keep(self) -> None:
        """Write both files."""
        save_state(state_of(self.out), self.model, self.epoch)
        variables = self.model.trainable_variables
        held = [np.asarray(v) for v in variables]
        self.model.optimizer.finalize_variable_values(variables)  # the mean takes the weights' place
        _save(self.out, [np.asarray(w, np.float32) for w in self.network.get_weights()])
        for variable, value in zip(variables, held, strict=True):
            variable.assign(value)


def load_weights(path: Path, network: keras.Model) -> None:
    """Bring a network to the weights that a training wrote."""
    with np.load(path) as file:
        network.set_weights([file[f"arr_{k}"] for k in range(len(file.files))])


def state_of(out: Path) -> Path:
    """Where the checkpoint of a training lies whose weights go to ``out``."""
    return out.with_suffix(".state.npz")


def save_state(path: Path, model: keras.Model, epoch: int) -> None:
    """All of a training but its order of scenes, which follows from seed and epoch."""
    values = [np.asarray(v) for v in [*model.variables, *model.optimizer.variables]]
    _save(path, [v.astype(np.float32) if v.dtype.name == "bfloat16" else v for v in values], epoch=np.array(epoch))


def load_state(path: Path, model: keras.Model) -> int:
    """Bring a training to where it was; gives its epoch."""
    with np.load(path) as file:
        for k, variable in enumerate([*model.variables, *model.optimizer.variables]):
            variable.assign(file[f"arr_{k}"])
        return int(file["epoch"])


def _save(path: Path, arrays: list[Any], **named: Any) -> None:
    with whole_file(path) as place, place.open("wb") as file:
        np.savez(file, *arrays, **named)
