"""Training the finder on made scenes.

``python -m digitwise.training.finder --out finder.npz`` composes scenes on all cores, shows each several times, moved
and lit anew, and writes the weights. A training that was cut off goes on from its checkpoint with ``--resume``.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers as kl
from keras import ops

from digitwise.models.finder import CHANNELS, CLASSES, STRIDE, TURNS, finder
from digitwise.synthetic.batches import NOTHING, batches, write_glyphs
from digitwise.synthetic.glyphs import glyphs_of
from digitwise.synthetic.scenes import IGNORED, MOST, SCENE

DIGITS = 50_000  # training digits it is made of; the others make the pages that confidences are fitted on
CELLS = SCENE // STRIDE

RATE, DECAY = 2e-3, 0.02  # peak of the learning rate, weight decay
AVERAGE = 0.999  # momentum of the weights' mean, which is what is kept


@keras.saving.register_keras_serializable("digitwise")
class Shaken(kl.Layer):
    """Scenes moved by a random affine map and lit anew, with their truth."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(dtype="float32", **rest)
        self.seed = keras.random.SeedGenerator(0)

    def call(self, inputs: Any) -> Any:
        """Pictures (n, 256, 256), objects (n, 96, 5) and (n, 2) of turn and fill; gives pictures in [0, 1] and objects."""
        pictures, objects, about = inputs
        n = ops.shape(pictures)[0]
        pictures, fill = ops.cast(pictures, "float32") / 255, about[:, 1:] / 255

        def normal(spread: float) -> Any:
            return keras.random.normal((n,), 0, spread, seed=self.seed)

        def uniform(low: float, high: float) -> Any:
            return keras.random.uniform((n,), low, high, seed=self.seed)

        zoom, stretch = ops.exp(uniform(-0.4, 0.3)), ops.exp(normal(0.08))
        angle, shear = normal(0.07), normal(0.1)
        cos, sin = ops.cos(angle), ops.sin(angle)
        forth = ops.stack(  # (n, 2, 2): turn, shear and zoom
            [
                ops.stack([zoom * stretch * cos, zoom * (shear * cos - sin) / stretch], -1),
                ops.stack([zoom * stretch * sin, zoom * (shear * sin + cos) / stretch], -1),
            ],
            1,
        )
        shift = ops.stack([uniform(-30, 30), uniform(-30, 30)], -1)
        moved = self._moved(objects, forth, shift)
        pictures = self._warped(pictures - fill[:, :, None], forth, shift) + fill[:, :, None]
        strength, dark = ops.exp(normal(0.25))[:, None, None], normal(0.06)[:, None, None]
        pictures = ops.power(ops.clip(pictures, 1e-3, 1.0), ops.exp(normal(0.25))[:, None, None])
        pictures = (pictures - 0.5) * ops.minimum(strength, 1.3) + 0.5 + dark
        grain = ops.abs(normal(0.015))[:, None, None]
        pictures = pictures + grain * keras.random.normal(ops.shape(pictures), seed=self.seed)
        inverted = ops.cast(uniform(0, 1) < 0.12, "float32")[:, None, None]
        pictures = ops.clip(pictures * (1 - 2 * inverted) + inverted, 0.0, 1.0)
        return ops.round(pictures * 255)[..., None] / 255, moved

    def _moved(self, objects: Any, forth: Any, shift: Any) -> Any:
        """Objects through the map; what leaves the picture is dropped or ignored."""
        half = SCENE / 2
        middle = ops.matmul(objects[..., :2] - half, ops.transpose(forth, (0, 2, 1))) + half + shift[:, None]
        # The box around a turned ellipse, which ink fills as digits do.
        size = ops.sqrt(ops.matmul(objects[..., 2:4] ** 2, ops.transpose(forth**2, (0, 2, 1))))
        low, high = ops.clip(middle - size / 2, 0.0, SCENE), ops.clip(middle + size / 2, 0.0, SCENE)
        inside = ops.prod(high - low, axis=-1) / ops.maximum(ops.prod(size, axis=-1), 1e-6)
        label = objects[..., 4]
        label = ops.where((inside < 0.8) & (label >= 0), float(IGNORED), label)
        label = ops.where(inside < 0.3, float(NOTHING), label)
        return ops.concatenate([(low + high) / 2, high - low, label[..., None]], -1)

    def _warped(self, pictures: Any, forth: Any, shift: Any) -> Any:
        (a, b), (c, d) = (ops.unstack(row, axis=1) for row in ops.unstack(forth, axis=1))
        det = a * d - b * c
        back = [d / det, -b / det, -c / det, a / det]
        half = (SCENE - 1) / 2
        x, y = half + shift[:, 0], half + shift[:, 1]
        zero = ops.zeros_like(a)
        maps = ops.stack(
            [back[0], back[1], half - back[0] * x - back[1] * y, back[2], back[3], half - back[2] * x - back[3] * y, zero, zero],
            -1,
        )
        return ops.image.affine_transform(pictures[..., None], maps, interpolation="bilinear", fill_mode="constant")[..., 0]


