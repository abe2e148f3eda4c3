"""Scenes in batches, composed by other processes while a network learns."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from digitwise.images import Float32, UInt8
from digitwise.maps import padded_with
from digitwise.synthetic.glyphs import Glyphs
from digitwise.synthetic.scenes import MOST, scene_of

NOTHING = -3  # the label of a row without an object
AHEAD = 4  # batches a process that are made before they are asked for
WINDOW = 96  # batches among which one is shown again
Batch = tuple[UInt8, Float32, Float32]  # pictures (n, 256, 256); objects (n, 96, 5); turn and fill (n, 2)
_GLYPHS: list[Glyphs] = []  # what this process composes with: sent once, not with each batch


def write_glyphs(folder: Path, glyphs: Glyphs) -> None:
    """Write glyphs as files that processes map into their memory, which all of them share."""
    for name in ("fields", "labels", "kinds"):
        np.save(folder / f"{name}.npy", getattr(glyphs, name))


def read_glyphs(folder: Path) -> Glyphs:
    """Map the glyphs written."""
    return Glyphs(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("fields", "labels", "kinds")))


def batches(
    folder: Path, *, seed: int, size: int, repeats: int, jobs: int, start: int = 0, window: int = WINDOW
) -> Iterator[Batch]:
    """Batches without end, the same and in the same order for any number of processes.

    Composing takes longer than learning, so each batch is shown when it is made and ``repeats`` - 1 times later.

    Parameters
    ----------
    folder : Path
        Of :func:`write_glyphs`.
    seed : int
        Of the scenes and their order.
    size : int
        Scenes a batch.
    repeats : int
        How often each is shown, on average.
    jobs : int
        Processes that compose.
    start : int
        The number of the first batch.
    window : int
        Of so many last ones one is taken to be shown again.

    Yields
    ------
    (ndarray of uint8, shape (n, 256, 256); ndarray of float32, shape (n, 96, 5); ndarray of float32, shape (n, 2))
        Pictures; objects as in :class:`~digitwise.synthetic.scenes.Scene`, other rows labelled :data:`NOTHING`;
        turns, and the grey values that pictures are filled with.
    """
    from joblib.externals.loky import ProcessPoolExecutor  # does not run the caller's script again, as spawn does

    rng = np.random.default_rng([seed, start])
    kept: collections.deque[Batch] = collections.deque(maxlen=window)
    with ProcessPoolExecutor(jobs, initializer=_start, initargs=(str(folder),)) as pool:
        numbers = itertools.count(start)
        first = itertools.islice(numbers, AHEAD * jobs)
        pending = collections.deque(pool.submit(composed, (seed, number, size)) for number in first)
        while True:
            kept.append(pending.popleft().result())
            pending.append(pool.submit(composed, (seed, next(numbers), size)))
            yield kept[-1]
            for _ in range(repeats - 1):
                yield kept[rng.integers(len(kept))]


def _start(folder: str) -> None:
    _GLYPHS[:] = [read_glyphs(Path(folder))]


def composed(task: tuple[int, int, int]) -> Batch:
    """The batch of a seed, number and size."""
    seed, number, size = task
    scenes = [scene_of(_GLYPHS[0], rng=np.random.default_rng([seed, number, k])) for k in range(size)]
    objects = np.zeros((size, MOST, 5), np.float32)
    objects[..., 4] = NOTHING
    for rows, scene in zip(objects, scenes, strict=True):
        rows[: len(scene.objects)] = scene.objects
    about = np.array([[scene.turn, padded_with(scene.picture)] for scene in scenes], np.float32)
    return np.stack([scene.picture for scene in scenes]), objects, about
