"""Faults of single images: DW030 blank, DW031 range, DW032 polarity, DW033 placement."""

from __future__ import annotations

import numpy as np

from digitwise.checks.base import Finding, ImageCheck, Severity, tiles
from digitwise.checks.subject import SplitData, Subject
from digitwise.checks.thresholds import (
    BULK,
    CLIPPED,
    FAINT,
    GROUND,
    OFF_CENTRE,
    SATURATED,
    SPREADS,
    TOO_LARGE,
    UNSCALED,
)
from digitwise.errors import counted
from digitwise.images import Float64, Int64, Mask


def severity_of(found: Int64, part: SplitData) -> Severity:
    """A single image is a warning, a fault of the whole set an error."""
    return "error" if len(found) > max(1, BULK * len(part)) else "warning"


def spread(values: Float64) -> tuple[float, float]:
    """Median and robust standard deviation (1.4826 times the median absolute deviation)."""
    middle = float(np.median(values)) if len(values) else 0.0
    return middle, 1.4826 * float(np.median(np.abs(values - middle))) if len(values) else 0.0


class Blank(ImageCheck):
    """DW030."""

    code = "DW030"
    title = "blank or saturated images"
    meaning = (
        "There is nothing to read: one shade all over, or white nearly everywhere. Training on them teaches that "
        "nothing is a digit, and in use a blank field is read as one."
    )
    remedy = "Drop them (decision drop in a patch), and look where they come from: empty fields, a failed scan."

    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """Images without contrast, or saturated; those stored as 0 to 1 belong to DW031."""
        found = part.measures
        constant = found.highest == found.lowest
        unscaled = (found.highest <= UNSCALED) & ~constant
        blank, full = part.blank & ~unscaled, found.white > SATURATED
        indices = np.flatnonzero(blank | full).astype(np.int64)
        if not len(indices):
            return None
        kinds = {
            "constant": int(constant.sum()),
            "nearly blank": int((blank & ~constant).sum()),
            "saturated": int((full & ~blank).sum()),
        }
        words = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items() if n)
        return self.found(part, indices, severity_of(indices, part), words, kinds)


class PixelRange(ImageCheck):
    """DW031."""

    code = "DW031"
    title = "pixel range and scaling"
    meaning = (
        "A network trained on 0 to 255 (or 0.0 to 1.0) sees black in images stored on another scale. The usual "
        "causes: values 0.0 to 1.0 stored as whole numbers, images standardised already, two sources mixed."
    )
    remedy = "Go back to the originals and scale all images the same way: uint8 0 to 255, or floats 0.0 to 1.0."

    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """The whole set on a wrong scale, or else single images."""
        return self._whole(part) or self._single(part)

    def _whole(self, part: SplitData) -> Finding | None:
        pixels, (low, high) = part.raw.pixels, part.scale
        if part.extents[2].mean() < 0.5:
            words = "most images have pixels that are NaN or infinite"
        elif low < 0 or high > 255:
            usual = "standardised already" if low < 0 and high < 30 else "on a scale of their own"
            words = f"pixels from {low:.3g} to {high:.3g}: {usual}; expected 0 to 255 or 0.0 to 1.0"
        elif pixels.dtype.kind in "iu" and high <= 1:
            words = (
                f"whole numbers 0 and {high:g} only: values 0.0 to 1.0, stored as {pixels.dtype}, have lost their greys"
            )
        else:
            return None
        evidence = {"dtype": str(pixels.dtype), "lowest": low, "highest": high}
        return self.finding("error", words, evidence=evidence, split=part.split, count=len(part))

    def _single(self, part: SplitData) -> Finding | None:
        found = part.measures
        reach = found.highest.astype(np.float64) - found.lowest.astype(np.float64)
        middle, deviation = spread(reach)
        strange = self._strange(part)
        lost = (found.highest <= UNSCALED) & (reach > 0)
        faint = ~part.blank & (reach < min(FAINT * middle, middle - SPREADS * deviation))
        indices = np.flatnonzero(strange | lost | faint).astype(np.int64)
        if not len(indices):
            return None
        captions = [f"{part.name_of(i)} · {found.lowest[i]}–{found.highest[i]}" for i in indices]
        words = f"{counted(len(indices), 'image')} on another scale than the others, "
        words += f"whose values span {middle:.0f} grey levels"
        evidence = {
            "span_of_the_set": middle,
            "stored_as_0_to_1": int(lost.sum()),
            "not_finite": int((~part.extents[2]).sum()),
            "out_of_range": int(strange.sum()),
        }
        return self.found(part, indices, severity_of(indices, part), words, evidence, captions)

    @staticmethod
    def _strange(part: SplitData) -> Mask:
        """Images with values that the others' scale does not have: NaN, negative ones, 0 to 255 among 0.0 to 1.0."""
        low, high, finite = part.extents
        most = 255 if part.raw.pixels.dtype.kind not in "fb" or part.scale[1] > 1 else 1
        return np.asarray(~finite | (low < 0) | (high > most))


