"""Draws docs/read.png: a made page of MNIST's test digits, read by the bundled model.

From the root: ``python -m docs.read_figure``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

SEED = 5  # blue ink on white paper, digits of uneven size
PLACE = Path(__file__).with_name("read.png")


def draw() -> None:
    """Make the page, read it as the command line does, and keep the overlay at the README's width."""
    from benchmarks.made_pages import page_of
    from digitwise.cli.main import main
    from digitwise.data import load

    test = load("mnist").test
    rng = np.random.default_rng(SEED)
    places = rng.choice(len(test), 30, replace=False)
    page = page_of(test.images[places], test.labels[places], rng=rng)
    with tempfile.TemporaryDirectory() as folder:
        photo, overlay = Path(folder) / "photo.png", Path(folder) / "overlay.png"
        Image.fromarray(page.image).save(photo)
        main(["read", str(photo), "--overlay", str(overlay)])
        print(*page.lines, sep="\n")
        with Image.open(overlay) as drawn:
            drawn.thumbnail((900, 900), Image.Resampling.LANCZOS)
            drawn.save(PLACE, optimize=True)


if __name__ == "__main__":
    draw()
