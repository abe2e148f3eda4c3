"""Judges of the third model's training: more weight for classes with errors, augmentation of training images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitwise.exercise.evidence import Fed
from digitwise.exercise.judging.case import Case, Judgement
from digitwise.exercise.language import number, say
from digitwise.exercise.registration import Registered, Registration
from digitwise.images import Float64, Mask

# Beyond these a 1 looks like a 7, a 6 like a 9, or the digit leaves the image.
MOST_DEGREES, MOST_SHIFT, MOST_ZOOM = 40, 0.2, 0.3  # the shift as a share of the width
SOME_DEGREES, SOME_PIXELS, SOME_ZOOM = 1.5, 0.3, 0.02  # from here on an image counts as rotated, shifted, zoomed
FLIPPED = 0.08  # share of the images, from which on flips are no accident of the registration
TOO_FAR = 0.2  # share of the images beyond the limits: the registration is rarely wrong
CHANGED = 0.1  # share of the images: with fewer, nothing was augmented
ENOUGH = 0.5  # share of the changed images that a training image fits
FEWEST = 16  # images
UNEVEN = 1.05  # the favoured classes' weight over the others': a validation split alone causes less
WORST = 3  # classes
CLEARLY_WRONG = 0.01  # probability of so few errors in the favoured classes if all classes were equally hard
LEARNED = 0.5  # accuracy: an untrained model has a tenth
NO_FLIPS = "Do not flip: a mirrored 2 is no 2, and a 6 upside down is a 9. Rotate, shift and zoom a little instead."


@dataclass(frozen=True)
class Changes:
    """What augmentation did to a sample of the images that went into a training, as counts and as arrays.

    Parameters
    ----------
    n : int
        Images of the sample.
    unchanged : int
        Training images as they are.
    found : Registered
        Of the others.
    width : int
        Of an image, in pixels.
    """

    n: int
    unchanged: int
    found: Registered
    width: int

    @property
    def lost(self) -> int:
        """Changed images that no training image fits."""
        return int((~self.found.matched).sum())

    @property
    def turn(self) -> Float64:
        """Degrees from the source, or from its flip: a flip upside down is one left to right, turned by 180."""
        degrees = np.abs(self.found.degrees)
        return np.where(self.found.mirrored & (degrees > 90), 180 - degrees, degrees)

    def flips(self, *, upside_down: bool) -> int:
        """Images flipped left to right, or upside down."""
        turned = np.abs(self.found.degrees) > 90
        return self._count(self.found.mirrored & (turned == upside_down))

    def _count(self, which: Mask) -> int:
        return int((which & self.found.matched).sum())

    def too_far(self) -> list[str]:
        """What went beyond the limits in many images, in words."""
        limits = (
            (self.turn > MOST_DEGREES, say("rotated by more than {most} degrees", most=MOST_DEGREES)),
            (self.found.pixels > MOST_SHIFT * self.width, say("shifted by more than a fifth of the width")),
            (np.abs(self.found.zoom - 1) > MOST_ZOOM, say("zoomed by more than {most} %", most=round(100 * MOST_ZOOM))),
        )
        return [
            say("{share} are {how}", share=self._share(self._count(which)), how=how)
            for which, how in limits
            if self._count(which) > TOO_FAR * self.n
        ]

    def words(self) -> str:
        """The share of each change."""
        found, usual = self.found, self.found.matched
        rotated, shifted = self.turn > SOME_DEGREES, found.pixels > SOME_PIXELS
        zoomed = np.abs(found.zoom - 1) > SOME_ZOOM
        counted = [
            (self.flips(upside_down=False), say("flipped left to right"), ""),
            (self.flips(upside_down=True), say("flipped upside down"), ""),
            (self._count(rotated), say("rotated"), _up_to(self.turn[usual & rotated], "°")),
            (self._count(shifted), say("shifted"), _up_to(found.pixels[usual & shifted], say(" pixels"))),
            (self._count(zoomed), say("zoomed"), _up_to(100 * np.abs(found.zoom - 1)[usual & zoomed], " %")),
            (self.unchanged, say("unchanged"), ""),
            (self.lost, say("changed in another way"), ""),
        ]
        told = ", ".join(f"{self._share(count)} {how}{much}" for count, how, much in counted if count)
        return say("of {n} images that went into the training, {told}", n=self.n, told=told)

    def _share(self, count: int) -> str:
        return f"{100 * count / self.n:.0f} %"


def _up_to(values: Float64, unit: str) -> str:
    """The range of most values: the last tenth may be registered wrongly."""
    if not len(values):
        return ""
    most = float(np.quantile(values, 0.9))
    return say(" (up to {most})", most=f"{number(round(most, 1 if most < 10 else 0))}{unit}")


def changes(fed: list[Fed], registration: Registration, width: int) -> Changes:
    """Register a sample of the images that went into a model's trainings."""
    pixels = registration.images[0].size
    images = [each.images for each in fed if each.images is not None and each.images.shape[1] == pixels]
    found = registration.register(np.concatenate(images) if images else np.zeros((0, pixels), np.uint8))
    unchanged = sum(each.unchanged for each in fed)
    return Changes(unchanged + len(found.matched), unchanged, found, width)


