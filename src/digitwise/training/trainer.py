"""One network in training: its steps, epochs, validation and checkpoints; never the test set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from digitwise import models
from digitwise.errors import RecipeError, RunError
from digitwise.evaluation.calibration import negative_log_likelihood
from digitwise.images import ImageSet, Splits
from digitwise.recipes import Recipe
from digitwise.training.backend import keras
from digitwise.training.batch_norm import batch_norm
from digitwise.training.checkpoint import Arrays, Progress, load_checkpoint, save_checkpoint
from digitwise.training.feeds import Feed, feed_for
from digitwise.training.loops import make_loop, on_accelerator
from digitwise.training.optimizers import make_optimizer
from digitwise.training.precision import Precision, dtype_policy
from digitwise.training.schedule import BudgetPace, Pace, StepPace, learning_rates
from digitwise.training.starting import start_from
from digitwise.training.watch import Watch

CALLS = 12  # compiled calls an epoch: few enough to cost nothing, enough for a live display


class Trainer:
    """The moving parts of one network's training; :func:`digitwise.training.fit.fit` has what they mean."""

    def __init__(
        self,
        recipe: Recipe,
        splits: Splits,
        seed: int,
        budget: float | None,
        precision: Precision,
        watch: Watch,
        *,
        key: str,
    ) -> None:
        self.started = time.perf_counter()
        self.recipe, self.splits, self.seed, self.budget, self.watch = recipe, splits, seed, budget, watch
        train = splits.train
        keras.utils.set_random_seed(seed)
        policy = dtype_policy(precision)
        self.network = models.build(
            recipe.model, train.image_shape, train.n_classes, dtype=policy, batch_norm=batch_norm
        )
        self.feed: Feed = feed_for(recipe, self.network, splits, seed=seed)
        self.optimizer = make_optimizer(recipe)
        self.optimizer.build(self.feed.model.trainable_variables)
        self.steps = self.feed.epoch_steps
        self.chunk = min(self.feed.longest_call, self.steps if on_accelerator() else -(-self.steps // CALLS))
        self.loop = make_loop(self.feed.model, self.optimizer, recipe.label_smoothing, most=self.chunk)
        self.progress = Progress(key=key, class_errors=[0] * train.n_classes)
        self.pace = self._pace()
        self.best: Arrays = []
        watch.on_start(self.network)

    def _pace(self) -> Pace:
        done = self.progress
        if self.budget is None:
            return StepPace(self.steps * self.recipe.epochs, done.steps)
        # An image validated costs about a third of one trained on: there is no way back through the network.
        reserve = len(self.splits.validation) / self.recipe.batch_size / 3
        return BudgetPace(self.budget - self.seconds, reserve_steps=reserve, share=done.share)

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or early stopping has its way."""
        done, patience = len(self.progress.history), self.recipe.early_stopping
        stalled = patience is not None and done - self.progress.best_epoch >= patience
        return self.pace.finished or (done > 0 and stalled)

    def run_epoch(self) -> None:
        """Train for one epoch, or what is left of the budget; validate, and write the row."""
        epoch, started = len(self.progress.history), time.perf_counter()
        try:
            self.feed.begin(epoch, np.asarray(self.progress.class_errors) if epoch else None)
            loss, accuracy = self._steps(epoch)
        finally:
            self.feed.end()
        val_loss, val_accuracy = self._validate()
        row = {
            "epoch": epoch + 1,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "seconds": round(time.perf_counter() - started, 3),
        }
        self._take_best(row)
        self.progress.history.append(row)
        self.progress.share = self.pace.share
        self.watch.on_epoch(row, self.pace.share)

    def _steps(self, epoch: int) -> tuple[float, float]:
        """Take the epoch's steps; their mean loss and accuracy."""
        done, sums = 0, np.zeros(2)
        while done < self.steps and not self.pace.finished:
            shares = self.pace.shares(min(self.chunk, self.steps - done) if self.progress.steps else 1)
            inputs, targets = self.feed.steps(done, done + len(shares))
            sums += np.multiply(self.loop.train(inputs, targets, learning_rates(self.recipe, shares)), len(shares))
            if not self.progress.steps:
                self.progress.compile_seconds = time.perf_counter() - self.started
            done += len(shares)
            self.progress.steps += len(shares)
            loss, accuracy = sums / done
            self.watch.on_steps(epoch + 1, self.pace.share, float(loss), float(accuracy))
        return float(sums[0] / done), float(sums[1] / done)

    def _validate(self) -> tuple[float, float]:
        probabilities, validation = self.feed.validation(self.loop.predict), self.splits.validation
        wrong = probabilities.argmax(axis=1) != validation.labels
        missed = np.bincount(validation.labels[wrong], minlength=validation.n_classes)
        self.progress.class_errors = [int(a + b) for a, b in zip(self.progress.class_errors, missed, strict=True)]
        return negative_log_likelihood(probabilities, validation.labels), float(1 - wrong.mean())

    def _take_best(self, row: dict[str, Any]) -> None:
        losses = [past["val_loss"] for past in self.progress.history]
        if row["val_loss"] < min(losses, default=np.inf):
            self.progress.best_epoch = row["epoch"]
            if self.recipe.keep == "best":
                self.best = self.network.get_weights()

    def _state(self) -> list[Any]:
        """Every variable that training changes; the resident images are not among them."""
        variables = [v for v in self.feed.model.variables if v.dtype != "uint8"]
        return [*variables, *self.optimizer.variables]

    def start_from(self, source: str | Path) -> None:
        """Begin with the weights of a trained network; see :func:`digitwise.training.starting.start_from`."""
        train = self.splits.train
        if not isinstance(train, ImageSet):
            raise RecipeError("start from: expected training images in memory; train without --stream")
        start_from(self.network, source, train.images)

    def save(self, path: Path) -> None:
        """Write the checkpoint after an epoch."""
        self.progress.seconds, self.started = self.seconds, time.perf_counter()
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
        self.pace = self._pace()
        self.watch.on_resume(len(self.progress.history))

    @property
    def seconds(self) -> float:
        """Spent so far, earlier sessions included."""
        return self.progress.seconds + time.perf_counter() - self.started

    @property
    def images(self) -> int:
        """Images shown so far."""
        return self.progress.steps * min(self.recipe.batch_size, len(self.splits.train))
