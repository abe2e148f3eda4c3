"""Judges of the third model's training: more weight for classes with errors, augmentation of training images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from digitwise.exercise.evidence import Fed, Fit
from digitwise.exercise.judging.case import Case, Judgement
from digitwise.images import Float32, Float64, ImageSet, UInt8

# Beyond these a 1 looks like a 7, a 6 like a 9, or the digit leaves the image.
MOST = {
    "rotation": (40, "degrees"),
    "shift": (0.2, "of the width"),
    "zoom": (0.3, "of the size"),
    "shear": (30, "degrees"),
}
FLIPS = ("horizontal_flip", "vertical_flip")
REFERENCES = 80  # training images of a class to compare with
TELLING = 0.35  # share of unflipped images that look flipped, above which flips cannot be detected
FEWEST = 60  # images
UNEVEN = 1.05  # the favoured classes' weight over the others': a validation split alone causes less
WORST = 3  # classes
CLEARLY_WRONG = 0.01  # probability of so few errors in the favoured classes if all classes were equally hard
NO_FLIPS = "Do not flip: a mirrored 2 is no 2, and a 6 upside down is a 9. Rotate, shift and zoom a little instead."


def flips(augmentations: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """The flips among the settings, in words."""
    found = [
        name for kind, settings in augmentations if kind == "ImageDataGenerator" for name in FLIPS if settings.get(name)
    ]
    return [f"{name}=True" for name in found] + [kind for kind, _ in augmentations if kind == "RandomFlip"]


def excesses(augmentations: Sequence[tuple[str, Mapping[str, Any]]], width: int) -> list[str]:
    """The settings that exceed the limits, in words."""
    found = []
    for kind, settings in augmentations:
        for what, amount in _amounts(kind, settings, width):
            most, unit = MOST[what]
            if amount > most * 1.001:
                found.append(f"{what} of up to {amount:.3g} {unit}, expected at most {most:g}")
    return found


def does_something(augmentations: Sequence[tuple[str, Mapping[str, Any]]], width: int) -> bool:
    """Whether the settings change images at all."""
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
        yield "zoom", _largest([float(each) - 1 for each in zoom]) if isinstance(zoom, list) else _largest(zoom)
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


def looks_flipped(images: UInt8, labels: Sequence[int], train: ImageSet) -> str:
    """Detect flips: whether many images are more like the training images of their class when flipped back.

    Parameters
    ----------
    images : ndarray of uint8, shape (k, pixels)
        Given to a training.
    labels : sequence of int
    train : ImageSet
        Grey images.

    Returns
    -------
    str
        ``left to right``, ``upside down``, or empty. Unflipped training images give the share of digits that look
        flipped anyway; where it is large, the result is empty.
    """
    if train.images.ndim != 3 or len(images) < FEWEST:
        return ""
    given = images.reshape(-1, *train.images.shape[1:])
    classes = np.array(labels)
    order = np.random.default_rng(0).permutation(len(train))
    references, fresh = order[: REFERENCES * train.n_classes], order[REFERENCES * train.n_classes :][: len(given)]
    if len(fresh) < FEWEST:
        references, fresh = order[: len(order) // 2], order[len(order) // 2 :][: len(given)]
    known, known_classes = _aligned(train.images[references]), train.labels[references]
    for axis, word in ((2, "left to right"), (1, "upside down")):
        usual = _share_better_flipped(train.images[fresh], train.labels[fresh], known, known_classes, axis)
        share = _share_better_flipped(given, classes, known, known_classes, axis)
        if usual < TELLING and share > (usual + 0.5) / 2:  # the share if half of the images were flipped
            return word
    return ""


def _share_better_flipped(images: UInt8, labels: Any, known: Float32, known_classes: Any, axis: int) -> float:
    as_given = _likeness(_aligned(images), labels, known, known_classes)
    flipped = _likeness(_aligned(np.flip(images, axis)), labels, known, known_classes)
    return float((flipped > as_given).mean())


def _likeness(rows: Float32, labels: Any, known: Float32, known_classes: Any) -> Float32:
    """The cosine to the most similar known image of the same class, for each row."""
    like = rows @ known.T
    like[np.asarray(labels)[:, None] != known_classes[None, :]] = -1
    return np.asarray(like.max(axis=1), np.float32)


def _aligned(images: UInt8) -> Float32:
    """Blurred images with the centre of mass in the middle, to whole pixels, as rows of length one."""
    from scipy.ndimage import uniform_filter

    soft = uniform_filter(images.astype(np.float32), (0, 3, 3))
    height, width = soft.shape[1:]
    mass = np.maximum(soft.sum(axis=(1, 2)), 1e-6)
    down = np.rint(height / 2 - (soft.sum(axis=2) * np.arange(height)).sum(axis=1) / mass).astype(int)
    right = np.rint(width / 2 - (soft.sum(axis=1) * np.arange(width)).sum(axis=1) / mass).astype(int)
    moved = np.stack([np.roll(each, (dy, dx), (0, 1)) for each, dy, dx in zip(soft, down, right, strict=True)])
    rows = moved.reshape(len(moved), -1)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


def focus(case: Case) -> Judgement:
    """More training images, or more weight, for the classes with the most errors."""
    from scipy.special import bdtr

    hint = "Give the classes with the most errors more images, class_weight or sample_weight in model3's fit."
    weights = _weights(case)
    if weights is None:
        return _untrained(case)
    relative = weights / case.dataset.train.class_counts
    if not relative.min() * UNEVEN < relative.max():
        return Judgement(0, "every class has the same weight as in the training set", hint)
    favoured = np.flatnonzero(relative > np.median(relative) * (1 + (UNEVEN - 1) / 2))
    favoured = favoured if len(favoured) else np.array([relative.argmax()])
    names = ", ".join(map(str, favoured[np.argsort(-relative[favoured])]))
    missed = case.missed("model2")
    if missed is None or not missed.any():
        return Judgement(1, f"more weight for {names}")
    errors = np.bincount(case.labels[missed], minlength=len(relative))
    worst = [place for place in np.argsort(-errors, kind="stable")[:WORST] if errors[place]]
    most = ", ".join(f"{place} ({errors[place]})" for place in worst)
    reason = f"more weight for {names}; the improved model's errors are mostly of {most}"
    # Errors on the student's validation images differ by chance, so only a clearly wrong choice costs points.
    share = case.dataset.test.class_counts[favoured].sum() / len(case.labels)
    if bdtr(float(errors[favoured].sum()), int(errors.sum()), share) >= CLEARLY_WRONG:
        return Judgement(1, reason)
    return Judgement(0.5, reason, "Count model2's errors by class, and give more weight to the classes with the most.")


def augmented(case: Case) -> Judgement:
    """Augmentation that leaves a digit its label, on training images alone."""
    fits = case.fits("model3")
    if not fits:
        return _untrained(case)
    settings = [each for fit in fits for each in fit.augmentations]
    width = case.dataset.train.image_shape[1]
    if harm := _harm(case, fits, settings):
        return harm
    if does_something(settings, width):
        kinds = ", ".join(sorted({kind for kind, _ in settings}))
        return Judgement(1, f"{kinds} within the expected ranges, on training images")
    if any(fit.fed.images is not None or fit.fed.train + fit.fed.test < 0.9 * fit.fed.seen for fit in fits):
        return Judgement(1, "the images given to the training are augmented training images without flips")
    return Judgement(
        0,
        "the training images were not augmented",
        "Rotate, shift and zoom a little: ImageDataGenerator(rotation_range=10, zoom_range=0.1), or Random layers.",
    )


def _harm(case: Case, fits: list[Fit], settings: list[tuple[str, Mapping[str, Any]]]) -> Judgement | None:
    """The verdict on harmful images in a training; None without any."""
    if learned := case.learned_test("model3"):
        hint = "Augment and train on training images only."
        return Judgement(0, f"{learned:,} test images were used for training", hint)
    if found := flips(settings):
        return Judgement(0, f"images are flipped ({', '.join(sorted(set(found)))})", NO_FLIPS)
    if how := next(filter(None, (_flipped(case, fit.fed) for fit in fits)), ""):
        return Judgement(0, f"many of the training's images are flipped {how}", NO_FLIPS)
    if found := excesses(settings, case.dataset.train.image_shape[1]):
        hint = "Augment less: look at a few images and check that you can still read them."
        return Judgement(0.5, "; ".join(sorted(set(found))), hint)
    return None


def _flipped(case: Case, fed: Fed) -> str:
    """How the sampled images of a training are flipped; empty where they are not."""
    train = case.dataset.train
    if fed.images is None or fed.images.shape[1] != train.images[0].size:
        return ""
    labelled = [place for place, label in enumerate(fed.labels) if 0 <= label < train.n_classes]
    return looks_flipped(fed.images[labelled], [fed.labels[place] for place in labelled], train)


def _weights(case: Case) -> Float64 | None:
    """The weight of each class over all trainings of the third model; None if unknown."""
    total = np.zeros(case.dataset.train.n_classes)
    for fit in case.fits("model3"):
        counts = fit.fed.counts
        if counts is not None and len(counts) == len(total):
            total += counts * [fit.class_weight.get(place, 1.0) for place in range(len(total))]
    return total if total.sum() > 0 else None


def _untrained(case: Case) -> Judgement:
    if "model3" not in case.evidence.models:
        return case.unknown("model3")
    return Judgement(0, "no fit of model3 was seen", "Train model3 itself, with fit, in the notebook that you hand in.")
