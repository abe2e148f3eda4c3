"""The training loop: one recipe, one seed, training and validation pictures; never the test set."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitwise import models
from digitwise.errors import RunError
from digitwise.images import Float32, ImageSet, Splits
from digitwise.recipes import Recipe
from digitwise.training.backend import BACKEND, keras
from digitwise.training.batch_norm import batch_norm
from digitwise.training.checkpoint import Arrays, Progress, load_checkpoint, save_checkpoint
from digitwise.training.feeds import Feed, feed_for
from digitwise.training.precision import Precision, best_precision, dtype_policy
from digitwise.training.sampling import epoch_order, steps_per_epoch
from digitwise.training.schedule import learning_rate
from digitwise.training.watch import Watch

EXECUTIONS = 12  # compiled calls an epoch: few enough to cost nothing, enough for a live display


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained network and how it came about.

    Parameters
    ----------
    model : keras.Model
        Float32, Keras' own layers only: pictures float32 (n, h, w, c) in [0, 1] in, probabilities out.
    history : list of dict
        A row an epoch: ``epoch``, ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, ``seconds``.
    fit_seconds : float
        Compilation, all epochs and their validations.
    images_per_second : float
        Training pictures shown over ``fit_seconds``.
    best_epoch : int
        The epoch with the lowest validation loss, from 1.
    precision : {"float32", "bfloat16"}
    """

    model: Any
    history: list[dict[str, Any]]
    fit_seconds: float
    images_per_second: float
    best_epoch: int
    precision: Precision


def fit(
    recipe: Recipe,
    splits: Splits,
    *,
    seed: int = 0,
    precision: Precision | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    watch: Watch | None = None,
) -> Fitted:
    """Train a recipe.

    Parameters
    ----------
    recipe : Recipe
    splits : Splits
        Validation pictures choose the epoch where the recipe says so, and steer its focus.
    seed : int
        Decides initial weights, order, augmentation and dropout.
    precision : {"float32", "bfloat16"}, optional
        By default what the processor is fast at.
    checkpoint : Path, optional
        Where to keep the state after each epoch.
    resume : bool
        Go on from ``checkpoint`` if it is there.
    watch : Watch, optional
        Told about every few batches and every epoch.

    Returns
    -------
    Fitted

    Raises
    ------
    RunError
        If the checkpoint belongs to another training.
    """
    training = _Training(recipe, splits, seed, precision or best_precision(), watch or Watch())
    if checkpoint is not None and resume:
        training.restore(checkpoint)
    while not training.finished:
        training.run_epoch()
        if checkpoint is not None:
            training.save(checkpoint)
    return training.result()


