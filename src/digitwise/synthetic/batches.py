"""Scenes in batches, composed by other processes while a network learns."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from digitwise.images import Float32, UInt8
from digitwise.synthetic.glyphs import Glyphs
from digitwise.synthetic.scenes import MOST, padded_with, scene_of

NOTHING = -3  # the label of a row without an object
AHEAD = 4  # batches a process that are made before they are asked for
Batch = tuple[UInt8, Float32, Float32]  # pictures (n, 256, 256); objects (n, 96, 5); turn and fill (n, 2)
_GLYPHS: list[Glyphs] = []


def _start(folder: str) -> None:
    """What a process that composes needs."""
    _GLYPHS[:] = [read_glyphs(Path(folder))]


def write_glyphs(folder: Path, glyphs: Glyphs) -> None:
    """Glyphs as files that processes map."""
    for name in ("fields", "labels", "kinds"):
        np.save(folder / f"{name}.npy", getattr(glyphs, name))


def read_glyphs(folder: Path) -> Glyphs:
    """The glyphs written."""
    return Glyphs(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("fields", "labels", "kinds")))


def composed(task: tuple[int, int, int]) -> Batch:
    """A batch of scenes by seed, number and size."""
    seed, number, size = task
    scenes = [scene_of(_GLYPHS[0], rng=np.random.default_rng([seed, number, k])) for k in range(size)]
    objects = np.zeros((size, MOST, 5), np.float32)
    objects[..., 4] = NOTHING
    for rows, scene in zip(objects, scenes, strict=True):
        rows[: len(scene.objects)] = scene.objects
    about = np.array([[scene.turn, padded_with(scene.picture)] for scene in scenes], np.float32)
    return np.stack([scene.picture for scene in scenes]), objects, about


def batches(folder: Path, *, seed: int, size: int, repeats: int, jobs: int, start: int = 0, window: int = 96) -> Iterator[Batch]:
    """Batches without end: each is shown when it is made, and again ``repeats`` - 1 times among the next ones."""
    from joblib.externals.loky import ProcessPoolExecutor  # does not run the caller's script again, as spawn does

    kept: list[Batch] = []
    rng = np.random.default_rng([seed, start])
    with ProcessPoolExecutor(jobs, initializer=_start, initargs=(str(folder),)) as pool:
        numbers = itertools.count(start)
        first = itertools.islice(numbers, AHEAD * jobs)
        pending = collections.deque(pool.submit(composed, (seed, number, size)) for number in first)
        while True:
            kept = [*kept[1 - window :], pending.popleft().result()]
            pending.append(pool.submit(composed, (seed, next(numbers), size)))
            yield kept[-1]
            for _ in range(repeats - 1):
                yield kept[rng.integers(len(kept))]
