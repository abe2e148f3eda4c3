"""Fitting: a recipe and images in, a trained model out; there is no parameter for test images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from digitwise import models, unfinished
from digitwise.images import Splits, TrainingImages
from digitwise.recipes import Recipe
from digitwise.recipes.recipe import SMALL
from digitwise.training.additions import with_scans
from digitwise.training.backend import make_deterministic
from digitwise.training.options import FitOptions
from digitwise.training.pool import Here, Pool
from digitwise.training.trainer import Arrays, Trainer, build
from digitwise.training.watch import Watch

SHORTEST_SHARE = 10.0  # seconds of a budget for a member: below that one network, trained for longer, is better
SHORTEST_MIXED = 25.0  # below that all members are of the first kind, which in ``accurate`` learns in less time
SLOWER = 0.2  # of the recipe's learning rate, in a training that starts from trained weights
SLOWEST = 0.02  # of it, on fewer images than ``SMALL``: more would overwrite what the weights know of other writers


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model and the course of its training.

    Parameters
    ----------
    model : keras.Model
        Float32, of Keras' own layers: images float32 (n, h, w, c) in [0, 1] to probabilities (n, n_classes).
    networks : tuple of str
        The kind of each member.
    history : list of dict
        A row for each epoch: ``epoch``, ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, ``seconds``. The epochs
        of an ensemble's members follow one another.
    fit_seconds : float
        Compilation, all epochs and their validations.
    compile_seconds : float
        The part of ``fit_seconds`` until the first step was done: building, tracing and compiling.
    images : int
        Number of training images shown.
    best_epoch : int
        The epoch with the lowest validation loss, from 1.
    """

    model: Any
    networks: tuple[str, ...]
    history: list[dict[str, Any]]
    fit_seconds: float
    compile_seconds: float
    images: int
    best_epoch: int


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """One trained network in plain values, which can be sent to other processes.

    Parameters
    ----------
    kind : str
        Its ``Recipe.model``.
    weights : list of ndarray
        Of a network as :func:`digitwise.models.build` makes it, float32, in Keras' order.
    history, fit_seconds, compile_seconds, images, best_epoch
        As in :class:`Fitted`.
    """

    kind: str
    weights: Arrays
    history: list[dict[str, Any]]
    fit_seconds: float
    compile_seconds: float
    images: int
    best_epoch: int

    @classmethod
    def of(cls, trainer: Trainer) -> Self:
        """The network of a finished training, with its last weights or those of the best epoch."""
        done, kind = trainer.progress, trainer.recipe.model
        weights = trainer.best or trainer.network.get_weights()
        return cls(kind, weights, done.history, trainer.seconds, done.compile_seconds, trainer.images, done.best_epoch)