class _Training:
    """The moving parts of one :func:`fit`."""

    def __init__(self, recipe: Recipe, splits: Splits, seed: int, precision: Precision, watch: Watch) -> None:
        self.started = time.perf_counter()
        self.recipe, self.splits, self.seed, self.precision, self.watch = recipe, splits, seed, precision, watch
        train = splits.train
        keras.utils.set_random_seed(seed)
        policy = dtype_policy(precision)
        self.network = models.build(
            recipe.model, train.image_shape, train.n_classes, dtype=policy, batch_norm=batch_norm
        )
        self.feed: Feed = feed_for(recipe, self.network, splits, seed=seed)
        self.model = self.feed.model
        self.steps = steps_per_epoch(len(train), recipe.batch_size, recipe.focus)
        self._compile()
        self.progress = Progress(key=_key(recipe, splits, seed, precision), class_errors=[0] * train.n_classes)
        self.best: Arrays = []
        watch.on_start(recipe, self.network, self.steps)

    def _compile(self) -> None:
        self.model.compile(
            optimizer=keras.optimizers.Adam(learning_rate(self.recipe, self.steps * self.recipe.epochs)),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=self.recipe.label_smoothing),
            metrics=["accuracy"],
            steps_per_execution=max(1, self.steps // EXECUTIONS),
            jit_compile=False if BACKEND == "tensorflow" else "auto",  # XLA is slower on a CPU there
        )
        self.model.optimizer.build(self.model.trainable_variables)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or early stopping has its way."""
        done, patience = len(self.progress.history), self.recipe.early_stopping
        stalled = patience is not None and done - self.progress.best_epoch >= patience
        return done >= self.recipe.epochs or (done > 0 and stalled)

    def run_epoch(self) -> None:
        """Train for one epoch, validate, and write the row."""
        epoch, started = len(self.progress.history), time.perf_counter()
        order = epoch_order(
            self.splits.train.labels,
            batch_size=self.recipe.batch_size,
            seed=self.seed,
            epoch=epoch,
            focus=self.recipe.focus,
            class_errors=np.asarray(self.progress.class_errors) if epoch else None,
        )
        report = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda step, logs: self.watch.on_batch(epoch + 1, step + 1, logs or {})
        )
        logs = self.model.fit(
            self.feed.epoch(order, epoch),
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=0,
            shuffle=False,
            callbacks=[report],
        ).history
        loss, accuracy = self._validate()
        row = {
            "epoch": epoch + 1,
            "loss": float(logs["loss"][-1]),
            "accuracy": float(logs["accuracy"][-1]),
            "val_loss": loss,
            "val_accuracy": accuracy,
            "seconds": round(time.perf_counter() - started, 3),
        }
        self._take_best(row)
        self.progress.history.append(row)
        self.watch.on_epoch(row)

    def _validate(self) -> tuple[float, float]:
        probabilities, validation = self.feed.validation(), self.splits.validation
        wrong = probabilities.argmax(axis=1) != validation.labels
        missed = np.bincount(validation.labels[wrong], minlength=validation.n_classes)
        self.progress.class_errors = [int(a + b) for a, b in zip(self.progress.class_errors, missed, strict=True)]
        return _cross_entropy(probabilities, validation), float(1 - wrong.mean())

    def _take_best(self, row: dict[str, Any]) -> None:
        losses = [past["val_loss"] for past in self.progress.history]
        if row["val_loss"] < min(losses, default=np.inf):
            self.progress.best_epoch = row["epoch"]
            if self.recipe.keep == "best":
                self.best = self.network.get_weights()

    def _state(self) -> list[Any]:
        """Every variable that training changes; the resident pictures and the metrics are not among them."""
        named = {id(v) for v in (*self.model.weights, *self.model.metrics_variables)}
        seeds = [v for v in self.model.variables if id(v) not in named]
        weights = [v for v in self.model.weights if v.dtype != "uint8"]
        return [*weights, *seeds, *self.model.optimizer.variables]

    def save(self, path: Path) -> None:
        """Write the checkpoint after an epoch."""
        self.progress.seconds += time.perf_counter() - self.started
        self.started = time.perf_counter()
        state = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in self._state()]
        save_checkpoint(path, self.progress, state, self.best)

    def restore(self, path: Path) -> None:
        """Go on where the checkpoint was written, if there is one."""
        found = load_checkpoint(path, self.progress.key)
        if found is None:
            return
        self.progress, state, self.best = found
        variables = self._state()
        if len(state) != len(variables):
            raise RunError(f"{path}: a checkpoint of another version of Keras; start again without --resume")
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        self.watch.on_resume(len(self.progress.history))

    def result(self) -> Fitted:
        """Put the weights into a float32 network of Keras' own layers."""
        train, history = self.splits.train, self.progress.history
        seconds = self.progress.seconds + time.perf_counter() - self.started
        shipped = models.build(self.recipe.model, train.image_shape, train.n_classes)
        shipped.set_weights(self.best or self.network.get_weights())
        images = len(history) * self.steps * min(self.recipe.batch_size, len(train))
        return Fitted(shipped, history, seconds, images / seconds, self.progress.best_epoch, self.precision)


def _key(recipe: Recipe, splits: Splits, seed: int, precision: Precision) -> str:
    return repr((recipe, seed, precision, splits.train.fingerprint, splits.validation.fingerprint))


def _cross_entropy(probabilities: Float32, validation: ImageSet) -> float:
    given = probabilities[np.arange(len(validation)), validation.labels]
    return float(-np.log(np.maximum(given, 1e-7)).mean())
