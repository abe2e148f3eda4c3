"""One training of the finder, from glyphs to weights: model, optimizer, learning rate and checkpoints."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.files import whole_file
from digitwise.images import Float32, UInt8
from digitwise.synthetic.scenes import MOST, SCENE
from digitwise.synthetic.scenes.scene import batches
from digitwise.training.backend import keras
from digitwise.training.finder.objective import Shaken, Targets, loss_of

RATE = 2e-3  # peak of the learning rate
WARM_UP = 0.05  # share of the training
LEAST = 0.004  # of the peak
LOGGED = 5  # epochs between two lines of the log
KEPT = 60.0  # seconds between two checkpoints
DECAY = 0.02  # weight decay
AVERAGE = 0.999  # momentum of the weights' moving average, which is saved
CLIP = 5.0  # norm of a gradient
FORGETTING = 0.99  # AdamW's second beta: the usual 0.999 would look back over a tenth of a training
EPSILON = 1e-3  # of Keras' normalisation
UNENDING = 1_000_000  # epochs of a training whose length is a time
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinderOptions:
    """The options of a training.

    Parameters
    ----------
    steps : int
        Number of batches, repeated ones included.
    seconds : float, optional
        Length of the training, instead of its steps.
    size : int
        Number of scenes in a batch.
    repeats : int, optional
        Number of times each scene is shown; by default as often as the next ones take to be made.
    jobs : int
        Number of processes that compose scenes; it has no effect on them.
    seed : int
    channels : tuple of int, optional
        Of the network's layers, by default the finder's.
    dtype : str
        Keras dtype policy of its convolutions.
    rate : float
        Peak of the learning rate.
    chunk : int
        Steps an epoch.
    """

    steps: int
    seconds: float | None = None
    size: int = 64
    repeats: int | None = 3
    jobs: int = 1
    seed: int = 0
    channels: tuple[int, ...] | None = None
    dtype: str = "float32"
    rate: float = RATE
    chunk: int = 100


def trained(
    out: Path, glyphs: Path, options: FinderOptions, *, start: Path | None = None, resume: bool = False
) -> keras.Model:
    """Train a finder and write its weights.

    Parameters
    ----------
    out : Path
        An ``.npz`` file: the weights in Keras' order, float32. The checkpoint is ``.state.npz`` beside it.
    glyphs : Path
        Folder of :func:`~digitwise.synthetic.scenes.scene.write_glyphs`.
    options : FinderOptions
    start : Path, optional
        Weights of another training to start from, or a finder that was converted to ONNX.
    resume : bool
        Continue from the checkpoint.

    Returns
    -------
    keras.Model
        The finder for scenes, with the weights written.
    """
    from digitwise.models.finder import CHANNELS, finder  # imports Keras, whose backend is chosen by now

    keras.utils.set_random_seed(options.seed)
    network = finder(options.channels or CHANNELS, side=SCENE, dtype=options.dtype)
    if start and start.suffix == ".onnx":
        network.set_weights(unconverted(start, composed_in(glyphs, options)))
    elif start:
        load_weights(start, network)
    model = compiled(learner(network))
    begin = load_state(state_of(out), model) if resume else 0
    keep = Keep(network, out, epoch=begin)
    model.fit(
        _examples(glyphs, options, begin),
        steps_per_epoch=options.chunk,
        epochs=UNENDING if options.seconds else max(1, options.steps // options.chunk),
        initial_epoch=begin,
        callbacks=[OneCycle(options.steps, options.seconds, options.chunk, peak=options.rate), keep],
        shuffle=False,
        verbose=0,
    )
    keep.keep()
    return network


def learner(network: keras.Model) -> keras.Model:
    """Join the network with the layers that shake scenes and compute targets, so that all runs in one graph.

    The model takes batches of :func:`~digitwise.synthetic.scenes.scene.batches` and returns maps and targets,
    float32 (n, 64, 64, 33).
    """
    images = keras.Input((SCENE, SCENE), dtype="uint8")
    objects, about = keras.Input((MOST, 5)), keras.Input((2,))
    shaken, moved = Shaken()([images, objects, about])
    maps = keras.layers.Concatenate(dtype="float32")([network(shaken), Targets()([moved, about])])
    return keras.Model([images, objects, about], maps)


def compiled(model: keras.Model) -> keras.Model:
    """Compile the model with AdamW, with a moving average of the weights and no decay of normalisation and biases."""
    optimizer = keras.optimizers.AdamW(
        RATE, weight_decay=DECAY, clipnorm=CLIP, use_ema=True, ema_momentum=AVERAGE, beta_2=FORGETTING
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, loss_of, jit_compile="auto")
    optimizer.build(model.trainable_variables)
    return model


def _examples(glyphs: Path, options: FinderOptions, epoch: int) -> Iterator[Any]:
    """Yield batches from an epoch on, with empty labels, which Keras requires."""
    start = epoch * options.chunk // (options.repeats or 1)
    feed = batches(
        glyphs, seed=options.seed, size=options.size, repeats=options.repeats, jobs=options.jobs, start=start
    )
    for batch in feed:
        yield batch, np.zeros(options.size, np.float32)


class OneCycle(keras.callbacks.Callback):  # type: ignore[misc]  # keras comes without types
    """Sets the learning rate, up in a twentieth of the training, then down along a cosine, and ends the training.

    Parameters
    ----------
    steps : int
        Of the training.
    seconds : float, optional
        Its length, counted from now, instead of a number of steps.
    chunk : int
        Number of steps of an epoch, in which the rate is constant.
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
        """The share of the training before an epoch, 0 to 1."""
        past = (time.perf_counter() - self.begun) / self.seconds if self.seconds else epoch * self.chunk / self.steps
        return min(1.0, past)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the learning rate of the next steps."""
        self.model.optimizer.learning_rate = self.peak * rate(self._share(epoch))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop at the end of the training."""
        self.model.stop_training = self._share(epoch + 1) >= 1


