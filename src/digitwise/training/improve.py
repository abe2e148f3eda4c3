"""Fixing a run: find where its recipe fails, change the recipe, train it, and compare the two."""

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
from digitwise.runs import Run
from digitwise.training.folds import cross_validations
from digitwise.training.options import FitOptions
from digitwise.training.train import train
from digitwise.training.watch import Watch
from digitwise.unfinished import check_place

WIDER = 1.5  # factor for a range that the recipe has
FIRST = Augmentation(  # for a range that the recipe lacks
    rotation_range=8, width_shift_range=1.5, height_shift_range=1.5, shear_range=6, zoom_range=0.1
)
FOCUS = 0.15  # share of extra samples
CHUNK = 10_000  # images whose properties are measured at a time


@dataclass(frozen=True, eq=False)
class Improvement:
    """The result of fixing a run.

    Parameters
    ----------
    slices : list of Slice
        Groups with too many errors in one half of the training images.
    fix : Fix
        All proposals joined.
    run : Run or None
        Of the fixed recipe; None where training can fix nothing.
    changes : list of Change
        Each group and all images, before and after, in the other half.
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

    Both recipes are cross-validated on the training images; groups are found in one half of the predictions and
    compared, paired, in the other. The groups in all predictions are saved in the run's folder, for its report. The
    test set is used only to evaluate the new run once, as every run.

    Parameters
    ----------
    run : Run
    dataset : Dataset
        The data of the run.
    out : Path, optional
        The new run's folder, by default ``<run>-fixed`` beside the run. ``improvement.json`` is written into it.
    folds : int
        Of each cross-validation.
    watch : Watch, optional

    Returns
    -------
    Improvement

    Raises
    ------
    RunError
        If the data is not that of the run, or ``out`` is something else than a run folder.
    """
    recipe, images, info = Recipe.from_dict(run.info["recipe"]), dataset.train, run.info
    old = run.path.resolve()
    place = real(out or old.with_name(f"{old.name}-fixed"))
    check_place(place)  # before the work, not after it
    # A patch changes the training images; it has checked itself that it belongs to this data.
    if dataset.patch is None and dataset.train.fingerprint != info["data"]["fingerprint"]["train"]:
        raise RunError(f"{dataset.source}: expected the training images of {run.path}, got others; give data (--data)")
    options = FitOptions(seed=info["seed"], precision=info["precision"])
    (before,) = cross_validations(recipe, images, [options], folds=folds, watch=watch)
    measured = _measure(images.images)
    run.save_slices(gatherings(find_slices(before, measured), before, folds=folds))
    finding, judging = halves(images.labels)
    slices = find_in(finding, before, measured)
    proposal = joined([fix_for(each) for each in slices])
    if not (proposal.widen or proposal.focus):
        return Improvement(slices, proposal, None, [])
    changed = fixed(recipe, proposal)
    (after,) = cross_validations(changed, images, [options], folds=folds, watch=watch)
    new = train(changed, dataset, options, out=place, validation=info["data"]["validation"], watch=watch)
    result = Improvement(slices, proposal, new, changes(slices, judging, before, after, measured))
    new.save_improvement({"of": str(run.path), "folds": folds, **result.as_dict()})
    return result


def fixed(recipe: Recipe, proposal: Fix) -> Recipe:
    """The recipe with wider ranges and more samples of classes with many errors, as proposed."""
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