def fit(
    recipe: Recipe,
    splits: Splits,
    options: FitOptions | None = None,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> Fitted:
    """Train a recipe.

    Parameters
    ----------
    recipe : Recipe
    splits : Splits
        Validation images choose the epoch where the recipe says so, and steer its focus.
    options : FitOptions, optional
    checkpoints : Path, optional
        Folder for the state after each epoch.
    resume : bool
        Continue from the checkpoints there.
    watch : Watch, optional
        Called every few batches and after every epoch.
    pool : Pool, optional
        Where the networks are trained, by default in this process, one after another. Elsewhere an ensemble's members
        get equal shares of a budget; checkpoints are kept only where the disk is shared.

    Returns
    -------
    Fitted

    Raises
    ------
    RunError
        If the checkpoint belongs to another training.
    RecipeError
        If the budget was over before the training began, or scans are to be made of images that are not grey and 28x28.
    """
    networks = fit_networks(recipe, splits, options, checkpoints=checkpoints, resume=resume, watch=watch, pool=pool)
    return joined(recipe, splits.train, networks)


def fit_networks(
    recipe: Recipe,
    splits: Splits,
    options: FitOptions | None = None,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
    watch: Watch | None = None,
    pool: Pool | None = None,
) -> list[TrainedNetwork]:
    """Train a recipe's networks; parameters and errors are those of :func:`fit`. :func:`joined` makes one model."""
    options, watch, pool = options or FitOptions(), watch or Watch(), pool or Here()
    if recipe.layers is None:
        for name in (recipe.model, *recipe.other_models):
            models.check_name(name)
    if options.deterministic:
        make_deterministic()
    source, budget = options.start_from, options.budget
    if source is not None:
        recipe = slowed(recipe, len(splits.train))
    # The key has the whole budget, not a member's share: that depends on the clock.
    prints = splits.train.fingerprint, splits.validation.fingerprint
    key = (recipe, budget, options.precision, options.deterministic, *prints, *([str(source)] if source else []))
    splits = with_scans(splits, recipe.scans, seed=options.seed, watch=watch)
    members = recipe.members if budget is None else min(recipe.members, max(1, int(budget / SHORTEST_SHARE)))
    if budget is not None and budget / members < SHORTEST_MIXED:
        recipe = recipe.replace(other_models=())
    job = _FitJob(recipe, splits, options, repr(key)[1:-1], checkpoints if pool.shares_disk else None, resume)
    if isinstance(pool, Here):
        return _one_by_one(job, members, watch)
    names = [f"network {member + 1} of {members}" if members > 1 else recipe.name for member in range(members)]
    tasks = [(member, None if budget is None else budget / members) for member in range(members)]
    networks: dict[int, TrainedNetwork] = {}
    for member, network in pool.run(_fit_member, job, tasks, names, watch):
        networks[member] = network
        watch.on_task_done(names[member])
    return [networks[member] for member in range(members)]


def slowed(recipe: Recipe, n: int) -> Recipe:
    """The recipe for a training on ``n`` images that starts from trained weights: its learning rate is lower."""
    return recipe.replace(learning_rate=(SLOWEST if n < SMALL else SLOWER) * recipe.learning_rate)


@dataclass(frozen=True, eq=False)
class _FitJob:
    """What the trainings of a recipe's networks have in common."""

    recipe: Recipe
    splits: Splits
    options: FitOptions
    key: str
    checkpoints: Path | None
    resume: bool


def _one_by_one(job: _FitJob, members: int, watch: Watch) -> list[TrainedNetwork]:
    """Train the networks in this process; the time a network leaves of its share goes to those after it."""
    networks: list[TrainedNetwork] = []
    budget = job.options.budget
    for member in range(members):
        if members > 1:
            watch.on_member(member + 1, members)
        spent = sum(network.fit_seconds for network in networks)
        share = None if budget is None else (budget - spent) / (members - member)
        networks.append(_fit_member(job, (member, share), watch))
    return networks


def _fit_member(job: _FitJob, task: tuple[int, float | None], watch: Watch) -> TrainedNetwork:
    """Train one network, given its number, from 0, and its share of the budget."""
    member, share = task
    if job.options.deterministic:  # this may be another process
        make_deterministic()
    seed = (job.options.seed * job.recipe.members + member) % 2**32
    options = replace(job.options, seed=seed, budget=share)
    trainer = Trainer(job.recipe.of_member(member), job.splits, options, watch, key=f"({job.key}, {seed})")
    checkpoint = job.checkpoints and unfinished.checkpoint(job.checkpoints, member)
    if checkpoint is not None and job.resume:
        trainer.restore(checkpoint)
    while not trainer.finished:
        trainer.run_epoch()
        if checkpoint is not None:
            trainer.save(checkpoint)
    return TrainedNetwork.of(trainer)


def joined(recipe: Recipe, train: TrainingImages, networks: list[TrainedNetwork]) -> Fitted:
    """Join trained networks into one model that averages their probabilities.

    Parameters
    ----------
    recipe : Recipe
    train : TrainingImages
        Their training images, for the images' shape and the classes.
    networks : list of TrainedNetwork
        In the order of the members.

    Returns
    -------
    Fitted
    """
    history: list[dict[str, Any]] = []
    for each in networks:
        before = len(history)
        history += [{**row, "epoch": before + row["epoch"]} for row in each.history]
    return Fitted(
        model=models.averaged([_built(recipe, train, each) for each in networks], shifts=recipe.test_shifts),
        networks=tuple(each.kind for each in networks),
        history=history,
        fit_seconds=sum(each.fit_seconds for each in networks),
        compile_seconds=sum(each.compile_seconds for each in networks),
        images=sum(each.images for each in networks),
        best_epoch=min(history, key=lambda row: row["val_loss"])["epoch"],
    )


def _built(recipe: Recipe, train: TrainingImages, trained: TrainedNetwork) -> Any:
    """A float32 network of Keras' own layers with the trained weights."""
    network = build(recipe.replace(model=trained.kind), train)
    network.set_weights(trained.weights)
    return network