def rate(share: float) -> float:
    """The learning rate, as a share of its peak, after a share of the training, 0 to 1."""
    down = 0.5 + 0.5 * math.cos(math.pi * max(0.0, (share - WARM_UP) / (1 - WARM_UP)))
    return max(min((share + 0.002) / WARM_UP, down), LEAST)


class Keep(keras.callbacks.Callback):  # type: ignore[misc]  # keras comes without types
    """Writes the averaged weights and a checkpoint once a minute.

    Parameters
    ----------
    network : keras.Model
        The finder within the model that is trained.
    out : Path
        For its weights; the checkpoint is beside it.
    epoch : int
        The first one.
    """

    def __init__(self, network: keras.Model, out: Path, *, epoch: int = 0) -> None:
        super().__init__()
        self.network, self.out, self.epoch = network, out, epoch
        self.begun = self.last = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the loss and write both files when they are due."""
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
        self.model.optimizer.finalize_variable_values(variables)  # replaces the weights by their average
        _save(self.out, [np.asarray(w, np.float32) for w in self.network.get_weights()])
        for variable, value in zip(variables, held, strict=True):
            variable.assign(value)


def load_weights(path: Path, network: keras.Model) -> None:
    """Load the weights that a training wrote into a network."""
    with np.load(path) as file:
        network.set_weights([file[f"arr_{k}"] for k in range(len(file.files))])


def unconverted(path: Path, images: UInt8) -> list[Float32]:
    """The weights of a finder that was converted to ONNX, in Keras' order.

    The file holds what each normalisation does, not the statistics that it learnt with: they are taken from what the
    network makes of ``images``, uint8 (n, 256, 256).
    """
    import onnx
    from onnx import helper, numpy_helper
    from onnxruntime import InferenceSession

    model = onnx.load(path)
    held = {array.name.removesuffix("/half"): numpy_helper.to_array(array) for array in model.graph.initializer}
    layers = [node for node in model.graph.node if node.op_type == "Conv"]
    model.graph.output.extend(helper.make_empty_tensor_value_info(node.output[0]) for node in layers)
    session = InferenceSession(model.SerializeToString())
    _, *outputs = session.run(None, {session.get_inputs()[0].name: images})
    weights: list[Float32] = []
    for k, (node, output) in enumerate(zip(layers, outputs, strict=True)):
        weights.append(held[node.input[1]].astype(np.float32).transpose(2, 3, 1, 0))
        if node is layers[-1]:
            weights.append(held[node.input[2]])
            break
        name = f"batch_normalization_{k}" if k else "batch_normalization"
        scale, shift = held[f"{name}/scale"].ravel(), held[f"{name}/shift"].ravel()
        mean, variance = output.mean(axis=(0, 2, 3)), output.var(axis=(0, 2, 3))
        weights += [scale * np.sqrt(variance + EPSILON), shift + scale * mean, mean, variance]
    return weights


def composed_in(glyphs: Path, options: FinderOptions) -> UInt8:
    """The images of the first batch that a training shows, uint8 (n, 256, 256)."""
    feed = batches(glyphs, seed=options.seed, size=options.size, repeats=1, jobs=1)
    return next(feed)[0]


def state_of(out: Path) -> Path:
    """The checkpoint's path of a training with weights in ``out``."""
    return out.with_suffix(".state.npz")


def save_state(path: Path, model: keras.Model, epoch: int) -> None:
    """Write the state of a training, but for the order of scenes, which follows from seed and epoch."""
    values = [np.asarray(v) for v in [*model.variables, *model.optimizer.variables]]
    _save(path, [v.astype(np.float32) if v.dtype.name == "bfloat16" else v for v in values], epoch=np.array(epoch))


def load_state(path: Path, model: keras.Model) -> int:
    """Load the state of a training; return its epoch."""
    with np.load(path) as file:
        for k, variable in enumerate([*model.variables, *model.optimizer.variables]):
            variable.assign(file[f"arr_{k}"])
        return int(file["epoch"])


def _save(path: Path, arrays: list[Any], **named: Any) -> None:
    with whole_file(path) as place, place.open("wb") as file:
        np.savez(file, *arrays, **named)
