"""One recipe from several seeds: as many runs side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitwise import outputs, runs
from digitwise.data import load
from digitwise.data.streamed import AnyDataset, StreamedDataset, training_splits
from digitwise.errors import RecipeError, RunError
from digitwise.images import Dataset
from digitwise.recipes import Recipe, find
from digitwise.runs import Run
from digitwise.training.fit import fit
from digitwise.training.pool import Here, Pool
from digitwise.training.precision import Precision
from digitwise.training.train import SPLIT_SEED, choices_of, finished, settle, train, write_files
from digitwise.training.watch import Watch

LARGEST = 2**32 - 1  # seed that NumPy takes

Files = dict[str, bytes]  # of a run, by name


def train_seeds(
    recipe: str | Recipe,
    data: str | Path | AnyDataset = "mnist",
    seeds: Sequence[int] = range(5),
    out: str | Path | None = None,
    pool: Pool | None = None,
    *,
    validation: int | None = None,
    budget: float | None = None,
    precision: Precision | None = None,
    deterministic: bool = False,
    resume: bool = False,
    watch: Watch | None = None,
    tell: Callable[[Run], None] | None = None,
) -> list[Run]:
    """Train a recipe once from each seed, each training a run of its own.

    Parameters
    ----------
    recipe, data, validation, budget, precision, deterministic
        As for :func:`digitwise.train`; the budget is each training's.
    seeds : sequence of int
    out : str or Path, optional
        Folder for the runs, which are called ``seed-<n>``; by default ``results/<recipe>-seeds``.
    pool : Pool, optional
        Where the trainings run, by default here, one after another. Where the disk is not shared no checkpoints are
        kept, and a run's files are sent when it is whole.
    resume : bool
        Runs that are whole are given back as they are, others go on from their checkpoints.
    watch : Watch, optional
        Told about all trainings.
    tell : callable, optional
        Told each run when it is in its place.

    Returns
    -------
    list of Run
        In the order of the seeds.

    Raises
    ------
    RecipeError
        If there is no such recipe, it cannot be trained within the budget, or the seeds cannot be used.
    DataError
        If the data cannot be used.
    RunError
        If something else lies where a run shall, others are trained there, or a checkpoint to resume is another
        training's.
    """
    if not seeds or len(set(seeds)) < len(seeds) or not all(0 <= seed <= LARGEST for seed in seeds):
        raise RecipeError(f"seeds: expected different ones from 0 to {LARGEST}, got {', '.join(map(str, seeds))}")
    dataset = data if isinstance(data, Dataset | StreamedDataset) else load(data)
    recipe = find(recipe).for_size(len(dataset.train)) if isinstance(recipe, str) else recipe
    pool, watch = pool or Here(), watch or Watch()
    folder = (Path(out) if out is not None else Path("results") / f"{recipe.name}-seeds").resolve()
    places = {seed: folder / f"seed-{seed}" for seed in seeds}
    _check(folder, places.values())
    choices = choices_of(seeds[0], budget=budget, precision=precision, deterministic=deterministic)
    with outputs.claimed(folder, runs.RUN, inside=True):
        shared = _Shared(recipe, dataset, validation, choices, places if pool.shares_disk else None, resume)
        made = _earlier(shared, places, watch, tell) if resume else {}
        left = [seed for seed in seeds if seed not in made]
        try:
            for number, files in pool.run(_run, shared, left, [f"seed {seed}" for seed in left], watch):
                seed = left[number]
                run = Run.open(places[seed]) if files is None else _taken(files, places[seed])
                made[seed] = run
                watch.on_task_done(f"seed {seed}")
                if tell is not None:
                    tell(run)
        except BaseException:
            for seed in left:  # a process that was ended could not do so itself
                runs.abandon(places[seed])
            raise
        return [made[seed] for seed in seeds]


@dataclass(frozen=True, eq=False)
class _Shared:
    """What the trainings have in common; without places they have no disk in common with who asked."""

    recipe: Recipe
    dataset: AnyDataset
    validation: int | None
    choices: dict[str, Any]
    places: dict[int, Path] | None
    resume: bool


def _check(folder: Path, places: Any) -> None:
    if (folder / "run.json").exists():
        raise RunError(f"{folder}: expected a folder for several runs, got a run; choose another --out")
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: expected a folder for several runs, got a file; choose another --out")
    for place in places:
        runs.check_place(place)


def _earlier(
    shared: _Shared, places: dict[int, Path], watch: Watch, tell: Callable[[Run], None] | None
) -> dict[int, Run]:
    """The runs that are whole already."""
    splits = training_splits(shared.dataset, size=shared.validation, seed=SPLIT_SEED)
    found = {}
    for seed, place in places.items():
        run = finished(place, shared.recipe, {**shared.choices, "seed": seed}, shared.dataset, splits)
        if run is not None:
            found[seed] = run
            name = f"seed {seed}"
            watch.on_task(name).on_finished_earlier()
            watch.on_task_done(name)
            if tell is not None:
                tell(run)
    return found


def _run(shared: _Shared, seed: int, watch: Watch) -> Files | None:
    """Train from a seed, into its place; or, where that is on another machine, into files to be sent there."""
    choices = {**shared.choices, "seed": seed}
    if shared.places is not None:
        place, resume = shared.places[seed], shared.resume
        train(
            shared.recipe,
            shared.dataset,
            out=place,
            validation=shared.validation,
            **choices,
            resume=resume,
            watch=watch,
        )
        return None
    splits = training_splits(shared.dataset, size=shared.validation, seed=SPLIT_SEED)
    fitted = fit(shared.recipe, splits, **choices, watch=watch)
    with tempfile.TemporaryDirectory(prefix="digitwise-") as name:
        folder = Path(name)
        write_files(folder, shared.recipe, shared.dataset, splits, fitted, choices)
        return {file.name: file.read_bytes() for file in folder.iterdir()}


def _taken(files: Files, place: Path) -> Run:
    """Make the run that was trained elsewhere one of this machine; only here its look at the test set is noted."""
    with runs.building(place, resume=False) as partial:
        for name in sorted(files, key=lambda name: name == "run.json"):  # last, as a folder with one is whole
            (partial / name).write_bytes(files[name])
        return settle(partial, place)