@keras.saving.register_keras_serializable("digitwise")
class Targets(kl.Layer):
    """What the network should say: float32 (n, 64, 64, 8).

    Planes: how near an object's middle is (1 in its cell), whether it counts, class, middle's x and y, logarithms of
    width and height, weight of a class.
    """

    def __init__(self, **rest: Any) -> None:
        super().__init__(dtype="float32", **rest)

    def call(self, inputs: Any) -> Any:
        """Objects (n, 96, 5) and (n, 2) of turn and fill."""
        objects, about = inputs
        x, y, w, h, label = ops.unstack(objects, axis=-1)  # (n, 96) each
        real = ops.cast(label >= 0, "float32")
        cells = ops.arange(CELLS, dtype="float32")
        column, row = ops.clip(ops.floor(x / STRIDE), 0, CELLS - 1), ops.clip(ops.floor(y / STRIDE), 0, CELLS - 1)
        across = _bell(cells, column, w)
        down = _bell(cells, row, h)
        near = down[..., :, None] * across[..., None, :] * real[..., None, None]  # (n, 96, 64, 64)
        heat, which = ops.max(near, axis=1), ops.argmax(near, axis=1)  # (n, 64, 64)
        ignored = ops.cast(label == IGNORED, "float32")
        places = (cells + 0.5) * STRIDE
        covered = (
            ops.cast(ops.abs(places - y[..., None]) < h[..., None] / 2 + 2, "float32")[..., :, None]
            * ops.cast(ops.abs(places - x[..., None]) < w[..., None] / 2 + 2, "float32")[..., None, :]
            * ignored[..., None, None]
        )
        counts = ops.maximum(1 - ops.max(covered, axis=1), ops.cast(heat > 0.999, "float32"))
        of = ops.reshape(which, (-1, CELLS * CELLS, 1))
        chosen = ops.take_along_axis(objects, of, axis=1)  # (n, 4096, 5)
        chosen = ops.reshape(chosen, (-1, CELLS, CELLS, 5))
        dx = chosen[..., 0] / STRIDE - cells[None, None] - 0.5
        dy = chosen[..., 1] / STRIDE - cells[None, :, None] - 0.5
        size = ops.log(ops.maximum(chosen[..., 2:4], 1.0) / 32)
        upright = ops.cast(about[:, :1] == 0, "float32")[:, None]  # (n, 1, 1)
        turn = ops.broadcast_to(about[:, :1][:, None], ops.shape(dx))
        planes = [heat, counts, chosen[..., 4], dx, dy, size[..., 0], size[..., 1], upright * ops.ones_like(dx), turn]
        return ops.stack(planes, axis=-1)


def _bell(cells: Any, middle: Any, size: Any) -> Any:
    """A Gaussian about the cell of a middle (n, k), a tenth of the size wide: (n, k, 64)."""
    spread = ops.maximum(0.1 * size / STRIDE, 0.45)
    return ops.exp(-((cells - middle[..., None]) ** 2) / (2 * spread[..., None] ** 2))


