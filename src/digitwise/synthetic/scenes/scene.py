"""Makes scenes, and batches of them in other processes while a network trains."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitwise.images import Float32, UInt8
from digitwise.maps import padded_with
from digitwise.synthetic.glyphs import Glyphs
from digitwise.synthetic.scenes import kinds
from digitwise.synthetic.scenes.canvas import MOST, Canvas, some_paper, some_tooth
from digitwise.synthetic.scenes.photo import Frame, cropped, seen, turned

TURNED = 0.22  # share of scenes turned by 90, 180 or 270 degrees
NOTHING = -3  # the label of a row without an object
AHEAD = 4  # batches made in advance, for each process
WINDOW = 96  # recent batches from which repeats are drawn
Batch = tuple[UInt8, Float32, Float32]  # images (n, 256, 256); objects (n, 96, 5); turn and fill (n, 2)
_GLYPHS: list[Glyphs] = []  # of this process, loaded once


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene and its truth.

    Parameters
    ----------
    image : ndarray of uint8, shape (256, 256)
    objects : ndarray of float32, shape (n, 5)
        Centre x and y, width and height in pixels, and label: an index in ``SIGNS``, or ``IGNORED``.
    turn : {0, 1, 2, 3}
        Quarter turns counter-clockwise that make it upright.
    frame : (int, int, int, int)
        Left, top, right and bottom of its photo or scan.
    """

    image: UInt8
    objects: Float32
    turn: int
    frame: Frame


@dataclass(frozen=True)
class SceneKind:
    """A kind of scenes."""

    compose: Callable[[Canvas], None]  # draws one on a canvas
    share: float  # of the scenes
    cropped: float = 0.5  # share of these that show only a part; small for kinds without a main object


KINDS = {
    "single": SceneKind(kinds.single, 0.12),
    "row": SceneKind(kinds.row, 0.3),
    "page": SceneKind(kinds.page, 0.2, cropped=0.15),
    "boxes": SceneKind(kinds.boxes, 0.1),
    "table": SceneKind(kinds.table, 0.12),
    "cheque": SceneKind(kinds.cheque, 0.11),
    "nothing": SceneKind(kinds.nothing, 0.05, cropped=0.15),
}


def scene_of(glyphs: Glyphs, *, rng: np.random.Generator) -> Scene:
    """Make a scene."""
    paper = some_paper(rng=rng)
    canvas = Canvas(glyphs, rng, paper, some_tooth(rng=rng))
    kind = KINDS[str(rng.choice(list(KINDS), p=[kind.share for kind in KINDS.values()]))]
    kind.compose(canvas)
    image = seen(canvas.paper, canvas.found, rng=rng)
    image, objects, frame = cropped(image, canvas.found, chance=kind.cropped, rng=rng)
    turn = int(rng.integers(1, 4)) if rng.random() < TURNED else 0
    image, objects, frame = turned(image, objects, frame, turn)
    return Scene(image, objects, turn, frame)


def write_glyphs(folder: Path, glyphs: Glyphs) -> None:
    """Write glyphs as files that processes map into shared memory."""
    for name in ("fields", "labels", "kinds"):
        np.save(folder / f"{name}.npy", getattr(glyphs, name))


def read_glyphs(folder: Path) -> Glyphs:
    """Map the glyphs of :func:`write_glyphs` into memory."""
    return Glyphs(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("fields", "labels", "kinds")))


def batches(folder: Path, *, seed: int, size: int, repeats: int | None, jobs: int, start: int = 0) -> Iterator[Batch]:
    """Yield batches without end, with ``repeats`` in the same order for any number of processes.

    Composing takes longer than training, so each batch is yielded when it is made and ``repeats`` - 1 times later.

    Parameters
    ----------
    folder : Path
        Of :func:`write_glyphs`.
    seed : int
        Of the scenes and their order.
    size : int
        Scenes a batch.
    repeats : int, optional
        Mean number of times that a batch is yielded. By default recent ones are repeated while the next is in the
        making, so that nobody waits.
    jobs : int
        Processes that compose.
    start : int
        The number of the first batch.

    Yields
    ------
    (ndarray of uint8, shape (n, 256, 256); ndarray of float32, shape (n, 96, 5); ndarray of float32, shape (n, 2))
        Images; objects as in :class:`Scene`, unused rows labelled :data:`NOTHING`; turns and grey values of the fill.
    """
    from joblib.externals.loky import ProcessPoolExecutor  # unlike spawn, does not run the caller's script again

    rng = np.random.default_rng([seed, start])
    kept: collections.deque[Batch] = collections.deque(maxlen=WINDOW)
    with ProcessPoolExecutor(jobs, initializer=_start, initargs=(str(folder),)) as pool:
        numbers = itertools.count(start)
        first = itertools.islice(numbers, AHEAD * jobs)
        pending = collections.deque(pool.submit(composed, (seed, number, size)) for number in first)
        while True:
            kept.append(pending.popleft().result())
            pending.append(pool.submit(composed, (seed, next(numbers), size)))
            yield kept[-1]
            shown = 1
            while shown < repeats if repeats else not pending[0].done():
                yield kept[rng.integers(len(kept))]
                shown += 1


def _start(folder: str) -> None:
    _GLYPHS[:] = [read_glyphs(Path(folder))]


def composed(task: tuple[int, int, int]) -> Batch:
    """Compose the batch of a seed, number and size."""
    seed, number, size = task
    scenes = [scene_of(_GLYPHS[0], rng=np.random.default_rng([seed, number, k])) for k in range(size)]
    objects = np.zeros((size, MOST, 5), np.float32)
    objects[..., 4] = NOTHING
    for rows, scene in zip(objects, scenes, strict=True):
        rows[: len(scene.objects)] = scene.objects
    about = np.array([[scene.turn, padded_with(scene.image)] for scene in scenes], np.float32)
    return np.stack([scene.image for scene in scenes]), objects, about
