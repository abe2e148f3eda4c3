"""Made scans of the training images, brought through ``normalize`` as a reader brings its own."""

from __future__ import annotations

import numpy as np

from digitwise.errors import RecipeError
from digitwise.fitting import is_dark_on_light
from digitwise.images import ImageSet, Int64, Mask, Splits, UInt8
from digitwise.normalize import SIDE, normalize
from digitwise.normalize.road import centred
from digitwise.synthetic import corrupted, cutout_of, drawn_digit, other_ink, scan_of
from digitwise.system import cores
from digitwise.training.watch import Watch

BLOCK = 250  # scans a call of a process, about a second of work
DISTURBED = 0.15  # share of scans that are not made large and fine but small, as the set has them, and worse
CUT_OUT = 0.12  # share of scans that are small bilevel images, cut at the ink
DRAWN = 0.2  # share of scans that are not of a training image, but of a drawn form of the same digit
OTHERS = 0.13  # images of no digit for each scan
IN_FORM = 0.4  # share of these that are not scanned, but have the form of the set at once
DIGITS = tuple("0123456789")  # the classes of which there are drawn forms, and of which other ink is none
WORSE = {  # what happens to those, between which severities; no fog, stripes or light: these normalize takes away
    "gaussian noise": (0.05, 0.35),
    "impulse noise": (0.02, 0.25),
    "gaussian blur": (0.5, 2.0),
    "motion blur": (2.0, 6.0),
    "jpeg": (4, 30),
}
NONE = -1  # in place of a source: other ink
FEW = 1_000  # scans up to which starting processes takes longer than making them


def with_scans(splits: Splits, share: float, *, seed: int, processes: int | None = None, watch: Watch) -> Splits:
    """Join the training images with scans of themselves.

    Parameters
    ----------
    splits : Splits
        Grey images of 28x28, light ink on a dark ground. The validation images stay as they are.
    share : float
        Scans an image: at 1.0 one of each, at 0.5 one of every other, at 0 none.
    seed : int
        The same one makes the same scans, whatever the number of processes.
    processes : int, optional
        By default one a core, or this one alone where there are few scans to make.
    watch : Watch
        Told about the progress.

    Returns
    -------
    Splits
        The images, then their scans; those on which ``normalize`` finds no ink are left out. Where the classes are
        the digits, a fifth of the scans are of drawn forms of the same digit, and images of other ink come with them.

    Raises
    ------
    RecipeError
        If the images are not as above.
    """
    train = splits.train
    count = round(share * len(train))
    if not count:
        return splits
    if not isinstance(train, ImageSet):
        raise RecipeError("scans: expected training images in memory to make scans of; choose a recipe without scans")
    _check(train)
    turns = -(-count // len(train))
    order = np.random.default_rng(seed % 2**32)
    sources = np.concatenate([order.permutation(len(train)) for _ in range(turns)])[:count].astype(np.int64)
    digits = train.labels if train.class_names == DIGITS else None
    everything = sources
    if digits is not None:
        everything = np.concatenate([sources, np.full(round(OTHERS * count), NONE, np.int64)])
    images, blank = _made(train.images, digits, everything, seed, processes or (1 if count <= FEW else cores()), watch)
    scans, others, kept = images[:count], images[count:], ~blank[:count]
    joined = ImageSet(
        np.concatenate([train.images, scans[kept]]),
        np.concatenate([train.labels, train.labels[sources[kept]]]),
        train.class_names,
    )
    return Splits(joined, splits.validation, None if digits is None else others[~blank[count:]])


def _check(train: ImageSet) -> None:
    if train.images.shape[1:] != (SIDE, SIDE):
        height, width, channels = train.image_shape
        raise RecipeError(
            f"scans: expected grey images of {SIDE}x{SIDE} to make scans of, got {height}x{width} with "
            f"{channels} channel{'s' if channels > 1 else ''}; choose a recipe without scans"
        )
    if is_dark_on_light(train.images):
        raise RecipeError(
            "scans: expected light ink on a dark ground, got dark on light; choose a recipe without scans"
        )


def _made(
    images: UInt8, digits: Int64 | None, sources: Int64, seed: int, processes: int, watch: Watch
) -> tuple[UInt8, Mask]:
    """Scans of the images named, normalised, uint8 (k, 28, 28), and which of them are blank, bool (k,)."""
    # Its processes do not run the caller's script again, as those of concurrent.futures do where fork is unsafe, which
    # it is with a deep learning library in the process; and they share the images rather than copy them.
    from joblib import Parallel, delayed

    starts = range(0, len(sources), BLOCK)
    tasks = (delayed(_block)(images, digits, sources[start : start + BLOCK], start, seed) for start in starts)
    parts = []
    for part in Parallel(n_jobs=min(processes, len(starts)), return_as="generator")(tasks):
        parts.append(part)
        watch.on_scans(min(len(parts) * BLOCK, len(sources)), len(sources))
    return np.concatenate([made for made, _ in parts]), np.concatenate([blank for _, blank in parts])


def _block(images: UInt8, digits: Int64 | None, sources: Int64, start: int, seed: int) -> tuple[UInt8, Mask]:
    made, blank = np.zeros((len(sources), SIDE, SIDE), np.uint8), np.zeros(len(sources), np.bool_)
    for place, source in enumerate(sources):
        rng = np.random.default_rng([seed % 2**32, start + place])
        image = _ink(images, digits, int(source), rng)
        if source == NONE and rng.random() < IN_FORM:
            made[place] = centred(np.divide(image, 255, dtype=np.float32))
            continue
        form = normalize(_scan(image, images, rng))
        made[place], blank[place] = form.image, form.blank
    return made, blank


def _ink(images: UInt8, digits: Int64 | None, source: int, rng: np.random.Generator) -> UInt8:
    """What is scanned: an image of the set, a drawn form of the same digit, or other ink."""
    if source == NONE:
        return other_ink(images, rng=rng)
    if digits is not None and rng.random() < DRAWN:
        return drawn_digit(int(digits[source]), rng=rng)
    return np.asarray(images[source])


def _scan(image: UInt8, pool: UInt8, rng: np.random.Generator) -> UInt8:
    """A digit as somebody may hand it in."""
    kind = rng.random()
    if kind < CUT_OUT:
        return cutout_of(image, rng=rng)
    if kind < CUT_OUT + DISTURBED and image.shape == (SIDE, SIDE):
        return _disturbed(image, rng)
    return scan_of(image, rng=rng, pool=pool)


def _disturbed(image: UInt8, rng: np.random.Generator) -> UInt8:
    kind = str(rng.choice(list(WORSE)))
    disturbed: UInt8 = corrupted(image[None], kind, rng.uniform(*WORSE[kind]), rng=rng)[0]
    return disturbed
