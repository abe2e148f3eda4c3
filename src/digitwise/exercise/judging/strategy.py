"""The third model's training: more for the classes with errors, augmentation that is fair, training pictures alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from digitwise.exercise.evidence import Fed, Fit
from digitwise.exercise.judging.case import Case, Verdict
from digitwise.images import Float32, Float64, ImageSet, UInt8

# What a digit can bear. Beyond it a 1 looks like a 7, a 6 like a 9, or the digit leaves the picture.
MOST = {
    "rotation": (40, "degrees"),
    "shift": (0.2, "of the width"),
    "zoom": (0.3, "of the size"),
    "shear": (30, "degrees"),
}
FLIPS = ("horizontal_flip", "vertical_flip")
REFERENCES = 80  # training pictures of a class that a flipped one is held against
TELLING = 0.35  # share of unflipped pictures that look flipped, above which flips cannot be told
FEWEST = 60  # pictures
UNEVEN = 1.05  # the favoured classes' weight over the others': less comes from splitting validation pictures off
WORST = 3  # classes
CLEARLY_WRONG = 0.01  # chance of so few errors in the favoured classes, were their errors like the others'
NO_FLIPS = "Do not flip: a mirrored 2 is no 2, and a 6 upside down is a 9. Turn, shift and zoom a little instead."


def flips(augmentations: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """The flips among settings, in words."""
    found = [
        name for kind, settings in augmentations if kind == "ImageDataGenerator" for name in FLIPS if settings.get(name)
    ]
    return [f"{name}=True" for name in found] + [kind for kind, _ in augmentations if kind == "RandomFlip"]


def excesses(augmentations: Sequence[tuple[str, Mapping[str, Any]]], width: int) -> list[str]:
    """The settings that are more than a digit can bear, in words."""
    found = []
    for kind, settings in augmentations:
        for what, amount in _amounts(kind, settings, width):
            most, unit = MOST[what]
            if amount > most * 1.001:
                found.append(f"{what} of up to {amount:.3g} {unit}, at most {most:g} are sane")
    return found


def does_something(augmentations: Sequence[tuple[str, Mapping[str, Any]]], width: int) -> bool:
    """Whether settings change pictures at all."""
    changing = any(amount > 0 for kind, settings in augmentations for _, amount in _amounts(kind, settings, width))
    others = any(
        kind.startswith("Random") and not list(_amounts(kind, settings, width)) for kind, settings in augmentations
    )
    return changing or others


def _amounts(kind: str, settings: Mapping[str, Any], width: int) -> Iterator[tuple[str, float]]:
    if kind == "ImageDataGenerator":
        yield "rotation", _largest(settings.get("rotation_range", 0))
        for name in ("width_shift_range", "height_shift_range"):
            amount = _largest(settings.get(name, 0))
            yield "shift", amount if amount < 1 else amount / width  # from 1 on these are pixels
        yield "shear", _largest(settings.get("shear_range", 0))
        zoom = settings.get("zoom_range", [1, 1])
        yield (
            "zoom",
            max((abs(float(each) - 1) for each in zoom), default=0.0) if isinstance(zoom, list) else _largest(zoom),
        )
    elif kind == "RandomRotation":
        yield "rotation", 360 * _largest(settings.get("factor", 0))
    elif kind in ("RandomTranslation", "RandomZoom"):
        for name in ("height_factor", "width_factor"):
            yield "shift" if kind == "RandomTranslation" else "zoom", _largest(settings.get(name, 0))
    elif kind == "RandomShear":
        for name in ("x_factor", "y_factor"):
            yield "shear", math.degrees(math.atan(_largest(settings.get(name, 0))))


def _largest(value: Any) -> float:
    values = value if isinstance(value, list | tuple) else [value]
    return max((abs(float(each)) for each in values if isinstance(each, int | float)), default=0.0)


def looks_flipped(pictures: UInt8, labels: Sequence[int], train: ImageSet) -> str:
    """Whether some pictures of a class look more like its training pictures when they are flipped back.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (k, pixels)
        As they went into a training.
    labels : sequence of int
    train : ImageSet
        Grey pictures.

    Returns
    -------
    str
        ``left to right``, ``upside down``, or empty. Some digits look the same either way; how many is measured on
        training pictures, and where it is most of them, nothing is said.
    """
    if train.images.ndim != 3 or len(pictures) < FEWEST:
        return ""
    given = pictures.reshape(-1, *train.images.shape[1:])
    classes = np.array(labels)
    order = np.random.default_rng(0).permutation(len(train))
    references, fresh = order[: REFERENCES * train.n_classes], order[REFERENCES * train.n_classes :][: len(given)]
    if len(fresh) < FEWEST:
        references, fresh = order[: len(order) // 2], order[len(order) // 2 :][: len(given)]
    known, known_classes = _aligned(train.images[references]), train.labels[references]
    for axis, word in ((2, "left to right"), (1, "upside down")):
        usual = _share_better_flipped(train.images[fresh], train.labels[fresh], known, known_classes, axis)
        share = _share_better_flipped(given, classes, known, known_classes, axis)
        if usual < TELLING and share > (usual + 0.5) / 2:  # half of them flipped would be halfway from usual to 1
            return word
    return ""


def _share_better_flipped(pictures: UInt8, labels: Any, known: Float32, known_classes: Any, axis: int) -> float:
    as_given = _likeness(_aligned(pictures), labels, known, known_classes)
    flipped = _likeness(_aligned(np.flip(pictures, axis)), labels, known, known_classes)
    return float((flipped > as_given).mean())


def _likeness(rows: Float32, labels: Any, known: Float32, known_classes: Any) -> Float32:
    """The cosine to the most similar known picture of the same class, for each row."""
    like = rows @ known.T
    like[np.asarray(labels)[:, None] != known_classes[None, :]] = -1
    return np.asarray(like.max(axis=1), np.float32)


def _aligned(pictures: UInt8) -> Float32:
    """Rows of length one: blurred, and moved by whole pixels so that the centre of mass is in the middle."""
    from scipy.ndimage import uniform_filter

    soft = uniform_filter(pictures.astype(np.float32), (0, 3, 3))
    height, width = soft.shape[1:]
    mass = np.maximum(soft.sum(axis=(1, 2)), 1e-6)
    down = np.rint(height / 2 - (soft.sum(axis=2) * np.arange(height)).sum(axis=1) / mass).astype(int)
    right = np.rint(width / 2 - (soft.sum(axis=1) * np.arange(width)).sum(axis=1) / mass).astype(int)
    moved = np.stack([np.roll(each, (dy, dx), (0, 1)) for each, dy, dx in zip(soft, down, right, strict=True)])
    rows = moved.reshape(len(moved), -1)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


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
