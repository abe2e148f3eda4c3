"""The paper of a scene, and what was on it before anybody wrote."""

from __future__ import annotations

import math

import numpy as np

from digitwise.images import Float32
from digitwise.synthetic.noise import smooth_noise
from digitwise.synthetic.scenes.canvas import SCENE, Canvas
from digitwise.synthetic.scenes.clutter import some_text, squares, text
from digitwise.synthetic.scenes.writing import Writing, some_writing, write

ROUND = 6.28  # radians; about 2 pi, as the finder was trained with


def some_paper(*, rng: np.random.Generator) -> Float32:
    """Empty paper, float32 (256, 256): its shade, its fibres, its stains, in grey levels."""
    base = rng.uniform(150, 253) if rng.random() < 0.85 else rng.uniform(90, 160)
    paper = np.full((SCENE, SCENE), base, np.float32)
    if rng.random() < 0.8:
        paper += rng.uniform(0.3, 5) * smooth_noise(paper.shape, rng.uniform(1.2, 6), rng=rng)
    if rng.random() < 0.5:
        paper += rng.uniform(1, 12) * smooth_noise(paper.shape, rng.uniform(12, 90), rng=rng)
    if rng.random() < 0.12:  # stains
        blot = smooth_noise(paper.shape, rng.uniform(15, 60), rng=rng)
        paper -= rng.uniform(5, 40) * np.clip((blot - rng.uniform(0.5, 1.2)) * 4, 0, 1)
    return paper


def some_tooth(*, rng: np.random.Generator) -> Float32:
    """How little ink each place of the paper takes, float32 (256, 256), 0 to 1."""
    return np.minimum(np.abs(smooth_noise((SCENE, SCENE), rng.uniform(1.1, 3), rng=rng)), 1)


def prepare(canvas: Canvas, w: Writing) -> None:
    """Patterns, squares, writing that shines through, which all further ink is laid on."""
    rng = canvas.rng
    kind = rng.random()
    if kind < 0.14:
        pattern(canvas)
    elif kind < 0.24:
        squares(canvas, w)
    if rng.random() < 0.1:
        _shine_through(canvas, w)
    canvas.settle()


def _shine_through(canvas: Canvas, w: Writing) -> None:
    """Faint, mirrored glyphs, as from the back of thin paper."""
    rng = canvas.rng
    faint = some_writing(w.height, rng=rng, contrast=w.ink * rng.uniform(0.1, 0.3))
    for _ in range(int(rng.integers(1, 12))):
        place = int(rng.integers(len(canvas.glyphs.labels)))
        side = w.height * rng.uniform(0.6, 1.2)
        x, base = rng.uniform(-10, SCENE), rng.uniform(0, SCENE + 20)
        write(canvas, place, x, base, (side, side), faint, mirrored=True)


def pattern(canvas: Canvas) -> None:
    """The security print of cheques and certificates: guilloches, a halftone, or small type."""
    rng = canvas.rng
    level = rng.uniform(4, 45)
    kind = rng.random()
    if kind < 0.55:
        canvas.paper -= np.float32(level) * _guilloche(rng=rng)
    elif kind < 0.75:
        canvas.paper -= np.float32(level) * _halftone(rng=rng)
    else:
        _small_type(canvas, level)


def _turned(angle: float) -> tuple[Float32, Float32]:
    """Coordinates of the scene's pixels along axes turned by an angle, float32 (256, 256) each."""
    y, x = np.mgrid[:SCENE, :SCENE].astype(np.float32)
    return x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)


def _guilloche(*, rng: np.random.Generator) -> Float32:
    """One or two families of waves, float32 (256, 256), 0 to 1."""
    period, amount, swing = rng.uniform(3, 14), rng.uniform(0, 12), rng.uniform(15, 90)
    u, v = _turned(rng.uniform(0, math.pi))
    wave = np.cos((u + amount * np.sin(v * (ROUND / swing))) * (ROUND / period))
    if rng.random() < 0.4:
        wave = np.maximum(wave, np.cos((u - amount * np.sin(v * (ROUND / swing))) * (ROUND / period)))
    return np.asarray(np.clip((wave - rng.uniform(-0.5, 0.6)) * 2, 0, 1))


def _halftone(*, rng: np.random.Generator) -> Float32:
    """Dots in a square lattice, float32 (256, 256), 0 to 1."""
    period = rng.uniform(3, 9)
    u, v = _turned(rng.uniform(0, math.pi))
    dots = np.cos(u * (ROUND / period)) * np.cos(v * (ROUND / period))
    return np.asarray(np.clip((dots - rng.uniform(0.1, 0.6)) * 3, 0, 1))


def _small_type(canvas: Canvas, level: float) -> None:
    """The same row of words over and over."""
    rng = canvas.rng
    size = rng.uniform(6, 12)
    row = " ".join(some_text(rng=rng) for _ in range(6))
    pitch = size * rng.uniform(1.1, 2)
    for top in np.arange(rng.uniform(-5, 0), SCENE, pitch):
        text(canvas, row, rng.uniform(-60, 0), top, size, level, name="DejaVuSans")
