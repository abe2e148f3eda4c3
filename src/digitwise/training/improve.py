"""Fixing a run: find where its recipe fails, change the recipe, train, and see whether it helped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.errors import RunError
from digitwise.evaluation.fixes import Change, Fix, changes, find_in, fix_for, gatherings, halves, joined
from digitwise.evaluation.slices import Slice, find_slices
from digitwise.files import real
from digitwise.images import Dataset, Float64, UInt8
from digitwise.properties import properties
from digitwise.recipes import Augmentation, Recipe
from digitwise.runs import Run, check_place
from digitwise.training.folds import out_of_fold
from digitwise.training.train import train
from digitwise.training.watch import Watch

WIDER = 1.5  # times the range a recipe has
FIRST = Augmentation(  # what a range becomes that a recipe has not
    rotation_range=8, width_shift_range=1.5, height_shift_range=1.5, shear_range=6, zoom_range=0.1
)
FOCUS = 0.15  # share of extra samples
CHUNK = 10_000  # images measured at a time


@dataclass(frozen=True, eq=False)
class Improvement:
    """What came of fixing a run.

    Parameters
    ----------
    slices : list of Slice
        Groups with too many errors, of half the training images.
    fix : Fix
        All proposals as one.
    run : Run or None
        Of the fixed recipe; None where there was nothing that training can fix.
    changes : list of Change
        Each group and all images before and after, on the other half.
    """

    slices: list[Slice]
    fix: Fix
    run: Run | None
    changes: list[Change]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "fix": self.fix.words,
            "slices": [each.as_dict() for each in self.slices],
            "changes": [each.as_dict() for each in self.changes],
            "run": str(self.run.path) if self.run else None,
        }


def improve(
    run: Run, dataset: Dataset, *, out: Path | None = None, folds: int = 5, watch: Watch | None = None
) -> Improvement:
    """Find where a run's recipe fails, train it with the fixes proposed, and compare the two.

    Both recipes are cross-validated on the training images; groups are found in one half of the answers and judged,
    paired, on the other. The groups among all the answers are kept in the run's folder, for its report, whatever comes
    of them. The test set has no part in it but that the new run is tested once, as every run.

    Parameters
    ----------
    run : Run
    dataset : Dataset
        What it was trained on.
    out : Path, optional
        The new run's folder, by default ``<run>-fixed`` beside the run. ``improvement.json`` is written into it.
    folds : int
        Trainings of each cross-validation.
    watch : Watch, optional

    Returns
    -------
    Improvement

    Raises
    ------
    RunError
        If the data is not what the run was trained on, or something else lies where the new run shall.
    """
    recipe, images, info = Recipe.from_dict(run.info["recipe"]), dataset.train, run.info
    old = run.path.resolve()
    place = real(out or old.with_name(f"{old.name}-fixed"))
    check_place(place)  # before the work, not after it
    # A patch changes the training images; that it is about this data it has made sure of itself.
    if dataset.patch is None and dataset.train.fingerprint != info["data"]["fingerprint"]["train"]:
        raise RunError(f"{dataset.source}: expected the training images of {run.path}, got others; give --data")
    choices: dict[str, Any] = {"seed": info["seed"], "precision": info["precision"], "watch": watch}
    before = out_of_fold(recipe, images, folds=folds, **choices)
    measured = _measure(images.images)
    run.save_slices(gatherings(find_slices(before, measured), before, folds=folds))
    finding, judging = halves(images.labels)
    slices = find_in(finding, before, measured)
    proposal = joined([fix_for(each) for each in slices])
    if not (proposal.widen or proposal.focus):
        return Improvement(slices, proposal, None, [])
    changed = fixed(recipe, proposal)
    after = out_of_fold(changed, images, folds=folds, **choices)
    new = train(changed, dataset, out=place, validation=info["data"]["validation"], **choices)
    result = Improvement(slices, proposal, new, changes(slices, judging, before, after, measured))
    new.save_improvement({"of": str(run.path), "folds": folds, **result.as_dict()})
    return result


def fixed(recipe: Recipe, proposal: Fix) -> Recipe:
    """The recipe with wider ranges and more samples of poor classes, as proposed."""
    old = recipe.augmentation or Augmentation()
    ranges = {name: max(WIDER * getattr(old, name), getattr(FIRST, name)) for name in proposal.widen}
    return recipe.replace(
        name=f"{recipe.name}-fixed",
        purpose=f"{recipe.name} fixed: {proposal.words}",
        augmentation=Augmentation(**{**vars(old), **ranges}) if ranges else None,
        focus=max(recipe.focus, FOCUS) if proposal.focus else None,
    )


def _measure(images: UInt8) -> dict[str, Float64]:
    parts = [properties(images[start : start + CHUNK]) for start in range(0, len(images), CHUNK)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
