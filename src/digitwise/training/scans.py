"""Made scans of the training pictures, brought through ``normalize`` as a reader brings its own."""

from __future__ import annotations

import numpy as np

from digitwise.errors import RecipeError
from digitwise.fitting import is_dark_on_light
from digitwise.images import ImageSet, Int64, Mask, Splits, UInt8
from digitwise.normalize import SIDE, normalize
from digitwise.synthetic import corrupted, scan_of
from digitwise.system import cores
from digitwise.training.watch import Watch

BLOCK = 250  # scans a call of a process, about a second of work
DISTURBED = 0.15  # share of scans that are not made large and fine but small, as the set has them, and worse
WORSE = {  # what happens to those, between which severities; no fog, stripes or light: these normalize takes away
    "gaussian noise": (0.05, 0.35),
    "impulse noise": (0.02, 0.25),
    "gaussian blur": (0.5, 2.0),
    "motion blur": (2.0, 6.0),
    "jpeg": (4, 30),
}
FEW = 1_000  # scans up to which starting processes takes longer than making them


def with_scans(splits: Splits, share: float, *, seed: int, processes: int | None = None, watch: Watch) -> Splits:
    """Join the training pictures with scans of themselves.

    Parameters
    ----------
    splits : Splits
        Grey pictures of 28x28, light ink on a dark ground. The validation pictures stay as they are.
    share : float
        Scans a picture: at 1.0 one of each, at 0.5 one of every other, at 0 none.
    seed : int
        The same one makes the same scans, whatever the number of processes.
    processes : int, optional
        By default one a core, or this one alone where there are few scans to make.
    watch : Watch
        Told about the progress.

    Returns
    -------
    Splits
        The pictures, then their scans; those on which ``normalize`` finds no ink are left out.

    Raises
    ------
    RecipeError
        If the pictures are not as above.
    """
    train = splits.train
    count = round(share * len(train))
    if not count:
        return splits
    if not isinstance(train, ImageSet):
        raise RecipeError("scans: expected training pictures in memory to make scans of; choose a recipe without scans")
    _check(train)
    turns = -(-count // len(train))
    order = np.random.default_rng(seed % 2**32)
    sources = np.concatenate([order.permutation(len(train)) for _ in range(turns)])[:count].astype(np.int64)
    images, blank = _made(train.images, sources, seed, processes or (1 if count <= FEW else cores()), watch)
    joined = ImageSet(
        np.concatenate([train.images, images[~blank]]),
        np.concatenate([train.labels, train.labels[sources[~blank]]]),
        train.class_names,
    )
    return Splits(joined, splits.validation)


def _check(train: ImageSet) -> None:
    if train.images.shape[1:] != (SIDE, SIDE):
        height, width, channels = train.image_shape
        raise RecipeError(
            f"scans: expected grey pictures of {SIDE}x{SIDE} to make scans of, got {height}x{width} with "
            f"{channels} channel{'s' if channels > 1 else ''}; choose a recipe without scans"
        )
    if is_dark_on_light(train.images):
        raise RecipeError(
            "scans: expected light ink on a dark ground, got dark on light; choose a recipe without scans"
        )


def _made(images: UInt8, sources: Int64, seed: int, processes: int, watch: Watch) -> tuple[UInt8, Mask]:
    """Scans of the pictures named, normalised, uint8 (k, 28, 28), and which of them are blank, bool (k,)."""
    # Its processes do not run the caller's script again, as those of concurrent.futures do where fork is unsafe, which
    # it is with a deep learning library in the process; and they share the pictures rather than copy them.
    from joblib import Parallel, delayed

    starts = range(0, len(sources), BLOCK)
    tasks = (delayed(_block)(images, sources[start : start + BLOCK], start, seed) for start in starts)
    parts = []
    for part in Parallel(n_jobs=min(processes, len(starts)), return_as="generator")(tasks):
        parts.append(part)
        watch.on_scans(min(len(parts) * BLOCK, len(sources)), len(sources))
    return np.concatenate([made for made, _ in parts]), np.concatenate([blank for _, blank in parts])


def _block(images: UInt8, sources: Int64, start: int, seed: int) -> tuple[UInt8, Mask]:
    made, blank = np.zeros((len(sources), SIDE, SIDE), np.uint8), np.zeros(len(sources), np.bool_)
    for place, source in enumerate(sources):
        rng = np.random.default_rng([seed % 2**32, start + place])
        small = rng.random() < DISTURBED
        form = normalize(_disturbed(images[source], rng) if small else scan_of(images[source], rng=rng, pool=images))
        made[place], blank[place] = form.image, form.blank
    return made, blank


def _disturbed(picture: UInt8, rng: np.random.Generator) -> UInt8:
    kind = str(rng.choice(list(WORSE)))
    disturbed: UInt8 = corrupted(picture[None], kind, rng.uniform(*WORSE[kind]), rng=rng)[0]
    return disturbed