def loss_of(_: Any, maps: Any) -> Any:
    """Penalty-reduced focal loss of the objects, cross-entropy of classes and turns, smooth L1 of boxes."""
    said, told = maps[..., : 1 + CLASSES + TURNS + 4], maps[..., 1 + CLASSES + TURNS + 4 :]
    heat, counts, label = told[..., 0], told[..., 1], told[..., 2]
    middle = ops.cast(heat > 0.999, "float32")
    number = ops.sum(middle, axis=(1, 2), keepdims=True)
    share = ops.minimum(1.0, ops.sqrt(8 / ops.maximum(number, 1.0)))  # a crowded scene counts less an object
    total = ops.maximum(ops.sum(share * number), 1.0)

    logit = said[..., 0]
    yes, no = ops.log_sigmoid(logit), ops.log_sigmoid(-logit)
    found = ops.sigmoid(logit)
    focal = -middle * (1 - found) ** 2 * yes - (1 - middle) * (1 - heat) ** 4 * found**2 * no
    objects = ops.sum(share * counts * focal) / total

    weight = share * ops.where(heat > 0.4, heat, 0.0) * counts
    whole = ops.maximum(ops.sum(weight), 1.0)
    names = ops.one_hot(ops.cast(ops.maximum(label, 0), "int32"), CLASSES) * 0.98 + 0.02 / CLASSES
    cross = -ops.sum(names * ops.log_softmax(said[..., 1 : 1 + CLASSES]), axis=-1)
    classes = ops.sum(weight * told[..., 7] * cross) / ops.maximum(ops.sum(weight * told[..., 7]), 1.0)
    digit = ops.cast(label < 10, "float32")
    quarters = ops.one_hot(ops.cast(told[..., 8], "int32"), TURNS)
    spun = -ops.sum(quarters * ops.log_softmax(said[..., 1 + CLASSES : 1 + CLASSES + TURNS]), axis=-1)
    turns = ops.sum(weight * digit * spun) / ops.maximum(ops.sum(weight * digit), 1.0)
    off = ops.abs(said[..., -4:] - told[..., 3:7])
    off = ops.sum(ops.where(off < 0.3, off**2 / 0.6, off - 0.15), axis=-1)
    boxes = ops.sum(weight * off) / whole
    return objects + classes + 0.3 * turns + boxes


def learner(network: keras.Model) -> keras.Model:
    """The network between what shakes scenes and what it should say; all in one graph."""
    pictures = keras.Input((SCENE, SCENE), dtype="uint8")
    objects, about = keras.Input((MOST, 5)), keras.Input((2,))
    shaken, moved = Shaken()([pictures, objects, about])
    maps = kl.Concatenate(dtype="float32")([network(shaken), Targets()([moved, about])])
    return keras.Model([pictures, objects, about], maps)


class OneCycle(keras.callbacks.Callback):
    """The learning rate up in a twentieth of the training, then down along a cosine (Smith 2018); ends it, too.

    Progress is counted in steps, or in seconds where there is a budget, and looked at every ``chunk`` steps.
    """

    def __init__(self, steps: int, seconds: float | None, chunk: int) -> None:
        super().__init__()
        self.steps, self.seconds, self.chunk = steps, seconds, chunk
        self.begun = time.perf_counter()

    def _share(self, epoch: int) -> float:
        past = (time.perf_counter() - self.begun) / self.seconds if self.seconds else epoch * self.chunk / self.steps
        return min(1.0, past)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the learning rate of the next steps."""
        share = self._share(epoch)
        down = 0.5 + 0.5 * math.cos(math.pi * max(0.0, (share - 0.05) / 0.95))
        self.model.optimizer.learning_rate = RATE * max(min((share + 0.002) / 0.05, down), 0.004)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop where the training is over."""
        self.model.stop_training = self._share(epoch + 1) >= 1


