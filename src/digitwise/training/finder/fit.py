"""One training of the finder, from glyphs to weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.synthetic.scenes import MOST, SCENE
from digitwise.synthetic.scenes.scene import batches
from digitwise.training.backend import keras
from digitwise.training.finder.course import RATE, Keep, OneCycle, load_state, load_weights, state_of
from digitwise.training.finder.loss import loss_of
from digitwise.training.finder.shaking import Shaken
from digitwise.training.finder.targets import Targets

DECAY = 0.02  # of the weights
AVERAGE = 0.999  # momentum of the weights' mean, which is what is kept
CLIP = 5.0  # norm of a gradient
FORGETTING = 0.99  # AdamW's second beta: the usual 0.999 would look back over a tenth of a training
UNENDING = 1_000_000  # epochs of a training that its time ends


@dataclass(frozen=True)
class Training:
    """Every choice of a training.

    Parameters
    ----------
    steps : int
        Batches, shown again or not.
    seconds : float, optional
        End by then instead of after so many steps.
    size : int
        Scenes a batch.
    repeats : int
        How often each scene is shown.
    jobs : int
        Processes that compose scenes; they decide nothing.
    seed : int
    channels : tuple of int, optional
        Of the network, by default its own.
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
    repeats: int = 3
    jobs: int = 1
    seed: int = 0
    channels: tuple[int, ...] | None = None
    dtype: str = "float32"
    rate: float = RATE
    chunk: int = 100


def trained(
    out: Path, glyphs: Path, training: Training, *, start: Path | None = None, resume: bool = False
) -> keras.Model:
    """Train a finder and write its weights.

    Parameters
    ----------
    out : Path
        An ``.npz`` file: the weights in Keras' order, float32. The checkpoint is ``.state.npz`` beside it.
    glyphs : Path
        Folder of :func:`~digitwise.synthetic.scenes.scene.write_glyphs`.
    training : Training
    start : Path, optional
        Weights that another training wrote, to go on from.
    resume : bool
        Go on from the checkpoint.

    Returns
    -------
    keras.Model
        The finder for scenes, with the weights that were written.
    """
    from digitwise.models.finder import CHANNELS, finder  # which imports Keras, once its backend is chosen

    keras.utils.set_random_seed(training.seed)
    network = finder(training.channels or CHANNELS, side=SCENE, dtype=training.dtype)
    if start:
        load_weights(start, network)
    model = compiled(learner(network))
    begin = load_state(state_of(out), model) if resume else 0
    keep = Keep(network, out, epoch=begin)
    model.fit(
        _examples(glyphs, training, begin),
        steps_per_epoch=training.chunk,
        epochs=UNENDING if training.seconds else max(1, training.steps // training.chunk),
        initial_epoch=begin,
        callbacks=[OneCycle(training.steps, training.seconds, training.chunk, peak=training.rate), keep],
        shuffle=False,
        verbose=0,
    )
    keep.keep()
    return network


def learner(network: keras.Model) -> keras.Model:
    """The network between what shakes scenes and what it should say, so that all runs in one graph.

    Takes batches of :func:`~digitwise.synthetic.scenes.scene.batches`; gives float32 (n, 64, 64, 33), maps and targets.
    """
    images = keras.Input((SCENE, SCENE), dtype="uint8")
    objects, about = keras.Input((MOST, 5)), keras.Input((2,))
    shaken, moved = Shaken()([images, objects, about])
    maps = keras.layers.Concatenate(dtype="float32")([network(shaken), Targets()([moved, about])])
    return keras.Model([images, objects, about], maps)


def compiled(model: keras.Model) -> keras.Model:
    """The model with AdamW, which keeps a mean of the weights, and decays no normalisation and no bias."""
    optimizer = keras.optimizers.AdamW(
        RATE, weight_decay=DECAY, clipnorm=CLIP, use_ema=True, ema_momentum=AVERAGE, beta_2=FORGETTING
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, loss_of, jit_compile="auto")
    optimizer.build(model.trainable_variables)
    return model


def _examples(glyphs: Path, training: Training, epoch: int) -> Iterator[Any]:
    """Batches from an epoch on, as Keras wants them: with labels, here none."""
    start = epoch * training.chunk // training.repeats
    feed = batches(
        glyphs, seed=training.seed, size=training.size, repeats=training.repeats, jobs=training.jobs, start=start
    )
    for batch in feed:
        yield batch, np.zeros(training.size, np.float32)
