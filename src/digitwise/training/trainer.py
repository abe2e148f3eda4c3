"""The training of one network: steps, epochs, validation and checkpoints; never the test set."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitwise import models
from digitwise.errors import RecipeError, RunError
from digitwise.evaluation.calibration import negative_log_likelihood
from digitwise.files import whole_file
from digitwise.images import ImageSet, Splits, TrainingImages
from digitwise.recipes import Recipe
from digitwise.training.backend import batch_norm, keras, on_accelerator, set_seed
from digitwise.training.feeds import Feed, feed_for
from digitwise.training.loops import make_loop
from digitwise.training.optimizers import make_optimizer
from digitwise.training.options import FitOptions
from digitwise.training.saving import start_from
from digitwise.training.schedule import BudgetPace, Pace, StepPace, learning_rates
from digitwise.training.watch import Watch

CALLS = 12  # compiled calls an epoch: few enough to cost nothing, enough for a live display

Arrays = list[NDArray[Any]]


@dataclass
class TrainingProgress:
    """The progress of a training, as its checkpoint has it.

    Parameters
    ----------
    key : str
        Recipe, options and data; a checkpoint with another key is refused.
    history : list of dict
        One row for each finished epoch.
    steps : int
        Number of steps so far.
    share : float
        Share of the training that is done, in [0, 1].
    seconds, compile_seconds : float
        Fit time so far, earlier sessions included, and the part of it until the first step was done.
    class_errors : list of int
        Validation errors of each class, summed over the finished epochs.
    best_epoch : int
        The epoch with the lowest validation loss, from 1; 0 before the first epoch.
    """

    key: str
    history: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0
    share: float = 0.0
    seconds: float = 0.0
    compile_seconds: float = 0.0
    class_errors: list[int] = field(default_factory=list)
    best_epoch: int = 0


def build(recipe: Recipe, train: TrainingImages, **how: Any) -> Any:
    """The recipe's untrained network for these images, see :func:`digitwise.models.build`."""
    shape, classes = train.image_shape, train.n_classes
    return models.build(recipe.model, shape, classes, dropout=recipe.dropout, layers=recipe.layers, **how)


class Trainer:
    """Trains one network, epoch by epoch.

    Parameters
    ----------
    recipe : Recipe
    splits : Splits
    options : FitOptions
        With the network's own seed and share of the budget.
    watch : Watch
    key : str
        See :class:`TrainingProgress`.
    """

    def __init__(self, recipe: Recipe, splits: Splits, options: FitOptions, watch: Watch, *, key: str) -> None:
        self.started = time.perf_counter()
        self.recipe, self.splits, self.options, self.watch = recipe, splits, options, watch
        train = splits.train
        if recipe.layers is None:
            set_seed(options.seed)
        else:
            keras.utils.set_random_seed(options.seed)  # unseeded layers of one's own draw from Keras itself
        self.network = build(recipe, train, dtype=options.dtype_policy, batch_norm=batch_norm)
        if options.start_from is not None:
            if not isinstance(train, ImageSet):
                raise RecipeError("start from: expected training images in memory; train without --stream")
            start_from(self.network, options.start_from, train.images)
        self.feed: Feed = feed_for(recipe, self.network, splits, seed=options.seed)
        self.optimizer = make_optimizer(recipe, options.precision or "float32")
        self.optimizer.build(self.feed.model.trainable_variables)
        self.steps = self.feed.epoch_steps
        self.chunk = min(self.feed.longest_call, self.steps if on_accelerator() else -(-self.steps // CALLS))
        self.loop = make_loop(self.feed.model, self.optimizer, recipe.label_smoothing, most=self.chunk)
        self.progress = TrainingProgress(key=key, class_errors=[0] * train.n_classes)
        self.pace = self._pace()
        self.best: Arrays = []
        watch.on_start(self.network)

    def _pace(self) -> Pace:
        done = self.progress
        if self.options.budget is None:
            return StepPace(self.steps * self.recipe.epochs, done.steps)
        # Validating an image takes about a third of training on it, which also has a backward pass.
        reserve = len(self.splits.validation) / self.recipe.batch_size / 3
        return BudgetPace(self.options.budget - self.seconds, reserve_steps=reserve, share=done.share)

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or early stopping ends the training."""
        done, patience = len(self.progress.history), self.recipe.early_stopping
        stalled = patience is not None and done - self.progress.best_epoch >= patience
        return self.pace.finished or (done > 0 and stalled)

    def run_epoch(self) -> None:
        """Train for one epoch, or for what is left of the budget; validate, and add a row to the history."""
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
        """Train for the epoch's steps; return their mean loss and accuracy."""
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
        """Return all variables that training changes, which excludes the resident images."""
        variables = [v for v in self.feed.model.variables if v.dtype != "uint8"]
        return [*variables, *self.optimizer.variables]

    def save(self, path: Path) -> None:
        """Write the checkpoint after an epoch."""
        self.progress.seconds, self.started = self.seconds, time.perf_counter()
        state = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in self._state()]
        save_checkpoint(path, self.progress, state, self.best)

    def restore(self, path: Path) -> None:
        """Continue from the checkpoint, if there is one."""
        found = load_checkpoint(path, self.progress.key)
        if found is None:
            return
        self.progress, state, self.best = found
        variables = self._state()
        if len(state) != len(variables):
            raise RunError(f"{path}: a checkpoint of another version of Keras; start again without resume (--resume)")
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        self.pace = self._pace()
        self.watch.on_resume(len(self.progress.history))

    @property
    def seconds(self) -> float:
        """Fit time so far, earlier sessions included."""
        return self.progress.seconds + time.perf_counter() - self.started

    @property
    def images(self) -> int:
        """Number of images shown so far."""
        return self.progress.steps * min(self.recipe.batch_size, len(self.splits.train))


def save_checkpoint(path: Path, progress: TrainingProgress, state: Arrays, best: Arrays) -> None:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : Path
    progress : TrainingProgress
    state : list of ndarray
        All variables that training changes: weights, optimizer, random seeds.
    best : list of ndarray
        The network's weights after the best epoch; empty where the recipe keeps the last.
    """
    arrays: dict[str, Any] = {"progress": np.array(json.dumps(asdict(progress)))}
    arrays |= {f"state_{i}": array for i, array in enumerate(state)}
    arrays |= {f"best_{i}": array for i, array in enumerate(best)}
    with whole_file(path) as temporary:
        np.savez(temporary, **arrays)


def load_checkpoint(path: Path, key: str) -> tuple[TrainingProgress, Arrays, Arrays] | None:
    """Read a checkpoint; None where there is none.

    Raises
    ------
    RunError
        If it belongs to a training with another key, or is damaged.
    """
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            progress = TrainingProgress(**json.loads(str(archive["progress"])))
            groups = [
                [archive[f"{kind}{i}"] for i in range(sum(name.startswith(kind) for name in archive.files))]
                for kind in ("state_", "best_")
            ]
    except Exception as error:  # NumPy's parser and unpacking raise whatever they meet
        raise RunError(f"{path}: not a checkpoint of this version; start again without resume (--resume)") from error
    if progress.key != key:
        raise RunError(
            f"{path}: a checkpoint of another recipe, seed or data set; start again without resume (--resume)"
        )
    return progress, groups[0], groups[1]