class _Keep(keras.callbacks.Callback):
    """Writes the mean weights, and all that a training needs to go on, now and then and at the end."""

    def __init__(self, network: keras.Model, out: Path, every: float) -> None:
        super().__init__()
        self.network, self.out, self.every, self.last = network, out, every, time.perf_counter()
        self.begun = self.last

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After some hundred steps."""
        now = time.perf_counter()
        if epoch % 5 == 0:
            print(f"{now - self.begun:7.1f} s  {epoch + 1:4d}  loss {logs['loss']:.4f}", flush=True)
        if now - self.last > self.every:
            self.last = now
            self.keep(epoch + 1)

    def keep(self, epoch: int) -> None:
        """Write both files."""
        save_state(self.out.with_suffix(".state.npz"), self.model, epoch)
        optimizer = self.model.optimizer
        held = [np.asarray(v) for v in self.model.trainable_variables]
        optimizer.finalize_variable_values(self.model.trainable_variables)
        np.savez(self.out, *[np.asarray(w, np.float32) for w in self.network.get_weights()])
        for variable, value in zip(self.model.trainable_variables, held, strict=True):
            variable.assign(value)


def save_state(path: Path, model: keras.Model, epoch: int) -> None:
    """All of a training but its order of scenes, which follows from seed and epoch."""
    values = [np.asarray(v) for v in [*model.variables, *model.optimizer.variables]]
    np.savez(path, *[v.astype(np.float32) if v.dtype.name == "bfloat16" else v for v in values], epoch=epoch)


def load_state(path: Path, model: keras.Model) -> int:
    """Bring a training to where it was; gives its epoch."""
    with np.load(path) as file:
        for k, variable in enumerate([*model.variables, *model.optimizer.variables]):
            variable.assign(file[f"arr_{k}"])
        return int(file["epoch"])


def trained(
    out: Path, folder: Path, *, steps: int, size: int, repeats: int, jobs: int, seed: int, channels: tuple[int, ...],
    dtype: str, resume: bool, seconds: float | None = None, chunk: int = 100,
) -> keras.Model:
    """Train a finder from the glyphs of a folder and write its weights."""
    keras.utils.set_random_seed(seed)
    network = finder(channels, side=SCENE, dtype=dtype)
    model = learner(network)
    optimizer = keras.optimizers.AdamW(
        RATE, weight_decay=DECAY, clipnorm=5.0, use_ema=True, ema_momentum=AVERAGE, beta_2=0.99
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, loss_of, jit_compile="auto")
    optimizer.build(model.trainable_variables)
    begin = load_state(out.with_suffix(".state.npz"), model) if resume else 0
    feed = batches(folder, seed=seed, size=size, repeats=repeats, jobs=jobs, start=begin * chunk // repeats)
    keep = _Keep(network, out, every=60)
    examples = (((pictures, objects, about), np.zeros(size, np.float32)) for pictures, objects, about in feed)
    cycle = OneCycle(steps, seconds, chunk)
    epochs = 1_000_000 if seconds else max(1, steps // chunk)
    model.fit(examples, steps_per_epoch=chunk, epochs=epochs, initial_epoch=begin, callbacks=[cycle, keep], verbose=0)
    keep.keep(steps // chunk)
    return network


def main() -> None:
    """Train the finder of the package anew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/finder.npz"))
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, help="end by then instead of after so many steps")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--digits", type=int, default=DIGITS)
    parser.add_argument("--channels", type=lambda text: tuple(map(int, text.split(","))), default=CHANNELS)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--resume", action="store_true")
    chosen = parser.parse_args()
    from digitwise.data import load

    train = load(chosen.data).train
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        labels = train.labels[: chosen.digits].astype(np.int64)
        write_glyphs(Path(name), glyphs_of(train.images[: chosen.digits], labels, seed=chosen.seed, jobs=chosen.jobs))
        print(f"glyphs in {time.perf_counter() - began:.1f} s", flush=True)
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        trained(
            chosen.out, Path(name), steps=chosen.steps, size=chosen.batch, repeats=chosen.repeats, jobs=chosen.jobs,
            seed=chosen.seed, channels=chosen.channels, dtype=chosen.dtype, resume=chosen.resume,
            seconds=chosen.seconds,
        )


if __name__ == "__main__":
    main()
