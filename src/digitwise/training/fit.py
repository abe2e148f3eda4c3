"""Fitting: a recipe and pictures in, a trained model out; the test set has no way in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitwise import models, runs
from digitwise.errors import RecipeError
from digitwise.images import Splits
from digitwise.recipes import Recipe
from digitwise.training.backend import make_deterministic
from digitwise.training.loops import on_accelerator
from digitwise.training.precision import Precision, best_precision
from digitwise.training.scans import with_scans
from digitwise.training.trainer import Trainer
from digitwise.training.watch import Watch

SHORTEST_SHARE = 10.0  # seconds of a budget for a member: below that one network, trained for longer, is better


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model and how it came about.

    Parameters
    ----------
    model : keras.Model
        Float32, Keras' own layers only: pictures float32 (n, h, w, c) in [0, 1] in, probabilities out.
    history : list of dict
        A row an epoch: ``epoch``, ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, ``seconds``; those of an
        ensemble's members stand one after another.
    fit_seconds : float
        Compilation, all epochs and their validations.
    compile_seconds : float
        The part of ``fit_seconds`` until the first step was done: building, tracing and compiling.
    images : int
        Training pictures shown.
    best_epoch : int
        The epoch with the lowest validation loss, from 1.
    """

    model: Any
    history: list[dict[str, Any]]
    fit_seconds: float
    compile_seconds: float
    images: int
    best_epoch: int


def fit(
    recipe: Recipe,
    splits: Splits,
    *,
    seed: int = 0,
    budget: float | None = None,
    precision: Precision | None = None,
    deterministic: bool = False,
    checkpoints: Path | None = None,
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
        Decides initial weights, order, augmentation, dropout and made scans. No two ensembles share a member's seed.
    budget : float, optional
        Seconds that ``fit_seconds`` shall come to: the schedule is stretched or shrunk to end then, and the recipe's
        number of epochs does not count. An ensemble's members get equal shares; where these would be too short to
        train in, there are fewer members. Making scans comes before and takes its own time.
    precision : {"float32", "bfloat16"}, optional
        By default what the processor is fast at.
    deterministic : bool
        The same seed gives the same weights, bit for bit, on the same machine. Holds for the whole process from then
        on.
    checkpoints : Path, optional
        Folder to keep the state in after each epoch.
    resume : bool
        Go on from the checkpoints there.
    watch : Watch, optional
        Told about every few batches and every epoch.

    Returns
    -------
    Fitted

    Raises
    ------
    RunError
        If the checkpoint belongs to another training.
    RecipeError
        If the budget was over before the training began, or is asked for together with ``deterministic``: how many
        steps a budget holds depends on the clock. If scans are to be made of pictures that are not grey and 28x28.
    """
    if deterministic and budget is not None:
        raise RecipeError("deterministic: expected no budget with it, whose steps depend on the clock; give epochs")
    if deterministic:
        make_deterministic()
    precision, watch = precision or best_precision(accelerator=on_accelerator()), watch or Watch()
    # The whole budget, not a member's share: that depends on the clock.
    choices = (recipe, budget, precision, deterministic, splits.train.fingerprint, splits.validation.fingerprint)
    splits = with_scans(splits, recipe.scans, seed=seed, watch=watch)
    members = recipe.members if budget is None else min(recipe.members, max(1, int(budget / SHORTEST_SHARE)))
    parts: list[Fitted] = []
    for member in range(members):
        if members > 1:
            watch.on_member(member + 1, members)
        spent = sum(part.fit_seconds for part in parts)
        share = None if budget is None else (budget - spent) / (members - member)
        own = (seed * recipe.members + member) % 2**32
        trainer = Trainer(recipe, splits, own, share, precision, watch, key=repr((*choices, own)))
        parts.append(_run(trainer, checkpoints and runs.checkpoint(checkpoints, member), resume=resume))
    return _joined(recipe, parts)


def _run(trainer: Trainer, checkpoint: Path | None, *, resume: bool) -> Fitted:
    if checkpoint is not None and resume:
        trainer.restore(checkpoint)
    while not trainer.finished:
        trainer.run_epoch()
        if checkpoint is not None:
            trainer.save(checkpoint)
    network, progress, seconds = trainer.shipped(), trainer.progress, trainer.seconds
    return Fitted(network, progress.history, seconds, progress.compile_seconds, trainer.images, progress.best_epoch)


def _joined(recipe: Recipe, parts: list[Fitted]) -> Fitted:
    """The members as one: their probabilities averaged, their epochs one after another."""
    history: list[dict[str, Any]] = []
    for part in parts:
        before = len(history)
        history += [{**row, "epoch": before + row["epoch"]} for row in part.history]
    return Fitted(
        model=models.averaged([part.model for part in parts], shifts=recipe.test_shifts),
        history=history,
        fit_seconds=sum(part.fit_seconds for part in parts),
        compile_seconds=sum(part.compile_seconds for part in parts),
        images=sum(part.images for part in parts),
        best_epoch=min(history, key=lambda row: row["val_loss"])["epoch"],
    )
