"""Images that join the training images: those of other sets, and made scans.

Both are brought through ``normalize``, as a reader brings its own images.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitwise.errors import DataError, RecipeError
from digitwise.fitting import is_dark_on_light
from digitwise.images import Dataset, ImageSet, Int64, Mask, Splits, UInt8
from digitwise.normalization import SIDE, normalize, normalize_all
from digitwise.normalization.road import centred
from digitwise.synthetic import corrupted, cutout_of, drawn_digit, other_ink, scan_of
from digitwise.system import cores
from digitwise.training.watch import Watch

REPEATS = 4  # times an epoch shows each image of another set: a few writers would hardly count beside 60,000 images
BLOCK = 250  # scans that a process makes in one call, in about a second
DISTURBED = 0.15  # share of scans that are small, as the set's images, and corrupted
CUT_OUT = 0.12  # share of scans that are small bilevel images, cropped to the ink
DRAWN = 0.2  # share of scans that show a drawn form of the same digit instead of a training image
OTHERS = 0.13  # number of images of no digit over number of scans
IN_FORM = 0.4  # share of these that are centred as the set's images instead of being scanned
DIGITS = tuple("0123456789")  # the classes that have drawn forms and other ink
CORRUPTIONS = {  # of disturbed scans, with the range of severities; normalize removes fog, stripes and light
    "gaussian noise": (0.05, 0.35),
    "impulse noise": (0.02, 0.25),
    "gaussian blur": (0.5, 2.0),
    "motion blur": (2.0, 6.0),
    "jpeg": (4, 30),
}
NONE = -1  # source of other ink
FEW = 1_000  # scans: starting processes for no more than these takes longer than making them


def with_sets(splits: Splits, sets: Sequence[Dataset]) -> Splits:
    """Add all images of other sets to the training images, through ``normalize``.

    Parameters
    ----------
    splits : Splits
        The validation images stay as they are.
    sets : sequence of Dataset
        With the same classes and images of any size. Their test images are trained on too, so that such a set no longer
        measures the model.

    Returns
    -------
    Splits

    Raises
    ------
    DataError
        If a set has other classes, or the training images are not in memory or not grey and 28x28.
    """
    train = splits.train
    for each in sets:
        if each.train.class_names != train.class_names:
            names = (", ".join(names) for names in (train.class_names, each.train.class_names))
            raise DataError("{}: expected the classes {}, got {}".format(each.name, *names))
        for part in (each.train, each.test):
            images, blank = normalize_all(part.images)
            if not isinstance(train, ImageSet) or train.images.shape[1:] != images.shape[1:]:
                height, width = images.shape[1:]
                raise DataError(f"{each.name}: expected training images in memory, grey and {height}x{width}, to join")
            places = np.tile(np.flatnonzero(~blank), REPEATS)
            train = ImageSet(
                np.concatenate([train.images, images[places]]),
                np.concatenate([train.labels, part.labels[places]]),
                train.class_names,
            )
    return Splits(train, splits.validation, splits.others)


def with_scans(splits: Splits, share: float, *, seed: int, watch: Watch) -> Splits:
    """Add made scans of the training images to them.

    Parameters
    ----------
    splits : Splits
        Grey images of 28x28 in memory, light ink on a dark ground. The validation images stay as they are.
    share : float
        Number of scans over number of images: 1.0 for one of each, 0 for none.
    seed : int
        Decides the scans, whatever the number of processes.
    watch : Watch

    Returns
    -------
    Splits
        The images, then their scans, without those on which ``normalize`` finds no ink. Where the classes are the
        digits, a fifth of the scans are of drawn forms of the same digit, and ``others`` holds images of other ink.

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
    rounds = -(-count // len(train))
    rng = np.random.default_rng(seed % 2**32)
    sources = np.concatenate([rng.permutation(len(train)) for _ in range(rounds)])[:count].astype(np.int64)
    digits = train.labels if train.class_names == DIGITS else None
    everything = sources
    if digits is not None:
        everything = np.concatenate([sources, np.full(round(OTHERS * count), NONE, np.int64)])
    images, blank = _made(train.images, digits, everything, seed, 1 if count <= FEW else cores(), watch)
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
    """Normalised scans of the images with these indices, uint8 (k, 28, 28), and which are blank, bool (k,)."""
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
    """The image to scan: one of the set, a drawn form of the same digit, or other ink."""
    if source == NONE:
        return other_ink(images, rng=rng)
    if digits is not None and rng.random() < DRAWN:
        return drawn_digit(int(digits[source]), rng=rng)
    return np.asarray(images[source])


def _scan(image: UInt8, pool: UInt8, rng: np.random.Generator) -> UInt8:
    """A digit as a user may send it."""
    kind = rng.random()
    if kind < CUT_OUT:
        return cutout_of(image, rng=rng)
    if kind < CUT_OUT + DISTURBED and image.shape == (SIDE, SIDE):
        return _disturbed(image, rng)
    return scan_of(image, rng=rng, pool=pool)


def _disturbed(image: UInt8, rng: np.random.Generator) -> UInt8:
    kind = str(rng.choice(list(CORRUPTIONS)))
    disturbed: UInt8 = corrupted(image[None], kind, rng.uniform(*CORRUPTIONS[kind]), rng=rng)[0]
    return disturbed