def augmented(case: Case) -> Judgement:
    """Augmentation that leaves a digit its label, on training images alone."""
    fits = case.fits("model3")
    if not fits:
        return _untrained(case)
    if learned := case.learned_test("model3"):
        hint = say("Augment and train on training images only.")
        return Judgement(0, say("{n} test images were used for training", n=f"{learned:,}"), hint)
    width = case.dataset.train.image_shape[1]
    measured = changes([fit.fed for fit in fits], case.registration, width)
    if measured.n < FEWEST:
        why = next((fit.fed.fault for fit in fits if fit.fed.fault), say("too few of its images were seen"))
        return _not_judged(why)
    return _verdict(measured)


def _verdict(measured: Changes) -> Judgement:
    words = measured.words()
    flipped = sum(measured.flips(upside_down=each) for each in (False, True))
    if flipped > FLIPPED * measured.n:
        return Judgement(0, words, say(NO_FLIPS))
    changed = measured.n - measured.unchanged
    if changed <= CHANGED * measured.n:
        hint = say("Rotate, shift and zoom a little, by RandomRotation, RandomTranslation and RandomZoom.")
        return Judgement(0, say("the training images were not augmented: {words}", words=words), hint)
    if measured.lost > (1 - ENOUGH) * changed:
        return _not_judged(say("no training image fits most of the changed images: {words}", words=words))
    if far := measured.too_far():
        hint = say("Augment less: look at a few images and check that you can still read them.")
        return Judgement(0.5, "; ".join([*far, words]), hint)
    return Judgement(1, words)


def _not_judged(why: str) -> Judgement:
    hint = say("Your teacher decides. Show a few of the images that go into the training, with their labels.")
    return Judgement(0, say("not judged, because {why}", why=why), hint, provisional=True)


def focus(case: Case) -> Judgement:
    """More training images, or more weight, for the classes with the most errors."""
    from scipy.special import bdtr

    hint = say("Give the classes with the most errors more images, class_weight or sample_weight in model3's fit.")
    weights = _weights(case)
    if weights is None:
        return _untrained(case)
    relative = weights / case.dataset.train.class_counts
    if not relative.min() * UNEVEN < relative.max():
        return Judgement(0, say("every class has the same weight as in the training set"), hint)
    favoured = np.flatnonzero(relative > np.median(relative) * (1 + (UNEVEN - 1) / 2))
    favoured = favoured if len(favoured) else np.array([relative.argmax()])
    names = ", ".join(map(str, favoured[np.argsort(-relative[favoured])]))
    missed = case.missed("model2")
    if missed is None or not missed.any():
        return Judgement(1, say("more weight for {names}", names=names))
    errors = np.bincount(case.labels[missed], minlength=len(relative))
    worst = [place for place in np.argsort(-errors, kind="stable")[:WORST] if errors[place]]
    most = ", ".join(f"{place} ({errors[place]})" for place in worst)
    reason = say("more weight for {names}; the improved model's errors are mostly of {most}", names=names, most=most)
    # Errors on the student's validation images differ by chance, so only a clearly wrong choice costs points.
    share = case.dataset.test.class_counts[favoured].sum() / len(case.labels)
    if bdtr(float(errors[favoured].sum()), int(errors.sum()), share) >= CLEARLY_WRONG:
        return Judgement(1, reason)
    return Judgement(
        0.5, reason, say("Count model2's errors by class, and give more weight to the classes with the most.")
    )


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
    if (case.accuracy("model3") or 0) > LEARNED:
        return _not_judged(
            say("the training of model3 was not seen: only fit and train_on_batch are recorded, in this notebook")
        )
    hint = say("Train model3 itself, with fit, in the notebook that you hand in.")
    return Judgement(0, say("no fit of model3 was seen"), hint)
