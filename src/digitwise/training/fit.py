"""Fitting: a recipe and images in, a trained model out; the test set has no way in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from digitwise import models, runs
from digitwise.errors import RecipeError
from digitwise.images import Splits, TrainingImages
from digitwise.recipes import Recipe
from digitwise.training.backend import make_deterministic
from digitwise.training.checkpoint import Arrays
from digitwise.training.loops import on_accelerator
from digitwise.training.pool import Here, Pool
from digitwise.training.precision import Precision, best_precision
from digitwise.training.scans import with_scans
from digitwise.training.starting import slowed
from digitwise.training.trainer import Trainer
from digitwise.training.watch import Watch

SHORTEST_SHARE = 10.0  # seconds of a budget for a member: below that one network, trained for longer, is better


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model and how it came about.

    Parameters
    ----------
    model : keras.Model
        Float32, Keras' own layers only: images float32 (n, h, w, c) in [0, 1] in, probabilities out.
    history : list of dict
        A row an epoch: ``epoch``, ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, ``seconds``; those of an
        ensemble's members stand one after another.
    fit_seconds : float
        Compilation, all epochs and their validations.
    compile_seconds : float
        The part of ``fit_seconds`` until the first step was done: building, tracing and compiling.
    images : int
        Training images shown.
    best_epoch : int
        The epoch with the lowest validation loss, from 1.
    """

    model: Any
    history: list[dict[str, Any]]
    fit_seconds: float
    compile_seconds: float
    images: int
    best_epoch: int


@dataclass(frozen=True, eq=False)
class Part:
    """What comes of one network's training, in plain values that can be sent.

    Parameters
    ----------
    weights : list of ndarray
        Of a network as :func:`digitwise.models.build` makes it, float32, in Keras' order.
    history, fit_seconds, compile_seconds, images, best_epoch
        As in :class:`Fitted`.
    """

    weights: Arrays
    history: list[dict[str, Any]]
    fit_seconds: float
    compile_seconds: float
    images: int
    best_epoch: int

    @classmethod
    def of(cls, trainer: Trainer) -> Self:
        """What a finished training gives: the weights as they are, or of the best epoch."""
        done = trainer.progress
        weights = trainer.best or trainer.network.get_weights()
        return cls(weights, done.history, trainer.seconds, done.compile_seconds, trainer.images, done.best_epoch)


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
    start_from: str | Path | None = None,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> Fitted:
    """Train a recipe.

    Parameters
    ----------
    recipe : Recipe
    splits : Splits
        Validation images choose the epoch where the recipe says so, and steer its focus.
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
    start_from : str or Path, optional
        Begin with the weights of a trained network, see :func:`~digitwise.training.starting.start_from`, and at a part
        of the learning rate, see :func:`~digitwise.training.starting.slowed`.
    watch : Watch, optional
        Told about every few batches and every epoch.
    pool : Pool, optional
        Where the networks are trained, by default here, one after another. Elsewhere an ensemble's members get equal
        shares of a budget; checkpoints are kept only where the disk is shared.

    Returns
    -------
    Fitted

    Raises
    ------
    RunError
        If the checkpoint belongs to another training.
    RecipeError
        If the budget was over before the training began, or is asked for together with ``deterministic``: how many
        steps a budget holds depends on the clock. If scans are to be made of images that are not grey and 28x28.
    """
    parts = fit_parts(
        recipe,
        splits,
        seed=seed,
        budget=budget,
        precision=precision,
        deterministic=deterministic,
        checkpoints=checkpoints,
        resume=resume,
        start_from=start_from,
        watch=watch,
        pool=pool,
    )
    return joined(recipe, splits.train, parts)


