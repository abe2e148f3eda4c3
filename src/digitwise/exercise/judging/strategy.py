"""The third model's training: more for the classes with errors, augmentation that is fair, training pictures alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from digitwise.exercise.evidence import Fed, Fit
from digitwise.exercise.judging.augmentations import does_something, excesses, flips, looks_flipped
from digitwise.exercise.judging.case import Case, Verdict
from digitwise.images import Float64

UNEVEN = 1.05  # the favoured classes' weight over the others': less comes from splitting validation pictures off
WORST = 3  # classes
CLEARLY_WRONG = 0.01  # chance of so few errors in the favoured classes, were their errors like the others'
NO_FLIPS = "Do not flip: a mirrored 2 is no 2, and a 6 upside down is a 9. Turn, shift and zoom a little instead."


def focus(case: Case) -> Verdict:
    """More training pictures, or more weight, for the classes with the most errors."""
    from scipy.special import bdtr

    hint = "Give the classes with the most errors more pictures, class_weight or sample_weight in model3's fit."
    weights = _weights(case)
    if weights is None:
        return _untrained(case)
    relative = weights / case.dataset.train.class_counts
    if not relative.min() * UNEVEN < relative.max():
        return Verdict(0, "every class has the weight that it has in the training set", hint)
    favoured = np.flatnonzero(relative > np.median(relative) * (1 + (UNEVEN - 1) / 2))
    favoured = favoured if len(favoured) else np.array([relative.argmax()])
    names = ", ".join(map(str, favoured[np.argsort(-relative[favoured])]))
    missed = case.missed("model2")
    if missed is None or not missed.any():
        return Verdict(1, f"more weight for {names}")
    errors = np.bincount(case.labels[missed], minlength=len(relative))
    worst = [place for place in np.argsort(-errors, kind="stable")[:WORST] if errors[place]]
    told = ", ".join(f"{place} ({errors[place]})" for place in worst)
    reason = f"more weight for {names}; the improved model's errors are mostly of {told}"
    # A student counts errors on other pictures, where chance deals them otherwise: only what is clearly wrong counts.
    share = case.dataset.test.class_counts[favoured].sum() / len(case.labels)
    if bdtr(float(errors[favoured].sum()), int(errors.sum()), share) >= CLEARLY_WRONG:
        return Verdict(1, reason)
    return Verdict(0.5, reason, "Count model2's errors by class, and give more to those that have most.")


def augmented(case: Case) -> Verdict:
    """Augmentation that leaves a digit its label, on training pictures alone."""
    fits = case.fits("model3")
    if not fits:
        return _untrained(case)
    settings = [each for fit in fits for each in fit.augmentations]
    width = case.dataset.train.image_shape[1]
    if harm := _harm(case, fits, settings):
        return harm
    if does_something(settings, width):
        return Verdict(
            1, f"{', '.join(sorted({kind for kind, _ in settings}))} within sane ranges, on training pictures"
        )
    if any(fit.fed.pictures is not None or fit.fed.train + fit.fed.test < 0.9 * fit.fed.seen for fit in fits):
        return Verdict(1, "the pictures that went in are changed training pictures, none of them flipped")
    return Verdict(
        0,
        "the training pictures went in as they are",
        "Turn, shift and zoom a little: ImageDataGenerator(rotation_range=10, zoom_range=0.1), or Random layers.",
    )


def _harm(case: Case, fits: list[Fit], settings: list[tuple[str, Mapping[str, Any]]]) -> Verdict | None:
    """What is wrong with the pictures that a training got."""
    if learned := case.learned_test("model3"):
        hint = "Augment and train on training pictures only."
        return Verdict(0, f"{learned:,} test pictures went into the training", hint)
    if found := flips(settings):
        return Verdict(0, f"pictures are flipped ({', '.join(sorted(set(found)))})", NO_FLIPS)
    if how := next(filter(None, (_flipped(case, fit.fed) for fit in fits)), ""):
        return Verdict(0, f"many of the pictures that went in are flipped {how}", NO_FLIPS)
    if found := excesses(settings, case.dataset.train.image_shape[1]):
        hint = "Augment less: look at a few pictures and ask whether you would still read them."
        return Verdict(0.5, "; ".join(sorted(set(found))), hint)
    return None


def _flipped(case: Case, fed: Fed) -> str:
    """How the pictures that went in are flipped, as far as they show it."""
    train = case.dataset.train
    if fed.pictures is None or fed.pictures.shape[1] != train.images[0].size:
        return ""
    labelled = [place for place, label in enumerate(fed.labels) if 0 <= label < train.n_classes]
    return looks_flipped(fed.pictures[labelled], [fed.labels[place] for place in labelled], train)


def _weights(case: Case) -> Float64 | None:
    """What weight each class has in the third model's trainings together."""
    total = np.zeros(case.dataset.train.n_classes)
    for fit in case.fits("model3"):
        counts = fit.fed.counts
        if counts is not None and len(counts) == len(total):
            total += counts * [fit.class_weight.get(place, 1.0) for place in range(len(total))]
    return total if total.sum() > 0 else None


def _untrained(case: Case) -> Verdict:
    if "model3" not in case.evidence.models:
        return case.unknown("model3")
    return Verdict(0, "no fit of model3 was seen", "Train model3 itself, with fit, in the notebook that you hand in.")