class Polarity(ImageCheck):
    """DW032."""

    code = "DW032"
    title = "polarity mixed or opposite"
    meaning = (
        "Digits are light on a dark ground here, as in MNIST; scans are dark on light. A network that learnt one reads "
        "the other at chance. Where both kinds are in one set, no rule for all of them can fix it."
    )
    remedy = "Invert the images concerned (255 − value), all of one kind, before training."

    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """A split turned against the other, or single images turned against their split."""
        if part is subject.test and part.dark != subject.train.dark:
            kinds = {False: "light on dark", True: "dark on light"}
            own, other = (
                each.dark != each.raw.inverted for each in (part, subject.train)
            )  # as they are in their files
            words = f"the test images are {kinds[own]}, the training images {kinds[other]}"
            return self.finding("error", words, split="test", count=len(part), tiles=tiles(part, _first(part)))
        indices = np.flatnonzero(opposite(part)).astype(np.int64)
        if len(indices):
            words = f"{counted(len(indices), 'image')} of the opposite polarity among {len(part):,}"
            return self.found(part, indices, severity_of(indices, part), words)
        if part is subject.train and part.dark:
            words = "all images are dark on light; MNIST and the models here are light on dark"
            return self.finding("info", words, count=len(part), tiles=tiles(part, _first(part)))
        return None


def opposite(part: SplitData) -> Mask:
    """Images whose ground is bright, once their set is light on dark; bool (n,)."""
    found = part.measures
    reach = np.maximum(found.highest.astype(float) - found.lowest, 1)
    return np.asarray(~part.blank & ((found.ground - found.lowest) / reach >= GROUND))


def _first(part: SplitData) -> Int64:
    return np.arange(min(len(part), 20), dtype=np.int64)


class Placement(ImageCheck):
    """DW033."""

    code = "DW033"
    title = "off-centre, cut off, or of another size"
    meaning = (
        "A network learns where digits stand and how large they are. MNIST's are centred by mass in 28x28 and fit a "
        "box of 20x20; images prepared in another way are read with several times the errors."
    )
    remedy = (
        "Prepare all images in one way (digitwise.normalize, digitwise data normalize: cropped, scaled and centred by "
        "mass), or train with wider shifts and zoom if the images in use are like that too."
    )

    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """Images far from the set's own norm."""
        if part.fitted_from:
            was, now = ("×".join(map(str, each)) for each in (part.fitted_from, part.images.shape[1:]))
            words = f"the {part.kind} images are {was}, the training images {now}"
            return self.finding("error", words, split=part.split, count=len(part))
        found, side = part.measures, max(part.images.shape[1:])
        usable = ~part.blank & ~opposite(part)
        if not usable.any():
            return None
        middle = [float(np.median(values[usable])) for values in (found.y, found.x)]
        offset = np.hypot(found.y - middle[0], found.x - middle[1]).astype(np.float64)
        usual, deviation = spread(offset[usable])
        off = usable & (offset > max(OFF_CENTRE * side, usual + SPREADS * deviation))
        size = np.maximum(np.maximum(found.height, found.width), 1).astype(np.float64)
        ratio = np.log(size / np.median(size[usable]))
        _, deviation = spread(ratio[usable])
        sized = usable & (np.abs(ratio) > max(np.log(TOO_LARGE), SPREADS * deviation))
        clipped = usable & (found.edge >= CLIPPED)
        if clipped.sum() > BULK * len(part):  # the set fills its frame
            clipped[:] = False
        indices = np.flatnonzero(off | sized | clipped).astype(np.int64)
        if not len(indices):
            return None
        kinds = {
            "off the centre": int(off.sum()),
            "of another size": int(sized.sum()),
            "cut off at the border": int(clipped.sum()),
        }
        captions = [
            f"{part.name_of(i)} · " + ("off centre" if off[i] else f"{size[i]:.0f} px" if sized[i] else "cut off")
            for i in indices
        ]
        words = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items() if n)
        evidence = {**kinds, "usual_centre": middle, "usual_size": float(np.median(size[usable]))}
        return self.found(part, indices, severity_of(indices, part), words, evidence, captions)