def fit_parts(
    recipe: Recipe,
    splits: Splits,
    *,
    seed: int = 0,
    budget: float | None = None,
    precision: Precision | None = None,
    deterministic: bool = False,
    checkpoints: Path | None = None,
    resume: bool = False,
    start_from: str | Path | None = None,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> list[Part]:
    """Train a recipe's networks; parameters and errors as of :func:`fit`, :func:`joined` makes one model of them."""
    if deterministic and budget is not None:
        raise RecipeError("deterministic: expected no budget with it, whose steps depend on the clock; give epochs")
    if deterministic:
        make_deterministic()
    precision, watch = precision or best_precision(accelerator=on_accelerator()), watch or Watch()
    pool = pool or Here()
    # The whole budget, not a member's share: that depends on the clock.
    if start_from is not None:
        recipe = slowed(recipe, len(splits.train))
    prints = splits.train.fingerprint, splits.validation.fingerprint
    choices = (recipe, budget, precision, deterministic, *prints, *([str(start_from)] if start_from else []))
    splits = with_scans(splits, recipe.scans, seed=seed, watch=watch)
    members = recipe.members if budget is None else min(recipe.members, max(1, int(budget / SHORTEST_SHARE)))
    kept = checkpoints if pool.shares_disk else None
    shared = _Shared(recipe, splits, precision, deterministic, kept, resume, seed, repr(choices)[1:-1], start_from)
    if isinstance(pool, Here):
        return _one_by_one(shared, members, budget, watch)
    names = [f"network {member + 1} of {members}" if members > 1 else recipe.name for member in range(members)]
    tasks = [(member, None if budget is None else budget / members) for member in range(members)]
    parts: dict[int, Part] = {}
    for member, part in pool.run(_member, shared, tasks, names, watch):
        parts[member] = part
        watch.on_task_done(names[member])
    return [parts[member] for member in range(members)]


@dataclass(frozen=True, eq=False)
class _Shared:
    """What the trainings of a recipe's networks have in common."""

    recipe: Recipe
    splits: Splits
    precision: Precision
    deterministic: bool
    checkpoints: Path | None
    resume: bool
    seed: int
    choices: str
    start_from: str | Path | None


def _one_by_one(shared: _Shared, members: int, budget: float | None, watch: Watch) -> list[Part]:
    """The networks in this process; what one leaves of its share of the budget, the next ones get."""
    parts: list[Part] = []
    for member in range(members):
        if members > 1:
            watch.on_member(member + 1, members)
        spent = sum(part.fit_seconds for part in parts)
        share = None if budget is None else (budget - spent) / (members - member)
        parts.append(_member(shared, (member, share), watch))
    return parts


def _member(shared: _Shared, task: tuple[int, float | None], watch: Watch) -> Part:
    """Train one network, given its number, from 0, and its share of the budget."""
    member, share = task
    if shared.deterministic:  # this may be another process
        make_deterministic()
    seed = (shared.seed * shared.recipe.members + member) % 2**32
    key = f"({shared.choices}, {seed})"
    trainer = Trainer(shared.recipe, shared.splits, seed, share, shared.precision, watch, key=key)
    checkpoint = shared.checkpoints and runs.checkpoint(shared.checkpoints, member)
    if shared.start_from is not None:
        trainer.start_from(shared.start_from)
    if checkpoint is not None and shared.resume:
        trainer.restore(checkpoint)
    while not trainer.finished:
        trainer.run_epoch()
        if checkpoint is not None:
            trainer.save(checkpoint)
    return Part.of(trainer)


def joined(recipe: Recipe, train: TrainingImages, parts: list[Part]) -> Fitted:
    """The networks as one model: their probabilities averaged, their epochs one after another.

    Parameters
    ----------
    recipe : Recipe
    train : TrainingImages
        What they were trained on, for its images' shape and its classes.
    parts : list of Part
        In the order of the members.
    """
    history: list[dict[str, Any]] = []
    for part in parts:
        before = len(history)
        history += [{**row, "epoch": before + row["epoch"]} for row in part.history]
    return Fitted(
        model=models.averaged([_network(recipe, train, part) for part in parts], shifts=recipe.test_shifts),
        history=history,
        fit_seconds=sum(part.fit_seconds for part in parts),
        compile_seconds=sum(part.compile_seconds for part in parts),
        images=sum(part.images for part in parts),
        best_epoch=min(history, key=lambda row: row["val_loss"])["epoch"],
    )


def _network(recipe: Recipe, train: TrainingImages, part: Part) -> Any:
    """A float32 network of Keras' own layers."""
    network = models.build(recipe.model, train.image_shape, train.n_classes)
    network.set_weights(part.weights)
    return network
